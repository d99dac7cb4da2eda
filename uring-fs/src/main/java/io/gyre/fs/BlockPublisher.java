package io.gyre.fs;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.fs.BlockReadHandler.Next;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.Objects;
import java.util.concurrent.Flow;

/** A file as a cold publisher: each subscription is a {@link BlockReader} of its own. */
final class BlockPublisher implements Flow.Publisher<Buffer> {
  private final AsyncFile file;
  private final ReadAhead how;

  BlockPublisher(AsyncFile file, ReadAhead how) {
    this.file = file;
    this.how = Objects.requireNonNull(how, "how");
    file.file().requireReadable();
  }

  @Override
  public void subscribe(Flow.Subscriber<? super Buffer> subscriber) {
    Objects.requireNonNull(subscriber, "subscriber");
    var subscription = new Subscription(file, subscriber);
    try {
      file.loop().execute(() -> subscription.begin(how));
    } catch (ShutdownChannelGroupException e) {
      // Here and now, since there is no loop to be told on; rule 1.9 wants both.
      subscriber.onSubscribe(subscription);
      subscription.failed(e, null);
    }
  }

  @Override
  public String toString() {
    return "publisher of " + file;
  }

  /** Counts what was requested. All but the methods of {@link Flow.Subscription} belongs to the loop's thread. */
  private static final class Subscription implements Flow.Subscription, BlockReadHandler<Void> {
    private final AsyncFile file;
    private final EventLoop loop;
    private Flow.Subscriber<? super Buffer> subscriber; // null once told the end, or cancelled
    private BlockReader<Void> reader;
    private long demand;

    Subscription(AsyncFile file, Flow.Subscriber<? super Buffer> subscriber) {
      this.file = file;
      this.loop = file.loop();
      this.subscriber = subscriber;
    }

    void begin(ReadAhead how) {
      try {
        subscriber.onSubscribe(this);
      } catch (Throwable t) {
        subscriber = null; // who throws here has cancelled: rule 2.13
        throw t;
      }
      if (subscriber != null) {
        reader = BlockReader.startPaused(file, how, null, this);
        if (demand > 0) {
          reader.resume();
        }
      }
    }

    @Override
    public void request(long n) {
      if (n <= 0) {
        tell(() -> refuse(n)); // not from inside of what the subscriber is just doing
      } else if (loop.inLoop()) {
        add(n);
      } else {
        tell(() -> add(n));
      }
    }

    private void add(long n) {
      if (subscriber == null) {
        return;
      }
      demand = demand + n < 0 ? Long.MAX_VALUE : demand + n;
      if (reader != null) {
        reader.resume();
      }
    }

    private void refuse(long n) {
      if (reader != null) {
        reader.stop();
      }
      failed(
          new IllegalArgumentException(
              "a subscriber of "
                  + file
                  + " requested "
                  + n
                  + " blocks; rule 3.9 demands 1 or more"),
          null);
    }

    @Override
    public void cancel() {
      if (loop.inLoop()) {
        cancelOnLoop();
      } else {
        tell(this::cancelOnLoop);
      }
    }

    private void cancelOnLoop() {
      subscriber = null; // which a publisher must not hold any longer: rule 3.13
      if (reader != null) {
        reader.stop();
      }
    }

    private void tell(Runnable task) {
      try {
        loop.execute(task);
      } catch (ShutdownChannelGroupException e) {
        // The loop's end has ended the reading.
      }
    }

    @Override
    public Next block(Buffer block, Void none) {
      demand--;
      try {
        subscriber.onNext(block);
      } catch (Throwable t) {
        subscriber = null;
        throw t;
      }
      return demand > 0 ? Next.CONTINUE : Next.PAUSE;
    }

    @Override
    public void ended(Void none) {
      var told = subscriber;
      subscriber = null;
      if (told != null) {
        told.onComplete();
      }
    }

    @Override
    public void failed(Throwable cause, Void none) {
      var told = subscriber;
      subscriber = null;
      if (told != null) {
        told.onError(cause);
      }
    }

    @Override
    public String toString() {
      return "subscription to " + file;
    }
  }
}
