package io.gyre.uring;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.gyre.bindings.Libc;
import io.gyre.bindings.iovec;
import io.gyre.driver.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Reads on the calling thread what is in the page cache: preadv2(2) with RWF_NOWAIT, which answers EAGAIN where it would
 * have to wait for a device or a lock. Linux 5.9 and 5.10 answer 0 there, as at the end of the file; the ring needs 5.11.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/readv.2.html">preadv2(2)</a>
 */
@SuppressWarnings("restricted") // calling into libc is what this is for
final class NowaitRead {
  private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");
  private static final long ERRNO =
      Linker.Option.captureStateLayout().byteOffset(MemoryLayout.PathElement.groupElement("errno"));
  private static final MethodHandle PREADV2 =
      Linker.nativeLinker()
          .downcallHandle(Libc.preadv2$address(), Libc.preadv2$descriptor(), CAPTURE);
  private static final int COPY_BYTES = 64 << 10;

  // Native memory for a call. A thread takes what is in its place, and puts it back: two threads of
  // one place, or one that is a virtual thread and was moved, find it empty and make another.
  private static final int PLACES = 16;
  private static final AtomicReferenceArray<Scratch> SCRATCH = new AtomicReferenceArray<>(PLACES);

  private NowaitRead() {}

  /** The iovec, errno, and room for what can't be read in place. GC-held: never freed while reachable. */
  private static final class Scratch {
    final MemorySegment vector = Arena.ofAuto().allocate(iovec.layout());
    final MemorySegment state = Arena.ofAuto().allocate(Linker.Option.captureStateLayout());
    private MemorySegment copy;
    private ByteBuffer copyView;

    ByteBuffer copyView() {
      if (copy == null) {
        copy = Arena.ofAuto().allocate(COPY_BYTES);
        copyView = copy.asByteBuffer();
      }
      return copyView;
    }
  }

  /**
   * Fills what remains of a buffer as far as it can, and moves its position.
   *
   * @return the number of bytes; 0 at the end of the file; the negated errno when there are none
   */
  static int read(int fd, ByteBuffer dst, long position) {
    int place = (int) Thread.currentThread().threadId() & (PLACES - 1);
    var found = SCRATCH.getAndSet(place, null);
    var scratch = found == null ? new Scratch() : found;
    try {
      long address = UserMemory.address(dst);
      if (address == 0) {
        return readByCopy(scratch, fd, dst, position);
      }
      int result = call(scratch, fd, address, dst.remaining(), position);
      if (result > 0) {
        dst.position(dst.position() + result);
      }
      return result;
    } finally {
      Reference.reachabilityFence(dst);
      SCRATCH.setRelease(place, scratch);
    }
  }

  private static int readByCopy(Scratch scratch, int fd, ByteBuffer dst, long position) {
    var copy = scratch.copyView();
    long address = scratch.copy.address();
    int done = 0;
    while (true) {
      int wanted = Math.min(dst.remaining(), COPY_BYTES);
      int result = call(scratch, fd, address, wanted, position + done);
      if (result <= 0) {
        return done == 0 ? result : done;
      }
      dst.put(dst.position(), copy, 0, result).position(dst.position() + result);
      done += result;
      if (result < wanted || !dst.hasRemaining()) {
        return done;
      }
    }
  }

  private static int call(Scratch scratch, int fd, long address, int length, long position) {
    iovec.iov_base(scratch.vector, MemorySegment.ofAddress(address));
    iovec.iov_len(scratch.vector, length);
    try {
      long result =
          (long)
              PREADV2.invokeExact(
                  scratch.state, fd, scratch.vector, 1, position, Libc.RWF_NOWAIT());
      return result == -1 ? -scratch.state.get(JAVA_INT, ERRNO) : (int) result;
    } catch (Throwable t) {
      throw new AssertionError(t); // a downcall throws only when it is called with the wrong types
    }
  }

  /** Whether a failure says nothing of the next read: else the file is of a kind that is never read so. */
  static boolean isWorthAnotherTry(int result) {
    return switch (Errno.of(-result)) {
      case EOPNOTSUPP, ESPIPE, ENOSYS, EISDIR -> false;
      case null, default -> true;
    };
  }
}
