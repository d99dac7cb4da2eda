package io.gyre.net;

import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.ScheduledTask;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A close that loses nothing which was written before it: waits for the writes, says that there are no more, waits for
 * the peer to say the same, and closes; or closes when its time is over.
 *
 * <p>Why it waits for the peer: the kernel answers data that comes to a socket closed already, or that nobody had read
 * when it was closed, with a reset, upon which the peer's kernel throws away what its program has not read yet.
 *
 * <p>Confined to the loop's thread.
 */
final class OrderlyClose implements IoHandler<Void>, ReceiveHandler<Void> {
  /** What it waits for. */
  private enum Phase {
    WRITES,
    PEER,
    CLOSE
  }

  /** Whom to tell. Each by a close of his own, so that one who throws keeps nobody from being told. */
  private record Asker(OrderlyClose close, Object attachment, IoHandler<Object> handler)
      implements IoHandler<Void> {
    @Override
    public void completed(int result, Void none) {
      if (close.failure == null) {
        handler.completed(0, attachment);
      } else {
        handler.failed(close.failure, attachment);
      }
    }

    @Override
    public void failed(Throwable cause, Void none) {
      handler.failed(close.failure == null ? cause : close.failure, attachment);
    }
  }

  private final ByteStream stream;
  private final Duration limit;
  private final List<Asker> askers = new ArrayList<>(1);
  private Phase phase = Phase.WRITES;
  private ScheduledTask deadline;
  private Throwable failure;

  OrderlyClose(ByteStream stream, Duration limit) {
    this.stream = stream;
    this.limit = limit;
  }

  static Duration checked(Duration limit) {
    if (limit.isNegative()) {
      throw new IllegalArgumentException("the limit must not be negative: " + limit);
    }
    return limit;
  }

  @SuppressWarnings("unchecked") // the handler is called with the attachment given along
  void add(Object attachment, IoHandler<?> handler) {
    var asker = new Asker(this, attachment, (IoHandler<Object>) handler);
    if (phase == Phase.CLOSE) {
      stream.close(null, asker);
    } else {
      askers.add(asker);
    }
  }

  void begin() {
    deadline = stream.loop().schedule(limit, this::expired);
    stream.shutdownOutput(null, this);
  }

  private void expired() {
    long left = stream.queuedBytes();
    if (phase == Phase.WRITES && left > 0) {
      fail(
          new SocketTimeoutException(
              "close "
                  + stream
                  + ": timed out after "
                  + limit
                  + ", with "
                  + left
                  + " bytes queued that were not all written"));
    }
    close();
  }

  private void fail(Throwable cause) {
    if (failure == null) {
      failure = cause;
    }
  }

  /** A write has failed: what was queued did not all go out. */
  void writeFailed(Throwable cause) {
    fail(cause);
  }

  /** The peer will send no more, or nobody can know. */
  void inputEnded() {
    if (phase == Phase.PEER) {
      close();
    }
  }

  boolean awaitsPeer() {
    return phase == Phase.PEER;
  }

  private void close() {
    if (phase != Phase.CLOSE) {
      phase = Phase.CLOSE;
      deadline.cancel();
      for (var asker : askers) {
        stream.close(null, asker);
      }
    }
  }

  // ---- of the shutdown of the output

  @Override
  public void completed(int result, Void none) {
    if (phase != Phase.WRITES) {
      return;
    }
    phase = Phase.PEER;
    if (failure != null || !(stream instanceof SocketStream socket) || !socket.awaitEnd(this)) {
      close();
    }
  }

  // ---- of what is received to be thrown away

  @Override
  public void received(Buffer buffer, Void none) {
    buffer.release();
  }

  @Override
  public void ended(Void none) {
    inputEnded();
  }

  /** Of the shutdown, or of receiving. */
  @Override
  public void failed(Throwable cause, Void none) {
    if (phase == Phase.WRITES) {
      fail(cause);
      close();
    } else {
      inputEnded();
    }
  }
}
