package io.gyre.uring;

import io.gyre.bindings.Libc;
import io.gyre.driver.Errno;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Wakes the loop from other threads: an eventfd that the ring always has a read on.
 *
 * <p>A thread may have decided to wake a loop that meanwhile ends. Its write must not go to a descriptor that was closed
 * and that is somebody else's file by now, so closing waits for writers: each announces itself before it looks whether
 * the eventfd is open.
 */
final class WakeUp {
  private static final int CLOSED = Integer.MIN_VALUE;

  private final int fd;
  private final MemorySegment one = Arena.ofAuto().allocateFrom(ValueLayout.JAVA_LONG, 1L);
  private final MemorySegment count = Arena.ofAuto().allocate(ValueLayout.JAVA_LONG);

  /** How many threads are writing; with the sign bit set, no more may begin. */
  private final AtomicInteger writers = new AtomicInteger();

  WakeUp(Syscalls syscalls) throws IOException {
    // Blocking on purpose: the ring answers EAGAIN at once on descriptors that are not.
    this.fd = syscalls.eventfd(Libc.EFD_CLOEXEC());
    if (fd < 0) {
      throw new IOException("eventfd: " + Errno.describe(-fd));
    }
  }

  int fd() {
    return fd;
  }

  /** Where the ring's read puts the eventfd's counter; nobody looks at it. */
  MemorySegment count() {
    return count;
  }

  /** Any thread. */
  void wake() {
    if (writers.getAndIncrement() >= 0) {
      // Cannot block: that takes a counter near 2^64. Cannot fail: the descriptor is open.
      Libc.write(fd, one, one.byteSize());
    }
    writers.decrementAndGet();
  }

  void close() {
    writers.getAndAdd(CLOSED);
    while (writers.get() != CLOSED) {
      Thread.onSpinWait();
    }
    Libc.close(fd);
  }
}
