package io.gyre.benchmarks.peer;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.concurrent.atomic.LongAdder;

/**
 * What a server has echoed. A request is a chunk that was received and echoed whole; with messages larger than a buffer
 * it is the bytes, divided by a message's size, that count messages.
 */
public final class EchoCounters {
  private static final OperatingSystemMXBean PROCESS =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final LongAdder requests = new LongAdder();
  private final LongAdder bytes = new LongAdder();
  private volatile long firstCpuNanos;

  /** Makes counters at zero. */
  public EchoCounters() {}

  /** Called for each chunk before it is echoed: what starting up costs is no request's. */
  void received() {
    if (firstCpuNanos == 0) {
      firstCpuNanos = PROCESS.getProcessCpuTime();
    }
  }

  void echoed(int length) {
    requests.increment();
    bytes.add(length);
  }

  /** So far, for whoever takes the difference of two such lines. */
  public String line() {
    return String.format(
        Locale.ROOT,
        "requests=%d bytes=%d cpu_us=%d alloc_bytes=%d",
        requests.sum(),
        bytes.sum(),
        PROCESS.getProcessCpuTime() / 1000,
        THREADS.getTotalThreadAllocatedBytes());
  }

  /** Since the first request. */
  public String totals() {
    long count = requests.sum();
    double micros = (PROCESS.getProcessCpuTime() - firstCpuNanos) / 1e3;
    return String.format(
        Locale.ROOT, "requests=%d cpu_us/request=%.3f", count, count == 0 ? 0 : micros / count);
  }
}
