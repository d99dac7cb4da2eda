package io.gyre;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/**
 * What a loop does when there is nothing to do. A value; each loop of a runtime may have another
 * ({@link IoRuntime.Builder#waitStrategy(java.util.function.IntFunction)}).
 *
 * <p>The base is one of three:
 *
 * <ul>
 *   <li>{@link #park()}: the thread sleeps in the kernel. Costs no processor time, and a system call and a change of
 *       threads for whatever comes.
 *   <li>{@link #spin()}: the thread looks again and again. Quickest by far where tasks come from other threads, since
 *       those need not wake anybody; keeps a core busy for as long as the runtime lives. Only for as many loops as there
 *       are cores to spare: a loop that spins where the work for it is to be done holds that work up.
 *   <li>{@link #spinThenPark}: the first for a while, then the second.
 * </ul>
 *
 * <p>To each may be added that the kernel itself polls for what is submitted ({@link #withSubmissionPolling}), and that
 * waits in the kernel gather completions ({@link #withMinWait}); both are io_uring's, and the NIO driver does without.
 * What is visible stays the same: nothing is lost, timers are as exact.
 */
public final class WaitStrategy {
  private static final long FOR_EVER = Long.MAX_VALUE;
  private static final WaitStrategy PARK = new WaitStrategy(0, 0, -1, 0, 1);
  private static final WaitStrategy SPIN = new WaitStrategy(FOR_EVER, 0, -1, 0, 1);
  private static final Duration MAX_MIN_WAIT = Duration.ofSeconds(1);
  private static final int MAX_COMPLETIONS = 65_536;

  private final long spinNanos;
  private final int pollingIdleMillis;
  private final int pollingCpu;
  private final int minWaitMicros;
  private final int minWaitCompletions;

  private WaitStrategy(
      long spinNanos,
      int pollingIdleMillis,
      int pollingCpu,
      int minWaitMicros,
      int minWaitCompletions) {
    this.spinNanos = spinNanos;
    this.pollingIdleMillis = pollingIdleMillis;
    this.pollingCpu = pollingCpu;
    this.minWaitMicros = minWaitMicros;
    this.minWaitCompletions = minWaitCompletions;
  }

  /**
   * The loop sleeps in the kernel: the default.
   *
   * @return a strategy
   */
  public static WaitStrategy park() {
    return PARK;
  }

  /**
   * The loop never sleeps.
   *
   * @return a strategy
   */
  public static WaitStrategy spin() {
    return SPIN;
  }

  /**
   * The loop looks again and again for some time, and sleeps if nothing came in it.
   *
   * @param time how long to look, in each wait; more than zero. Some tens of microseconds, the time that it takes to wake
   *     a thread, cost at most twice what the better choice would have
   * @return a strategy
   * @throws IllegalArgumentException for zero or less
   */
  public static WaitStrategy spinThenPark(Duration time) {
    if (!time.isPositive()) {
      throw new IllegalArgumentException("time to spin must be more than zero: " + time);
    }
    return new WaitStrategy(TimeUnit.NANOSECONDS.convert(time), 0, -1, 0, 1);
  }

  /**
   * Has a thread of the kernel's take what is submitted, so that submitting is no system call (SQPOLL). That thread
   * keeps a core busy, and sleeps when nothing was submitted for the idle time; the next submission then wakes it by a
   * call. With {@link #spin()} a busy loop makes no system calls at all. Each loop has such a thread of its own.
   *
   * <p>Where the kernel refuses it, the loop goes on without, and its {@link EventLoop#capabilities} say why.
   *
   * @param idle when the kernel's thread goes to sleep: from a millisecond to a minute, in whole milliseconds
   * @return a strategy that differs in this from the present one
   * @throws IllegalArgumentException when it is out of that range
   * @see <a href="https://man7.org/linux/man-pages/man2/io_uring_setup.2.html">IORING_SETUP_SQPOLL (Linux 5.11)</a>
   */
  public WaitStrategy withSubmissionPolling(Duration idle) {
    return polling(idle, -1);
  }

  /**
   * As {@link #withSubmissionPolling(Duration)}, with the kernel's thread bound to one processor.
   *
   * @param idle when the kernel's thread goes to sleep
   * @param cpu the processor, from 0; one that this process may not use is refused by the kernel
   * @return a strategy that differs in this from the present one
   * @throws IllegalArgumentException when the time is out of range, or the number negative
   */
  public WaitStrategy withSubmissionPolling(Duration idle, int cpu) {
    if (cpu < 0) {
      throw new IllegalArgumentException("cpu must not be negative: " + cpu);
    }
    return polling(idle, cpu);
  }

