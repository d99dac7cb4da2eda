package io.gyre.benchmarks.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A server of datagrams in a process of its own, and a load in another. What is received counts by the server's own
 * counters, over a window inside the load's: more is sent than is received where the load is a flood.
 */
final class UdpArm extends ProgramArm {
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
    var timed = pinning.load(ProcessArm.withTiming(command, timing));
    var window = LoadWindow.run(processes, measured, timed, 0, timing, 0);
    double received = window.grown("bytes") / workload().bytes();
    var told = window.told();
    boolean flood = workload().kind() == Workload.Kind.UDP_RECEIVE;
    return new Result(
        received / window.seconds(),
        window.grown("cpu_us") / received,
        told.p50Micros(),
        told.p99Micros(),
        window.grown("enters") / received,
        window.grown("alloc_bytes") / received,
        // A flood is as busy as it can be, and more than is received all the same.
        flood ? Double.NaN : told.loadCpu(),
        Double.NaN,
        told.errors(),
        flood ? Map.of("sent/s", told.perSecond()) : Map.of());
  }
}
