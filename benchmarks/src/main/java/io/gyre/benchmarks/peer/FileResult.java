package io.gyre.benchmarks.peer;

import java.util.Locale;

/**
 * What a window of operations came to.
 *
 * @param unit what was counted, in the singular
 * @param perSecond how many completed
 * @param cpuMicros processor time of the whole process, an operation
 * @param p50Micros the median latency
 * @param p99Micros the latency that one operation in a hundred exceeds
 * @param allocatedBytes on the heap, by all threads but the one that watches, an operation
 * @param perSync how many a call made durable; NaN where none was asked to
 * @param errors operations that were short
 */
public record FileResult(
    String unit,
    double perSecond,
    double cpuMicros,
    double p50Micros,
    double p99Micros,
    double allocatedBytes,
    double perSync,
    long errors) {
  /** With the keys that all programs of the comparison print. */
  public String line() {
    var line =
        String.format(
            Locale.ROOT,
            "%1$ss/s=%2$.0f cpu_us/%1$s=%3$.3f p50_us=%4$.1f p99_us=%5$.1f alloc_bytes/%1$s=%6$.1f"
                + " errors=%7$d",
            unit,
            perSecond,
            cpuMicros,
            p50Micros,
            p99Micros,
            allocatedBytes,
            errors);
    return Double.isNaN(perSync)
        ? line
        : line + String.format(Locale.ROOT, " %ss/fsync=%.1f", unit, perSync);
  }
}
