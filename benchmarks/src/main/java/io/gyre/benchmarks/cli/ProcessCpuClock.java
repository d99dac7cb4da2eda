package io.gyre.benchmarks.cli;

import com.sun.management.OperatingSystemMXBean;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.management.ManagementFactory;

/**
 * Processor time of all threads of this process, the kernel's workers for it included, to the nanosecond: {@code
 * CLOCK_PROCESS_CPUTIME_ID}, which the C references read too. What the JDK offers counts ticks of 10 ms. Reading it
 * allocates nothing.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/clock_gettime.2.html">clock_gettime(2)</a>
 */
final class ProcessCpuClock {
  private static final int CLOCK_PROCESS_CPUTIME_ID = 2;
  private static final long NANOS_OFFSET = 8;
  private static final MemoryLayout TIMESPEC =
      MemoryLayout.structLayout(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG);
  private static final MethodHandle CLOCK_GETTIME = clockGettime();
  private static final OperatingSystemMXBean PROCESS =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  // A look at the clock fills it and reads it at once, under this class's lock.
  private static final MemorySegment TIME = Arena.global().allocate(TIMESPEC);

  private ProcessCpuClock() {}

  @SuppressWarnings("restricted") // calls a function of libc
  private static MethodHandle clockGettime() {
    if (!System.getProperty("os.name").equals("Linux")) {
      return null; // elsewhere the clock's number and the layout are others
    }
    var linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find("clock_gettime")
        .map(
            symbol ->
                linker.downcallHandle(
                    symbol,
                    FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS)))
        .orElse(null);
  }

  static synchronized long nanos() {
    if (CLOCK_GETTIME == null) {
      return PROCESS.getProcessCpuTime();
    }
    try {
      int result = (int) CLOCK_GETTIME.invokeExact(CLOCK_PROCESS_CPUTIME_ID, TIME);
      if (result != 0) {
        return PROCESS.getProcessCpuTime();
      }
    } catch (Throwable t) {
      throw new LinkageError("clock_gettime", t);
    }
    return TIME.get(ValueLayout.JAVA_LONG, 0) * 1_000_000_000
        + TIME.get(ValueLayout.JAVA_LONG, NANOS_OFFSET);
  }
}
