package io.gyre.benchmarks.bench;

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
    var window = LoadWindow.run(processes, measured, command, startSeconds(), timing, 0);
    // Of bytes, since what a server receives at a time may be more than a message, or less.
    double requests = window.grown("bytes") / workload().bytes();
    var told = window.told();
    return new Result(
        told.perSecond(),
        window.grown("cpu_us") / requests,
        told.p50Micros(),
        told.p99Micros(),
        window.grown("enters") / requests,
        window.grown("alloc_bytes") / requests,
        told.loadCpu(),
        Double.NaN,
        told.errors());
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
}
