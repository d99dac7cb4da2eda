package io.gyre.benchmarks.peer;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A virtual thread for each connection, which reads and writes as if it blocked. */
final class VirtualThreadEcho implements EchoServer {
  private static final long ACCEPT_BACKOFF_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private final ServerSocketChannel listener = ServerSocketChannel.open();
  private final Set<SocketChannel> connections = ConcurrentHashMap.newKeySet();
  private final DirectBuffers buffers;
  private final EchoCounters counters;

  VirtualThreadEcho(InetSocketAddress address, int bufferBytes, EchoCounters counters)
      throws IOException {
    this.buffers = new DirectBuffers(bufferBytes);
    this.counters = counters;
    listener.setOption(StandardSocketOptions.SO_REUSEADDR, true);
    listener.bind(address, PeerMain.BACKLOG);
    Thread.ofVirtual().name(name()).start(this::accept);
  }

  @Override
  public String name() {
    return EchoPeer.VIRTUAL_THREADS.label();
  }

  @Override
  public int port() {
    return listener.socket().getLocalPort();
  }

  private void accept() {
    while (listener.isOpen()) {
      try {
        var channel = listener.accept();
        Thread.ofVirtual().start(() -> echo(channel));
      } catch (IOException e) {
        // No descriptors left, most likely, or it was closed.
        LockSupport.parkNanos(ACCEPT_BACKOFF_NANOS);
      }
    }
  }

  private void echo(SocketChannel channel) {
    var buffer = buffers.take();
    connections.add(channel);
    try (channel) {
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      for (int length = channel.read(buffer); length >= 0; length = channel.read(buffer.clear())) {
        counters.received();
        channel.write(buffer.flip()); // all of it: a blocking channel
        counters.echoed(length);
      }
    } catch (IOException e) {
      // Reset by the other side, or closed by ours.
    } finally {
      connections.remove(channel);
      buffers.give(buffer);
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (var channel : connections) {
      channel.close();
    }
  }
}
