package io.gyre.benchmarks.peer;

import java.util.Locale;

/**
 * What a window of reads came to.
 *
 * @param readsPerSecond how many completed
 * @param cpuMicrosPerRead processor time of the whole process
 * @param p50Micros the median latency
 * @param p99Micros the latency that one read in a hundred exceeds
 * @param allocatedBytesPerRead on the heap, by all threads but the one that watches
 * @param errors reads that were short
 */
public record ReadResult(
    double readsPerSecond,
    double cpuMicrosPerRead,
    double p50Micros,
    double p99Micros,
    double allocatedBytesPerRead,
    long errors) {
  /** With the keys that all read benchmarks print. */
  public String line() {
    return String.format(
        Locale.ROOT,
        "reads/s=%.0f cpu_us/read=%.3f p50_us=%.1f p99_us=%.1f alloc_bytes/read=%.1f errors=%d",
        readsPerSecond,
        cpuMicrosPerRead,
        p50Micros,
        p99Micros,
        allocatedBytesPerRead,
        errors);
  }
}
