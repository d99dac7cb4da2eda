package io.gyre.uring;

import io.gyre.Buffer;
import io.gyre.bindings.Libc;
import io.gyre.bindings.Liburing;
import io.gyre.driver.Errno;
import io.gyre.uring.ScratchRing.Completion;
import io.gyre.uring.SelfTest.Outcome;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Whether receives into buffers of the kernel's choice bring each byte, once, in the buffer that they name. That buffer
 * rings are refused is no failure: the driver finds out by itself.
 */
final class ReceiveSelfTests {
  private static final int BUFFERS = 2;
  private static final int BUFFER_BYTES = 64;
  private static final int MESSAGES = 6;

  private ReceiveSelfTests() {}

  private static BufferRing buffers(ScratchRing ring) throws IOException {
    return ring.keep(
        BufferRing.open(
            ring.ring(), BUFFERS, BUFFER_BYTES, null, RegistrationSelfTests.anything()));
  }

  private static void receive(ScratchRing ring, int socket, long userData, boolean multishot) {
    int bytes = multishot ? 0 : BUFFER_BYTES;
    int select = Liburing.IOSQE_BUFFER_SELECT();
    long sqe = ring.add(Liburing.IORING_OP_RECV(), select, socket, 0, 0, bytes, 0, userData);
    if (multishot) {
      Sqe.ioprio(sqe, Liburing.IORING_RECV_MULTISHOT());
    }
  }

  /** Null when a completion brought the bytes that were sent. */
  private static Outcome wrong(
      Completion received, BufferRing buffers, List<Buffer> lent, int first, int count) {
    if (received == null || received.result() != count || !received.hasBuffer()) {
      return Outcome.failed("a receive of " + count + " bytes was answered by " + received);
    }
    if (received.buffer() >= BUFFERS) {
      return Outcome.failed("a receive names a buffer that there is not: " + received);
    }
    var buffer = buffers.take(received.buffer(), count, null);
    lent.add(buffer);
    return ScratchFiles.holds(MemorySegment.ofBuffer(buffer.byteBuffer()), first, count)
        ? null
        : Outcome.failed("a receive brought other bytes: " + received);
  }

  private static void giveBack(BufferRing buffers, List<Buffer> lent) {
    lent.forEach(Buffer::release);
    lent.clear();
    buffers.publish();
  }

  /** Buffers are taken one by one, run out, and are taken again when they were given back. */
  static Outcome bufferRing(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException {
    try (var files = new ScratchFiles();
        var ring = ScratchRing.open(kernel, allowed)) {
      var buffers = buffers(ring);
      if (!buffers.isKernels()) {
        return Outcome.PASSED;
      }
      var lent = new ArrayList<Buffer>();
      var sockets = files.sockets();
      for (int i = 0; i < BUFFERS; i++) {
        receive(ring, sockets.input(), i, false);
        files.write(sockets.output(), i, BUFFER_BYTES - i);
        var wrong = wrong(ring.next(), buffers, lent, i, BUFFER_BYTES - i);
        if (wrong != null) {
          return wrong;
        }
      }
      files.write(sockets.output(), 100, 1);
      receive(ring, sockets.input(), BUFFERS, false);
      var refused = ring.next();
      if (refused == null || !refused.failed(Errno.ENOBUFS)) {
        return Outcome.failed("a receive without a buffer was answered by " + refused);
      }
      giveBack(buffers, lent);
      receive(ring, sockets.input(), BUFFERS + 1, false);
      var wrong = wrong(ring.next(), buffers, lent, 100, 1);
      return wrong == null ? Outcome.PASSED : wrong;
    }
  }

  /** One receive brings message after message, more of them than there are buffers, then the end of the stream. */
  static Outcome multishot(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException {
    try (var files = new ScratchFiles();
        var ring = ScratchRing.open(kernel, allowed)) {
      var buffers = buffers(ring);
      if (!buffers.isKernels()) {
        return Outcome.PASSED;
      }
      var lent = new ArrayList<Buffer>();
      var sockets = files.sockets();
      receive(ring, sockets.input(), 1, true);
      for (int i = 0; i < MESSAGES; i++) {
        files.write(sockets.output(), i, 10 + i);
        var received = ring.next();
        if (i == 0 && received != null && received.failed(Errno.EINVAL)) {
          return Outcome.refused(KernelFeature.MULTISHOT_RECEIVE, Errno.EINVAL.number());
        }
        var wrong = wrong(received, buffers, lent, i, 10 + i);
        if (wrong != null) {
          return wrong;
        }
        if (!received.hasMore()) {
          return Outcome.failed("it ended with buffer " + i + ": " + received);
        }
        giveBack(buffers, lent);
      }
      Libc.shutdown(sockets.output(), Libc.SHUT_WR());
      var end = ring.next();
      return end != null && end.result() == 0 && !end.hasMore()
          ? Outcome.PASSED
          : Outcome.failed("the end of the stream was answered by " + end);
    }
  }
}
