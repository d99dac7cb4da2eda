package io.gyre.uring;

import io.gyre.driver.Capabilities.Status;
import io.gyre.driver.Errno;
import java.io.IOException;
import java.util.function.Predicate;

/**
 * Tries a feature as the driver uses it, through a small ring, and looks at what came of it: kernels have been shipped
 * that know a flag and do something else.
 */
@FunctionalInterface
interface SelfTest {
  /**
   * Runs on a thread of its own that may open rings, by {@link ScratchRing#open}.
   *
   * @param kernel where the ring is opened
   * @param allowed what is not switched off, for the ring's set-up
   * @throws IOException when it could not be tried, for want of memory or descriptors: the next runtime tries again
   */
  Outcome run(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException;

  /**
   * What came of it.
   *
   * @param status {@code USED} when it may be; {@code REFUSED} or {@code FAILED_SELF_TEST}
   * @param detail why not
   */
  record Outcome(Status status, String detail) {
    static final Outcome PASSED = new Outcome(Status.USED, "");

    /** The kernel said no. */
    static Outcome refused(KernelFeature feature, int errno) {
      return new Outcome(
          Status.REFUSED, Errno.describe(errno) + "; it came with Linux " + feature.since());
    }

    /** The kernel did something else than it should. */
    static Outcome failed(String why) {
      return new Outcome(Status.FAILED_SELF_TEST, why);
    }

    boolean passed() {
      return status == Status.USED;
    }
  }
}
