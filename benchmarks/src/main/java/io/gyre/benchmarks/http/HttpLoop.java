package io.gyre.benchmarks.http;

import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.driver.Errors;
import io.gyre.driver.RateLimitedLog;
import io.gyre.fs.AsyncDirectory;
import io.gyre.net.TcpListener;
import io.gyre.net.TcpStream;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.CompletionHandler;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;

/** The connections of one loop. Confined to the loop's thread, but for the counters and what says otherwise. */
final class HttpLoop implements CompletionHandler<TcpStream, Void> {
  private static final byte[] BUSY =
      Ascii.bytes(
          String.join(
              "\r\n",
              "HTTP/1.1 503 Service Unavailable",
              "Connection: close",
              "Retry-After: 1",
              "Content-Length: 0",
              "",
              ""));
  private static final Duration WARNING_INTERVAL = Duration.ofSeconds(10);
  private static final IoHandler<TcpStream> REFUSED = new Refused();

  private final HttpServer server;
  private final EventLoop loop;
  private final TcpListener listener;
  private final AsyncDirectory root;
  private final Set<HttpConnection> connections = new HashSet<>();
  private final BufferShares shares;
  private final StuckReaders stuckReaders;
  private final CompletableFuture<Void> drained = new CompletableFuture<>();

  // The loop writes, without fences; any thread reads.
  final AtomicLong requests = new AtomicLong();
  final AtomicLong bytes = new AtomicLong();
  final AtomicLong accepted = new AtomicLong();
  final AtomicLong errors = new AtomicLong();

  private byte[] date = new byte[HttpDates.BYTES];
  private long dateSecond = Long.MIN_VALUE;
  private boolean draining;
  private final RateLimitedLog failures = new RateLimitedLog(HttpServer.class, WARNING_INTERVAL);

  HttpLoop(HttpServer server, TcpListener listener, AsyncDirectory root) {
    this.server = server;
    this.listener = listener;
    this.loop = listener.loop();
    this.root = root;
    this.shares = new BufferShares(loop.buffers(), this::shortage);
    this.stuckReaders =
        new StuckReaders(loop.timers(), shares, connections, options().busySendTimeout());
  }

  void begin() {
    listener.acceptEach(null, this);
  }

  EventLoop loop() {
    return loop;
  }

  AsyncDirectory root() {
    return root;
  }

  ServeOptions options() {
    return server.options();
  }

  boolean isDraining() {
    return draining;
  }

  /** The time of day as a header has it; the bytes are never changed again. */
  byte[] date() {
    long second = System.currentTimeMillis() / 1000;
    if (second != dateSecond) {
      dateSecond = second;
      date = new byte[HttpDates.BYTES];
      HttpDates.put(ByteBuffer.wrap(date), second);
    }
    return date;
  }

  @Override
  public void completed(TcpStream stream, Void attachment) {
    var address = stream.remoteAddress().getAddress();
    var asker = BufferShares.asker(address);
    var refusal = server.admit(asker);
    if (refusal != null) {
      failures.warn("{}: no more are taken", refusal);
      stream.write(ByteBuffer.wrap(BUSY), stream, REFUSED);
      return;
    }
    add(accepted, 1);
    var connection = new HttpConnection(this, stream, address.getHostAddress(), shares.join(asker));
    connections.add(connection);
    connection.begin();
    if (draining) {
      connection.drain();
    }
  }

  @Override
  public void failed(Throwable cause, Void attachment) {
    if (!(cause instanceof AsynchronousCloseException)) {
      lost(cause);
    }
  }

  void sent(int count) {
    add(bytes, count);
  }

  void answered(String peer, Request request, Status status, long sentBytes) {
    add(requests, 1);
    var log = server.log();
    if (log != null) {
      log.add(peer, request.line(), status.code, sentBytes);
    }
  }

  void lost(Throwable cause) {
    if (!PeerDeparture.is(cause)) {
      add(errors, 1);
      failures.warn(
          "a request or connection failed: {}",
          cause.toString().replaceAll("\\p{Cntrl}", "?")); // which a path may hold
    }
  }

  private void shortage() {
    stuckReaders.begin();
  }

  int looks() {
    return stuckReaders.looks();
  }

  /** A connection ends since others wait for what it holds. */
  void gaveUp(String peer) {
    failures.warn("{} does not read what it asked for, and others wait: a connection ends", peer);
  }

  void closed(HttpConnection connection, InetAddress asker) {
    connections.remove(connection);
    server.leave(asker);
    tellIfDrained();
  }

  private void tellIfDrained() {
    if (draining && connections.isEmpty()) {
      drained.complete(null);
    }
  }

  private static void add(AtomicLong counter, long delta) {
    counter.setOpaque(counter.getPlain() + delta);
  }

  /**
   * Stops accepting, and ends what rests; what is under way is answered. Any thread.
   *
   * @return completes when no connection is left
   */
  CompletableFuture<Void> drain() {
    var _ =
        listener
            .closeAsync()
            .whenComplete(
                (_, _) ->
                    loop.execute(
                        () -> {
                          draining = true;
                          List.copyOf(connections).forEach(HttpConnection::drain);
                          tellIfDrained();
                        }));
    return drained;
  }

  /** Closes what is left, and the directory. Any thread. */
  void close() {
    loop.execute(
        () -> {
          stuckReaders.end();
          List.copyOf(connections).forEach(HttpConnection::close);
          var _ = root.closeAsync();
        });
  }

  @Override
  public String toString() {
    return "http on " + Errors.format(listener.localAddress());
  }

  /** Too many are here already. */
  private static final class Refused implements IoHandler<TcpStream> {
    @Override
    public void completed(int result, TcpStream stream) {
      var _ = stream.closeAsync();
    }

    @Override
    public void failed(Throwable cause, TcpStream stream) {
      var _ = stream.closeAsync();
    }
  }
}
