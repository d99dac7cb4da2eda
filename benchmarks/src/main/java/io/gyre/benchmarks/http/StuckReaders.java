package io.gyre.benchmarks.http;

import io.gyre.driver.TimerWheel;
import java.time.Duration;
import java.util.Collection;

/**
 * Ends connections that hold what others wait for, and for which nothing has gone out for a while. Looks at them only
 * as long as somebody waits, a few times in that while, so that progress costs no look at a clock. Confined to the loop's
 * thread.
 */
final class StuckReaders extends TimerWheel.Entry {
  /** So many looks in a row must find the same: what is ended had all of its time. */
  private static final int LOOKS = 4;

  private final TimerWheel timers;
  private final BufferShares shares;
  private final Collection<HttpConnection> connections;
  private final long periodNanos;
  private boolean looking;
  private int looks;

  StuckReaders(
      TimerWheel timers,
      BufferShares shares,
      Collection<HttpConnection> connections,
      Duration limit) {
    this.timers = timers;
    this.shares = shares;
    this.connections = connections;
    this.periodNanos = Math.max(1, limit.toNanos() / LOOKS);
  }

  /** How often was looked so far: what a connection notes when it makes progress. */
  int looks() {
    return looks;
  }

  /** Somebody waits. */
  void begin() {
    if (!looking) {
      looking = true;
      timers.schedule(this, periodNanos);
    }
  }

  void end() {
    timers.cancel(this);
  }

  @Override
  protected void expired() {
    looks++;
    looking = shares.isShort();
    if (!looking) {
      return;
    }
    var stuck = connections.stream().filter(c -> c.isStuckSince(looks - LOOKS)).toList();
    stuck.forEach(HttpConnection::giveUp);
    timers.schedule(this, periodNanos);
  }
}
