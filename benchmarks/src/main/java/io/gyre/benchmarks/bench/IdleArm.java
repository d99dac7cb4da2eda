package io.gyre.benchmarks.bench;

import static io.gyre.benchmarks.bench.MeasuredServer.difference;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What connections that rest take of an echo server's memory: of the heap what is left after a collection, of the rest
 * what the process has touched beside it, each as the difference between no connections and all, divided by how many
 * there are. Each has echoed once. A server of Java runs with a heap that is touched as a whole from the start, so that it
 * is no part of the second; what the kernel keeps of a socket is in neither.
 */
final class IdleArm extends ProgramArm {
  /** A heap that neither grows nor shrinks, and a compiler whose own memory is small. */
  static final List<String> JVM =
      List.of("-Xms256m", "-Xmx256m", "-XX:+AlwaysPreTouch", "-XX:TieredStopAtLevel=1");

  /** To load classes, and to have counted once; few, since what they leave is used again. */
  private static final int FIRST_CONNECTIONS = 100;

  private final Pinning pinning;
  private final List<String> server;

  IdleArm(Processes processes, Pinning pinning, Entry entry, List<String> server) {
    super(processes, entry);
    this.pinning = pinning;
    this.server = server;
  }

  /** What is taken at a moment. */
  private record Memory(double heap, long resident) {
    static Memory of(MeasuredServer server) throws IOException {
      double heap = server.ask("memory").getOrDefault("heap_bytes", Double.NaN); // collects garbage
      return new Memory(heap, ResidentMemory.bytes(server.pid()));
    }
  }

  @Override
  public Result run(Timing timing) throws IOException, InterruptedException {
    try (var measured = MeasuredServer.start(processes, pinning.measured(server))) {
      var address =
          new InetSocketAddress(
              InetAddress.getLoopbackAddress(), Integer.parseInt(measured.port()));
      close(connect(address, FIRST_CONNECTIONS));
      Memory.of(measured);
      Thread.sleep((long) (timing.warmupSeconds() * 1000)); // what has ended is let go of
      var before = Memory.of(measured);
      var idle = measured.counters();
      long begun = System.nanoTime();
      var connections = connect(address, workload().concurrency());
      double seconds = (System.nanoTime() - begun) / 1e9;
      try {
        var busy = measured.counters(); // before the collection, which is nobody's work
        return result(before, Memory.of(measured), idle, busy, seconds);
      } finally {
        close(connections);
      }
    }
  }

  private Result result(
      Memory before,
      Memory after,
      Map<String, Double> idle,
      Map<String, Double> busy,
      double seconds) {
    double count = workload().concurrency();
    double heap = (after.heap - before.heap) / count;
    double other = (after.resident - before.resident) / count;
    var more = new LinkedHashMap<String, Double>();
    if (!Double.isNaN(heap)) {
      more.put("heap bytes", heap);
    }
    more.put("other bytes", other);
    more.put("bytes in all", other + (Double.isNaN(heap) ? 0 : heap));
    return new Result(
        count / seconds,
        difference(idle, busy, "cpu_us") / count,
        Double.NaN,
        Double.NaN,
        difference(idle, busy, "enters") / count,
        Double.NaN, // a collection would be in it
        Double.NaN,
        Double.NaN,
        0,
        more);
  }

  /** Connections that have echoed once. */
  private List<SocketChannel> connect(InetSocketAddress address, int count) throws IOException {
    var connections = new ArrayList<SocketChannel>(count);
    var message = ByteBuffer.allocateDirect(workload().bytes());
    try {
      for (int i = 0; i < count; i++) {
        var connection = SocketChannel.open();
        connections.add(connection);
        connection.setOption(StandardSocketOptions.TCP_NODELAY, true);
        connection.connect(address);
        echo(connection, message);
      }
    } catch (IOException e) {
      close(connections);
      throw new IOException("connection " + connections.size() + ": " + e.getMessage(), e);
    }
    return connections;
  }

  private static void echo(SocketChannel connection, ByteBuffer message) throws IOException {
    message.clear();
    while (message.hasRemaining()) {
      connection.write(message);
    }
    message.clear();
    while (message.hasRemaining()) {
      if (connection.read(message) < 0) {
        throw new EOFException("closed by the server");
      }
    }
  }

  private static void close(List<SocketChannel> connections) throws IOException {
    for (var connection : connections) {
      connection.close();
    }
  }
}
