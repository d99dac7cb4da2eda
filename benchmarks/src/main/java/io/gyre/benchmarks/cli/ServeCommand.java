package io.gyre.benchmarks.cli;

import io.gyre.Scheduler;
import io.gyre.benchmarks.http.AccessLog;
import io.gyre.benchmarks.http.HttpServer;
import io.gyre.benchmarks.http.RequestLimits;
import io.gyre.benchmarks.http.ServeOptions;
import io.gyre.driver.Errors;
import java.io.FilterWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ./gyre serve}. */
@Command(
    name = "serve",
    description = {
      "Serves the files of a directory over HTTP/1.1. Says where it listens once it accepts.",
      "Nothing outside of DIR is served: symbolic links are not followed, unless --follow-links is"
          + " given. (With --driver nio that holds only while nobody renames directories.)",
      "SIGTERM or SIGINT: stops accepting, sends what is being sent (--drain seconds at most),"
          + " prints totals and exits with 0."
    })
final class ServeCommand implements Callable<Integer> {
  private static final int RING_ENTRIES = 1024;
  private static final int COMPLETION_ENTRIES = 8192;
  private static final int MAX_SECONDS = 86_400;

  @Parameters(paramLabel = "DIR", description = "What to serve.")
  Path directory;

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
      description =
          "How many loops, each with a listener of its own (SO_REUSEPORT). Default:"
              + " ${DEFAULT-VALUE}.")
  int loops;

  @Option(
      names = "--access-log",
      paramLabel = "FILE",
      description =
          "Append a line for each answer, in the common log format; - is standard output.")
  String accessLog;

  @Option(names = "--hidden", description = "Serve names that begin with a dot, too.")
  boolean hidden;

  @Option(
      names = "--follow-links",
      description = "Follow symbolic links, wherever they lead, also out of DIR.")
  boolean followLinks;

  @Option(
      names = "--no-listing",
      description = "Don't list directories without an index.html: they are not found.")
  boolean noListing;

  @Option(
      names = "--max-connections",
      defaultValue = "10000",
      paramLabel = "N",
      description =
          "How many connections may be open; more are told 503. Default: ${DEFAULT-VALUE}.")
  int maxConnections;

  @Option(
      names = "--max-connections-per-address",
      defaultValue = "1000",
      paramLabel = "N",
      description =
          "How many of them may come from one address, or one /64 of IPv6; more are told 503."
              + " Default: ${DEFAULT-VALUE}.")
  int maxConnectionsPerAddress;

  @Option(
      names = "--max-request-line",
      defaultValue = "8192",
      paramLabel = "BYTES",
      description = "Longer request lines are answered with 414. Default: ${DEFAULT-VALUE}.")
  int maxRequestLine;

  @Option(
      names = "--max-header",
      defaultValue = "32768",
      paramLabel = "BYTES",
      description = "Longer headers are answered with 431. Default: ${DEFAULT-VALUE}.")
  int maxHeader;

  @Option(
      names = "--max-header-fields",
      defaultValue = "100",
      paramLabel = "N",
      description = "More header fields are answered with 431. Default: ${DEFAULT-VALUE}.")
  int maxHeaderFields;

  @Option(
      names = "--max-content",
      defaultValue = "65536",
      paramLabel = "BYTES",
      description =
          "What a request brings along is dropped; more than this is answered with 413. Default:"
              + " ${DEFAULT-VALUE}.")
  int maxContent;

  @Option(
      names = "--head-timeout",
      defaultValue = "10",
      paramLabel = "SECONDS",
      description = "How long a request may take to come in. Default: ${DEFAULT-VALUE}.")
  int headTimeout;

  @Option(
      names = "--idle-timeout",
      defaultValue = "60",
      paramLabel = "SECONDS",
      description = "How long a connection may rest before a request. Default: ${DEFAULT-VALUE}.")
  int idleTimeout;

  @Option(
      names = "--send-timeout",
      defaultValue = "30",
      paramLabel = "SECONDS",
      description = "How long a block of 64 KiB may take to go out. Default: ${DEFAULT-VALUE}.")
  int sendTimeout;

  @Option(
      names = "--busy-send-timeout",
      defaultValue = "5",
      paramLabel = "SECONDS",
      description =
          "The same, while others wait for the memory that is held for it. Default:"
              + " ${DEFAULT-VALUE}.")
  int busySendTimeout;

  @Option(
      names = "--drain",
      defaultValue = "10",
      paramLabel = "SECONDS",
      description = "How long the end may take before it cuts. Default: ${DEFAULT-VALUE}.")
  int drain;

  @Option(
      names = "--buffers",
      defaultValue = "16",
      paramLabel = "MIB",
      description = "Memory of each loop for what is being sent. Default: ${DEFAULT-VALUE}.")
  int bufferMebibytes;

  @Mixin DriverOption driver;
  @Spec CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    checkRanges();
    var out = spec.commandLine().getOut();
    if (Files.exists(directory) && !Files.isDirectory(directory)) {
      throw new CommandFailed(directory + ": is not a directory");
    }
    var address = Arguments.address(host, port);
    var builder =
        driver
            .builder()
            .scheduler(Scheduler.threadPerCore(loops))
            .ringEntries(RING_ENTRIES)
            .completionEntries(COMPLETION_ENTRIES)
            .bufferPoolBytes((long) bufferMebibytes << 20);
    try (var end = OrderlyEnd.onSignal("gyre-serve-end", drain)) {
      try (var log = openLog();
          var runtime = builder.start()) {
        var server = HttpServer.start(runtime, directory, address, options(), log);
        out.println(
            "serving "
                + directory
                + " at http://"
                + Errors.format(server.address())
                + "/ driver="
                + runtime.driverName()
                + " loops="
                + loops);
        out.flush();
        end.await();
        boolean inTime = server.drain(Duration.ofSeconds(drain));
        var totals = server.totals();
        out.printf(
            Locale.ROOT,
            "requests=%d bytes=%d connections=%d errors=%d drained=%s%n",
            totals.requests(),
            totals.bytes(),
            totals.connections(),
            totals.errors(),
            inTime);
        out.flush();
      }
      end.reached();
    }
    return 0;
  }

  private void checkRanges() {
    Arguments.range(spec, "--port", port, 0, 65_535);
    Arguments.range(spec, "--loops", loops, 1, 256);
    Arguments.range(spec, "--max-connections", maxConnections, 1, 1_000_000);
    Arguments.range(spec, "--max-connections-per-address", maxConnectionsPerAddress, 1, 1_000_000);
    Arguments.range(spec, "--max-request-line", maxRequestLine, 16, 65_536);
    Arguments.range(spec, "--max-header", maxHeader, 16, 1 << 20);
    Arguments.range(spec, "--max-header-fields", maxHeaderFields, 1, 1 << 20);
    Arguments.range(spec, "--max-content", maxContent, 0, 1 << 30);
    Arguments.range(spec, "--head-timeout", headTimeout, 1, MAX_SECONDS);
    Arguments.range(spec, "--idle-timeout", idleTimeout, 1, MAX_SECONDS);
    Arguments.range(spec, "--send-timeout", sendTimeout, 1, MAX_SECONDS);
    Arguments.range(spec, "--busy-send-timeout", busySendTimeout, 1, MAX_SECONDS);
    Arguments.range(spec, "--drain", drain, 0, MAX_SECONDS);
    Arguments.range(spec, "--buffers", bufferMebibytes, 1, 1024);
  }

  private ServeOptions options() {
    return ServeOptions.DEFAULT
        .withLimits(new RequestLimits(maxRequestLine, maxHeader, maxHeaderFields, maxContent))
        .withTimeouts(
            Duration.ofSeconds(headTimeout),
            Duration.ofSeconds(idleTimeout),
            Duration.ofSeconds(sendTimeout))
        .withMaxConnections(maxConnections)
        .withShares(Duration.ofSeconds(busySendTimeout), maxConnectionsPerAddress)
        .withShown(hidden, followLinks, !noListing);
  }

  private AccessLog openLog() throws IOException {
    if (accessLog == null) {
      return null;
    }
    if (accessLog.equals("-")) {
      return new AccessLog(
          new FilterWriter(spec.commandLine().getOut()) {
            @Override
            public void close() throws IOException {
              flush(); // others print there, too
            }
          });
    }
    return new AccessLog(
        Files.newBufferedWriter(
            Path.of(accessLog),
            StandardCharsets.US_ASCII,
            StandardOpenOption.CREATE,
            StandardOpenOption.APPEND));
  }
}
