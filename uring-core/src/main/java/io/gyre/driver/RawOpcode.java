package io.gyre.driver;

/**
 * The opcodes of io_uring, and what of an entry is an address in each: so that a number never becomes one, and that the
 * kernel writes no more than the memory holds. As of Linux 6.18; a test compares names and numbers with the headers.
 */
@SuppressWarnings("ImmutableEnumChecker") // a record of two numbers is immutable
enum RawOpcode {
  NOP,
  READV(Field.perLength(16)),
  WRITEV(Field.perLength(16)),
  FSYNC,
  READ_FIXED(Field.perLength(1)),
  WRITE_FIXED(Field.perLength(1)),
  POLL_ADD,
  POLL_REMOVE("it names the runtime's own operations; cancel the registration"),
  SYNC_FILE_RANGE,
  SENDMSG(Field.bytes(56)),
  RECVMSG(Field.bytes(56)),
  TIMEOUT(Field.bytes(16)),
  TIMEOUT_REMOVE("it names the runtime's own operations; cancel the registration"),
  ACCEPT(Field.bytes(128), Field.bytes(4)),
  ASYNC_CANCEL("it could cancel the runtime's own operations; cancel the registration"),
  LINK_TIMEOUT(Field.bytes(16)),
  CONNECT(Field.bytes(2)),
  FALLOCATE,
  OPENAT(Field.bytes(1)),
  CLOSE,
  FILES_UPDATE("the table of registered files is the runtime's"),
  STATX(Field.bytes(1), Field.bytes(256)),
  READ(Field.perLength(1)),
  WRITE(Field.perLength(1)),
  FADVISE,
  MADVISE("it works on the JVM's own memory; call madvise(2)"),
  SEND(Field.perLength(1), Field.bytes(2)),
  RECV(Field.perLength(1)),
  OPENAT2(Field.bytes(1), Field.bytes(24)),
  EPOLL_CTL(Field.bytes(12)),
  SPLICE,
  PROVIDE_BUFFERS("buffer groups are the runtime's"),
  REMOVE_BUFFERS("buffer groups are the runtime's"),
  TEE,
  SHUTDOWN,
  RENAMEAT(Field.bytes(1), Field.bytes(1)),
  UNLINKAT(Field.bytes(1)),
  MKDIRAT(Field.bytes(1)),
  SYMLINKAT(Field.bytes(1), Field.bytes(1)),
  LINKAT(Field.bytes(1), Field.bytes(1)),
  MSG_RING("it posts to rings behind the back of their owners; use EventLoop.execute"),
  FSETXATTR(Field.bytes(1), Field.perLength(1)),
  SETXATTR(Field.bytes(1), Field.perLength(1), Field.bytes(1)),
  FGETXATTR(Field.bytes(1), Field.perLength(1)),
  GETXATTR(Field.bytes(1), Field.perLength(1), Field.bytes(1)),
  SOCKET,
  URING_CMD("what it reads and writes depends on the file, and can't be checked"),
  SEND_ZC(Field.perLength(1), Field.bytes(2)),
  SENDMSG_ZC(Field.bytes(56)),
  READ_MULTISHOT("it takes buffers from a group, and those are the runtime's"),
  WAITID(Field.NUMBER, Field.bytes(128)),
  FUTEX_WAIT(Field.bytes(4)),
  FUTEX_WAKE(Field.bytes(4)),
  FUTEX_WAITV(Field.perLength(24)),
  FIXED_FD_INSTALL("the table of registered files is the runtime's"),
  FTRUNCATE,
  BIND(Field.bytes(2)),
  LISTEN,
  RECV_ZC("it needs a registered interface queue"),
  EPOLL_WAIT(Field.perLength(16)),
  READV_FIXED(Field.perLength(16)),
  WRITEV_FIXED(Field.perLength(16)),
  PIPE(Field.bytes(8)),
  NOP128("the ring's entries have 64 bytes"),
  URING_CMD128("the ring's entries have 64 bytes");

  private static final RawOpcode[] BY_NUMBER = values();

  /** What a field of an entry is: a number, or the address of memory of some size. */
  record Field(int bytes, int bytesPerLength) {
    static final Field NUMBER = new Field(0, 0);

    /** An address of at least so many bytes. */
    static Field bytes(int count) {
      return new Field(count, 0);
    }

    /** An address of as many bytes as the entry's length says, times a factor. */
    static Field perLength(int factor) {
      return new Field(0, factor);
    }

    boolean isNumber() {
      return equals(NUMBER);
    }

    long requiredBytes(int length) {
      return bytes + (long) bytesPerLength * length;
    }
  }

  private final Field addr;
  private final Field addr2;
  private final Field addr3;
  private final String refusal;

  RawOpcode(Field... addresses) {
    this.addr = addresses.length > 0 ? addresses[0] : Field.NUMBER;
    this.addr2 = addresses.length > 1 ? addresses[1] : Field.NUMBER;
    this.addr3 = addresses.length > 2 ? addresses[2] : Field.NUMBER;
    this.refusal = null;
  }

  RawOpcode(String refusal) {
    this.addr = Field.NUMBER;
    this.addr2 = Field.NUMBER;
    this.addr3 = Field.NUMBER;
    this.refusal = refusal;
  }

  /** The opcode of a number, which must be one that is allowed. */
  static RawOpcode of(int number) {
    if (number < 0 || number >= BY_NUMBER.length) {
      throw new IllegalArgumentException(
          "opcode " + number + " is not known here: of what it would do with memory nothing is");
    }
    var opcode = BY_NUMBER[number];
    if (opcode.refusal != null) {
      throw new IllegalArgumentException(opcode.displayName() + " is refused: " + opcode.refusal);
    }
    return opcode;
  }

  String displayName() {
    return "IORING_OP_" + name();
  }

  /** What addr (0), addr2 (1) or addr3 (2) is. */
  Field field(int index) {
    return index == 0 ? addr : index == 1 ? addr2 : addr3;
  }

  /** Whether a file index would be a place in the table of registered files. */
  boolean hasFixedSlot() {
    return switch (this) {
      case OPENAT, OPENAT2, ACCEPT, SOCKET, PIPE, CLOSE -> true;
      default -> false;
    };
  }
}
