package io.gyre.driver;

/** What an {@link Operation} asks of a {@link Driver}. */
public enum OpCode {
  /** Does nothing and resolves with 0: measures the way there and back. */
  NOP,
  /** Opens a file; the argument is an {@link OpenRequest}, the outcome a {@link Descriptor}. */
  OPEN,
  /** Reads into memory at an offset; resolves with the number of bytes, 0 at the end of the file. */
  READ,
  /** Writes from memory at an offset; resolves with the number of bytes, which may be fewer than asked for. */
  WRITE,
  /** Flushes a file to its device; {@link Operation#flags()} 1 leaves out metadata that is not needed to read it. */
  FSYNC,
  /** Asks for a file's size, which comes as {@link Operation#longResult()}. */
  SIZE,
  /** Closes a descriptor; the dispatcher submits it, once nothing is in flight on that descriptor. */
  CLOSE,
  /** Accepts one connection; the outcome is a {@link Descriptor}. */
  ACCEPT,
  /** Accepts connections until cancelled or failed; each is an outcome with {@link Operation#hasMore()}. */
  ACCEPT_MULTISHOT,
  /** Connects a socket; the argument is an {@link java.net.InetSocketAddress}. */
  CONNECT,
  /** Receives once into memory; resolves with the number of bytes, 0 at the end of the stream. */
  RECEIVE,
  /**
   * Receives into leased buffers until the end of the stream (0), an error or a cancellation; each buffer is an
   * outcome with {@link Operation#hasMore()}. A lack of buffers is never an outcome: the driver waits for one.
   */
  RECEIVE_MULTISHOT,
  /** Sends all of its memory, in as many parts as it takes; resolves with the number of bytes. */
  SEND,
  /** Shuts down a socket; {@link Operation#flags()} is 0 for input, 1 for output, 2 for both. */
  SHUTDOWN,
  /**
   * Waits until the descriptor, or the {@link io.gyre.PollSource} that is the argument, is ready; {@link
   * Operation#flags()} are the events of poll(2) to wait for, the result those that came.
   */
  POLL,
  /** The same until cancelled or failed; each event is an outcome with {@link Operation#hasMore()}. */
  POLL_MULTISHOT,
  /** Whatever the argument, a {@link RawOperation}, says. */
  RAW;

  private final String lowerCaseName =
      name().toLowerCase(java.util.Locale.ROOT).replace("_multishot", "");

  /**
   * The name that error messages use.
   *
   * @return the name in lower case, without what tells a multishot apart
   */
  public String displayName() {
    return lowerCaseName;
  }

  /**
   * Whether errors of this operation are those of a socket, not those of a file.
   *
   * @return true for operations that only sockets have
   */
  public boolean isSocketOperation() {
    return switch (this) {
      case ACCEPT, ACCEPT_MULTISHOT, CONNECT, RECEIVE, RECEIVE_MULTISHOT, SEND, SHUTDOWN -> true;
      case NOP, OPEN, READ, WRITE, FSYNC, SIZE, CLOSE, POLL, POLL_MULTISHOT, RAW -> false;
    };
  }
}
