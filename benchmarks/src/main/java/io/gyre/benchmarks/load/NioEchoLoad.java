package io.gyre.benchmarks.load;

import com.sun.management.OperatingSystemMXBean;
import io.gyre.benchmarks.peer.WindowOptions;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.HdrHistogram.Histogram;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * A closed loop against an echo server: each connection has one request outstanding, and every byte of every reply is
 * compared with what was sent. Requests are slices of one random pattern at an offset drawn for each request, so that a
 * reply which was mixed up, cut or sent to another connection differs.
 *
 * <p>{@code load_cpu} is the part of a core that the load itself took: close to 1 it is the load that was measured, not
 * the server. Exit status 1 when there were errors, 2 when the options make no sense or no connection came about.
 */
@Command(
    name = "echo-load",
    description = "Sends requests to an echo server and times the replies.")
public final class NioEchoLoad implements Callable<Integer> {
  private static final int CONNECT_BATCH = 256; // more at once would overflow the server's backlog
  private static final int PATTERN_BYTES = 64 * 1024;
  private static final int CHUNK_BYTES = 64 * 1024;
  private static final long STUCK_MILLIS = 10_000;
  private static final long SLOWEST_NANOS = TimeUnit.SECONDS.toNanos(60);

  private static final OperatingSystemMXBean PROCESS =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  @Spec private CommandSpec spec;

  @Option(
      names = "--host",
      defaultValue = "127.0.0.1",
      description = "The server (${DEFAULT-VALUE}).")
  private String host;

  @Option(names = "--port", required = true, description = "The server's port.")
  private int port;

  @Option(
      names = "--connections",
      defaultValue = "64",
      description = "How many (${DEFAULT-VALUE}).")
  private int connections;

  @Option(names = "--bytes", defaultValue = "64", description = "In a request (${DEFAULT-VALUE}).")
  private int bytes;

  @Option(
      names = "--seed",
      defaultValue = "42",
      description = "Where the bytes come from (${DEFAULT-VALUE}).")
  private long seed;

  @Mixin private WindowOptions window;

