package io.gyre.testing;

import java.util.Random;

/** The seed of this run: random, unless a system property names one. */
public final class Seeds {
  /** The system property that repeats a run. */
  public static final String PROPERTY = "gyre.test.seed";

  /** The seed of this run. */
  public static final long SEED = Long.getLong(PROPERTY, System.nanoTime());

  private Seeds() {}

  /**
   * Makes a source of random choices that the seed repeats.
   *
   * @param salt tells the sources of one test apart
   */
  public static Random random(long salt) {
    return new Random(SEED * 31 + salt);
  }
}
