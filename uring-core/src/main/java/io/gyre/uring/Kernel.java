package io.gyre.uring;

import io.gyre.bindings.Libc;
import io.gyre.bindings.Liburing;
import java.lang.foreign.MemorySegment;

/**
 * The calls through which a {@link Ring} reaches the kernel: a seam, so that tests can put a kernel of their own behind
 * the production code. Each returns what the system call does, or the negated errno. One of them is made a turn, so that
 * calling it through an interface costs nothing.
 */
interface Kernel {
  /** The real one. */
  Kernel NATIVE = new NativeKernel();

  /** io_uring_setup(2); fills in the parameters. Returns the ring's descriptor. */
  int setup(int entries, MemorySegment params);

  /** io_uring_enter(2). */
  int enter(
      int fd, int toSubmit, int minComplete, int flags, MemorySegment argument, long argumentBytes);

  /** io_uring_register(2). */
  int register(int fd, int opcode, MemorySegment argument, int count);

  /** Maps a part of the ring; null when that fails. */
  MemorySegment map(int fd, long bytes, long offset);

  /** Ends a mapping. */
  void unmap(MemorySegment mapped);

  /** close(2) of the ring. */
  void close(int fd);

  /** The clock that the driver's own pauses are measured by. */
  default long nanoTime() {
    return System.nanoTime();
  }

  /** The system calls by way of liburing, which returns negated errnos. */
  final class NativeKernel implements Kernel {
    private NativeKernel() {}

    @Override
    public int setup(int entries, MemorySegment params) {
      return Liburing.io_uring_setup(entries, params);
    }

    @Override
    public int enter(
        int fd,
        int toSubmit,
        int minComplete,
        int flags,
        MemorySegment argument,
        long argumentBytes) {
      return Liburing.io_uring_enter2(fd, toSubmit, minComplete, flags, argument, argumentBytes);
    }

    @Override
    public int register(int fd, int opcode, MemorySegment argument, int count) {
      return Liburing.io_uring_register(fd, opcode, argument, count);
    }

    @Override
    @SuppressWarnings("restricted") // the kernel says how large its mapping is
    public MemorySegment map(int fd, long bytes, long offset) {
      var mapped =
          Libc.mmap(
              MemorySegment.NULL,
              bytes,
              Libc.PROT_READ() | Libc.PROT_WRITE(),
              Libc.MAP_SHARED() | Libc.MAP_POPULATE(),
              fd,
              offset);
      return mapped.address() == -1 ? null : mapped.reinterpret(bytes);
    }

    @Override
    public void unmap(MemorySegment mapped) {
      Libc.munmap(mapped, mapped.byteSize());
    }

    @Override
    public void close(int fd) {
      Libc.close(fd);
    }
  }
}
