package io.gyre.uring;

import java.io.IOException;
import java.util.function.Predicate;

/** Tries a message from one ring's thread to another ring. */
final class MessageSelfTest {
  private static final long USER_DATA = 7;

  private MessageSelfTest() {}

  static SelfTest.Outcome run(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException {
    try (var target = ScratchRing.open(kernel, allowed)) {
      int result = new RingMessages(kernel, USER_DATA).send(target.ring());
      if (result < 0) {
        return SelfTest.Outcome.refused(KernelFeature.MSG_RING, -result);
      }
      var completion = target.next();
      if (completion == null) {
        return SelfTest.Outcome.failed("a message never arrived");
      }
      return completion.userData() == USER_DATA && !completion.hasMore()
          ? SelfTest.Outcome.PASSED
          : SelfTest.Outcome.failed("a message arrived as " + completion);
    }
  }
}
