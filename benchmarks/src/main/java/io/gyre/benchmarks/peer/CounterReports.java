package io.gyre.benchmarks.peer;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;

/**
 * Answers who measures a server: for each line that comes on standard input a line of counters so far, and if it says
 * {@code memory} of what is left of the heap after a collection as well.
 */
public final class CounterReports {
  private static final String MEMORY = "memory";

  /** Cleaners and references that the first one clears let go of more. */
  private static final int COLLECTIONS = 3;

  private CounterReports() {}

  /**
   * Starts to answer, on a thread of its own, until the input ends.
   *
   * @param counters makes the line, on that thread
   * @param out where to
   */
  public static void start(Supplier<String> counters, PrintWriter out) {
    Thread.ofPlatform().daemon().name("counter-reports").start(() -> answer(counters, out));
  }

  private static void answer(Supplier<String> counters, PrintWriter out) {
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try {
      for (var line = lines.readLine(); line != null; line = lines.readLine()) {
        var heap = line.equals(MEMORY) ? " heap_bytes=" + heapBytes() : "";
        out.println(counters.get() + heap);
        out.flush();
      }
    } catch (IOException e) {
      // Nobody will ask any more.
    }
  }

  private static long heapBytes() {
    for (int i = 0; i < COLLECTIONS; i++) {
      System.gc();
    }
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }
}
