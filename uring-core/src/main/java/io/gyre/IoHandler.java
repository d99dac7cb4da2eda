package io.gyre;

/**
 * Takes the outcome of an operation whose result is a number: {@link java.nio.channels.CompletionHandler} without
 * boxing. One handler can serve any number of operations, told apart by their attachments, so that an operation
 * allocates nothing.
 *
 * <p>Exactly one of the two methods is called for each operation, on the thread of the loop that the file or socket
 * belongs to, and never from inside the call that started the operation. They must not block: what blocks one handler
 * blocks everything else on that loop. What they throw goes to the runtime's exception handler.
 *
 * @param <A> the attachment's type
 */
public interface IoHandler<A> {
  /**
   * The operation succeeded.
   *
   * @param result what the operation's documentation says, mostly a number of bytes; -1 at the end of a file or stream
   * @param attachment what was given to the call that started the operation
   */
  void completed(int result, A attachment);

  /**
   * The operation failed or was cancelled.
   *
   * @param cause why: the exception that java.nio would throw, naming the operation, the path or address, and the errno
   * @param attachment what was given to the call that started the operation
   */
  void failed(Throwable cause, A attachment);
}
