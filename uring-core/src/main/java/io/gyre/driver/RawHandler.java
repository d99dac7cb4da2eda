package io.gyre.driver;

/**
 * Takes the outcomes of a {@link RawOperation}, on the loop's thread and never from inside the call that started it.
 * Must not block.
 *
 * @param <A> the attachment's type
 */
public interface RawHandler<A> {
  /** IORING_CQE_F_MORE: more outcomes of this operation follow. */
  int MORE = 1 << 1;

  /** IORING_CQE_F_NOTIF: the second outcome of a zero-copy send: the memory is the caller's again. */
  int NOTIFICATION = 1 << 3;

  /** For the runtime: the completion that tells a handler of this kind. */
  Completion NOTIFY = RawHandler::notify;

  /**
   * The operation succeeded, or has an outcome that is not its last.
   *
   * @param result as the kernel gave it; negative only together with {@link #MORE}: each expiry of a multishot TIMEOUT is
   *     an ETIME, and a zero-copy send that failed tells so before its notification
   * @param completionFlags IORING_CQE_F_*; without {@link #MORE} this is the last call
   * @param attachment what was given along
   */
  void completed(int result, int completionFlags, A attachment);

  /**
   * The operation failed or was cancelled. The last call.
   *
   * @param cause why, naming the opcode, the subject and the errno
   * @param errno the kernel's error number, which is no failure for all opcodes: a TIMEOUT that has run ends with ETIME;
   *     0 when the kernel was not asked
   * @param attachment what was given along
   */
  void failed(Throwable cause, int errno, A attachment);

  private static void notify(Operation operation, int result) {
    @SuppressWarnings("unchecked") // set together with its attachment
    var handler = (RawHandler<Object>) operation.handler();
    if (result >= 0 || operation.hasMore()) {
      handler.completed(result, (int) operation.longResult(), operation.attachment());
    } else {
      int errno = operation.failure == null ? -result : 0;
      handler.failed(operation.failure(result), errno, operation.attachment());
    }
  }
}
