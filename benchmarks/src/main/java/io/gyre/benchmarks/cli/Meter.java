package io.gyre.benchmarks.cli;

import com.sun.management.ThreadMXBean;
import io.gyre.EventLoop;
import io.gyre.driver.DriverCounters.Counter;
import java.lang.management.ManagementFactory;
import java.util.List;

/**
 * What the process used between two moments: time, processor time of all its threads, bytes allocated by all its
 * threads but the one that watches, and calls into the kernel.
 *
 * <p>Nothing is allocated between {@link #start} and {@link #stop}, and what these two do themselves lies outside of
 * what is counted.
 */
final class Meter {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final List<EventLoop> loops;
  private final long watcher;

  private long startNanos;
  private long startCpuNanos;
  private long startEnters;
  private long startAllocated;
  private long nanos;
  private long cpuNanos;
  private long enters;
  private long allocated;

  /**
   * Makes a meter that has measured nothing.
   *
   * @param loops whose calls into the kernel count
   * @param watcher the thread that draws the progress line: its allocations do not count
   */
  Meter(List<EventLoop> loops, Thread watcher) {
    this.loops = loops;
    this.watcher = watcher.threadId();
    start(); // what is loaded and linked at the first call is loaded now
    stop();
  }

  void start() {
    startEnters = enters(loops);
    startNanos = System.nanoTime();
    startCpuNanos = ProcessCpuClock.nanos();
    startAllocated = allocatedBytes();
  }

  void stop() {
    // What the watcher allocates between the two looks is taken off once too often.
    allocated = Math.max(0, allocatedBytes() - startAllocated);
    cpuNanos = ProcessCpuClock.nanos() - startCpuNanos;
    nanos = System.nanoTime() - startNanos;
    enters = enters(loops) - startEnters;
  }

  double perSecond(long operations) {
    return nanos == 0 ? 0 : operations * 1e9 / nanos;
  }

  double cpuMicrosPer(long operations) {
    return per(cpuNanos / 1e3, operations);
  }

  double entersPer(long operations) {
    return per((double) enters, operations);
  }

  double allocatedBytesPer(long operations) {
    return per((double) allocated, operations);
  }

  static double per(double amount, long operations) {
    return operations == 0 ? 0 : amount / operations;
  }

  /** Bytes allocated so far by some threads. */
  static long allocatedBytes(List<EventLoop> loops) {
    long sum = 0;
    for (int i = 0; i < loops.size(); i++) {
      sum += THREADS.getThreadAllocatedBytes(loops.get(i).thread().threadId());
    }
    return sum;
  }

  static long enters(List<EventLoop> loops) {
    long sum = 0;
    for (int i = 0; i < loops.size(); i++) {
      sum += loops.get(i).counters().get(Counter.ENTERS);
    }
    return sum;
  }

  private long allocatedBytes() {
    return THREADS.getTotalThreadAllocatedBytes() - THREADS.getThreadAllocatedBytes(watcher);
  }
}
