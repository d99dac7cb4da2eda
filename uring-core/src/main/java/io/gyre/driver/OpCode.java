package io.gyre.driver;

/** What an {@link Operation} asks of a {@link Driver}. */
public enum OpCode {
  /** Does nothing and resolves with 0: measures the way there and back. */
  NOP,
  /**
   * Opens a file or directory; the argument is an {@link OpenRequest}, whose path is relative to the descriptor if there
   * is one; the outcome is a {@link Descriptor}.
   */
  OPEN,
  /**
   * Reads into memory at an offset; resolves with the number of bytes, 0 at the end of the file. {@link
   * Operation#flags()} are {@link TransferFlags}.
   */
  READ,
  /**
   * Writes from memory at an offset; resolves with the number of bytes, which may be fewer than asked for. {@link
   * Operation#flags()} are {@link TransferFlags}.
   */
  WRITE,
  /** As {@link #READ}, into the buffers of {@link Operation#vector()}, one after the other. */
  READV,
  /** As {@link #WRITE}, from the buffers of {@link Operation#vector()}, one after the other. */
  WRITEV,
  /** Flushes a file to its device; {@link Operation#flags()} 1 leaves out metadata that is not needed to read it. */
  FSYNC,
  /** Asks for a file's size, which comes as {@link Operation#longResult()}. */
  SIZE,
  /** Makes a file {@link Operation#offset()} bytes long. */
  TRUNCATE,
  /**
   * Manages the space of {@link Operation#length()} bytes from an offset on; {@link Operation#flags()} are those of
   * fallocate(2): 0 allocates, 1 without making the file longer, 3 punches a hole, 16 and 17 write zeros.
   */
  ALLOCATE,
  /**
   * Says how {@link Operation#length()} bytes from an offset on, 0 for all, will be used; {@link Operation#flags()} is
   * the advice of posix_fadvise(2).
   */
  ADVISE,
  /**
   * Begins or awaits the writing of {@link Operation#length()} bytes from an offset on, 0 for all; {@link
   * Operation#flags()} are those of sync_file_range(2), which promises nothing after a power failure.
   */
  SYNC_RANGE,
  /**
   * Asks for what there is to know of a file, which comes as {@link Operation#value()}, a {@link FileStatus}: that of
   * the descriptor, or of the argument, a {@link PathRequest}; {@link Operation#flags()} 1 does not follow a symbolic
   * link.
   */
  ATTRIBUTES,
  /**
   * Changes what the argument, an {@link AttributeRequest}, says; {@link Operation#flags()} 1 does not follow a symbolic
   * link.
   */
  SET_ATTRIBUTES,
  /**
   * Locks {@link Operation#length()} bytes from an offset on against other open files and processes; {@link
   * Operation#flags()} 1 shares them, 2 does not wait. Resolves with 1, or 0 when it would have had to wait.
   */
  LOCK,
  /** Ends the lock of exactly {@link Operation#length()} bytes from an offset on. */
  UNLOCK,
  /**
   * Copies {@link Operation#length()} bytes at most from an offset of the descriptor to {@link Operation#otherOffset()} of
   * {@link Operation#otherDescriptor()}, within the kernel; resolves with the number of bytes, 0 at the end.
   */
  COPY_RANGE,
  /**
   * Moves {@link Operation#length()} bytes at most from the descriptor to {@link Operation#otherDescriptor()}, of which
   * one must be a pipe, whose offset is -1; resolves with the number of bytes, 0 at the end.
   */
  SPLICE,
  /**
   * Looks for the next data ({@link Operation#flags()} 0) or hole (1) at an offset or behind it; its offset comes as
   * {@link Operation#longResult()}, -1 if there is none.
   */
  SEEK,
  /** Creates the directory that the argument, a {@link PathRequest}, names. */
  MAKE_DIRECTORY,
  /**
   * Removes what the argument, a {@link PathRequest}, names; {@link Operation#flags()} 0 a file, 1 an empty directory.
   */
  REMOVE,
  /**
   * Gives what the argument, a {@link PathRequest}, names its second path; {@link Operation#flags()} are those of
   * renameat2(2): 0 replaces, 1 fails if there is something, 2 exchanges the two.
   */
  RENAME,
  /** Creates a symbolic link at the argument's path, a {@link PathRequest}, that says its second path. */
  SYMBOLIC_LINK,
  /** Gives what the argument's path, a {@link PathRequest}, names its second path as a further name. */
  LINK,
  /** Reads the symbolic link that the argument, a {@link PathRequest}, names; {@link Operation#value()} is a path. */
  READ_LINK,
  /**
   * Asks for the next names in a directory, which come as {@link Operation#value()}, a list of {@link DirectoryEntry},
   * empty at the end; {@link Operation#flags()} 1 begins anew. One at a time on each descriptor.
   */
  LIST,
  /** Closes a descriptor; the dispatcher submits it, once nothing is in flight on that descriptor. */
  CLOSE,
  /** Accepts one connection; the outcome is a {@link Descriptor}. {@link Operation#flags()} are {@link AcceptFlags}. */
  ACCEPT,
  /**
   * Accepts connections until cancelled or failed; each is an outcome with {@link Operation#hasMore()}. {@link
   * Operation#flags()} are {@link AcceptFlags}.
   */
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
  /**
   * Sends all of its memory, or of its {@link Operation#vector()}, in as many parts as it takes; resolves with the number
   * of bytes. Sends on one socket go out in the order in which they were submitted, none before all of the one before it. {@link Operation#flags()} are {@link
   * SendFlags}.
   */
  SEND,
  /** Waits until a stream has few writes left; the stream ends it, and no driver sees it. */
  AWAIT_WRITABLE,
  /** Waits until it is a file's turn to go into a stream; the stream ends it, and no driver sees it. */
  SEND_FILE,
  /**
   * Receives one datagram into memory; resolves with the number of bytes that are there of it, which may be 0. The
   * argument, a {@link MessageHeader}, takes who sent it and whether it was longer.
   */
  RECEIVE_MESSAGE,
  /**
   * Receives datagrams into leased buffers of the socket's own until an error or a cancellation; each is an outcome with
   * {@link Operation#hasMore()}, and its number of bytes may be 0. The argument, a {@link MessageHeader}, is that of the
   * outcome under way. A lack of buffers is never an outcome: the driver waits for one.
   */
  RECEIVE_MESSAGE_MULTISHOT,
  /**
   * Sends all of its memory to the argument, an {@link java.net.InetSocketAddress}, or without one to where the socket is
   * connected: as one datagram, or with a {@link Operation#length()} that is not 0 as datagrams of that many bytes, of
   * which the last may be shorter. Resolves with the number of bytes.
   */
  SEND_MESSAGE,
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
      name().toLowerCase(java.util.Locale.ROOT).replace("_multishot", "").replace('_', ' ');

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
      case AWAIT_WRITABLE, SEND_FILE -> true;
      case RECEIVE_MESSAGE, RECEIVE_MESSAGE_MULTISHOT, SEND_MESSAGE -> true;
      case NOP, OPEN, READ, WRITE, READV, WRITEV, FSYNC, SIZE, CLOSE -> false;
      case TRUNCATE, ALLOCATE, ADVISE, SYNC_RANGE, ATTRIBUTES, SET_ATTRIBUTES -> false;
      case LOCK, UNLOCK, COPY_RANGE, SPLICE, SEEK -> false;
      case MAKE_DIRECTORY, REMOVE, RENAME, SYMBOLIC_LINK, LINK, READ_LINK, LIST -> false;
      case POLL, POLL_MULTISHOT, RAW -> false;
    };
  }
}