  private final Histogram latencies = new Histogram(SLOWEST_NANOS, 3);
  private final ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK_BYTES);
  private final MemorySegment chunkSegment = MemorySegment.ofBuffer(chunk);
  private SplittableRandom random;
  private ByteBuffer pattern;
  private MemorySegment patternSegment;
  private Selector selector;

  private int connected;
  private int open;
  private boolean measuring;
  private long requests;
  private long errors;

  private NioEchoLoad() {}

  /** Runs the load that the arguments describe and prints one line of results. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new NioEchoLoad()).execute(arguments));
  }

  /** One request at a time: which slice of the pattern it is, and how much of it went out and came back. */
  private static final class Connection {
    int offset;
    int sent;
    int received;
    long startNanos;
  }

  @Override
  public Integer call() throws IOException {
    window.check(spec);
    if (port < 1 || port > 65535 || connections < 1 || bytes < 1) {
      throw new ParameterException(spec.commandLine(), "a port, connections and bytes are needed");
    }
    random = new SplittableRandom(seed);
    pattern = ByteBuffer.allocateDirect(Math.addExact(PATTERN_BYTES, bytes));
    patternSegment = MemorySegment.ofBuffer(pattern);
    while (pattern.hasRemaining()) {
      pattern.put((byte) random.nextInt());
    }
    try (var opened = Selector.open()) {
      selector = opened;
      connectAll(new InetSocketAddress(host, port));
      return measure();
    } catch (IOException e) {
      System.err.println(host + ":" + port + ": " + e.getMessage());
      return 2;
    }
  }

  private void connectAll(InetSocketAddress address) throws IOException {
    int started = 0;
    while (connected < connections) {
      for (; started < connections && started - connected < CONNECT_BATCH; started++) {
        var channel = SocketChannel.open();
        channel.configureBlocking(false);
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        int operation = SelectionKey.OP_CONNECT;
        if (channel.connect(address)) {
          connected++;
          operation = SelectionKey.OP_READ;
        }
        channel.register(selector, operation, new Connection());
      }
      if (connected < connections
          && selector.selectNow() == 0
          && selector.select(STUCK_MILLIS) == 0) {
        throw new IOException(
            connected + " of " + connections + " connected, and no other in 10 s");
      }
      for (var key : selector.selectedKeys()) {
        ((SocketChannel) key.channel()).finishConnect();
        key.interestOps(SelectionKey.OP_READ);
        connected++;
      }
      selector.selectedKeys().clear();
    }
    open = connections;
  }

  private int measure() throws IOException {
    for (var key : selector.keys()) {
      begin(key, System.nanoTime());
    }
    Consumer<SelectionKey> ready = this::onReady;
    turns(ready, window.warmupSeconds());
    measuring = true;
    long cpuBefore = PROCESS.getProcessCpuTime();
    long start = System.nanoTime();
    turns(ready, window.seconds());
    double nanos = System.nanoTime() - start;
    System.out.printf(
        Locale.ROOT,
        "requests/s=%.0f p50_us=%.1f p99_us=%.1f load_cpu=%.2f errors=%d%n",
        requests * 1e9 / nanos,
        latencies.getValueAtPercentile(50) / 1e3,
        latencies.getValueAtPercentile(99) / 1e3,
        (PROCESS.getProcessCpuTime() - cpuBefore) / nanos,
        errors);
    return errors == 0 ? 0 : 1;
  }

  private void turns(Consumer<SelectionKey> ready, double forSeconds) throws IOException {
    long begun = System.nanoTime();
    long nanos = (long) (forSeconds * 1e9);
    while (open > 0 && System.nanoTime() - begun < nanos) {
      if (selector.select(ready, STUCK_MILLIS) == 0) {
        System.err.println("no reply for 10 s");
        errors += open;
        open = 0;
      }
    }
  }

  private void onReady(SelectionKey key) {
    try {
      if (key.isWritable()) {
        send(key);
      }
      if (key.isReadable()) {
        receive(key);
      }
    } catch (IOException e) {
      fail(key, e.getMessage());
    }
  }

  private void begin(SelectionKey key, long now) throws IOException {
    var connection = (Connection) key.attachment();
    connection.offset = random.nextInt(PATTERN_BYTES);
    connection.sent = 0;
    connection.received = 0;
    connection.startNanos = now;
    send(key);
  }

  private void send(SelectionKey key) throws IOException {
    var connection = (Connection) key.attachment();
    pattern.limit(connection.offset + bytes).position(connection.offset + connection.sent);
    connection.sent += ((SocketChannel) key.channel()).write(pattern);
    int wanted =
        connection.sent < bytes
            ? SelectionKey.OP_READ | SelectionKey.OP_WRITE
            : SelectionKey.OP_READ;
    if (key.interestOps() != wanted) {
      key.interestOps(wanted);
    }
  }

  private void receive(SelectionKey key) throws IOException {
    var connection = (Connection) key.attachment();
    int length = ((SocketChannel) key.channel()).read(chunk.clear());
    if (length < 0) {
      fail(key, "closed by the server");
      return;
    }
    long from = (long) connection.offset + connection.received;
    if (length > bytes - connection.received
        || MemorySegment.mismatch(chunkSegment, 0, length, patternSegment, from, from + length)
            >= 0) {
      fail(key, "the reply is not the request");
      return;
    }
    connection.received += length;
    if (connection.received < bytes) {
      return;
    }
    long now = System.nanoTime();
    if (measuring) {
      requests++;
      latencies.recordValue(Math.min(now - connection.startNanos, SLOWEST_NANOS));
    }
    begin(key, now);
  }

  private void fail(SelectionKey key, String what) {
    if (errors++ == 0) {
      System.err.println("a connection failed: " + what);
    }
    open--;
    try {
      key.channel().close();
    } catch (IOException e) {
      // It is counted already.
    }
  }
}
