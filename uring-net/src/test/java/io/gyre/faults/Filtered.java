package io.gyre.faults;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A program that does {@link CheckedWork} behind a seccomp filter. The filter holds for the thread
 * that installs it and for those that it starts, which are all that matter here.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/seccomp.2.html">seccomp(2)</a>
 */
final class Filtered {
  private static final int PR_SET_NO_NEW_PRIVS = 38;
  private static final int PR_SET_SECCOMP = 22;
  private static final int SECCOMP_MODE_FILTER = 2;
  private static final int SECCOMP_RET_ERRNO = 0x0005_0000;
  private static final int SECCOMP_RET_ALLOW = 0x7FFF_0000;
  private static final short BPF_LD_W_ABS = 0x20;
  private static final short BPF_JGE_K = 0x35;
  private static final short BPF_JGT_K = 0x25;
  private static final short BPF_RET_K = 0x06;

  private Filtered() {}

  /** Arguments: the errno, the range of system calls that get it, and those of CheckedWork. */
  public static void main(String[] args) throws Exception {
    int dash = args[1].indexOf('-');
    int first = Integer.parseInt(args[1].substring(0, dash));
    int last = Integer.parseInt(args[1].substring(dash + 1));
    install(first, last, Integer.parseInt(args[0]));
    CheckedWork.main(Arrays.copyOfRange(args, 2, args.length));
  }

  private static void install(int first, int last, int errno) {
    try (var arena = Arena.ofConfined()) {
      var program = arena.allocate(5 * 8, 8);
      instruction(program, 0, BPF_LD_W_ABS, 0, 0, 0); // seccomp_data.nr
      instruction(program, 1, BPF_JGE_K, 0, 2, first);
      instruction(program, 2, BPF_JGT_K, 1, 0, last);
      instruction(program, 3, BPF_RET_K, 0, 0, SECCOMP_RET_ERRNO | errno);
      instruction(program, 4, BPF_RET_K, 0, 0, SECCOMP_RET_ALLOW);
      var header = arena.allocate(16, 8); // struct sock_fprog
      header.set(JAVA_SHORT, 0, (short) 5);
      header.set(ADDRESS, 8, program);
      prctl(PR_SET_NO_NEW_PRIVS, 1, MemorySegment.NULL);
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header);
    }
  }

  /** One struct sock_filter. */
  private static void instruction(
      MemorySegment program, int index, short code, int ifTrue, int ifFalse, int k) {
    long at = index * 8L;
    program.set(JAVA_SHORT, at, code);
    program.set(JAVA_BYTE, at + 2, (byte) ifTrue);
    program.set(JAVA_BYTE, at + 3, (byte) ifFalse);
    program.set(JAVA_INT, at + 4, k);
  }

  @SuppressWarnings("restricted") // there is no other way to a filter
  private static void prctl(int option, long second, MemorySegment third) {
    var linker = Linker.nativeLinker();
    var call =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("prctl"),
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG),
            Linker.Option.firstVariadicArg(1));
    try {
      if ((int) call.invokeExact(option, second, third, 0L, 0L) != 0) {
        throw new AssertionError("prctl(" + option + ") failed");
      }
    } catch (Throwable t) {
      throw new AssertionError("prctl(" + option + ")", t);
    }
  }
}
