package io.gyre;

/**
 * A task that an {@link EventLoop} runs later, once or again and again. Any thread may use it.
 *
 * @see EventLoop#schedule
 * @see EventLoop#scheduleAtFixedRate
 * @see EventLoop#scheduleWithFixedDelay
 */
public sealed interface ScheduledTask permits TimedTask {
  /**
   * Has the task not run any more. What it refers to is let go at once; the loop forgets the handle at once when this is
   * called on its thread, and with its next turn otherwise.
   *
   * <p>A run that is under way goes on. Called on the loop's thread, nothing else is: when this has returned true, the
   * task does not begin any more.
   *
   * @return true if this call kept the task from running, or from running again; false if it has run, is running for the
   *     only time, or was cancelled before
   */
  boolean cancel();

  /**
   * Whether it was cancelled, by {@link #cancel()} or by the end of its loop.
   *
   * @return true if it does not run any more, though it would have
   */
  boolean isCancelled();

  /**
   * Whether nothing will happen any more: it has run for the only time, or is cancelled.
   *
   * @return true if it does not run any more
   */
  boolean isDone();

  /**
   * How long until it runs, or runs again.
   *
   * @return nanoseconds, by the monotonic clock; 0 or less when it is due, or was. Means nothing once this is done
   */
  long remainingNanos();
}
