package io.gyre.fs;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.driver.LoopFuture;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Writes what a publisher brings to a file, one buffer behind the other, some of them at the same time. For one
 * subscription; a second one is cancelled.
 *
 * <p>The publisher gives each buffer away: it is released here, in every case. As many are requested as may be written at
 * the same time, and one more for each that was written.
 *
 * <p>The first failure, be it the publisher's or the file's, cancels the subscription. Signals may come from any thread.
 */
public final class BlockSubscriber implements Flow.Subscriber<Buffer> {
  private static final BlockWriteHandler<BlockSubscriber> HANDLER =
      new BlockWriteHandler<>() {
        @Override
        public void drained(BlockSubscriber subscriber) {
          // What is requested never exceeds the room.
        }

        @Override
        public void written(long bytes, BlockSubscriber subscriber) {
          subscriber.requestMore();
        }

        @Override
        public void ended(long bytes, BlockSubscriber subscriber) {
          subscriber.completion.complete(bytes);
        }

        @Override
        public void failed(Throwable cause, long bytes, BlockSubscriber subscriber) {
          subscriber.fail(cause);
        }
      };

  private final AsyncFile file;
  private final EventLoop loop;
  private final int depth;
  private final BlockWriter<BlockSubscriber> writer;
  private final CompletableFuture<Long> completion = new LoopFuture<>();
  private final AtomicReference<Flow.Subscription> upstream = new AtomicReference<>();

  /** The loop's thread only: for how many blocks another one was requested. */
  private long replaced;

  BlockSubscriber(AsyncFile file, WriteBehind how) {
    file.file().requireWritable();
    this.file = file;
    this.loop = file.loop();
    this.depth = how.depth();
    this.writer = BlockWriter.start(file, how, this, HANDLER);
    var _ =
        completion.whenComplete(
            (bytes, failure) -> {
              if (completion.isCancelled()) {
                writer.abort();
              }
            });
  }

  /**
   * The end of it.
   *
   * @return completes on the loop's thread with the number of bytes, when all are written, and synced if that was asked
   *     for; with the first failure, when nothing is in flight any more: {@link #written()} then tells what is in the file.
   *     Cancelling it cancels the subscription, and what is in flight
   */
  public CompletableFuture<Long> completion() {
    return completion;
  }

  /**
   * How much is in the file.
   *
   * @return bytes from the beginning on, without a gap; exact once the writing has ended. Durable when {@link
   *     #completion()} has succeeded and a sync was asked for, or if the file was opened with DSYNC or SYNC
   */
  public long written() {
    return writer.written();
  }

  @Override
  public void onSubscribe(Flow.Subscription subscription) {
    Objects.requireNonNull(subscription, "subscription");
    if (!upstream.compareAndSet(null, subscription)) {
      subscription.cancel();
    } else if (completion.isDone()) {
      subscription.cancel(); // the file was closed before
    } else {
      subscription.request(depth);
    }
  }

  @Override
  public void onNext(Buffer block) {
    Objects.requireNonNull(block, "block");
    try {
      // By way of a task also on the loop's thread, so that none overtakes one that another thread
      // brought.
      loop.execute(() -> take(block));
    } catch (ShutdownChannelGroupException e) {
      block.release(); // the loop's end has ended the writing, and told so
    }
  }

  private void take(Buffer block) {
    try {
      writer.offer(block);
    } catch (RuntimeException e) {
      // More than was requested, after the last, or one that was released: the publisher breaks the
      // rules. First, since then the release throws as well.
      writer.abort(e);
      block.release();
      return;
    }
    try {
      requestMore(); // an empty one is done with already
    } catch (RuntimeException e) {
      writer.abort(e);
    }
  }

  private void requestMore() {
    long done = writer.retired() - replaced;
    var subscription = upstream.get();
    if (done > 0 && subscription != null) {
      replaced += done;
      subscription.request(done);
    }
  }

  @Override
  public void onError(Throwable failure) {
    Objects.requireNonNull(failure, "failure");
    writer.abort(failure);
  }

  @Override
  public void onComplete() {
    writer.finish();
  }

  private void fail(Throwable cause) {
    completion.completeExceptionally(cause);
    var subscription = upstream.get();
    if (subscription != null) {
      subscription.cancel();
    }
  }

  @Override
  public String toString() {
    return "subscriber of " + file;
  }
}
