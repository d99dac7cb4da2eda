package io.gyre.benchmarks.bench;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * An echo server in a process of its own, and a load in another. Throughput and latency are the load's word; processor
 * time, allocation and calls are the server's, as differences of the counters that it tells for each line that it reads.
 */
final class EchoArm extends ProgramArm {
  private static final Pattern LISTENING = Pattern.compile("listening .*:(\\d+)( .*)?");
  private static final double END_SECONDS = 10;

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
    var process = processes.start(pinning.measured(server));
    try (var lines = process.inputReader();
        var requests = process.outputWriter()) {
      return measure(new Server(lines, requests), port(process, lines), timing);
    } finally {
      process.destroy(); // SIGTERM: it drains
      if (!process.waitFor((long) END_SECONDS, TimeUnit.SECONDS)) {
        processes.destroy(process);
      }
      processes.destroy(process);
    }
  }

  private static String port(Process process, BufferedReader lines)
      throws IOException, InterruptedException {
    for (var line = lines.readLine(); line != null; line = lines.readLine()) {
      var matcher = LISTENING.matcher(line);
      if (matcher.matches()) {
        return matcher.group(1);
      }
    }
    var complaint =
        process.errorReader().lines().reduce((first, second) -> second).orElse("it said nothing");
    throw new IOException("the server ended with " + process.waitFor() + ": " + complaint);
  }

  /** A server that can be asked for its counters. */
  private record Server(BufferedReader lines, BufferedWriter requests) {
    Map<String, Double> counters() throws IOException {
      requests.newLine();
      requests.flush();
      var line = lines.readLine();
      if (line == null) {
        throw new IOException("the server ended under load");
      }
      return Result.pairs(line);
    }
  }

  private Result measure(Server counted, String port, Timing timing)
      throws IOException, InterruptedException {
    var command = pinning.load(ProcessArm.withTiming(loadCommand(port), timing));
    var process = processes.start(command);
    try {
      sleep(startSeconds() + timing.warmupSeconds() + MARGIN_SECONDS);
      var before = counted.counters();
      sleep(timing.seconds() - 2 * MARGIN_SECONDS);
      var after = counted.counters();
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
    var command = new java.util.ArrayList<>(load.command());
    command.addAll(
        List.of(
            "--port", port,
            "--connections", String.valueOf(workload().concurrency()),
            "--bytes", String.valueOf(workload().bytes())));
    return command;
  }

  private static double difference(
      Map<String, Double> before, Map<String, Double> after, String key) {
    return after.getOrDefault(key, Double.NaN) - before.getOrDefault(key, Double.NaN);
  }

  private static void sleep(double seconds) throws InterruptedException {
    Thread.sleep((long) (seconds * 1000));
  }
}
