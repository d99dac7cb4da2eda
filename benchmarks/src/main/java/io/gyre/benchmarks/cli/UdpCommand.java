package io.gyre.benchmarks.cli;

import io.gyre.IoRuntime;
import io.gyre.Scheduler;
import io.gyre.benchmarks.peer.CounterReports;
import io.gyre.driver.Errors;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code ./gyre udp}. */
@Command(
    name = "udp",
    description = {
      "A UDP echo server over callbacks. Says where it listens once it receives.",
      "SIGTERM or SIGINT: prints totals and exits with 0."
    })
final class UdpCommand implements Callable<Integer> {
  private static final int RING_ENTRIES = 1024;
  private static final int COMPLETION_ENTRIES = 8192;

  @Option(
      names = "--port",
      required = true,
      paramLabel = "N",
      description = "Where to receive; 0 lets the system choose.")
  int port;

  @Option(
      names = "--host",
      defaultValue = "127.0.0.1",
      paramLabel = "HOST",
      description = "The address to receive on. Default: ${DEFAULT-VALUE}.")
  String host;

  @Option(names = "--receive-only", description = "Send nothing back.")
  boolean receiveOnly;

  @Option(
      names = "--receive-room",
      defaultValue = "4194304",
      paramLabel = "BYTES",
      description =
          "What the system is asked to hold of datagrams that are not received yet, SO_RCVBUF."
              + " Default: ${DEFAULT-VALUE}.")
  int receiveRoom;

  @Option(
      names = "--report-on-stdin",
      description =
          "Print the counters since the start for each line that comes on standard input, and"
              + " what is left of the heap after a collection if it says memory.")
  boolean reportOnStdin;

  @Mixin DriverOption driver;
  @Spec CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    Arguments.range(spec, "--port", port, 0, 65_535);
    Arguments.range(spec, "--receive-room", receiveRoom, 1, 1 << 30);
    var out = spec.commandLine().getOut();
    var address = Arguments.address(host, port);
    var builder =
        driver
            .builder()
            .scheduler(Scheduler.threadPerCore(1))
            .ringEntries(RING_ENTRIES)
            .completionEntries(COMPLETION_ENTRIES)
            .bufferPoolBytes(1 << 20);
    try (var end = OrderlyEnd.onSignal("gyre-udp-end", 5)) {
      try (IoRuntime runtime = builder.start()) {
        var server = new UdpServer(runtime, address, receiveRoom, !receiveOnly);
        if (reportOnStdin) {
          CounterReports.start(server::report, out);
        }
        out.println(
            "listening " + Errors.format(server.address()) + " driver=" + runtime.driverName());
        out.flush();
        end.await();
        out.println(server.totals());
        out.flush();
      }
      end.reached();
    }
    return 0;
  }
}
