package io.gyre.benchmarks.bench;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/**
 * A server of files in a process of its own, or in several, and wrk(1) as the load in another. The file is asked for once
 * before anything is measured, and compared byte by byte. Processor time is the kernel's word on all processes of the
 * server, from before the load's start to behind its end; so it holds accepting connections, too.
 */
final class ServeArm extends ProgramArm {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final long LOOK_MILLIS = 20;

  private final Pinning pinning;
  private final Path file;
  private final Server server;

  /** How a server of a port is started. */
  interface Server {
    /**
     * The program and its arguments.
     *
     * @param port where it listens
     * @param scratch a folder that is there for this run
     */
    List<String> command(int port, Path scratch) throws IOException;
  }

  /**
   * Makes an arm.
   *
   * @param file what is asked for, in the folder that is served
   * @param server how it is started
   */
  ServeArm(Processes processes, Pinning pinning, Entry entry, Path file, Server server) {
    super(processes, entry);
    this.pinning = pinning;
    this.file = file;
    this.server = server;
  }

  @Override
  public Result run(Timing timing) throws IOException, InterruptedException {
    // In the folder that is served, and is removed whatever happens.
    var scratch = Files.createTempDirectory(file.toAbsolutePath().getParent(), ".scratch");
    try {
      return run(timing, scratch);
    } finally {
      DataFiles.deleteTree(scratch);
    }
  }

  private Result run(Timing timing, Path scratch) throws IOException, InterruptedException {
    int port = freePort();
    var process = processes.start(pinning.measured(server.command(port, scratch)));
    try {
      awaitAccept(process, port);
      var url = "http://127.0.0.1:" + port + "/" + file.getFileName();
      verify(url);
      load(url, timing.warmupSeconds()); // whatever comes of it
      double before = ServerCpu.seconds(process.toHandle());
      var output = load(url, timing.seconds());
      var told = WrkOutput.parse(output.lines(), output.errorLines());
      double cpuSeconds = ServerCpu.seconds(process.toHandle()) - before;
      return new Result(
          told.requests() / told.seconds(),
          cpuSeconds * 1e6 / told.requests(),
          told.p50Micros(),
          told.p99Micros(),
          Double.NaN,
          Double.NaN,
          told.cpuSeconds() / told.seconds(),
          Double.NaN,
          told.errors());
    } finally {
      processes.end(process);
    }
  }

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static void awaitAccept(Process process, int port)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!accepts(port)) {
      if (!process.isAlive()) {
        throw Processes.ended(process);
      }
      if (System.nanoTime() - deadline > 0) {
        throw new IOException("the server does not accept");
      }
      Thread.sleep(LOOK_MILLIS);
    }
  }

  private static boolean accepts(int port) {
    try (var socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private void verify(String url) throws IOException {
    var connection = (HttpURLConnection) URI.create(url).toURL().openConnection();
    try {
      connection.setReadTimeout((int) PATIENCE.toMillis());
      if (connection.getResponseCode() != HttpURLConnection.HTTP_OK) {
        throw new IOException("the server answered " + connection.getResponseCode());
      }
      byte[] content;
      try (var in = connection.getInputStream()) {
        content = in.readAllBytes();
      }
      if (!Arrays.equals(content, Files.readAllBytes(file))) {
        throw new IOException("what the server sent is not the file");
      }
    } finally {
      connection.disconnect();
    }
  }

  private Processes.Output load(String url, double seconds)
      throws IOException, InterruptedException {
    int whole = (int) Math.max(1, Math.ceil(seconds));
    var command = pinning.load(WrkOutput.command(workload().concurrency(), whole, url));
    var output = processes.run(command, whole);
    if (output.status() != 0) {
      throw new IOException("wrk: " + output.complaint());
    }
    return output;
  }
}
