package io.gyre;

import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.LoopTelemetry;

/**
 * What a loop has done since it was started, and how it stands: {@link EventLoop#stats()}. Each number is read by
 * itself, and is recent; together they need not be of the same moment.
 *
 * @param loop the loop's name, which is its thread's
 * @param turns turns begun
 * @param waits waits in the kernel begun, for want of anything to do
 * @param spins times that it had nothing to do and looked for something without sleeping ({@link WaitStrategy#spin})
 * @param spinsPaidOff how many of those found something, or lasted to the next timer, so that the loop did not sleep
 * @param kernelCalls calls that submit, wait or both ({@code io_uring_enter}, {@code select})
 * @param submitted operations handed to the kernel or to a pool thread, with those of the driver itself
 * @param completed outcomes taken, with those of the driver itself
 * @param inlineReads reads that a waiting thread has done by itself, of data that was there: not among the submitted
 * @param inFlight operations not resolved when the latest turn began
 * @param tasks tasks run
 * @param inboxDepth tasks that wait to be run
 * @param timers timers fired
 * @param exceptions exceptions that handlers and tasks threw
 * @param wakeUpsSent wake-ups that were sent to the loop, at most one a sleep: for tasks given by other threads, for
 *     buffers that they gave back, for outcomes of pool threads, for shutdown
 * @param wakeUpsByMessage how many of them were messages of other loops to this one's ring
 * @param wakeUpsTaken wake-ups that the loop saw; fewer, where one came while another was on its way
 * @param cancels cancellations asked for, of one operation or of many
 * @param overflows times that the completion queue overflowed; nothing is lost
 * @param outOfBuffers receives that had to wait for a buffer
 * @param freeReceiveBuffersLow the fewest receive buffers that were free when a turn began; 0 if a receive went without
 * @param stale outcomes for operations that were gone; other than 0 only after an error of Gyre's own
 * @param stalls times that the watchdog found the loop stuck ({@link IoRuntime.Builder#stallThreshold})
 */
public record LoopStats(
    String loop,
    long turns,
    long waits,
    long spins,
    long spinsPaidOff,
    long kernelCalls,
    long submitted,
    long completed,
    long inlineReads,
    long inFlight,
    long tasks,
    long inboxDepth,
    long timers,
    long exceptions,
    long wakeUpsSent,
    long wakeUpsByMessage,
    long wakeUpsTaken,
    long cancels,
    long overflows,
    long outOfBuffers,
    long freeReceiveBuffersLow,
    long stale,
    long stalls) {

  static LoopStats of(LoopTelemetry telemetry, int inboxDepth) {
    var counters = telemetry.counters();
    return new LoopStats(
        telemetry.loop(),
        counters.get(Counter.TURNS),
        counters.get(Counter.WAITS),
        counters.get(Counter.SPINS),
        counters.get(Counter.SPINS_PAID_OFF),
        counters.get(Counter.ENTERS),
        counters.get(Counter.SUBMITTED),
        counters.get(Counter.COMPLETED),
        telemetry.inlineReads(),
        counters.get(Counter.IN_FLIGHT),
        counters.get(Counter.TASKS),
        inboxDepth,
        counters.get(Counter.TIMERS),
        counters.get(Counter.EXCEPTIONS),
        telemetry.wakeUpsSent(),
        telemetry.wakeUpsByMessage(),
        counters.get(Counter.WAKE_UPS),
        counters.get(Counter.CANCELS),
        counters.get(Counter.OVERFLOWS),
        counters.get(Counter.OUT_OF_BUFFERS),
        counters.get(Counter.FREE_RECEIVE_BUFFERS_LOW),
        counters.get(Counter.STALE),
        telemetry.stalls());
  }

  /** The sum of both; of the free buffers, the fewer. */
  LoopStats plus(LoopStats other, String name) {
    return new LoopStats(
        name,
        turns + other.turns,
        waits + other.waits,
        spins + other.spins,
        spinsPaidOff + other.spinsPaidOff,
        kernelCalls + other.kernelCalls,
        submitted + other.submitted,
        completed + other.completed,
        inlineReads + other.inlineReads,
        inFlight + other.inFlight,
        tasks + other.tasks,
        inboxDepth + other.inboxDepth,
        timers + other.timers,
        exceptions + other.exceptions,
        wakeUpsSent + other.wakeUpsSent,
        wakeUpsByMessage + other.wakeUpsByMessage,
        wakeUpsTaken + other.wakeUpsTaken,
        cancels + other.cancels,
        overflows + other.overflows,
        outOfBuffers + other.outOfBuffers,
        Math.min(freeReceiveBuffersLow, other.freeReceiveBuffersLow),
        stale + other.stale,
        stalls + other.stalls);
  }
}
