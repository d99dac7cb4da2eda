package io.gyre.fs;

import io.gyre.IoHandler;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.util.Objects;

/** A file's length, what of it takes space, and how the kernel is to treat its parts. */
final class FileSpace {
  // Modes of fallocate(2).
  private static final int KEEP_SIZE = 1;
  private static final int PUNCH_HOLE = 2;
  private static final int ZERO_RANGE = 16;

  private FileSpace() {}

  static void truncate(OpenFile file, long size, Object attachment, IoHandler<?> handler) {
    file.requireWritable();
    OpenFile.checkPosition(size);
    file.start(OpCode.TRUNCATE, Operation.NOTIFY, size, 0, 0, handler, attachment);
  }

  static void allocate(
      OpenFile file,
      long position,
      long length,
      boolean keepSize,
      Object attachment,
      IoHandler<?> handler) {
    allocate(file, position, length, keepSize ? KEEP_SIZE : 0, attachment, handler);
  }

  static void punchHole(
      OpenFile file, long position, long length, Object attachment, IoHandler<?> handler) {
    allocate(file, position, length, PUNCH_HOLE | KEEP_SIZE, attachment, handler);
  }

  static void zeroRange(
      OpenFile file,
      long position,
      long length,
      boolean keepSize,
      Object attachment,
      IoHandler<?> handler) {
    int mode = keepSize ? ZERO_RANGE | KEEP_SIZE : ZERO_RANGE;
    allocate(file, position, length, mode, attachment, handler);
  }

  private static void allocate(
      OpenFile file,
      long position,
      long length,
      int mode,
      Object attachment,
      IoHandler<?> handler) {
    file.requireWritable();
    OpenFile.checkRange(position, length);
    file.start(OpCode.ALLOCATE, Operation.NOTIFY, position, length, mode, handler, attachment);
  }

  static void advise(
      OpenFile file,
      long position,
      long length,
      Advice advice,
      Object attachment,
      IoHandler<?> handler) {
    OpenFile.checkRange(position, length);
    Objects.requireNonNull(advice, "advice");
    file.start(
        OpCode.ADVISE, Operation.NOTIFY, position, length, advice.number, handler, attachment);
  }
}
