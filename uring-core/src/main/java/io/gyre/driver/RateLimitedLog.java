package io.gyre.driver;

import java.time.Duration;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Warnings about what may happen ten thousand times a second: the first is logged at once, then at most one in each
 * interval, which says how many there were besides. Confined to one thread.
 */
public final class RateLimitedLog {
  private final Logger log;
  private final long intervalNanos;
  private final LongSupplier nanoClock;
  private boolean logged;
  private long lastNanos;
  private long suppressed;

  /**
   * Makes one; for each kind of warning its own.
   *
   * @param owner the class that the lines are from
   * @param interval at most one line in this time
   */
  public RateLimitedLog(Class<?> owner, Duration interval) {
    this(LoggerFactory.getLogger(owner), interval, System::nanoTime);
  }

  RateLimitedLog(Logger log, Duration interval, LongSupplier nanoClock) {
    this.log = Objects.requireNonNull(log, "log");
    this.intervalNanos = interval.toNanos();
    this.nanoClock = Objects.requireNonNull(nanoClock, "nanoClock");
  }

  /**
   * Logs a warning, or counts it.
   *
   * @param format a message with {@code {}} for each argument
   * @param arguments put in only when the line is logged
   */
  public void warn(String format, Object... arguments) {
    long now = nanoClock.getAsLong();
    if (logged && now - lastNanos < intervalNanos) {
      suppressed++;
      return;
    }
    logged = true;
    lastNanos = now;
    log.warn(
        suppressed == 0 ? format : format + " (and " + suppressed + " times since the last line)",
        arguments);
    suppressed = 0;
  }
}
