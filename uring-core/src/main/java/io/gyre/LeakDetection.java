package io.gyre;

import java.util.Locale;

/**
 * How many leases of {@link Buffer}s are watched. Of a watched lease it is noticed when all that leads to its memory was
 * dropped without a release: the memory goes back to its pool, and one log line names where the lease was taken. A
 * watched lease is an object of its own, so that whoever uses it after its release is refused for ever, and not only
 * until the memory is lent again.
 *
 * <p>Watching takes a restricted method of the JDK: without {@code --enable-native-access}, the JVM warns of it once.
 *
 * <p>Watching a lease costs a few microseconds and one or two kilobytes of garbage: an arena, a view and a stack trace.
 * The default is {@link #OFF}, because operations are promised to allocate nothing: even one lease in 128 would make
 * that a dozen bytes for each.
 */
public enum LeakDetection {
  /** None. A buffer that is dropped without a release is lost to its pool until the runtime ends. */
  OFF(0),
  /** One lease in 128, chosen at random; the others pay for a decrement. */
  SAMPLED(128),
  /** Every lease: for tests, and to find a leak that was noticed. */
  FULL(1);

  /** System property that chooses when {@link IoRuntime.Builder#leakDetection} does not: {@code off}, {@code sampled}, {@code full}. */
  public static final String PROPERTY = "gyre.leakDetection";

  private final int interval;

  LeakDetection(int interval) {
    this.interval = interval;
  }

  /** One lease in how many; 0 for none. */
  int interval() {
    return interval;
  }

  /** What the system property says. */
  static LeakDetection configured() {
    var value = System.getProperty(PROPERTY, "off");
    try {
      return valueOf(value.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(PROPERTY + " must be off, sampled or full: " + value, e);
    }
  }
}
