package io.gyre.benchmarks.peer;

import java.lang.management.ManagementFactory;

/** What is left of the heap, for who asks a server for its counters. */
public final class HeapReport {
  private static final String QUESTION = "memory";

  /** Cleaners and references that the first one clears let go of more. */
  private static final int COLLECTIONS = 3;

  private HeapReport() {}

  /**
   * Collects garbage and tells what is left, if that was asked.
   *
   * @param line the question
   * @return {@code " heap_bytes=N"}, or nothing for any other question
   */
  public static String answer(String line) {
    if (!line.equals(QUESTION)) {
      return "";
    }
    for (int i = 0; i < COLLECTIONS; i++) {
      System.gc();
    }
    return " heap_bytes=" + ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }
}
