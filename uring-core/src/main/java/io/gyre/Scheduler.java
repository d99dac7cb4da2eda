package io.gyre;

/**
 * How many loops a runtime has, which is how ready work is placed: a file or socket belongs to one loop for life, and
 * its handlers run there.
 *
 * @param loops how many loops, each a platform thread with a ring of its own
 */
public record Scheduler(int loops) {
  /** Checks the range. */
  public Scheduler {
    if (loops < 1 || loops > 1024) {
      throw new IllegalArgumentException("loops must be 1 to 1024: " + loops);
    }
  }

  /**
   * One loop runs all: the least to think about, and no sharing at all.
   *
   * @return a scheduler of one loop
   */
  public static Scheduler singleThreaded() {
    return new Scheduler(1);
  }

  /**
   * A loop for each processor, which share nothing.
   *
   * @return a scheduler of as many loops as the JVM sees processors
   */
  public static Scheduler threadPerCore() {
    return new Scheduler(Runtime.getRuntime().availableProcessors());
  }

  /**
   * A chosen number of loops that share nothing.
   *
   * @param loops 1 to 1024
   * @return a scheduler of that many loops
   */
  public static Scheduler threadPerCore(int loops) {
    return new Scheduler(loops);
  }
}
