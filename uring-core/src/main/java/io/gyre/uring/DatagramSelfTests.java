package io.gyre.uring;

import io.gyre.bindings.Libc;
import io.gyre.bindings.Liburing;
import io.gyre.driver.Errno;
import io.gyre.driver.MessageHeader;
import io.gyre.uring.Messages.Message;
import io.gyre.uring.ScratchRing.Completion;
import io.gyre.uring.SelfTest.Outcome;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.function.Predicate;

/** Whether datagrams come one by one to a receive that was asked for once, and whether the kernel cuts and joins them. */
final class DatagramSelfTests {
  private static final int GROUP = 7;
  private static final int BUFFERS = 2;
  private static final int BUFFER_BYTES = 256;
  private static final int MESSAGES = 6;
  private static final int EMPTY = 2; // which of them is
  private static final int SEGMENT = 100;
  private static final int SEGMENTS = 3;

  private DatagramSelfTests() {}

  private static Message message(ScratchRing ring) {
    return ring.keep(new Messages(false)).acquire();
  }

  /** More datagrams than there are buffers, of which one is empty and one longer than a buffer, each with its sender. */
  static Outcome multishot(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException {
    try (var files = new ScratchFiles();
        var ring = ScratchRing.open(kernel, allowed)) {
      int headroom = DatagramReceives.HEADROOM;
      var buffers =
          ring.keep(BufferRing.openOwn(ring.ring(), GROUP, BUFFERS, BUFFER_BYTES, headroom, null));
      if (!allowed.test(KernelFeature.BUFFER_RING) || !buffers.isKernels()) {
        return Outcome.PASSED; // the driver finds out by itself
      }
      var sockets = files.udpSockets();
      var message = message(ring);
      message.toReceive(0, 0);
      boolean armed = false;
      for (int i = 0; i < MESSAGES; i++) {
        if (!armed) {
          receive(ring, sockets.input(), message);
          armed = true;
        }
        int length = i == EMPTY ? 0 : i == EMPTY + 1 ? BUFFER_BYTES + 1 : 10 + i;
        files.write(sockets.output(), i, length);
        var received = ring.next();
        if (i == 0 && received != null && received.failed(Errno.EINVAL)) {
          return Outcome.refused(KernelFeature.MULTISHOT_RECEIVE_MESSAGE, Errno.EINVAL.number());
        }
        var wrong = wrong(received, buffers, i, length);
        if (wrong != null) {
          return wrong;
        }
        armed = received.hasMore();
        if (!armed && i != EMPTY) {
          return Outcome.failed("it ended with datagram " + i + ": " + received);
        }
        buffers.publish();
      }
      return Outcome.PASSED;
    }
  }

  private static void receive(ScratchRing ring, int socket, Message message) {
    int select = Liburing.IOSQE_BUFFER_SELECT();
    int opcode = Liburing.IORING_OP_RECVMSG();
    long sqe = ring.add(opcode, select, socket, 0, message.address, 1, 0, 1);
    Sqe.ioprio(sqe, Liburing.IORING_RECV_MULTISHOT());
    new RawEntries().bufferGroup(ring.ring(), sqe, GROUP);
  }

  private static Outcome wrong(Completion received, BufferRing buffers, int first, int length) {
    int headroom = DatagramReceives.HEADROOM;
    int fitting = Math.min(length, BUFFER_BYTES);
    if (received == null || !received.hasBuffer() || received.result() != headroom + fitting) {
      return Outcome.failed("a datagram of " + length + " bytes was answered by " + received);
    }
    if (received.buffer() >= BUFFERS) {
      return Outcome.failed("a receive names a buffer that there is not: " + received);
    }
    var header = new MessageHeader();
    DatagramReceives.tell(header, buffers.address(received.buffer()) - headroom);
    var buffer = buffers.take(received.buffer(), fitting, null);
    boolean right =
        header.sender() != null
            && header.sender().getAddress().isLoopbackAddress()
            && header.isTruncated() == length > fitting
            && ScratchFiles.holds(MemorySegment.ofBuffer(buffer.byteBuffer()), first, fitting);
    buffer.release();
    return right ? null : Outcome.failed("a receive brought another datagram: " + received);
  }

  /** One send comes as several datagrams. */
  static Outcome segments(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException {
    try (var files = new ScratchFiles();
        var ring = ScratchRing.open(kernel, allowed)) {
      var sockets = files.udpSockets();
      var sent = send(ring, sockets.output());
      if (sent == null || sent.result() < 0) {
        return Outcome.refused(
            KernelFeature.UDP_SEGMENT, sent == null ? Errno.ETIME.number() : -sent.result());
      }
      var memory = ring.allocate(SEGMENT * SEGMENTS);
      for (int i = 0; i < SEGMENTS; i++) {
        long bytes = Libc.recv(sockets.input(), memory, memory.byteSize(), Libc.MSG_DONTWAIT());
        if (bytes != SEGMENT || !ScratchFiles.holds(memory, i * SEGMENT, SEGMENT)) {
          return Outcome.failed("segment " + i + " has " + bytes + " bytes, or others");
        }
      }
      return Outcome.PASSED;
    }
  }

  private static Completion send(ScratchRing ring, int socket) throws IOException {
    var memory = ring.allocate(SEGMENT * SEGMENTS);
    ScratchFiles.fill(memory, 0);
    var message = message(ring);
    message.toSend(memory.address(), memory.byteSize());
    Messages.segments(message.address, SEGMENT);
    ring.add(Liburing.IORING_OP_SENDMSG(), 0, socket, 0, message.address, 1, 0, 1);
    return ring.next();
  }

  /** Datagrams that were sent as one come as one, which says how long each is. */
  static Outcome coalescing(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException {
    try (var files = new ScratchFiles();
        var ring = ScratchRing.open(kernel, allowed)) {
      var sockets = files.udpSockets();
      if (!files.set(sockets.input(), Libc.SOL_UDP(), Libc.UDP_GRO(), 1)) {
        return Outcome.refused(KernelFeature.UDP_GRO, Errno.ENOPROTOOPT.number());
      }
      if (!allowed.test(KernelFeature.UDP_SEGMENT)) {
        return Outcome.PASSED; // nothing that could be told apart comes over the loopback device
      }
      var sent = send(ring, sockets.output());
      if (sent == null || sent.result() < 0) {
        return Outcome.failed("segments could not be sent: " + sent);
      }
      var memory = ring.allocate(SEGMENT * SEGMENTS);
      var message = message(ring);
      message.toReceive(memory.address(), memory.byteSize());
      ring.add(Liburing.IORING_OP_RECVMSG(), 0, sockets.input(), 0, message.address, 1, 0, 2);
      var received = ring.next();
      if (received == null || received.result() < SEGMENT) {
        return Outcome.failed("a receive was answered by " + received);
      }
      var header = new MessageHeader();
      message.tell(header);
      boolean right =
          received.result() == SEGMENT
              ? header.segmentSize() == 0 || header.segmentSize() == SEGMENT
              : header.segmentSize() == SEGMENT && received.result() == SEGMENT * SEGMENTS;
      return right && ScratchFiles.holds(memory, 0, received.result())
          ? Outcome.PASSED
          : Outcome.failed(
              "segments of " + header.segmentSize() + " bytes were told of " + received);
    }
  }
}
