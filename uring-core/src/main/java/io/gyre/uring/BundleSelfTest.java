package io.gyre.uring;

import io.gyre.Buffer;
import io.gyre.bindings.Liburing;
import io.gyre.driver.Capabilities.Status;
import io.gyre.driver.Errno;
import io.gyre.uring.ScratchFiles.Pair;
import io.gyre.uring.SelfTest.Outcome;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Receives a known stream in bundles, over TCP: not all kernels make bundles of what comes from Unix sockets.
 *
 * <p>First into buffers that lie in the ring in disorder. Then with urgent data in it, at which a receive stops short of
 * its buffer's end though there is more. Some kernels of 6.13 to 6.15 went on in the next buffer of the same bundle, so
 * that nobody could tell where the first part ended. They did that on any busy connection, when bytes came at the wrong
 * moment; here they have to.
 */
final class BundleSelfTest {
  private static final int BUFFERS = 8;
  private static final int BUFFER_BYTES = 96; // so that no two buffers in a row hold the same
  private static final int PART_BYTES = 5 * BUFFER_BYTES + BUFFER_BYTES / 2;
  private static final int MOST_BYTES = 4 * BUFFER_BYTES;
  private static final int BEFORE_URGENT = BUFFER_BYTES / 4;

  /** In which order buffers are given back: none keeps its neighbour. */
  private static final int[] DISORDER = {3, 6, 1, 4, 7, 2, 5, 0};

  private static final long RECEIVE = 1;
  private static final long CANCEL = 2;

  private final ScratchFiles files;
  private final ScratchRing ring;
  private final BufferRing buffers;
  private final Pair sockets;
  private final List<Buffer> lent = new ArrayList<>();
  private boolean armed;
  private int sent;
  private int received;
  private boolean severalAtOnce;

  private BundleSelfTest(ScratchFiles files, ScratchRing ring, BufferRing buffers)
      throws IOException {
    this.files = files;
    this.ring = ring;
    this.buffers = buffers;
    this.sockets = files.tcpSockets();
  }

  static Outcome run(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException {
    try (var files = new ScratchFiles();
        var ring = ScratchRing.open(kernel, allowed)) {
      if (!ring.ring().has(Liburing.IORING_FEAT_RECVSEND_BUNDLE())) {
        return Outcome.refused(KernelFeature.RECEIVE_BUNDLES, Errno.EINVAL.number());
      }
      var buffers =
          BufferRing.open(
              ring.ring(), BUFFERS, BUFFER_BYTES, null, RegistrationSelfTests.anything());
      ring.keep(buffers);
      return buffers.isKernels()
          ? new BundleSelfTest(files, ring, buffers).outcome()
          : Outcome.PASSED; // the driver finds out by itself
    }
  }

  private Outcome outcome() throws IOException {
    send(PART_BYTES);
    var outcome = receive();
    if (!outcome.passed()) {
      return outcome;
    }
    giveBackInDisorder();
    send(PART_BYTES);
    outcome = receive();
    if (!outcome.passed()) {
      return outcome;
    }
    if (!severalAtOnce) {
      return Outcome.failed("what did not fit one buffer came in two completions");
    }
    giveBackInDisorder();
    send(BEFORE_URGENT);
    files.writeUrgent(sockets.output()); // which is not part of the stream
    send(PART_BYTES - BEFORE_URGENT);
    return receive();
  }

  private void send(int bytes) throws IOException {
    files.write(sockets.output(), sent, bytes);
    sent += bytes;
  }

  /** Receives what was sent. */
  private Outcome receive() throws IOException {
    while (received < sent) {
      if (!armed) {
        arm();
      }
      var completion = ring.next();
      if (received == 0 && completion != null && completion.failed(Errno.EINVAL)) {
        return new Outcome(Status.REFUSED, "bundles that can be bounded came with Linux 6.17");
      }
      if (completion == null || completion.result() <= 0 || !completion.hasBuffer()) {
        return Outcome.failed(
            (sent - received) + " bytes that were sent were answered by " + completion);
      }
      armed = completion.hasMore();
      if (completion.result() > MOST_BYTES + BUFFER_BYTES) { // one more, before it knows how many
        return Outcome.failed("a bundle is longer than it was to be: " + completion);
      }
      var outcome = take(completion.buffer(), completion.result());
      if (!outcome.passed()) {
        return outcome;
      }
    }
    return Outcome.PASSED;
  }

  private void arm() {
    armed = true;
    int select = Liburing.IOSQE_BUFFER_SELECT();
    long sqe =
        ring.add(Liburing.IORING_OP_RECV(), select, sockets.input(), 0, 0, MOST_BYTES, 0, RECEIVE);
    Sqe.ioprio(sqe, Liburing.IORING_RECV_MULTISHOT() | Liburing.IORING_RECVSEND_BUNDLE());
  }

  /** Reads a bundle as the driver does. */
  private Outcome take(int first, int bytes) {
    int current = first;
    int left = bytes;
    while (left > 0) {
      if (current >= BUFFERS || lent.size() == BUFFERS) {
        return Outcome.failed("it filled buffers that there are not, or filled one twice");
      }
      int part = Math.min(left, buffers.length(current));
      left -= part;
      severalAtOnce |= left > 0;
      int following = left > 0 ? buffers.following(current) : -1;
      var buffer = buffers.take(current, part, null);
      lent.add(buffer);
      if (!ScratchFiles.holds(MemorySegment.ofBuffer(buffer.byteBuffer()), received, part)) {
        return Outcome.failed("bytes " + received + " to " + (received + part) + " came otherwise");
      }
      received += part;
      current = following;
    }
    return Outcome.PASSED;
  }

  private void giveBackInDisorder() throws IOException {
    disarm();
    for (int i : DISORDER) {
      if (i < lent.size()) {
        lent.get(i).release();
      }
    }
    lent.clear();
    buffers.publish();
  }

  /** So that what is sent next is all there when it is received. */
  private void disarm() throws IOException {
    if (armed) {
      ring.add(Liburing.IORING_OP_ASYNC_CANCEL(), 0, -1, 0, RECEIVE, 0, 0, CANCEL);
      for (int outcomes = 0; outcomes < 2; outcomes++) {
        var completion = ring.next();
        if (completion == null || completion.result() > 0) {
          throw new IOException("a cancellation was answered by " + completion);
        }
      }
      armed = false;
    }
  }
}
