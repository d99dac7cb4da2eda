package io.gyre.benchmarks.peer;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousChannelGroup;
import java.nio.channels.AsynchronousServerSocketChannel;
import java.nio.channels.AsynchronousSocketChannel;
import java.nio.channels.CompletionHandler;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** AsynchronousSocketChannel on a group of one thread, with one handler and one buffer a connection. */
final class AsyncChannelEcho implements EchoServer {
  private static final long ACCEPT_BACKOFF_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private final AsynchronousChannelGroup group;
  private final AsynchronousServerSocketChannel listener;
  private final DirectBuffers buffers;
  private final EchoCounters counters;
  private final int port;

  AsyncChannelEcho(InetSocketAddress address, int bufferBytes, EchoCounters counters)
      throws IOException {
    this.buffers = new DirectBuffers(bufferBytes);
    this.counters = counters;
    group =
        AsynchronousChannelGroup.withFixedThreadPool(1, Thread.ofPlatform().name(name()).factory());
    listener = AsynchronousServerSocketChannel.open(group);
    listener.setOption(StandardSocketOptions.SO_REUSEADDR, true);
    listener.bind(address, PeerMain.BACKLOG);
    port = ((InetSocketAddress) listener.getLocalAddress()).getPort();
    listener.accept(null, new Acceptor());
  }

  @Override
  public String name() {
    return EchoPeer.AIO.label();
  }

  @Override
  public int port() {
    return port;
  }

  private final class Acceptor implements CompletionHandler<AsynchronousSocketChannel, Void> {
    @Override
    public void completed(AsynchronousSocketChannel channel, Void attachment) {
      listener.accept(null, this);
      try {
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        new Connection(channel).read();
      } catch (IOException e) {
        closeQuietly(channel);
      }
    }

    @Override
    public void failed(Throwable cause, Void attachment) {
      if (listener.isOpen()) {
        LockSupport.parkNanos(ACCEPT_BACKOFF_NANOS); // no descriptors left, most likely
        listener.accept(null, this);
      }
    }
  }

  /** Reads, writes what it has read, and so on: never both at once, so that one handler and one buffer do. */
  private final class Connection implements CompletionHandler<Integer, Void> {
    private final AsynchronousSocketChannel channel;
    private final ByteBuffer buffer = buffers.take();
    private boolean writing;

    Connection(AsynchronousSocketChannel channel) {
      this.channel = channel;
    }

    void read() {
      channel.read(buffer, null, this);
    }

    @Override
    public void completed(Integer result, Void attachment) {
      if (writing) {
        written();
      } else if (result < 0) {
        close();
      } else {
        counters.received();
        writing = true;
        channel.write(buffer.flip(), null, this);
      }
    }

    private void written() {
      if (buffer.hasRemaining()) {
        channel.write(buffer, null, this);
        return;
      }
      counters.echoed(buffer.position());
      writing = false;
      buffer.clear();
      read();
    }

    @Override
    public void failed(Throwable cause, Void attachment) {
      close();
    }

    private void close() {
      closeQuietly(channel);
      buffers.give(buffer);
    }
  }

  private static void closeQuietly(AsynchronousSocketChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      // The connection is gone either way.
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    group.shutdownNow();
  }
}
