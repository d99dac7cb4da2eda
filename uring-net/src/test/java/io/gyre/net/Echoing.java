package io.gyre.net;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.IoHandler;
import java.nio.channels.CompletionHandler;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** Echoes every connection until its peer has ended, and keeps the connections and what was wrong. */
class Echoing implements CompletionHandler<TcpStream, Object> {
  final Queue<TcpStream> streams = new ConcurrentLinkedQueue<>();
  final Queue<Object> wrong = new ConcurrentLinkedQueue<>();
  final CompletableFuture<Throwable> failure = new CompletableFuture<>();
  final AtomicInteger open = new AtomicInteger();
  final AtomicInteger mostOpen = new AtomicInteger();

  @Override
  public void completed(TcpStream stream, Object attachment) {
    checkLoop(stream);
    streams.add(stream);
    mostOpen.accumulateAndGet(open.incrementAndGet(), Math::max);
    stream.receiveEach(null, new Receiver(stream));
  }

  @Override
  public void failed(Throwable cause, Object attachment) {
    if (!failure.complete(cause)) {
      wrong.add("told twice that accepting failed");
    }
  }

  private void checkLoop(TcpStream stream) {
    if (EventLoop.current() != stream.loop()) {
      wrong.add(stream + " was given to " + Thread.currentThread() + ", not to its loop");
    }
  }

  private final class Receiver implements ReceiveHandler<Object> {
    private final TcpStream stream;
    private final Writes writes = new Writes();

    Receiver(TcpStream stream) {
      this.stream = stream;
    }

    @Override
    public void received(Buffer buffer, Object attachment) {
      checkLoop(stream);
      stream.write(buffer, buffer, writes);
    }

    @Override
    public void failed(Throwable cause, Object attachment) {
      close();
    }

    @Override
    public void ended(Object attachment) {
      close();
    }

    private void close() {
      checkLoop(stream);
      open.decrementAndGet();
      var _ = stream.closeAsync();
    }
  }

  private static final class Writes implements IoHandler<Buffer> {
    @Override
    public void completed(int result, Buffer buffer) {
      buffer.release();
    }

    @Override
    public void failed(Throwable cause, Buffer buffer) {
      buffer.release();
    }
  }
}
