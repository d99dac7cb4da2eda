package io.gyre.fs;

import io.gyre.IoHandler;
import io.gyre.driver.OpCode;
import java.util.Objects;

/** Bytes that go from one file to another without coming here. */
final class RangeCopies {
  private RangeCopies() {}

  static void copyRange(
      OpenFile file,
      long position,
      OpenFile target,
      long targetPosition,
      long count,
      Object attachment,
      IoHandler<?> handler) {
    OpenFile.checkPosition(targetPosition);
    OpenFile.checkRange(position, count);
    start(OpCode.COPY_RANGE, file, position, target, targetPosition, count, attachment, handler);
  }

  static void splice(
      OpenFile file,
      long position,
      OpenFile target,
      long targetPosition,
      long count,
      Object attachment,
      IoHandler<?> handler) {
    if (position < -1 || targetPosition < -1 || count < 0) {
      throw new IllegalArgumentException(
          "splice: " + position + ", " + targetPosition + ", " + count + " must not be negative");
    }
    start(OpCode.SPLICE, file, position, target, targetPosition, count, attachment, handler);
  }

  private static void start(
      OpCode code,
      OpenFile file,
      long position,
      OpenFile target,
      long targetPosition,
      long count,
      Object attachment,
      IoHandler<?> handler) {
    target.requireWritable();
    file.requireReadable();
    if (!target.loop.equals(file.loop)) {
      throw new IllegalArgumentException(
          target.path + " belongs to another loop than " + file.path + ": open both on the same");
    }
    Objects.requireNonNull(handler, "handler");
    if (file.loop.inLoop()) {
      var operation = target.writing(file, code, handler, attachment);
      if (operation != null) {
        target.submit(
            operation.offset(position).other(target.descriptor, targetPosition).length(count));
      }
    } else {
      file.loop.execute(
          () -> start(code, file, position, target, targetPosition, count, attachment, handler));
    }
  }
}
