package io.gyre.fs;

import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.driver.Completion;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.PinnedBuffers;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.Objects;

/**
 * Single reads and writes at an offset. Each begins on the loop's thread; on another, it is checked, its pooled memory is
 * pinned, and it is handed over.
 */
final class Transfers {
  private static final Completion ON_READ = Transfers::readCompleted;
  private static final Completion ON_READV = Transfers::readvCompleted;

  private Transfers() {}

  static void read(
      OpenFile file,
      Buffer dst,
      long position,
      int flags,
      Object attachment,
      IoHandler<?> handler) {
    checkRead(file, dst.byteBuffer(), position);
    Objects.requireNonNull(handler, "handler");
    if (file.loop.inLoop()) {
      file.loop
          .dispatcher()
          .submit(
              file.operation(OpCode.READ, ON_READ, handler, attachment)
                  .memory(dst)
                  .offset(position)
                  .flags(flags));
    } else {
      dst.executePinned(file.loop, () -> read(file, dst, position, flags, attachment, handler));
    }
  }

  static void read(
      OpenFile file,
      ByteBuffer dst,
      long position,
      int flags,
      Object attachment,
      IoHandler<?> handler) {
    checkRead(file, dst, position);
    Objects.requireNonNull(handler, "handler");
    if (file.loop.inLoop()) {
      file.loop
          .dispatcher()
          .submit(
              file.operation(OpCode.READ, ON_READ, handler, attachment)
                  .memory(dst)
                  .offset(position)
                  .flags(flags));
    } else {
      file.loop.execute(() -> read(file, dst, position, flags, attachment, handler));
    }
  }

  static void read(
      OpenFile file, Buffer[] dsts, long position, Object attachment, IoHandler<?> handler) {
    var buffers = file.loop.inLoop() ? dsts : dsts.clone();
    checkRead(file, buffers, position);
    Objects.requireNonNull(handler, "handler");
    if (file.loop.inLoop()) {
      file.loop
          .dispatcher()
          .submit(
              file.operation(OpCode.READV, ON_READV, handler, attachment)
                  .vector(buffers)
                  .offset(position));
    } else {
      PinnedBuffers.execute(
          file.loop, buffers, () -> read(file, buffers, position, attachment, handler));
    }
  }

  static void read(
      OpenFile file, ByteBuffer[] dsts, long position, Object attachment, IoHandler<?> handler) {
    var buffers = file.loop.inLoop() ? dsts : dsts.clone();
    checkRead(file, buffers, position);
    Objects.requireNonNull(handler, "handler");
    if (file.loop.inLoop()) {
      file.loop
          .dispatcher()
          .submit(
              file.operation(OpCode.READV, ON_READV, handler, attachment)
                  .vector(buffers)
                  .offset(position));
    } else {
      file.loop.execute(() -> read(file, buffers, position, attachment, handler));
    }
  }

  static void write(
      OpenFile file,
      Buffer src,
      long position,
      int flags,
      Object attachment,
      IoHandler<?> handler) {
    checkWrite(file, position);
    Objects.requireNonNull(src, "src");
    Objects.requireNonNull(handler, "handler");
    if (file.loop.inLoop()) {
      var operation = file.writing(OpCode.WRITE, flags, handler, attachment);
      if (operation != null) {
        file.submit(operation.memory(src).offset(position).flags(flags));
      }
    } else {
      src.executePinned(file.loop, () -> write(file, src, position, flags, attachment, handler));
    }
  }

  static void write(
      OpenFile file,
      ByteBuffer src,
      long position,
      int flags,
      Object attachment,
      IoHandler<?> handler) {
    checkWrite(file, position);
    Objects.requireNonNull(src, "src");
    Objects.requireNonNull(handler, "handler");
    if (file.loop.inLoop()) {
      var operation = file.writing(OpCode.WRITE, flags, handler, attachment);
      if (operation != null) {
        file.submit(operation.memory(src).offset(position).flags(flags));
      }
    } else {
      file.loop.execute(() -> write(file, src, position, flags, attachment, handler));
    }
  }

  static void write(
      OpenFile file, Buffer[] srcs, long position, Object attachment, IoHandler<?> handler) {
    var buffers = file.loop.inLoop() ? srcs : srcs.clone();
    checkWrite(file, buffers, position);
    Objects.requireNonNull(handler, "handler");
    if (file.loop.inLoop()) {
      var operation = file.writing(OpCode.WRITEV, 0, handler, attachment);
      if (operation != null) {
        file.submit(operation.vector(buffers).offset(position));
      }
    } else {
      PinnedBuffers.execute(
          file.loop, buffers, () -> write(file, buffers, position, attachment, handler));
    }
  }

  static void write(
      OpenFile file, ByteBuffer[] srcs, long position, Object attachment, IoHandler<?> handler) {
    var buffers = file.loop.inLoop() ? srcs : srcs.clone();
    checkWrite(file, buffers, position);
    Objects.requireNonNull(handler, "handler");
    if (file.loop.inLoop()) {
      var operation = file.writing(OpCode.WRITEV, 0, handler, attachment);
      if (operation != null) {
        file.submit(operation.vector(buffers).offset(position));
      }
    } else {
      file.loop.execute(() -> write(file, buffers, position, attachment, handler));
    }
  }

  static void checkRead(OpenFile file, ByteBuffer dst, long position) {
    OpenFile.checkPosition(position);
    if (dst.isReadOnly()) {
      throw new ReadOnlyBufferException();
    }
    file.requireReadable();
  }

  static void checkRead(OpenFile file, ByteBuffer[] dsts, long position) {
    OpenFile.checkPosition(position);
    for (var dst : dsts) {
      checkRead(file, dst, position);
    }
  }

  static void checkRead(OpenFile file, Buffer[] dsts, long position) {
    OpenFile.checkPosition(position);
    for (var dst : dsts) {
      checkRead(file, dst.byteBuffer(), position);
    }
  }

  static void checkWrite(OpenFile file, long position) {
    OpenFile.checkPosition(position);
    file.requireWritable();
  }

  static void checkWrite(OpenFile file, Object[] srcs, long position) {
    checkWrite(file, position);
    for (var src : srcs) {
      Objects.requireNonNull(src, "src");
    }
  }

  static void readCompleted(Operation operation, int result) {
    @SuppressWarnings("unchecked") // set together with its attachment
    var handler = (IoHandler<Object>) operation.handler();
    if (result > 0) {
      handler.completed(result, operation.attachment());
    } else if (result == 0) {
      handler.completed(operation.memoryLength() == 0 ? 0 : -1, operation.attachment());
    } else {
      handler.failed(operation.failure(result), operation.attachment());
    }
  }

  private static void readvCompleted(Operation operation, int result) {
    @SuppressWarnings("unchecked") // set together with its attachment
    var handler = (IoHandler<Object>) operation.handler();
    if (result > 0) {
      handler.completed(result, operation.attachment());
    } else if (result == 0) {
      handler.completed(operation.vector().bytes() == 0 ? 0 : -1, operation.attachment());
    } else {
      handler.failed(operation.failure(result), operation.attachment());
    }
  }
}
