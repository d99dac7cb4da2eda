package io.gyre.uring;

import io.gyre.WaitStrategy;
import io.gyre.bindings.Liburing;
import io.gyre.driver.Errno;
import io.gyre.uring.SelfTest.Outcome;
import java.io.IOException;
import java.time.Duration;
import java.util.function.Predicate;

/** Waits in each of the ways that a kernel may have, and looks when and how that ends. */
final class WaitSelfTests {
  private static final long SHORT_NANOS = 200_000;
  private static final long LONG_NANOS = 1_000_000_000;
  private static final int INTERRUPTS = 10;

  private WaitSelfTests() {}

  static Outcome registeredWait(Kernel kernel, Predicate<KernelFeature> allowed)
      throws IOException {
    try (var scratch = ScratchRing.open(kernel, allowed)) {
      int registered = scratch.ring().registeredWait();
      return registered < 0
          ? Outcome.refused(KernelFeature.REGISTERED_WAIT, -registered)
          : timeoutThenNop(scratch);
    }
  }

  static Outcome noIoWait(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException {
    try (var scratch = ScratchRing.open(kernel, allowed)) {
      return scratch.ring().has(Liburing.IORING_FEAT_NO_IOWAIT())
          ? timeoutThenNop(scratch)
          : Outcome.absent(KernelFeature.NO_IOWAIT);
    }
  }

  /** A wait for nothing ends in time, and not before; one for something ends with that. */
  private static Outcome timeoutThenNop(ScratchRing scratch) throws IOException {
    long begin = System.nanoTime();
    int result = enter(scratch.ring(), SHORT_NANOS);
    long waited = System.nanoTime() - begin;
    if (result != -Errno.ETIME.number()) {
      return Outcome.failed("a wait for nothing ended with " + describe(result));
    }
    if (waited < SHORT_NANOS) {
      return Outcome.failed("a wait of " + SHORT_NANOS + " ns ended after " + waited);
    }
    return nop(scratch);
  }

  /** A wait for two ends without the second, but not before its minimum. */
  static Outcome minWait(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException {
    var strategy = WaitStrategy.park().withMinWait(Duration.ofNanos(SHORT_NANOS), 2);
    try (var scratch = ScratchRing.open(kernel, strategy, allowed)) {
      if (!scratch.ring().has(Liburing.IORING_FEAT_MIN_TIMEOUT())) {
        return Outcome.absent(KernelFeature.MIN_WAIT);
      }
      writeNop(scratch);
      long begin = System.nanoTime();
      int result = enter(scratch.ring(), LONG_NANOS);
      long waited = System.nanoTime() - begin;
      if (result < 0) {
        return Outcome.failed("a wait with one completion of two ended with " + describe(result));
      }
      if (waited < SHORT_NANOS || waited >= LONG_NANOS) {
        return Outcome.failed(
            "a wait for at least " + SHORT_NANOS + " ns and one completion took " + waited);
      }
      var completion = scratch.poll();
      return completion != null && completion.result() == 0
          ? Outcome.PASSED
          : Outcome.failed("a NOP ended with " + completion);
    }
  }

  static Outcome submissionPolling(Kernel kernel, Predicate<KernelFeature> allowed)
      throws IOException {
    var strategy = WaitStrategy.park().withSubmissionPolling(Duration.ofMillis(1));
    try (var scratch = ScratchRing.open(kernel, strategy, allowed)) {
      return scratch.ring().isPolled()
          ? nop(scratch)
          : Outcome.refused(KernelFeature.SQPOLL, scratch.ring().pollingRefusal());
    }
  }

  private static Outcome nop(ScratchRing scratch) throws IOException {
    writeNop(scratch);
    var completion = scratch.next();
    return completion != null && completion.result() == 0
        ? Outcome.PASSED
        : Outcome.failed("a NOP ended with " + completion);
  }

  private static void writeNop(ScratchRing scratch) {
    scratch.add(Liburing.IORING_OP_NOP(), 0, -1, 0, 0, 0, 0, 1);
  }

  /** Signals that the JVM sends to its threads end waits. */
  private static int enter(Ring ring, long timeoutNanos) {
    int result = ring.enter(1, timeoutNanos);
    for (int i = 0; i < INTERRUPTS && result == -Errno.EINTR.number(); i++) {
      result = ring.enter(1, timeoutNanos);
    }
    return result;
  }

  private static String describe(int result) {
    return result < 0 ? Errno.describe(-result) : Integer.toString(result);
  }
}
