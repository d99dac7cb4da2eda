package io.gyre.uring;

import io.gyre.bindings.Libc;
import io.gyre.bindings.Liburing;
import io.gyre.driver.Errno;
import io.gyre.uring.ScratchRing.Completion;
import io.gyre.uring.SelfTest.Outcome;
import java.io.IOException;
import java.util.function.Predicate;

/**
 * Whether a zero-copy send is told of twice, first that its bytes are sent and then that its memory is free, and whether
 * it sends those bytes.
 */
final class ZeroCopySelfTest {
  private static final int BYTES = 1000;

  private ZeroCopySelfTest() {}

  static Outcome run(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException {
    try (var files = new ScratchFiles();
        var ring = ScratchRing.open(kernel, allowed)) {
      var sockets = files.tcpSockets();
      var memory = ring.allocate(BYTES);
      ScratchFiles.fill(memory, 3);
      int flags = Libc.MSG_NOSIGNAL() | Libc.MSG_WAITALL();
      ring.add(
          Liburing.IORING_OP_SEND_ZC(), 0, sockets.output(), 0, memory.address(), BYTES, flags, 1);
      var sent = ring.next();
      if (sent != null && sent.failed(Errno.EINVAL)) {
        return Outcome.refused(KernelFeature.ZERO_COPY_SEND, Errno.EINVAL.number());
      }
      if (sent == null || sent.result() != BYTES || isNotification(sent)) {
        return Outcome.failed("a zero-copy send of " + BYTES + " bytes was answered by " + sent);
      }
      var into = ring.allocate(BYTES);
      ring.add(
          Liburing.IORING_OP_RECV(),
          0,
          sockets.input(),
          0,
          into.address(),
          BYTES,
          Libc.MSG_WAITALL(),
          2);
      boolean notified = !sent.hasMore();
      boolean received = false;
      while (!notified || !received) {
        var completion = ring.next();
        if (completion == null) {
          return Outcome.failed("a zero-copy send never gave its memory back");
        }
        notified |= completion.userData() == 1 && isNotification(completion);
        received |= completion.userData() == 2 && completion.result() == BYTES;
        if (completion.userData() == 2 && !received) {
          return Outcome.failed("what was sent was received as " + completion);
        }
      }
      return ScratchFiles.holds(into, 3, BYTES)
          ? Outcome.PASSED
          : Outcome.failed("a zero-copy send sent other bytes");
    }
  }

  private static boolean isNotification(Completion completion) {
    return (completion.flags() & Liburing.IORING_CQE_F_NOTIF()) != 0;
  }
}
