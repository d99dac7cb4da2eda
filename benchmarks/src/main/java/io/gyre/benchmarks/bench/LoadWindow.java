package io.gyre.benchmarks.bench;

import java.io.IOException;
import java.util.List;
import java.util.Map;

/**
 * What a server did while a load ran: its counters at two moments inside the load's own window, and what the load told at
 * its end.
 *
 * @param before the counters at the first moment
 * @param after the counters at the second
 * @param seconds between the two
 * @param output what the load printed
 * @param told its last line
 */
record LoadWindow(
    Map<String, Double> before,
    Map<String, Double> after,
    double seconds,
    Processes.Output output,
    Result told) {
  /** How far inside the load's own window the server's begins and ends. */
  private static final double MARGIN_SECONDS = 0.1;

  /**
   * Runs a load from start to end.
   *
   * @param command the load with its times
   * @param startSeconds until it sends
   * @param timing its times
   * @param graceSeconds how much longer than that it may take, beyond what every program may
   */
  static LoadWindow run(
      Processes processes,
      MeasuredServer server,
      List<String> command,
      double startSeconds,
      Timing timing,
      double graceSeconds)
      throws IOException, InterruptedException {
    var process = processes.start(command);
    try {
      sleep(startSeconds + timing.warmupSeconds() + MARGIN_SECONDS);
      var before = server.counters();
      long begun = System.nanoTime();
      sleep(timing.seconds() - 2 * MARGIN_SECONDS);
      var after = server.counters();
      double seconds = (System.nanoTime() - begun) / 1e9;
      var output =
          processes.finish(
              process, command, timing.warmupSeconds() + timing.seconds() + graceSeconds);
      var told = Result.parse(output.lastLine());
      if (told == null) {
        throw new IOException("the load: " + output.complaint());
      }
      return new LoadWindow(before, after, seconds, output, told);
    } finally {
      processes.destroy(process);
    }
  }

  /** How much a counter of the server's has grown; NaN when it does not have it. */
  double grown(String key) {
    return MeasuredServer.difference(before, after, key);
  }

  private static void sleep(double seconds) throws InterruptedException {
    Thread.sleep((long) (seconds * 1000));
  }
}
