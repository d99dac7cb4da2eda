package io.gyre.benchmarks.bench;

import static io.gyre.benchmarks.bench.MeasuredServer.difference;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * An echo server in a process of its own, and a load in another. Throughput and latency are the load's word; processor
 * time, allocation and calls are the server's, as differences of the counters that it tells for each line that it reads.
 */
final class EchoArm extends ProgramArm {
  /** At least: more on an idle machine. */
  private static final double CONNECTS_PER_SECOND = 30_000;

  /** How far inside the load's own window the server's begins and ends. */
  private static final double MARGIN_SECONDS = 0.1;

  private final Pinning pinning;
  private final List<String> server;
  private final LoadCommand load;

  EchoArm(
      Processes processes, Pinning pinning, LoadCommand load, Entry entry, List<String> server) {
    super(processes, entry);
    this.pinning = pinning;
    this.load = load;
    this.server = server;
  }

  /**
   * The program that sends requests.
   *
   * @param name for people
   * @param command the program and its arguments, but for the port and what the workload tells
   * @param startSeconds how long it takes to begin
   */
  record LoadCommand(String name, List<String> command, double startSeconds) {}

  @Override
  public Result run(Timing timing) throws IOException, InterruptedException {
    try (var measured = MeasuredServer.start(processes, pinning.measured(server))) {
      return measure(measured, timing);
    }
  }

  private Result measure(MeasuredServer measured, Timing timing)
      throws IOException, InterruptedException {
    var command = pinning.load(ProcessArm.withTiming(loadCommand(measured.port()), timing));
    var process = processes.start(command);
    try {
      sleep(startSeconds() + timing.warmupSeconds() + MARGIN_SECONDS);
      var before = measured.counters();
      sleep(timing.seconds() - 2 * MARGIN_SECONDS);
      var after = measured.counters();
      var output = processes.finish(process, command, timing.warmupSeconds() + timing.seconds());
      var told = Result.parse(output.lastLine());
      if (told == null) {
        throw new IOException("the load: " + output.complaint());
      }
      // Of bytes, since what a server receives at a time may be more than a message, or less.
      double requests = difference(before, after, "bytes") / workload().bytes();
      return new Result(
          told.perSecond(),
          difference(before, after, "cpu_us") / requests,
          told.p50Micros(),
          told.p99Micros(),
          difference(before, after, "enters") / requests,
          difference(before, after, "alloc_bytes") / requests,
          told.loadCpu(),
          Double.NaN,
          told.errors());
    } finally {
      processes.destroy(process);
    }
  }

  /** Connecting takes time, too. */
  private double startSeconds() {
    return load.startSeconds() + workload().concurrency() / CONNECTS_PER_SECOND;
  }

  private List<String> loadCommand(String port) {
    var command = new ArrayList<>(load.command());
    command.addAll(
        List.of(
            "--port", port,
            "--connections", String.valueOf(workload().concurrency()),
            "--bytes", String.valueOf(workload().bytes())));
    return command;
  }

  private static void sleep(double seconds) throws InterruptedException {
    Thread.sleep((long) (seconds * 1000));
  }
}
