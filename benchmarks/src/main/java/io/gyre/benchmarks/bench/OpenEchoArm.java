package io.gyre.benchmarks.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.regex.Pattern;
import org.HdrHistogram.Histogram;

/**
 * An echo server under an open loop: requests are due at times that are fixed beforehand, at a part of the rate that a
 * closed loop has just brought out of the same process. A latency counts from the time at which the request was due: what
 * waited behind a stall is charged to the stall, so there is no coordinated omission to correct for afterwards.
 */
final class OpenEchoArm extends ProgramArm {
  private static final Pattern LATENCY = Pattern.compile("latency (\\d+) (\\d+)");
  private static final long SLOWEST_NANOS = 60_000_000_000L;
  private static final double PEAK_SECONDS = 1;
  private static final double OPEN_WARMUP_SECONDS = 0.5;
  private static final double GRACE_SECONDS = 10;

  private final Pinning pinning;
  private final List<String> server;
  private final String closedLoad;
  private final String openLoad;

  /**
   * Makes an arm.
   *
   * @param server the program and its arguments
   * @param closedLoad the program that finds the peak
   * @param openLoad the program that sends at fixed times
   */
  OpenEchoArm(
      Processes processes,
      Pinning pinning,
      Entry entry,
      List<String> server,
      String closedLoad,
      String openLoad) {
    super(processes, entry);
    this.pinning = pinning;
    this.server = server;
    this.closedLoad = closedLoad;
    this.openLoad = openLoad;
  }

  @Override
  public Result run(Timing timing) throws IOException, InterruptedException {
    try (var measured = MeasuredServer.start(processes, pinning.measured(server))) {
      double peak = peak(measured, timing);
      return open(measured, peak, timing);
    }
  }

  /** Also has the server's code compiled, in a server of Java. */
  private double peak(MeasuredServer measured, Timing timing)
      throws IOException, InterruptedException {
    var closed = new Timing(timing.warmupSeconds(), PEAK_SECONDS);
    var command =
        pinning.load(ProcessArm.withTiming(load(closedLoad, measured.port(), List.of()), closed));
    var output = processes.run(command, timing.warmupSeconds() + PEAK_SECONDS);
    var told = Result.parse(output.lastLine());
    if (told == null || told.errors() > 0) {
      throw new IOException("the load that looks for the peak: " + output.complaint());
    }
    return told.perSecond();
  }

  private Result open(MeasuredServer measured, double peak, Timing timing)
      throws IOException, InterruptedException {
    long rate = Math.max(1, Math.round(peak * workload().percent() / 100));
    var open = new Timing(OPEN_WARMUP_SECONDS, timing.seconds());
    var rateOption = List.of("--rate", String.valueOf(rate));
    var command =
        pinning.load(ProcessArm.withTiming(load(openLoad, measured.port(), rateOption), open));
    var window = LoadWindow.run(processes, measured, command, 0, open, GRACE_SECONDS);
    double requests = window.grown("bytes") / workload().bytes();
    var latencies = latencies(window.output().lines());
    var more = new LinkedHashMap<String, Double>();
    more.put("p99.9 us", micros(latencies, 99.9));
    more.put("max us", micros(latencies, 100));
    more.put("late p99 us", Result.pairs(window.output().lastLine()).get("late_p99_us"));
    more.put("peak/s", peak);
    return new Result(
        window.told().perSecond(),
        window.grown("cpu_us") / requests,
        micros(latencies, 50),
        micros(latencies, 99),
        window.grown("enters") / requests,
        window.grown("alloc_bytes") / requests,
        Double.NaN, // it spins
        Double.NaN,
        window.told().errors(),
        more);
  }

  private List<String> load(String program, String port, List<String> options) {
    var command = new ArrayList<>(List.of(program));
    command.addAll(
        List.of(
            "--port", port,
            "--connections", String.valueOf(workload().concurrency()),
            "--bytes", String.valueOf(workload().bytes())));
    command.addAll(options);
    return command;
  }

  /** What the load counted, by nanoseconds. */
  static Histogram latencies(List<String> lines) throws IOException {
    var histogram = new Histogram(SLOWEST_NANOS, 3);
    for (var line : lines) {
      var matcher = LATENCY.matcher(line);
      if (matcher.matches()) {
        long nanos = Math.min(SLOWEST_NANOS, Long.parseLong(matcher.group(1)));
        histogram.recordValueWithCount(nanos, Long.parseLong(matcher.group(2)));
      }
    }
    if (histogram.getTotalCount() == 0) {
      throw new IOException("no request was answered in time");
    }
    return histogram;
  }

  private static double micros(Histogram latencies, double percentile) {
    return latencies.getValueAtPercentile(percentile) / 1e3;
  }
}
