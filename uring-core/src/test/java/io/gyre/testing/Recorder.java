package io.gyre.testing;

import io.gyre.IoHandler;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** A handler that keeps what it is told, in order. */
public final class Recorder<A> implements IoHandler<A> {
  private final ConcurrentLinkedQueue<Outcome<A>> outcomes = new ConcurrentLinkedQueue<>();
  private final AtomicInteger count = new AtomicInteger();

  /** Makes an empty one. */
  public Recorder() {}

  @Override
  public void completed(int result, A attachment) {
    record(new Outcome<>(attachment, result, null, Thread.currentThread()));
  }

  @Override
  public void failed(Throwable cause, A attachment) {
    record(new Outcome<>(attachment, 0, cause, Thread.currentThread()));
  }

  private void record(Outcome<A> outcome) {
    outcomes.add(outcome);
    count.incrementAndGet();
  }

  /** How many outcomes there were. */
  public int count() {
    return count.get();
  }

  /** All outcomes so far. */
  public List<Outcome<A>> outcomes() {
    return new ArrayList<>(outcomes);
  }

  /** Waits for a number of outcomes, and gives all that there are. */
  public List<Outcome<A>> await(int expected) {
    Waits.until(() -> expected + " outcomes, got " + count.get(), () -> count.get() >= expected);
    return outcomes();
  }

  /** Waits for the only outcome. */
  public Outcome<A> awaitOne() {
    return await(1).getFirst();
  }

  /** Checks that nobody was told twice; attachments must be distinct. */
  public void checkExactlyOnce(int expected) {
    var seen = new HashMap<A, Outcome<A>>();
    for (var outcome : outcomes) {
      var earlier = seen.put(outcome.attachment(), outcome);
      if (earlier != null) {
        throw new AssertionError("told twice: " + earlier + " and " + outcome);
      }
    }
    if (seen.size() != expected) {
      throw new AssertionError("expected " + expected + " outcomes, got " + seen.size());
    }
  }
}
