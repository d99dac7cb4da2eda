package io.gyre.benchmarks.peer;

import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * Runs one echo server as a process, under the same protocol as the C references: {@code listening HOST:PORT peer=NAME}
 * once it accepts; for each line read from standard input a line of counters so far, as {@link CounterReports} has it; at
 * SIGTERM the totals, and exit status 0. Exit status 3 means that this peer cannot run here, and standard error says why.
 */
@Command(name = "peer", description = "Runs an echo server that Gyre is held against.")
public final class PeerMain implements Callable<Integer> {
  static final int BACKLOG = 4096;
  private static final int UNAVAILABLE = 3;

  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "PEER",
      description = "nio, aio, virtual-threads, netty-nio, ...")
  private String peer;

  @Option(names = "--list", description = "Print all peers, and which cannot run here.")
  private boolean list;

  @Option(
      names = "--host",
      defaultValue = "127.0.0.1",
      description = "Where to listen (${DEFAULT-VALUE}).")
  private String host;

  @Option(names = "--port", defaultValue = "0", description = "The port (any that is free).")
  private int port;

  @Option(
      names = "--buffer",
      defaultValue = "" + EchoPeer.DEFAULT_BUFFER_BYTES,
      description = "Bytes received at a time, at least a message's (${DEFAULT-VALUE}).")
  private int bufferBytes;

  private PeerMain() {}

  /** Runs the peer that the arguments name, until SIGTERM. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new PeerMain()).execute(arguments));
  }

  @Override
  public Integer call() throws InterruptedException {
    if (list) {
      return list();
    }
    if (peer == null || port < 0 || port > 65535 || bufferBytes < 1) {
      throw new ParameterException(
          spec.commandLine(), "a PEER, a port and a buffer's size are needed");
    }
    var chosen = Labels.peer(spec, peer, EchoPeer::of);
    var reason = chosen.unavailableBecause();
    if (reason != null) {
      System.err.println(peer + " cannot run here: " + reason);
      return UNAVAILABLE;
    }
    var counters = new EchoCounters();
    try (var server = chosen.start(new InetSocketAddress(host, port), bufferBytes, counters)) {
      serve(server, counters);
    } catch (IOException e) {
      System.err.println(host + ":" + port + ": " + e.getMessage());
      return 1;
    }
    return 0;
  }

  private static int list() {
    for (var peer : EchoPeer.values()) {
      var reason = peer.unavailableBecause();
      System.out.println(peer.label() + (reason == null ? "" : ": " + reason));
    }
    return 0;
  }

  private void serve(EchoServer server, EchoCounters counters) throws InterruptedException {
    serve(counters, host + ":" + server.port() + " peer=" + server.name());
    new CountDownLatch(1).await();
  }

  /** Says where, answers with counters, and has the totals printed at the end. */
  static void serve(EchoCounters counters, String where) {
    var out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    // Halting keeps the JVM from reporting the signal in its exit status.
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  out.println(counters.totals());
                  Runtime.getRuntime().halt(0);
                }));
    out.println("listening " + where);
    CounterReports.start(counters::line, out);
  }
}
