package io.gyre.uring;

import io.gyre.bindings.Libc;
import io.gyre.bindings.Liburing;
import io.gyre.driver.Errno;
import io.gyre.uring.SelfTest.Outcome;
import java.io.IOException;
import java.util.function.Predicate;

/** Whether an accept or poll that was asked for once tells of each connection or event. */
final class MultishotSelfTests {
  private static final int TIMES = 3;

  private MultishotSelfTests() {}

  static Outcome accept(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException {
    try (var files = new ScratchFiles();
        var ring = ScratchRing.open(kernel, allowed)) {
      int listener = files.listener();
      int accept = Liburing.IORING_OP_ACCEPT();
      long sqe = ring.add(accept, 0, listener, 0, 0, 0, Libc.SOCK_CLOEXEC(), 1);
      Sqe.ioprio(sqe, Liburing.IORING_ACCEPT_MULTISHOT());
      for (int i = 0; i < TIMES; i++) {
        files.connect(listener);
        var accepted = ring.next();
        if (i == 0 && accepted != null && accepted.failed(Errno.EINVAL)) {
          return Outcome.refused(KernelFeature.MULTISHOT_ACCEPT, Errno.EINVAL.number());
        }
        if (accepted == null || accepted.result() < 0) {
          return Outcome.failed("connection " + i + " was answered by " + accepted);
        }
        files.own("accept", accepted.result());
        if (!accepted.hasMore()) {
          return Outcome.failed("it ended with connection " + i + ": " + accepted);
        }
      }
      return Outcome.PASSED;
    }
  }

  static Outcome poll(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException {
    try (var files = new ScratchFiles();
        var ring = ScratchRing.open(kernel, allowed)) {
      int eventfd = files.eventfd();
      int multi = Liburing.IORING_POLL_ADD_MULTI();
      int poll = Liburing.IORING_OP_POLL_ADD();
      ring.add(poll, 0, eventfd, 0, 0, multi, Libc.POLLIN(), 1);
      var counter = ring.allocate(Long.BYTES);
      for (int i = 0; i < TIMES; i++) {
        var early = ring.poll();
        if (i == 0 && early != null && early.failed(Errno.EINVAL)) {
          return Outcome.refused(KernelFeature.MULTISHOT_POLL, Errno.EINVAL.number());
        }
        if (early != null) {
          return Outcome.failed("before event " + i + " there was " + early);
        }
        files.write(eventfd, 1, Long.BYTES);
        var event = ring.next();
        if (event == null || event.result() != Libc.POLLIN()) {
          return Outcome.failed("event " + i + " was answered by " + event);
        }
        if (!event.hasMore()) {
          return Outcome.failed("it ended with event " + i + ": " + event);
        }
        Libc.read(eventfd, counter, Long.BYTES);
      }
      return Outcome.PASSED;
    }
  }

  /** Two reads of one descriptor end together, and leave a third, of another, which ends with everything. */
  static Outcome cancel(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException {
    try (var files = new ScratchFiles();
        var ring = ScratchRing.open(kernel, allowed)) {
      int cancelled = files.eventfd();
      int spared = files.eventfd();
      long memory = ring.allocate(Long.BYTES).address();
      int read = Liburing.IORING_OP_READ();
      ring.add(read, 0, cancelled, 0, memory, Long.BYTES, 0, 1);
      ring.add(read, 0, cancelled, 0, memory, Long.BYTES, 0, 2);
      ring.add(read, 0, spared, 0, memory, Long.BYTES, 0, 3);
      int all = Liburing.IORING_ASYNC_CANCEL_ALL();
      var wrong = ends(ring, cancelled, Liburing.IORING_ASYNC_CANCEL_FD() | all, 2);
      return wrong == null ? ends(ring, -1, Liburing.IORING_ASYNC_CANCEL_ANY() | all, 1) : wrong;
    }
  }

  private static Outcome ends(ScratchRing ring, int fd, int flags, int count) throws IOException {
    long token = 100;
    int cancel = Liburing.IORING_OP_ASYNC_CANCEL();
    ring.add(cancel, 0, fd, 0, 0, 0, flags, token);
    for (int i = 0; i <= count; i++) {
      var end = ring.next();
      if (end != null && end.userData() == token && end.failed(Errno.EINVAL)) {
        return Outcome.refused(KernelFeature.CANCEL_ALL, Errno.EINVAL.number());
      }
      boolean expected =
          end != null
              && (end.userData() == token ? end.result() == count : end.failed(Errno.ECANCELED));
      if (!expected) {
        return Outcome.failed("a cancellation of " + count + " was answered by " + end);
      }
    }
    return count == 1 ? Outcome.PASSED : null;
  }
}
