package io.gyre.benchmarks.cli;

import io.gyre.Scheduler;
import io.gyre.benchmarks.peer.CounterReports;
import io.gyre.driver.Errors;
import io.gyre.net.Distribution;
import io.gyre.net.ListenOptions;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code ./gyre echo}. */
@Command(
    name = "echo",
    description = {
      "A TCP echo server over callbacks. Says where it listens once it accepts.",
      "SIGTERM or SIGINT: stops accepting, writes what was received (5 s at most), prints totals"
          + " and exits with 0."
    })
final class EchoCommand implements Callable<Integer> {
  private static final int RING_ENTRIES = 1024;
  private static final int COMPLETION_ENTRIES = 8192;
  private static final int RECEIVE_BUFFERS = 2048;

  /** How connections get to the loops. */
  enum Distribute {
    REUSEPORT(Distribution.REUSE_PORT),
    ROBIN(Distribution.ROUND_ROBIN),
    LEAST(Distribution.LEAST_CONNECTIONS);

    final Distribution distribution;

    Distribute(Distribution distribution) {
      this.distribution = distribution;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Reads how to distribute. */
  static final class DistributeConverter extends Choices<Distribute> {
    DistributeConverter() {
      super(Distribute.class);
    }
  }

  @Option(
      names = "--port",
      required = true,
      paramLabel = "N",
      description = "Where to listen; 0 lets the system choose.")
  int port;

  @Option(
      names = "--host",
      defaultValue = "127.0.0.1",
      paramLabel = "HOST",
      description = "The address to listen on. Default: ${DEFAULT-VALUE}.")
  String host;

  @Option(
      names = "--loops",
      defaultValue = "1",
      paramLabel = "N",
      description = "How many loops. Default: ${DEFAULT-VALUE}.")
  int loops;

  @Option(
      names = "--buffer",
      defaultValue = "4096",
      paramLabel = "BYTES",
      description =
          "The size of each receive buffer, best that of a message or more. Default:"
              + " ${DEFAULT-VALUE}.")
  int buffer;

  @Option(
      names = "--distribute",
      paramLabel = "HOW",
      defaultValue = "reuseport",
      converter = DistributeConverter.class,
      description =
          "How connections get to the loops, ${COMPLETION-CANDIDATES}: each loop has a listener"
              + " (SO_REUSEPORT), or the first accepts for all, in turn or for the loop that has"
              + " the fewest. Default: ${DEFAULT-VALUE}.")
  Distribute distribute;

  @Option(
      names = "--max-connections",
      paramLabel = "N",
      description =
          "How many connections may be open at a time; more wait in the backlog. Default: no"
              + " bound.")
  int maxConnections = ListenOptions.UNLIMITED;

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
    Arguments.range(spec, "--loops", loops, 1, 256);
    Arguments.range(spec, "--buffer", buffer, 64, 1 << 20);
    int listeners = distribute == Distribute.REUSEPORT ? loops : 1;
    Arguments.range(spec, "--max-connections", maxConnections, listeners, ListenOptions.UNLIMITED);
    var out = spec.commandLine().getOut();
    var address = Arguments.address(host, port);
    var builder =
        driver
            .builder()
            .scheduler(Scheduler.threadPerCore(loops))
            .ringEntries(RING_ENTRIES)
            .completionEntries(COMPLETION_ENTRIES)
            .receiveBuffers(RECEIVE_BUFFERS, buffer)
            .bufferPoolBytes(1 << 20);
    try (var end = OrderlyEnd.onSignal("gyre-echo-end", 5)) {
      try (var runtime = builder.start()) {
        var server =
            new EchoServer(
                runtime, address, distribute.distribution, maxConnections, RECEIVE_BUFFERS);
        if (reportOnStdin) {
          CounterReports.start(server::report, out);
        }
        var at = server.address();
        out.println(
            "listening "
                + Errors.format(at)
                + " driver="
                + runtime.driverName()
                + " loops="
                + loops);
        out.flush();
        end.await();
        server.drain();
        out.println(server.totals());
        out.flush();
      }
      end.reached();
    }
    return 0;
  }
}
