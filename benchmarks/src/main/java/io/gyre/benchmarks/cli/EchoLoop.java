package io.gyre.benchmarks.cli;

import io.gyre.EventLoop;
import io.gyre.net.TcpListener;
import io.gyre.net.TcpStream;
import java.net.StandardSocketOptions;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.CompletionHandler;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The connections that one loop echoes. Confined to the loop's thread, but for the counters.
 *
 * <p>Draining takes three steps, since data that a socket still holds when it is closed resets the connection, and with
 * it what was not delivered yet: for a moment requests that were on their way are still echoed; then output is shut
 * down after what is unwritten, and the peer may read it and close; then what is written is closed, whether the peer
 * did or not.
 */
final class EchoLoop implements CompletionHandler<TcpStream, Void> {
  private static final Duration GRACE = Duration.ofMillis(100);
  private static final Duration LINGER = Duration.ofSeconds(1);
  private static final int BUFFERS_EACH = 64;
  private static final int BUFFERS_EACH_WHEN_SCARCE = 2;

  private final EchoServer server;
  private final EventLoop loop;
  private final TcpListener listener;
  private final int scarceFrom;
  private final EchoCounters counters = new EchoCounters();
  private final Set<EchoConnection> connections = new HashSet<>();
  private int held;
  private boolean requestSeen;
  private boolean finishing;
  private boolean waitsForPeers = true;

  EchoLoop(EchoServer server, TcpListener listener, int receiveBuffers) {
    this.server = server;
    this.listener = listener;
    this.loop = listener.loop();
    this.scarceFrom = receiveBuffers / 4 * 3;
  }

  void begin() {
    listener.acceptEach(null, this);
  }

  EchoCounters counters() {
    return counters;
  }

  @Override
  public void completed(TcpStream stream, Void attachment) {
    // A request must not wait for the acknowledgement of the reply before.
    var _ = stream.setOption(StandardSocketOptions.TCP_NODELAY, true);
    var connection = new EchoConnection(this, stream);
    connections.add(connection);
    EchoCounters.add(counters.connections, 1);
    countOpen();
    connection.begin();
    if (finishing) {
      connection.finish();
    }
  }

  @Override
  public void failed(Throwable cause, Void attachment) {
    if (!(cause instanceof AsynchronousCloseException)) {
      failed(cause);
    }
  }

  /** How many buffers a connection may hold: few when most are held, so that slow readers don't starve the rest. */
  int buffersEach() {
    return held > scarceFrom ? BUFFERS_EACH_WHEN_SCARCE : BUFFERS_EACH;
  }

  void gaveBack() {
    held--;
  }

  boolean waitsForPeers() {
    return waitsForPeers;
  }

  void requestCame() {
    held++;
    if (!requestSeen) {
      requestSeen = true;
      server.firstRequest();
    }
  }

  void requestWritten(int bytes) {
    EchoCounters.add(counters.requests, 1);
    EchoCounters.add(counters.bytes, bytes);
  }

  void failed(Throwable cause) {
    EchoCounters.add(counters.errors, 1);
    server.failed(cause);
  }

  void closed(EchoConnection connection) {
    connections.remove(connection);
    countOpen();
  }

  private void countOpen() {
    counters.open.setOpaque(connections.size());
  }

  /** Begins to drain. Any thread. */
  void drain() {
    var _ = listener.closeAsync();
    loop.schedule(GRACE, this::finishAll);
  }

  private void finishAll() {
    finishing = true;
    List.copyOf(connections).forEach(EchoConnection::finish);
    loop.schedule(LINGER, this::stopWaitingForPeers);
  }

  private void stopWaitingForPeers() {
    waitsForPeers = false;
    List.copyOf(connections).forEach(EchoConnection::closeIfWritten);
  }
}
