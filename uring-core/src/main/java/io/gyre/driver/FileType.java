package io.gyre.driver;

/** What a name in a file system stands for. */
public enum FileType {
  /** A file with content. */
  REGULAR(0x8000),
  /** A directory. */
  DIRECTORY(0x4000),
  /** A symbolic link. */
  SYMBOLIC_LINK(0xA000),
  /** A named pipe. */
  FIFO(0x1000),
  /** A Unix domain socket. */
  SOCKET(0xC000),
  /** A block device. */
  BLOCK_DEVICE(0x6000),
  /** A character device. */
  CHARACTER_DEVICE(0x2000),
  /** The file system does not tell. */
  UNKNOWN(0);

  private static final int MASK = 0xF000; // S_IFMT

  private final int bits;

  FileType(int bits) {
    this.bits = bits;
  }

  /**
   * The type that the upper bits of a mode say.
   *
   * @param mode as stat(2) gives it
   * @return the type
   */
  public static FileType ofMode(int mode) {
    for (var type : values()) {
      if (type.bits == (mode & MASK)) {
        return type;
      }
    }
    return UNKNOWN;
  }

  /**
   * The type that getdents64(2) says, whose DT_* are the same bits further down.
   *
   * @param number a DT_* constant
   * @return the type
   */
  public static FileType ofEntry(int number) {
    return ofMode(number << 12);
  }
}
