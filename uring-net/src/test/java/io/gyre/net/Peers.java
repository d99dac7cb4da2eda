package io.gyre.net;

import io.gyre.Buffer;
import io.gyre.testing.Pattern;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.CompletionHandler;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The far ends of connections: plain java.net sockets, so that what is tested is not at both ends.
 */
final class Peers {
  static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();
  static final int TIMEOUT_MS = (int) Waits.PATIENCE.toMillis();

  private Peers() {}

  /** Any free port of the loopback address. */
  static InetSocketAddress anyPort() {
    return new InetSocketAddress(LOOPBACK, 0);
  }

  /** A connected plain socket whose reads do not wait for ever. */
  static Socket connect(SocketAddress address) throws IOException {
    var socket = new Socket();
    try {
      socket.setSoTimeout(TIMEOUT_MS);
      socket.connect(address, TIMEOUT_MS);
      return socket;
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  /** Closes a socket so that the other end sees a reset. */
  static void reset(Socket socket) throws IOException {
    socket.setOption(StandardSocketOptions.SO_LINGER, 0);
    socket.close();
  }

  /** Reads the stream to its end and checks it against a pattern. Gives its length. */
  static long checkToEnd(InputStream in, Pattern pattern) throws IOException {
    var bytes = new byte[1 << 16];
    long position = 0;
    for (int n = in.read(bytes); n >= 0; n = in.read(bytes)) {
      pattern.check(bytes, 0, n, position);
      position += n;
    }
    return position;
  }

  /** Reads a number of bytes and checks them against a pattern. */
  static void check(InputStream in, Pattern pattern, long position, int length) throws IOException {
    pattern.check(in.readNBytes(length), 0, length, position);
  }

  /** Keeps what a listener accepts. */
  static class Accepted implements CompletionHandler<TcpStream, Object> {
    final ConcurrentLinkedQueue<TcpStream> streams = new ConcurrentLinkedQueue<>();
    final CompletableFuture<Throwable> failure = new CompletableFuture<>();

    @Override
    public void completed(TcpStream stream, Object attachment) {
      streams.add(stream);
    }

    @Override
    public void failed(Throwable cause, Object attachment) {
      if (!failure.complete(cause)) {
        throw new AssertionError("told twice that accepting failed", cause);
      }
    }

    /** Waits for the next connection. */
    TcpStream next() {
      Waits.until("a connection", () -> !streams.isEmpty());
      return streams.remove();
    }
  }

  /** Checks what is received against a pattern, and keeps how it ended. */
  static class Checking implements ReceiveHandler<Object> {
    final Pattern pattern;
    final AtomicLong received = new AtomicLong();
    final CompletableFuture<Long> end = new CompletableFuture<>();

    Checking(Pattern pattern) {
      this.pattern = pattern;
    }

    @Override
    public void received(Buffer buffer, Object attachment) {
      try {
        var bytes = buffer.byteBuffer();
        int n = bytes.remaining();
        pattern.check(bytes, bytes.position(), bytes.limit(), received.get());
        if (n == 0 || end.isDone()) {
          throw new AssertionError("an empty piece, or one after the end");
        }
        received.addAndGet(n);
      } finally {
        buffer.release();
      }
    }

    @Override
    public void ended(Object attachment) {
      if (!end.complete(received.get())) {
        throw new AssertionError("ended twice");
      }
    }

    @Override
    public void failed(Throwable cause, Object attachment) {
      if (!end.completeExceptionally(cause)) {
        throw new AssertionError("ended twice", cause);
      }
    }

    /** Waits until so much was received. */
    void await(long bytes) {
      Waits.until(() -> bytes + " bytes, got " + received, () -> received.get() >= bytes);
    }
  }
}
