package io.gyre.net;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.driver.LoopFuture;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Writes what a publisher brings to a {@link ByteStream}. For one subscription; a second one is cancelled.
 *
 * <p>The publisher gives each buffer away: it is released here, in every case. A few are requested ahead as long as the
 * stream {@linkplain ByteStream#isWritable() is writable}, none while it is not: so no more is queued than the stream's
 * high mark and those few.
 *
 * <p>The first failure, be it the publisher's or the stream's, cancels the subscription. Signals may come from any thread.
 * The stream is left open, and its output too: see {@link #completion()}.
 */
public final class StreamSubscriber implements Flow.Subscriber<Buffer> {
  private static final int AHEAD = 8;

  private static final IoHandler<StreamSubscriber> WRITTEN =
      new IoHandler<>() {
        @Override
        public void completed(int bytes, StreamSubscriber subscriber) {
          subscriber.writeEnded(bytes, null);
        }

        @Override
        public void failed(Throwable cause, StreamSubscriber subscriber) {
          subscriber.writeEnded(0, cause);
        }
      };

  private static final IoHandler<StreamSubscriber> WRITABLE =
      new IoHandler<>() {
        @Override
        public void completed(int room, StreamSubscriber subscriber) {
          subscriber.awaitsRoom = false;
          subscriber.requestMore();
        }

        @Override
        public void failed(Throwable cause, StreamSubscriber subscriber) {
          subscriber.awaitsRoom = false;
          subscriber.fail(cause);
        }
      };

  private final ByteStream stream;
  private final EventLoop loop;
  private final CompletableFuture<Long> completion = new LoopFuture<>();
  private final AtomicReference<Flow.Subscription> upstream = new AtomicReference<>();

  // The loop's thread only.
  private int requested; // and not arrived
  private int writing;
  private long written;
  private boolean awaitsRoom;
  private boolean upstreamEnded;
  private Throwable failure;

  StreamSubscriber(ByteStream stream) {
    this.stream = stream;
    this.loop = stream.loop();
    var _ =
        completion.whenComplete(
            (bytes, cause) -> {
              if (completion.isCancelled()) {
                cancelUpstream();
              }
            });
  }

  /**
   * The end of it.
   *
   * @return completes on the loop's thread with the number of bytes, when the publisher has ended and all are written: the
   *     time for {@link ByteStream#shutdownOutputAsync()}, or a close. With the first failure, when nothing that came here is
   *     queued any more. Cancelling it cancels the subscription; what is queued goes out
   */
  public CompletableFuture<Long> completion() {
    return completion;
  }

  @Override
  public void onSubscribe(Flow.Subscription subscription) {
    Objects.requireNonNull(subscription, "subscription");
    if (!upstream.compareAndSet(null, subscription)) {
      subscription.cancel();
    } else if (completion.isDone()) {
      subscription.cancel();
    } else {
      onLoop(this::requestMore, () -> {});
    }
  }

  @Override
  public void onNext(Buffer buffer) {
    Objects.requireNonNull(buffer, "buffer");
    // By way of a task also on the loop's thread, so that none overtakes one that another thread
    // brought.
    onLoop(() -> take(buffer), buffer::release);
  }

  @Override
  public void onError(Throwable cause) {
    Objects.requireNonNull(cause, "cause");
    onLoop(
        () -> {
          upstreamEnded = true;
          fail(cause);
        },
        () -> {});
  }

  @Override
  public void onComplete() {
    onLoop(
        () -> {
          upstreamEnded = true;
          completeIfDone();
        },
        () -> {});
  }

  private void onLoop(Runnable task, Runnable otherwise) {
    try {
      loop.execute(task);
    } catch (ShutdownChannelGroupException e) {
      otherwise.run();
      cancelUpstream();
      completion.completeExceptionally(e);
    }
  }

  private void take(Buffer buffer) {
    requested--;
    if (failure != null || completion.isDone()) {
      buffer.release();
      return;
    }
    try {
      stream.write(buffer, this, WRITTEN);
      writing++;
    } catch (RuntimeException e) { // one that was released: the publisher breaks the rules
      fail(e);
      return;
    }
    buffer.release();
    requestMore();
  }

  private void requestMore() {
    var subscription = upstream.get();
    if (subscription == null || failure != null || upstreamEnded || completion.isDone()) {
      return;
    }
    if (stream.isWritable()) {
      int more = AHEAD - requested;
      if (more >= AHEAD / 2) { // not one by one
        requested += more;
        subscription.request(more);
      }
    } else if (!awaitsRoom) {
      awaitsRoom = true;
      stream.writable(this, WRITABLE);
    }
  }

  private void writeEnded(int bytes, Throwable cause) {
    writing--;
    written += bytes;
    if (cause != null) {
      fail(cause);
    }
    completeIfDone();
  }

  private void fail(Throwable cause) {
    if (failure == null) {
      failure = cause;
      cancelUpstream();
    }
    completeIfDone();
  }

  private void cancelUpstream() {
    var subscription = upstream.get();
    if (subscription != null) {
      subscription.cancel();
    }
  }

  private void completeIfDone() {
    if (writing > 0) {
      return;
    }
    if (failure != null) {
      completion.completeExceptionally(failure);
    } else if (upstreamEnded) {
      completion.complete(written);
    }
  }

  @Override
  public String toString() {
    return "subscriber of " + stream;
  }
}
