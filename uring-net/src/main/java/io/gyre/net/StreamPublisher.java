package io.gyre.net;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import java.nio.channels.ReadPendingException;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;

/** What a {@link ByteStream} receives, as a publisher: for one subscriber, since the bytes come once. */
final class StreamPublisher implements Flow.Publisher<Buffer> {
  private final ByteStream stream;
  private final AtomicBoolean subscribed = new AtomicBoolean();

  StreamPublisher(ByteStream stream) {
    this.stream = stream;
  }

  @Override
  public void subscribe(Flow.Subscriber<? super Buffer> subscriber) {
    Objects.requireNonNull(subscriber, "subscriber");
    var subscription = new Subscription(stream, subscriber);
    try {
      if (subscribed.compareAndSet(false, true)) {
        stream.loop().execute(subscription::begin);
      } else {
        stream.loop().execute(() -> subscription.refuse(second()));
      }
    } catch (ShutdownChannelGroupException e) {
      // Here and now, since there is no loop to be told on; rule 1.9 wants both.
      subscription.refuse(e);
    }
  }

  private IllegalStateException second() {
    return new IllegalStateException(this + " has, or had, a subscriber: its bytes come once");
  }

  @Override
  public String toString() {
    return "publisher of " + stream;
  }

  /**
   * Counts what was requested. All but the methods of {@link Flow.Subscription} belongs to the loop's thread.
   *
   * <p>Receiving begins with the first request. It is paused when something came that was not requested: then the peer is
   * held back by the system. What the system had delivered by then waits here, which is a few buffers at most.
   */
  private static final class Subscription implements Flow.Subscription, ReceiveHandler<Void> {
    private final ByteStream stream;
    private final EventLoop loop;
    private final ArrayDeque<Buffer> waiting = new ArrayDeque<>(1);
    private Flow.Subscriber<? super Buffer> subscriber; // null once told the end, or cancelled
    private long demand;
    private boolean begun;
    private boolean receiving;
    private boolean delivering;
    private boolean ended;
    private Throwable failure;

    Subscription(ByteStream stream, Flow.Subscriber<? super Buffer> subscriber) {
      this.stream = stream;
      this.loop = stream.loop();
      this.subscriber = subscriber;
    }

    void begin() {
      try {
        subscriber.onSubscribe(this);
      } catch (Throwable t) {
        subscriber = null; // who throws here has cancelled: rule 2.13
        throw t;
      }
      begun = true;
      deliver();
    }

    void refuse(Throwable cause) {
      var told = subscriber;
      subscriber.onSubscribe(this);
      if (subscriber != null) {
        subscriber = null;
        told.onError(cause);
      }
    }

    @Override
    public void request(long n) {
      tell(n > 0 ? () -> add(n) : () -> badRequest(n), n > 0);
    }

    private void add(long n) {
      if (subscriber != null) {
        demand = demand + n < 0 ? Long.MAX_VALUE : demand + n;
        deliver();
      }
    }

    private void badRequest(long n) {
      end(
          new IllegalArgumentException(
              "a subscriber of "
                  + stream
                  + " requested "
                  + n
                  + " buffers; rule 3.9 demands 1 or more"));
    }

    @Override
    public void cancel() {
      tell(this::cancelOnLoop, true);
    }

    private void cancelOnLoop() {
      subscriber = null; // which a publisher must not hold any longer: rule 3.13
      drop();
      if (receiving) {
        stream.pauseReceiving();
      }
    }

    private void drop() {
      waiting.forEach(Buffer::release);
      waiting.clear();
    }

    private void tell(Runnable task, boolean mayBeInside) {
      if (mayBeInside && loop.inLoop()) {
        task.run();
        return;
      }
      try {
        loop.execute(task);
      } catch (ShutdownChannelGroupException e) {
        // The loop's end has ended the receiving.
      }
    }

    /** Passes on what there is and was requested; a subscriber that requests from inside of that finds this at work. */
    private void deliver() {
      if (delivering || !begun) {
        return;
      }
      delivering = true;
      try {
        while (subscriber != null && demand > 0 && !waiting.isEmpty()) {
          demand--;
          subscriber.onNext(waiting.poll());
        }
      } catch (Throwable t) {
        cancelOnLoop(); // rule 2.13
        throw t;
      } finally {
        delivering = false;
      }
      if (subscriber == null) {
        return;
      }
      if (waiting.isEmpty() && ended) {
        end(failure);
      } else if (demand > 0) {
        receive();
      }
    }

    private void receive() {
      if (receiving) {
        stream.resumeReceiving();
        return;
      }
      if (ended) {
        return;
      }
      receiving = true;
      try {
        stream.receiveEach(null, this);
      } catch (ReadPendingException e) {
        failed(e, null);
      }
    }

    @Override
    public void received(Buffer buffer, Void none) {
      if (subscriber == null) {
        buffer.release();
        return;
      }
      waiting.add(buffer);
      deliver();
      if (!waiting.isEmpty()) {
        stream.pauseReceiving();
      }
    }

    @Override
    public void ended(Void none) {
      inputEnded(null);
    }

    @Override
    public void failed(Throwable cause, Void none) {
      inputEnded(cause);
    }

    private void inputEnded(Throwable cause) {
      receiving = false;
      ended = true;
      failure = cause;
      deliver();
    }

    /** The last call of the subscriber. */
    private void end(Throwable cause) {
      var told = subscriber;
      cancelOnLoop();
      if (told == null) {
        return;
      }
      if (cause == null) {
        told.onComplete();
      } else {
        told.onError(cause);
      }
    }

    @Override
    public String toString() {
      return "subscription to " + stream;
    }
  }
}
