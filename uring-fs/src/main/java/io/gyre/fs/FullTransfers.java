package io.gyre.fs;

import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.driver.OpCode;
import io.gyre.driver.PinnedBuffers;
import java.nio.ByteBuffer;
import java.util.Objects;

/** The reads and writes of a file that go on until all is transferred, and what they are done with. */
final class FullTransfers {
  private final OpenFile file;

  // A list, linked through the transfers. The loop's thread only.
  private FullTransfer firstResting;

  FullTransfers(OpenFile file) {
    this.file = file;
  }

  void read(ByteBuffer dst, long position, Object attachment, IoHandler<?> handler) {
    Transfers.checkRead(file, dst, position);
    Objects.requireNonNull(handler, "handler");
    start(OpCode.READ, dst, position, 0, false, attachment, handler);
  }

  void read(Buffer dst, long position, Object attachment, IoHandler<?> handler) {
    Transfers.checkRead(file, dst.byteBuffer(), position);
    Objects.requireNonNull(handler, "handler");
    start(OpCode.READ, dst, position, 0, false, attachment, handler);
  }

  /** Goes on with a read that began at an offset, and of which a part is done. */
  void readRest(ByteBuffer dst, long position, int done, Object attachment, IoHandler<?> handler) {
    start(OpCode.READ, dst, position, done, false, attachment, handler);
  }

  /** The same with a pooled buffer. */
  void readRest(Buffer dst, long position, int done, Object attachment, IoHandler<?> handler) {
    start(OpCode.READ, dst, position, done, false, attachment, handler);
  }

  void read(ByteBuffer[] dsts, long position, Object attachment, IoHandler<?> handler) {
    var buffers = dsts.clone();
    Transfers.checkRead(file, buffers, position);
    Objects.requireNonNull(handler, "handler");
    start(OpCode.READV, buffers, position, attachment, handler);
  }

  void read(Buffer[] dsts, long position, Object attachment, IoHandler<?> handler) {
    var buffers = dsts.clone();
    Transfers.checkRead(file, buffers, position);
    Objects.requireNonNull(handler, "handler");
    start(OpCode.READV, buffers, position, attachment, handler);
  }

  void write(ByteBuffer src, long position, Object attachment, IoHandler<?> handler) {
    Transfers.checkWrite(file, position);
    Objects.requireNonNull(src, "src");
    Objects.requireNonNull(handler, "handler");
    start(OpCode.WRITE, src, position, 0, false, attachment, handler);
  }

  void write(Buffer src, long position, Object attachment, IoHandler<?> handler) {
    Transfers.checkWrite(file, position);
    Objects.requireNonNull(src, "src");
    Objects.requireNonNull(handler, "handler");
    start(OpCode.WRITE, src, position, 0, false, attachment, handler);
  }

  void write(ByteBuffer[] srcs, long position, Object attachment, IoHandler<?> handler) {
    var buffers = srcs.clone();
    Transfers.checkWrite(file, buffers, position);
    Objects.requireNonNull(handler, "handler");
    start(OpCode.WRITEV, buffers, position, attachment, handler);
  }

  void write(Buffer[] srcs, long position, Object attachment, IoHandler<?> handler) {
    var buffers = srcs.clone();
    Transfers.checkWrite(file, buffers, position);
    Objects.requireNonNull(handler, "handler");
    start(OpCode.WRITEV, buffers, position, attachment, handler);
  }

  /**
   * From the file's position on, which is the caller's until {@link Sequential#moved}, once all is transferred or it fails.
   * Of what there was to transfer a part may be done.
   */
  void startSequential(
      OpCode code,
      ByteBuffer buffer,
      long position,
      int done,
      Object attachment,
      IoHandler<?> handler) {
    start(code, buffer, position, done, true, attachment, handler);
  }

  /** The same with a pooled buffer. */
  void startSequential(
      OpCode code,
      Buffer buffer,
      long position,
      int done,
      Object attachment,
      IoHandler<?> handler) {
    start(code, buffer, position, done, true, attachment, handler);
  }

  private void start(
      OpCode code,
      ByteBuffer buffer,
      long position,
      int before,
      boolean sequential,
      Object attachment,
      IoHandler<?> handler) {
    if (file.loop.inLoop()) {
      resting().start(code, buffer, position, before, sequential, attachment, handler);
    } else {
      file.loop.execute(
          () -> start(code, buffer, position, before, sequential, attachment, handler));
    }
  }

  private void start(
      OpCode code,
      Buffer buffer,
      long position,
      int before,
      boolean sequential,
      Object attachment,
      IoHandler<?> handler) {
    if (file.loop.inLoop()) {
      resting().start(code, buffer, position, before, sequential, attachment, handler);
    } else {
      buffer.executePinned(
          file.loop, () -> start(code, buffer, position, before, sequential, attachment, handler));
    }
  }

  private void start(
      OpCode code, ByteBuffer[] buffers, long position, Object attachment, IoHandler<?> handler) {
    BufferArrays.remaining(buffers); // refuses at once what is too much
    if (file.loop.inLoop()) {
      resting().start(code, buffers, position, attachment, handler);
    } else {
      file.loop.execute(() -> start(code, buffers, position, attachment, handler));
    }
  }

  private void start(
      OpCode code, Buffer[] buffers, long position, Object attachment, IoHandler<?> handler) {
    BufferArrays.remaining(buffers);
    if (file.loop.inLoop()) {
      resting().start(code, buffers, position, attachment, handler);
    } else {
      PinnedBuffers.execute(
          file.loop, buffers, () -> start(code, buffers, position, attachment, handler));
    }
  }

  /** One to use: it leaves its list when it has begun, so that nothing is lost if it can't. */
  private FullTransfer resting() {
    if (firstResting == null) {
      firstResting = new FullTransfer(this, file);
    }
    return firstResting;
  }

  /** It is the first of those that rest. */
  void began(FullTransfer transfer) {
    firstResting = transfer.following;
    transfer.following = null;
  }

  void ended(FullTransfer transfer) {
    transfer.following = firstResting;
    firstResting = transfer;
  }
}
