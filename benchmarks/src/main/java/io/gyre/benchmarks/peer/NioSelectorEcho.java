package io.gyre.benchmarks.peer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * One thread and a Selector. All connections share one buffer: what is read is written at once, and only the rest of a
 * short write, which a closed loop hardly ever makes, is kept with its connection.
 */
final class NioSelectorEcho implements EchoServer {
  private static final int SHARED_BUFFER_BYTES = 64 * 1024;
  private static final long ACCEPT_BACKOFF_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private final Selector selector = Selector.open();
  private final ServerSocketChannel listener = ServerSocketChannel.open();
  private final ByteBuffer buffer;
  private final EchoCounters counters;
  private final Thread thread;
  private volatile boolean closed;

  NioSelectorEcho(InetSocketAddress address, int bufferBytes, EchoCounters counters)
      throws IOException {
    this.buffer = ByteBuffer.allocateDirect(Math.max(SHARED_BUFFER_BYTES, bufferBytes));
    this.counters = counters;
    listener.setOption(StandardSocketOptions.SO_REUSEADDR, true);
    listener.bind(address, PeerMain.BACKLOG);
    listener.configureBlocking(false);
    listener.register(selector, SelectionKey.OP_ACCEPT);
    thread = Thread.ofPlatform().name(name()).start(this::run);
  }

  @Override
  public String name() {
    return EchoPeer.NIO.label();
  }

  @Override
  public int port() {
    return listener.socket().getLocalPort();
  }

  private void run() {
    // With a consumer, the selector fills no set of selected keys.
    Consumer<SelectionKey> ready = this::onReady;
    try {
      while (!closed) {
        selector.select(ready);
      }
      for (var key : selector.keys()) {
        key.channel().close();
      }
      selector.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void onReady(SelectionKey key) {
    try {
      if (key.isAcceptable()) {
        accept();
      } else if (key.isReadable()) {
        echo(key);
      } else {
        writeRest(key);
      }
    } catch (IOException | CancelledKeyException e) {
      close(key);
    }
  }

  private void accept() {
    try {
      for (SocketChannel channel = listener.accept();
          channel != null;
          channel = listener.accept()) {
        channel.configureBlocking(false);
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.register(selector, SelectionKey.OP_READ);
      }
    } catch (IOException e) {
      // No descriptors left, most likely, and the listener stays ready: do not spin.
      LockSupport.parkNanos(ACCEPT_BACKOFF_NANOS);
    }
  }

  private void echo(SelectionKey key) throws IOException {
    var channel = (SocketChannel) key.channel();
    buffer.clear();
    int length = channel.read(buffer);
    if (length < 0) {
      close(key);
      return;
    }
    counters.received();
    channel.write(buffer.flip());
    if (buffer.hasRemaining()) {
      key.attach(ByteBuffer.allocateDirect(buffer.remaining()).put(buffer).flip());
      key.interestOps(SelectionKey.OP_WRITE);
    }
    counters.echoed(length);
  }

  private static void writeRest(SelectionKey key) throws IOException {
    var rest = (ByteBuffer) key.attachment();
    ((SocketChannel) key.channel()).write(rest);
    if (!rest.hasRemaining()) {
      key.attach(null);
      key.interestOps(SelectionKey.OP_READ);
    }
  }

  private static void close(SelectionKey key) {
    try {
      key.channel().close();
    } catch (IOException e) {
      // The connection is gone either way.
    }
  }

  @Override
  public void close() throws IOException {
    closed = true;
    selector.wakeup();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
