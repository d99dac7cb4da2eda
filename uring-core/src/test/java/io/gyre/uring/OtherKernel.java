package io.gyre.uring;

import java.lang.foreign.MemorySegment;

/** The real kernel, but for one thing. */
class OtherKernel implements Kernel {
  @Override
  public int setup(int entries, MemorySegment params) {
    return NATIVE.setup(entries, params);
  }

  @Override
  public int enter(
      int fd, int toSubmit, int minComplete, int flags, MemorySegment argument, long bytes) {
    return NATIVE.enter(fd, toSubmit, minComplete, flags, argument, bytes);
  }

  @Override
  public int register(int fd, int opcode, MemorySegment argument, int count) {
    return NATIVE.register(fd, opcode, argument, count);
  }

  @Override
  public MemorySegment map(int fd, long bytes, long offset) {
    return NATIVE.map(fd, bytes, offset);
  }

  @Override
  public void unmap(MemorySegment mapped) {
    NATIVE.unmap(mapped);
  }

  @Override
  public void close(int fd) {
    NATIVE.close(fd);
  }
}
