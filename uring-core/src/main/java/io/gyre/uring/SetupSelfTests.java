package io.gyre.uring;

import io.gyre.bindings.Liburing;
import io.gyre.driver.Errno;
import io.gyre.uring.SelfTest.Outcome;
import java.io.IOException;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Whether a ring with a set-up flag still answers everything, in order: these flags change where entries are read from
 * and when completions are posted.
 */
final class SetupSelfTests {
  private static final int ROUNDS = 6;
  private static final int BATCH = 8;
  private static final int NO_SUCH_OPCODE = 255;

  private SetupSelfTests() {}

  static SelfTest of(KernelFeature feature) {
    var alone = Set.of(feature);
    var needed =
        feature == KernelFeature.DEFER_TASKRUN
            ? Set.of(feature, KernelFeature.SINGLE_ISSUER)
            : alone;
    return (kernel, allowed) -> run(kernel, feature, needed::contains);
  }

  private static Outcome run(Kernel kernel, KernelFeature feature, Predicate<KernelFeature> needed)
      throws IOException {
    try (var files = new ScratchFiles();
        var ring = ScratchRing.open(kernel, needed)) {
      for (var flag : Ring.OPTIONAL_FLAGS) {
        if (flag.feature() == feature && !ring.ring().uses(flag.bit())) {
          return Outcome.refused(feature, Errno.EINVAL.number());
        }
      }
      // More than the queues have places, so that both go around.
      for (int i = 0; i < ROUNDS * BATCH; i++) {
        ring.add(Liburing.IORING_OP_NOP(), 0, -1, 0, 0, 0, 0, i);
        if (i % BATCH == BATCH - 1) {
          for (int k = i - BATCH + 1; k <= i; k++) {
            var nop = ring.next();
            if (nop == null || nop.userData() != k || nop.result() != 0) {
              return Outcome.failed("NOP " + k + " was answered by " + nop);
            }
          }
        }
      }
      return answersRefusedAndLate(files, ring);
    }
  }

  private static Outcome answersRefusedAndLate(ScratchFiles files, ScratchRing ring)
      throws IOException {
    ring.add(NO_SUCH_OPCODE, 0, -1, 0, 0, 0, 0, 1);
    ring.add(Liburing.IORING_OP_NOP(), 0, -1, 0, 0, 0, 0, 2);
    var refused = ring.next();
    var behind = ring.next();
    if (refused == null || refused.userData() != 1 || !refused.failed(Errno.EINVAL)) {
      return Outcome.failed("an entry without a meaning was answered by " + refused);
    }
    if (behind == null || behind.userData() != 2 || behind.result() != 0) {
      return Outcome.failed("a NOP behind a refused entry was answered by " + behind);
    }
    var pipe = files.pipe();
    var memory = ring.allocate(Long.BYTES);
    int read = Liburing.IORING_OP_READ();
    ring.add(read, 0, pipe.input(), 0, memory.address(), 8, 0, 3);
    var early = ring.poll();
    if (early != null) {
      return Outcome.failed("a read of an empty pipe was answered by " + early);
    }
    files.write(pipe.output(), 7, 3);
    var late = ring.next();
    return late != null && late.result() == 3 && ScratchFiles.holds(memory, 7, 3)
        ? Outcome.PASSED
        : Outcome.failed("a read that had to wait was answered by " + late);
  }
}
