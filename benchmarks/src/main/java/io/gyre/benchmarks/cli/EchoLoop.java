package io.gyre.benchmarks.cli;

import io.gyre.EventLoop;
import io.gyre.net.TcpStream;
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
final class EchoLoop {
  private static final Duration GRACE = Duration.ofMillis(100);
  private static final Duration LINGER = Duration.ofSeconds(1);
  private static final int BUFFERS_EACH = 64;
  private static final int BUFFERS_EACH_WHEN_SCARCE = 2;

  private final EchoServer server;
  private final EventLoop loop;
  private final int scarceFrom;
  private final EchoCounters counters = new EchoCounters();
  private final Set<EchoConnection> connections = new HashSet<>();
  private int held;
  private boolean requestSeen;
  private boolean finishing;
  private boolean waitsForPeers = true;

  EchoLoop(EchoServer server, EventLoop loop, int receiveBuffers) {
    this.server = server;
    this.loop = loop;
    this.scarceFrom = receiveBuffers / 4 * 3;
  }

  EchoCounters counters() {
    return counters;
  }

  void accepted(TcpStream stream) {
    var connection = new EchoConnection(this, stream);
    connections.add(connection);
    EchoCounters.add(counters.connections, 1);
    countOpen();
    connection.begin();
    if (finishing) {
      connection.finish();
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
