package io.gyre.net;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.ArrayDeque;

/**
 * An address that never answers a connect: a listener that accepts nobody, and whose queue is full, so that the system
 * drops further requests.
 */
final class SilentListener implements Closeable {
  private static final int PROBE_MS = 200;
  private static final int MORE_THAN_FIT = 16;

  private final ServerSocket server;
  private final ArrayDeque<Socket> queued = new ArrayDeque<>();

  SilentListener(InetAddress address, int port) throws IOException {
    server = new ServerSocket(port, 1, address);
    try {
      fill();
    } catch (IOException | RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  SilentListener() throws IOException {
    this(Peers.LOOPBACK, 0);
  }

  /** Until one is dropped: its time-out is what tells. */
  private void fill() throws IOException {
    while (queued.size() < MORE_THAN_FIT) {
      var socket = new Socket();
      queued.push(socket);
      try {
        socket.connect(address(), PROBE_MS);
      } catch (SocketTimeoutException e) {
        queued.pop().close();
        return;
      }
    }
    throw new AssertionError("the queue of " + address() + " never fills");
  }

  InetSocketAddress address() {
    return (InetSocketAddress) server.getLocalSocketAddress();
  }

  int port() {
    return server.getLocalPort();
  }

  @Override
  public void close() throws IOException {
    while (!queued.isEmpty()) {
      queued.pop().close();
    }
    server.close();
  }
}
