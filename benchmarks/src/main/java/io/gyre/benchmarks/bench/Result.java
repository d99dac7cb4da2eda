package io.gyre.benchmarks.bench;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * What was measured in one round, read from the {@code key=value} pairs of a line that a program printed. A value that
 * the program does not tell is NaN.
 *
 * @param perSecond operations a second
 * @param cpuMicros processor time an operation, all threads of the process that is compared
 * @param p50Micros the median latency
 * @param p99Micros what 99 of 100 operations stay below
 * @param enters calls into the kernel that submit or wait, an operation
 * @param allocatedBytes bytes allocated on the Java heap, an operation
 * @param loadCpu which part of a processor the load took, where the load is a process of its own: close to 1 it was the
 *     load that was measured
 * @param perSync how many operations one fsync made durable
 * @param errors operations that failed
 * @param more what only some workloads tell, by names for people
 */
public record Result(
    double perSecond,
    double cpuMicros,
    double p50Micros,
    double p99Micros,
    double enters,
    double allocatedBytes,
    double loadCpu,
    double perSync,
    long errors,
    Map<String, Double> more) {
  private static final Pattern PAIR =
      Pattern.compile("([\\w/]+)=(-?[0-9.]+(?:[eE][-+]?[0-9]+)?)(?=\\s|$)");

  /** What is measured of every workload, and nothing more. */
  public Result(
      double perSecond,
      double cpuMicros,
      double p50Micros,
      double p99Micros,
      double enters,
      double allocatedBytes,
      double loadCpu,
      double perSync,
      long errors) {
    this(
        perSecond,
        cpuMicros,
        p50Micros,
        p99Micros,
        enters,
        allocatedBytes,
        loadCpu,
        perSync,
        errors,
        Map.of());
  }

  /** All pairs of a line whose value is a number. */
  static Map<String, Double> pairs(String line) {
    var pairs = new LinkedHashMap<String, Double>();
    var matcher = PAIR.matcher(line);
    while (matcher.find()) {
      pairs.put(matcher.group(1), Double.valueOf(matcher.group(2)));
    }
    return pairs;
  }

  /** The result that a program's last line tells, or null if it is not such a line. */
  static Result parse(String line) {
    var pairs = pairs(line);
    double perSecond = withSuffix(pairs, "/s");
    if (Double.isNaN(perSecond)) {
      return null;
    }
    return new Result(
        perSecond,
        withPrefix(pairs, "cpu_us/"),
        withPrefix(pairs, "p50_us"),
        withPrefix(pairs, "p99_us"),
        withPrefix(pairs, "enters/"),
        withPrefix(pairs, "alloc_bytes/"),
        withPrefix(pairs, "load_cpu"),
        withSuffix(pairs, "/fsync"),
        pairs.getOrDefault("errors", 0.0).longValue());
  }

  private static double withPrefix(Map<String, Double> pairs, String prefix) {
    return first(pairs, key -> key.startsWith(prefix));
  }

  /** The unit comes before it: {@code reads/s}, {@code appends/s}. */
  private static double withSuffix(Map<String, Double> pairs, String suffix) {
    return first(pairs, key -> key.endsWith(suffix));
  }

  private static double first(Map<String, Double> pairs, Predicate<String> wanted) {
    return pairs.entrySet().stream()
        .filter(pair -> wanted.test(pair.getKey()))
        .findFirst()
        .map(Map.Entry::getValue)
        .orElse(Double.NaN);
  }
}
