package io.gyre.benchmarks.bench;

import static io.gyre.benchmarks.bench.MeasuredServer.difference;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;

/**
 * A server of datagrams in a process of its own, and a load in another. What is received counts by the server's own
 * counters, over a window inside the load's: more is sent than is received where the load is a flood.
 */
final class UdpArm extends ProgramArm {
  private static final double START_SECONDS = 0.1;
  private static final double MARGIN_SECONDS = 0.1;

  private final Pinning pinning;
  private final List<String> server;
  private final List<String> load;

  /**
   * Makes an arm.
   *
   * @param server the program and its arguments
   * @param load the program that sends and its arguments, but for the port and the times
   */
  UdpArm(
      Processes processes, Pinning pinning, Entry entry, List<String> server, List<String> load) {
    super(processes, entry);
    this.pinning = pinning;
    this.server = server;
    this.load = load;
  }

  @Override
  public Result run(Timing timing) throws IOException, InterruptedException {
    try (var measured = MeasuredServer.start(processes, pinning.measured(server))) {
      return measure(measured, timing);
    }
  }

  private Result measure(MeasuredServer measured, Timing timing)
      throws IOException, InterruptedException {
    var command = new ArrayList<>(load);
    command.addAll(
        List.of("--port", measured.port(), "--bytes", String.valueOf(workload().bytes())));
    command = new ArrayList<>(pinning.load(ProcessArm.withTiming(command, timing)));
    var process = processes.start(command);
    try {
      sleep(START_SECONDS + timing.warmupSeconds() + MARGIN_SECONDS);
      var before = measured.counters();
      long begun = System.nanoTime();
      sleep(timing.seconds() - 2 * MARGIN_SECONDS - START_SECONDS);
      var after = measured.counters();
      double seconds = (System.nanoTime() - begun) / 1e9;
      var output = processes.finish(process, command, timing.warmupSeconds() + timing.seconds());
      var told = Result.parse(output.lastLine());
      if (told == null) {
        throw new IOException("the load: " + output.complaint());
      }
      double received = difference(before, after, "bytes") / workload().bytes();
      var more = new LinkedHashMap<String, Double>();
      if (workload().kind() == Workload.Kind.UDP_RECEIVE) {
        more.put("sent/s", told.perSecond());
      }
      return new Result(
          received / seconds,
          difference(before, after, "cpu_us") / received,
          told.p50Micros(),
          told.p99Micros(),
          difference(before, after, "enters") / received,
          difference(before, after, "alloc_bytes") / received,
          // A flood is as busy as it can be, and more than is received all the same.
          workload().kind() == Workload.Kind.UDP_RECEIVE ? Double.NaN : told.loadCpu(),
          Double.NaN,
          told.errors(),
          more);
    } finally {
      processes.destroy(process);
    }
  }

  private static void sleep(double seconds) throws InterruptedException {
    Thread.sleep((long) (seconds * 1000));
  }
}
