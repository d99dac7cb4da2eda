package io.gyre.uring;

import static io.gyre.uring.SimulatedKernel.require;

import io.gyre.driver.TimerWheel;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * Users of a production {@link TimerWheel} on the simulated kernel's clock: they schedule, move,
 * cancel and repeat at random, and throw. And the oracle: nothing expires early, out of order, twice
 * or never.
 */
final class SimulatedTimers {
  private static final int MOST = 200;

  private final RandomGenerator random;
  private final TimerWheel wheel;
  private final List<Timer> timers = new ArrayList<>();

  /** What is to expire, in the order in which it is to. */
  private final TreeSet<Timer> pending =
      new TreeSet<>(Comparator.comparingLong((Timer t) -> t.due).thenComparingLong(t -> t.turn));

  private long scheduled;
  private long lastDue;
  private long lastTurn;
  private long expired;
  private boolean ending;

  /** A timer of a user's. */
  private final class Timer extends TimerWheel.Entry {
    long due;
    long turn;
    long period;
    Runnable action = () -> {};

    @Override
    protected void expired() {
      require(!ending, "expires while the wheel is cleared");
      require(pending.remove(this), "expires, but is not pending: " + this);
      require(wheel.now() >= due, "early: " + this + " at " + wheel.now());
      boolean inOrder = due > lastDue || (due == lastDue && turn > lastTurn);
      require(inOrder, this + " after what was due at " + lastDue + ", scheduled as " + lastTurn);
      boolean isFirst =
          pending.isEmpty() || pending.comparator().compare(this, pending.first()) < 0;
      require(isFirst, this + " before others that are due");
      lastDue = due;
      lastTurn = turn;
      expired++;
      if (period > 0) {
        schedule(this, due + period);
      }
      action.run();
      for (int i = random.nextInt(4); i > 2; i--) {
        act();
      }
      if (random.nextInt(20) == 0) {
        throw new SimulatedUsers.Thrown();
      }
    }

    @Override
    protected void dropped() {
      require(ending, "dropped, though nobody cleared the wheel: " + this);
      require(pending.remove(this), "dropped, but is not pending: " + this);
    }

    @Override
    public String toString() {
      return "due at " + due + ", scheduled as " + turn + (period > 0 ? ", every " + period : "");
    }
  }

  SimulatedTimers(SimulatedKernel kernel, RandomGenerator random, Consumer<Throwable> threw) {
    this.random = random;
    this.wheel = new TimerWheel(kernel::nanoTime, threw);
    for (int i = 0; i < MOST; i++) {
      timers.add(new Timer());
    }
  }

  /** Does one thing to one timer. */
  void act() {
    var timer = timers.get(random.nextInt(timers.size()));
    if (random.nextInt(4) == 0) {
      cancel(timer);
    } else {
      timer.period = random.nextInt(8) == 0 ? 1 + random.nextLong(1_000_000) : 0;
      schedule(timer, wheel.now() + delay());
    }
  }

  /** Of any magnitude, the past included; many at the same moment. */
  private long delay() {
    long delay = random.nextLong(1L << random.nextInt(random.nextInt(8) == 0 ? 50 : 24));
    return random.nextInt(4) == 0 ? -delay : delay / 64 * 64;
  }

  private void schedule(Timer timer, long dueNanos) {
    pending.remove(timer);
    wheel.scheduleAt(timer, dueNanos);
    timer.due = Math.max(dueNanos, wheel.turnNanos());
    timer.turn = ++scheduled;
    pending.add(timer);
    require(timer.deadlineNanos() == timer.due && timer.isScheduled(), "noted wrongly: " + timer);
  }

  private void cancel(Timer timer) {
    require(wheel.cancel(timer) == pending.remove(timer), "cancelled wrongly: " + timer);
    require(!timer.isScheduled(), "pending though cancelled: " + timer);
  }

  /** Has something run after a time: a deadline. */
  void runAfter(long delayNanos, Runnable action) {
    var timer = new Timer();
    timer.action = action;
    schedule(timer, wheel.now() + delayNanos);
  }

  /**
   * A turn's share.
   *
   * @return how long the loop may wait at most; -1 without limit
   */
  long advance() {
    int limit = random.nextInt(4) == 0 ? 1 + random.nextInt(4) : 256;
    long before = expired;
    long wait = wheel.advance(limit);
    require(wheel.size() == pending.size(), wheel + " of " + pending.size());
    require(expired - before <= limit, "more than the limit of " + limit);
    if (pending.isEmpty()) {
      require(wait <= 0, "waits for nothing");
      return wait;
    }
    require(wait >= 0, "does not wait for " + pending.first());
    long first = pending.first().due - wheel.turnNanos();
    require(wait <= Math.max(0, first), "would oversleep " + pending.first());
    require(wait == 0 || first > 0, "left behind: " + pending.first());
    return wait;
  }

  long expired() {
    return expired;
  }

  /** Drops what is pending, as the end of a loop does. */
  void end() {
    ending = true;
    wheel.clear();
    require(pending.isEmpty() && wheel.isEmpty(), "never dropped: " + pending);
    require(wheel.advance(1) == -1, "something is left of nothing");
  }
}
