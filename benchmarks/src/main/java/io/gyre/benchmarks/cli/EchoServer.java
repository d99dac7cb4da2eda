package io.gyre.benchmarks.cli;

import io.gyre.EventLoop;
import io.gyre.IoRuntime;
import io.gyre.net.Distribution;
import io.gyre.net.ListenOptions;
import io.gyre.net.TcpServer;
import io.gyre.net.TcpStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.CompletionHandler;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.ToLongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A TCP echo server over callbacks, on all loops of a runtime. */
final class EchoServer implements CompletionHandler<TcpStream, Void> {
  private static final Logger LOG = LoggerFactory.getLogger(EchoServer.class);
  private static final Duration DRAIN = Duration.ofSeconds(5);

  private final List<EventLoop> loops;
  private final List<EchoLoop> servers;
  private final TcpServer server;

  // Where counting begins: what was spent on starting up is nobody's request.
  private final AtomicBoolean requestSeen = new AtomicBoolean();
  private volatile long firstCpuNanos;
  private volatile long firstEnters;
  private volatile long firstAllocated;

  // Draining brings in classes that serving had no need of: what these allocate is nobody's request
  // either.
  private volatile long lastAllocated;

  /**
   * Listens, and begins to accept.
   *
   * @param runtime whose loops serve
   * @param address where to listen; port 0 lets the system choose
   * @param distribution how connections get to the loops
   * @param maxConnections how many may be open at a time
   * @param receiveBuffers how many the runtime was started with
   */
  EchoServer(
      IoRuntime runtime,
      InetSocketAddress address,
      Distribution distribution,
      int maxConnections,
      int receiveBuffers)
      throws IOException {
    this.loops = runtime.loops();
    Meter.allocatedBytes(loops); // loads what measures
    ProcessCpuClock.nanos();
    // A request must not wait for the acknowledgement of the reply before.
    var options =
        ListenOptions.DEFAULT
            .withBacklog(4096)
            .withMaxConnections(maxConnections)
            .withStreamOption(StandardSocketOptions.TCP_NODELAY, true);
    this.servers = loops.stream().map(loop -> new EchoLoop(this, loop, receiveBuffers)).toList();
    this.server = TcpServer.bind(runtime, address, distribution, options);
    server.acceptEach(null, this);
  }

  InetSocketAddress address() {
    return server.localAddress();
  }

  @Override
  public void completed(TcpStream stream, Void attachment) {
    servers.get(stream.loop().index()).accepted(stream);
  }

  @Override
  public void failed(Throwable cause, Void attachment) {
    if (!(cause instanceof AsynchronousCloseException)) {
      failed(cause);
    }
  }

  void firstRequest() {
    if (requestSeen.compareAndSet(false, true)) {
      firstCpuNanos = ProcessCpuClock.nanos();
      firstEnters = Meter.enters(loops);
      firstAllocated = Meter.allocatedBytes(loops);
    }
  }

  void failed(Throwable cause) {
    LOG.info("a connection failed: {}", Failures.describe(cause));
  }

  /** Stops accepting, lets what was received be written, and closes; 5 seconds at most. */
  void drain() {
    lastAllocated = Meter.allocatedBytes(loops);
    var ended = server.shutdown(DRAIN);
    servers.forEach(EchoLoop::drain);
    ended.join();
  }

  /** Counters since the start, for a harness that takes differences. */
  String report() {
    return String.format(
        Locale.ROOT,
        "requests=%d bytes=%d cpu_us=%d alloc_bytes=%d enters=%d",
        requests(),
        sum(c -> c.bytes.getOpaque()),
        ProcessCpuClock.nanos() / 1000,
        Meter.allocatedBytes(loops),
        Meter.enters(loops));
  }

  /** Totals since the first request: to be asked for after {@link #drain}, while the loops still run. */
  String totals() {
    long requests = requests();
    boolean seen = requestSeen.get();
    return String.format(
        Locale.ROOT,
        "requests=%d bytes=%d connections=%d cpu_us/request=%.3f enters/request=%.4f"
            + " alloc_bytes/request=%.2f errors=%d",
        requests,
        sum(c -> c.bytes.getOpaque()),
        sum(c -> c.connections.getOpaque()),
        seen ? Meter.per((ProcessCpuClock.nanos() - firstCpuNanos) / 1e3, requests) : 0.0,
        seen ? Meter.per((double) (Meter.enters(loops) - firstEnters), requests) : 0.0,
        seen ? Meter.per((double) (lastAllocated - firstAllocated), requests) : 0.0,
        sum(c -> c.errors.getOpaque()));
  }

  private long requests() {
    return sum(c -> c.requests.getOpaque());
  }

  private long sum(ToLongFunction<EchoCounters> counter) {
    return servers.stream().map(EchoLoop::counters).mapToLong(counter).sum();
  }
}