  private WaitStrategy polling(Duration idle, int cpu) {
    if (idle.compareTo(Duration.ofMillis(1)) < 0 || idle.compareTo(Duration.ofMinutes(1)) > 0) {
      throw new IllegalArgumentException(
          "idle time of submission polling must be from 1 ms to 1 min: " + idle);
    }
    return new WaitStrategy(
        spinNanos, (int) idle.toMillis(), cpu, minWaitMicros, minWaitCompletions);
  }

  /**
   * Has waits in the kernel gather completions: one that has begun ends when there are enough, or when the time is over
   * and there is one at least; if there is none then, with the first. Fewer wake-ups and larger batches, for which each
   * completion that the loop sleeps for may come up to that time later; and so may a task of another thread, whose
   * wake-up is a completion like any. Timers are not late. It has no effect where the loop does not sleep.
   *
   * <p>Off by default. Where the kernel does not have it, waits end with the first completion.
   *
   * @param time how long to gather at most: from a microsecond to a second, in whole microseconds
   * @param completions how many are enough, from 2 to 65536
   * @return a strategy that differs in this from the present one
   * @throws IllegalArgumentException when either is out of range
   * @see <a href="https://man7.org/linux/man-pages/man2/io_uring_enter2.2.html">min_wait_usec (Linux 6.12)</a>
   */
  public WaitStrategy withMinWait(Duration time, int completions) {
    if (time.compareTo(Duration.ofNanos(1000)) < 0 || time.compareTo(MAX_MIN_WAIT) > 0) {
      throw new IllegalArgumentException("min-wait must be from 1 us to 1 s: " + time);
    }
    if (completions < 2 || completions > MAX_COMPLETIONS) {
      throw new IllegalArgumentException(
          "completions to wait for must be from 2 to " + MAX_COMPLETIONS + ": " + completions);
    }
    return new WaitStrategy(
        spinNanos, pollingIdleMillis, pollingCpu, (int) (time.toNanos() / 1000), completions);
  }

  /**
   * How long the loop spins before it sleeps.
   *
   * @return nanoseconds; 0 for not at all, {@link Long#MAX_VALUE} for ever
   */
  public long spinNanos() {
    return spinNanos;
  }

  /**
   * When the kernel's thread that polls for submissions goes to sleep.
   *
   * @return milliseconds; 0 when there is to be none
   */
  public int pollingIdleMillis() {
    return pollingIdleMillis;
  }

  /**
   * The processor of the kernel's thread that polls for submissions.
   *
   * @return its number; negative for any
   */
  public int pollingCpu() {
    return pollingCpu;
  }

  /**
   * How long a wait in the kernel gathers completions.
   *
   * @return microseconds; 0 for not at all
   */
  public int minWaitMicros() {
    return minWaitMicros;
  }

  /**
   * How many completions end a wait in the kernel at once.
   *
   * @return at least 1
   */
  public int minWaitCompletions() {
    return minWaitCompletions;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof WaitStrategy o
        && spinNanos == o.spinNanos
        && pollingIdleMillis == o.pollingIdleMillis
        && pollingCpu == o.pollingCpu
        && minWaitMicros == o.minWaitMicros
        && minWaitCompletions == o.minWaitCompletions;
  }

  @Override
  public int hashCode() {
    return Objects.hash(
        spinNanos, pollingIdleMillis, pollingCpu, minWaitMicros, minWaitCompletions);
  }

  @Override
  public String toString() {
    var text = new StringBuilder();
    if (spinNanos == 0) {
      text.append("park");
    } else if (spinNanos == FOR_EVER) {
      text.append("spin");
    } else {
      text.append("spin for ").append(Duration.ofNanos(spinNanos)).append(", then park");
    }
    if (pollingIdleMillis > 0) {
      text.append(", the kernel polls for submissions, idle after ")
          .append(pollingIdleMillis)
          .append(" ms");
      if (pollingCpu >= 0) {
        text.append(", on cpu ").append(pollingCpu);
      }
    }
    if (minWaitMicros > 0) {
      text.append(", gather ")
          .append(minWaitCompletions)
          .append(" completions for at most ")
          .append(minWaitMicros)
          .append(" us");
    }
    return text.toString();
  }
}
