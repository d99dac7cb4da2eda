package io.gyre.uring;

import java.util.random.RandomGenerator;

/**
 * How rough a {@link SimulatedKernel} is: chances, in thousandths.
 *
 * @param delay an operation that could end now takes up to a millisecond of the kernel's time
 * @param shortCount a transfer moves less than it could
 * @param error an operation fails with an errno that it can have
 * @param endMultishot a multishot ends without an error
 * @param lateCancel a cancellation finds its operation running
 * @param partialSubmit enter takes fewer entries than there are
 * @param enterError enter fails with EAGAIN or EBUSY, or its wait with EINTR
 * @param scribble memory that is the kernel's is overwritten
 */
record SimulatedFaults(
    int delay,
    int shortCount,
    int error,
    int endMultishot,
    int lateCancel,
    int partialSubmit,
    int enterError,
    int scribble) {
  static final SimulatedFaults NONE = new SimulatedFaults(0, 0, 0, 0, 0, 0, 0, 0);

  /** Each chance by chance: rare faults alone find other bugs than all of them at once. */
  static SimulatedFaults any(RandomGenerator random) {
    return new SimulatedFaults(
        chance(random, 900),
        chance(random, 500),
        chance(random, 100),
        chance(random, 300),
        chance(random, 700),
        chance(random, 200),
        chance(random, 100),
        200);
  }

  private static int chance(RandomGenerator random, int max) {
    return random.nextInt(4) == 0 ? 0 : random.nextInt(max);
  }
}
