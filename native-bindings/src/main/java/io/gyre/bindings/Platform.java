package io.gyre.bindings;

import java.util.Locale;

/**
 * The CPU that this JVM runs on, and the constants whose value depends on it.
 *
 * <p>The generated classes hold only what x86_64 and aarch64 agree on. The flags of open(2) below
 * are the ones that they do not agree on and that the runtime uses. {@code struct stat} and {@code
 * struct epoll_event} differ as well and are not bound at all: statx(2) and io_uring take their
 * place.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/open.2.html">open(2)</a>
 */
public final class Platform {
  private static final Cpu CPU = cpuOf(System.getProperty("os.arch"));

  // The flag is always set together with O_DIRECTORY: a kernel too old for it then fails with
  // EISDIR or ENOTDIR.
  private static final int TMPFILE_BIT = 0_20000000;

  private Platform() {}

  /** A CPU architecture, as far as it matters to the values of the kernel's constants. */
  public enum Cpu {
    /** Also known as amd64. Its values are those of include/uapi/asm-generic/fcntl.h. */
    X86_64(0_40000, 0_200000, 0_400000),

    /** Also known as arm64. Its values are those of arch/arm64/include/uapi/asm/fcntl.h. */
    AARCH64(0_200000, 0_40000, 0_100000),

    /**
     * Anything else: the bindings have not been checked there, and {@link LiburingLibrary#load}
     * refuses.
     */
    OTHER(0, 0, 0);

    private final int direct;
    private final int directory;
    private final int noFollow;

    Cpu(int direct, int directory, int noFollow) {
      this.direct = direct;
      this.directory = directory;
      this.noFollow = noFollow;
    }
  }

  /**
   * The CPU that this JVM runs on.
   *
   * @return by the system property {@code os.arch}
   */
  public static Cpu cpu() {
    return CPU;
  }

  /**
   * {@code O_DIRECT}: no page cache between the file and the buffer.
   *
   * @return 040000 on x86_64 (include/uapi/asm-generic/fcntl.h), 0200000 on aarch64
   *     (arch/arm64/include/uapi/asm/fcntl.h)
   * @throws UnsupportedOperationException on any other CPU
   */
  public static int O_DIRECT() {
    return checked(CPU).direct;
  }

  /**
   * {@code O_DIRECTORY}: fail with ENOTDIR unless the path is a directory.
   *
   * @return 0200000 on x86_64 (include/uapi/asm-generic/fcntl.h), 040000 on aarch64
   *     (arch/arm64/include/uapi/asm/fcntl.h)
   * @throws UnsupportedOperationException on any other CPU
   */
  public static int O_DIRECTORY() {
    return checked(CPU).directory;
  }

  /**
   * {@code O_NOFOLLOW}: fail with ELOOP if the path's last component is a symbolic link.
   *
   * @return 0400000 on x86_64 (include/uapi/asm-generic/fcntl.h), 0100000 on aarch64
   *     (arch/arm64/include/uapi/asm/fcntl.h)
   * @throws UnsupportedOperationException on any other CPU
   */
  public static int O_NOFOLLOW() {
    return checked(CPU).noFollow;
  }

  /**
   * {@code O_TMPFILE}: an unnamed file in the directory that the path names.
   *
   * @return 020000000 with {@link #O_DIRECTORY}, which is what makes it differ
   *     (include/uapi/asm-generic/fcntl.h)
   * @throws UnsupportedOperationException on any other CPU
   */
  public static int O_TMPFILE() {
    return TMPFILE_BIT | O_DIRECTORY();
  }

  /**
   * The JVMs' names for a CPU vary: HotSpot says amd64 and aarch64 on Linux, others x86_64 and
   * arm64.
   */
  static Cpu cpuOf(String osArch) {
    return switch (osArch.toLowerCase(Locale.ROOT)) {
      case "amd64", "x86_64", "x64" -> Cpu.X86_64;
      case "aarch64", "arm64" -> Cpu.AARCH64;
      default -> Cpu.OTHER;
    };
  }

  private static Cpu checked(Cpu cpu) {
    // A zero flag would be accepted by the kernel and silently do something else.
    if (cpu == Cpu.OTHER) {
      throw new UnsupportedOperationException(
          "this flag's value is known on x86_64 and aarch64, not on "
              + System.getProperty("os.arch"));
    }
    return cpu;
  }
}
