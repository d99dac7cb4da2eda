package io.gyre.uring;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.gyre.bindings.Liburing;
import io.gyre.bindings.iovec;
import io.gyre.driver.Errno;
import io.gyre.uring.SelfTest.Outcome;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Whether what is registered with a ring is what operations then use. That a registration is refused is no failure: the
 * driver, which registers more, finds out by itself.
 */
final class RegistrationSelfTests {
  private static final int FILES = 16;
  private static final int BYTES = 16;
  private static final int REGISTERED_BYTES = 4096;

  private RegistrationSelfTests() {}

  static CapabilityReport anything() {
    return new CapabilityReport(Set.of(), SelfTests.NONE);
  }

  static Outcome ring(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException {
    try (var ring = ScratchRing.open(kernel, allowed)) {
      if (ring.ring().registerRingFd() < 0) {
        return Outcome.PASSED;
      }
      ring.add(Liburing.IORING_OP_NOP(), 0, -1, 0, 0, 0, 0, 1);
      var nop = ring.next();
      return nop != null && nop.userData() == 1 && nop.result() == 0
          ? Outcome.PASSED
          : Outcome.failed("a NOP was answered by " + nop);
    }
  }

  /** What was set is what is said to be set; no more than that can be seen without starting workers. */
  static Outcome workers(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException {
    try (var ring = ScratchRing.open(kernel, allowed)) {
      int bound = UringDriver.IO_WORKERS;
      int opcode = Liburing.IORING_REGISTER_IOWQ_MAX_WORKERS();
      if (ring.ring().registerInts(opcode, bound, bound) < 0) {
        return Outcome.PASSED;
      }
      var before = Arena.ofAuto().allocate(JAVA_INT, 2); // zeroes ask, and change nothing
      int result = ring.ring().register(opcode, before, 2);
      int bounded = before.getAtIndex(JAVA_INT, 0);
      int unbounded = before.getAtIndex(JAVA_INT, 1);
      return result == 0 && bounded == bound && unbounded == bound
          ? Outcome.PASSED
          : Outcome.failed(
              "of " + bound + " workers each it remembers " + bounded + " and " + unbounded);
    }
  }

  /** A registered file is written by its place, and is gone from there when that is empty again. */
  static Outcome files(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException {
    try (var files = new ScratchFiles();
        var ring = ScratchRing.open(kernel, allowed)) {
      var table = FileTable.register(ring.ring(), FILES, anything());
      if (table.size() == 0) {
        return Outcome.PASSED;
      }
      var pipe = files.pipe();
      var memory = ring.allocate(BYTES);
      ScratchFiles.fill(memory, 1);
      table.add(pipe.input());
      int place = table.add(pipe.output());
      int write = Liburing.IORING_OP_WRITE();
      int fixed = Liburing.IOSQE_FIXED_FILE();
      ring.add(write, fixed, place, 0, memory.address(), BYTES, 0, 1);
      var written = ring.next();
      if (written == null || written.result() != BYTES) {
        return Outcome.failed("a write to a registered pipe was answered by " + written);
      }
      var readBack = ring.allocate(BYTES);
      int read = Liburing.IORING_OP_READ();
      ring.add(read, 0, pipe.input(), 0, readBack.address(), BYTES, 0, 2);
      var back = ring.next();
      if (back == null || !ScratchFiles.holds(readBack, 1, BYTES)) {
        return Outcome.failed("other bytes came out of the pipe: " + back);
      }
      table.remove(place);
      ring.add(write, fixed, place, 0, memory.address(), BYTES, 0, 3);
      var refused = ring.next();
      return refused != null && refused.failed(Errno.EBADF)
          ? Outcome.PASSED
          : Outcome.failed("a write to an empty place was answered by " + refused);
    }
  }

  /** Bytes go from registered memory to registered memory, and from nowhere else. */
  static Outcome buffers(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException {
    try (var files = new ScratchFiles();
        var ring = ScratchRing.open(kernel, allowed)) {
      var memory = ring.allocate(REGISTERED_BYTES);
      if (OperationMemory.register(ring.ring(), memory, REGISTERED_BYTES) < 0) {
        return Outcome.PASSED;
      }
      var pipe = files.pipe();
      ScratchFiles.fill(memory.asSlice(0, BYTES), 1);
      int write = Liburing.IORING_OP_WRITE_FIXED();
      ring.add(write, 0, pipe.output(), 0, memory.address(), BYTES, 0, 1);
      var written = ring.next();
      if (written == null || written.result() != BYTES) {
        return Outcome.failed("a write of registered memory was answered by " + written);
      }
      var target = memory.asSlice(REGISTERED_BYTES - BYTES);
      int read = Liburing.IORING_OP_READ_FIXED();
      ring.add(read, 0, pipe.input(), 0, target.address(), BYTES, 0, 2);
      var back = ring.next();
      if (back == null || back.result() != BYTES || !ScratchFiles.holds(target, 1, BYTES)) {
        return Outcome.failed("a read into registered memory was answered by " + back);
      }
      long beyond = memory.address() + REGISTERED_BYTES;
      ring.add(write, 0, pipe.output(), 0, beyond, BYTES, 0, 3);
      var refused = ring.next();
      return refused != null && refused.failed(Errno.EFAULT)
          ? Outcome.PASSED
          : Outcome.failed("a write of memory beyond it was answered by " + refused);
    }
  }

  /** The same for several pieces of it. */
  static Outcome vectors(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException {
    if (!allowed.test(KernelFeature.REGISTERED_BUFFERS)) {
      return Outcome.PASSED; // what it needs is not there, as the driver will say
    }
    try (var files = new ScratchFiles();
        var ring = ScratchRing.open(kernel, allowed)) {
      var memory = ring.allocate(REGISTERED_BYTES);
      if (OperationMemory.register(ring.ring(), memory, REGISTERED_BYTES) < 0) {
        return Outcome.PASSED;
      }
      var pipe = files.pipe();
      var source = memory.asSlice(0, BYTES);
      ScratchFiles.fill(source, 1);
      // The second half first, so that the order of the pieces shows.
      long half = BYTES / 2;
      var pieces = ring.allocate(2 * iovec.sizeof());
      piece(pieces, 0, memory.asSlice(half, half));
      piece(pieces, 1, memory.asSlice(0, half));
      int write = Liburing.IORING_OP_WRITEV_FIXED();
      ring.add(write, 0, pipe.output(), 0, pieces.address(), 2, 0, 1);
      var written = ring.next();
      if (written != null && written.failed(Errno.EINVAL)) {
        return Outcome.refused(KernelFeature.REGISTERED_VECTORS, Errno.EINVAL.number());
      }
      if (written == null || written.result() != BYTES) {
        return Outcome.failed("a write of pieces of registered memory was answered by " + written);
      }
      var target = memory.asSlice(REGISTERED_BYTES - BYTES);
      piece(pieces, 0, target.asSlice(half, half));
      piece(pieces, 1, target.asSlice(0, half));
      int read = Liburing.IORING_OP_READV_FIXED();
      ring.add(read, 0, pipe.input(), 0, pieces.address(), 2, 0, 2);
      var back = ring.next();
      if (back == null || back.result() != BYTES || !ScratchFiles.holds(target, 1, BYTES)) {
        return Outcome.failed("a read into pieces of registered memory was answered by " + back);
      }
      piece(pieces, 1, MemorySegment.ofAddress(memory.address() + REGISTERED_BYTES), half);
      ring.add(write, 0, pipe.output(), 0, pieces.address(), 2, 0, 3);
      var refused = ring.next();
      return refused != null && refused.failed(Errno.EFAULT)
          ? Outcome.PASSED
          : Outcome.failed("a write of a piece beyond it was answered by " + refused);
    }
  }

  private static void piece(MemorySegment pieces, int i, MemorySegment memory) {
    piece(pieces, i, memory, memory.byteSize());
  }

  private static void piece(MemorySegment pieces, int i, MemorySegment memory, long bytes) {
    var piece = iovec.asSlice(pieces, i);
    iovec.iov_base(piece, memory);
    iovec.iov_len(piece, bytes);
  }
}
