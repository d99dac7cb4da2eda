package io.gyre.fs;

import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.driver.BufferAccess;
import io.gyre.driver.Completion;
import io.gyre.driver.Descriptor;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.Futures;
import io.gyre.driver.IoFuture;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.io.EOFException;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.channels.ReadPendingException;
import java.nio.channels.WritePendingException;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/**
 * A file's position, and the reads and writes that begin there and move it. Each is a transfer at an offset, so that
 * drivers need to know nothing of this; what has no offsets, such as a pipe, does not care for them. One at a time: where
 * the next begins is known when the one before has ended.
 *
 * <p>Memory order: who wins the compare-and-set of {@link #underWay} from 0, or its bit on a stream, has the position to
 * itself until it clears its bit, with release semantics, behind its last store.
 */
final class Sequential implements Completion {
  private static final BufferAccess BUFFERS = BufferAccess.get();
  private static final VarHandle UNDER_WAY;
  private static final int READ = 1;
  private static final int WRITE = 2;

  static {
    try {
      UNDER_WAY = MethodHandles.lookup().findVarHandle(Sequential.class, "underWay", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final OpenFile file;

  /** Whether reads and writes are of two directions of a stream, and not of one position. */
  private final boolean bothWays;

  private volatile int underWay;
  private volatile long position;

  Sequential(OpenFile file, boolean bothWays) {
    this.file = file;
    this.bothWays = bothWays;
  }

  long position() {
    return position;
  }

  void position(long value) {
    OpenFile.checkPosition(value);
    if (!UNDER_WAY.compareAndSet(this, 0, READ | WRITE)) {
      throw pending(underWay);
    }
    position = value;
    underWay = 0;
  }

  void read(ByteBuffer dst, Object attachment, IoHandler<?> handler) {
    Transfers.checkRead(file, dst, 0);
    Objects.requireNonNull(handler, "handler");
    begin(READ);
    startBegun(dst, attachment, handler);
  }

  private void startBegun(ByteBuffer dst, Object attachment, IoHandler<?> handler) {
    try {
      start(OpCode.READ, dst, attachment, handler);
    } catch (RuntimeException e) {
      end(READ);
      throw e;
    }
  }

  private void startBegun(Buffer dst, Object attachment, IoHandler<?> handler) {
    try {
      start(OpCode.READ, dst, attachment, handler);
    } catch (RuntimeException e) {
      end(READ);
      throw e;
    }
  }

  int readAndWait(ByteBuffer dst) throws IOException {
    Transfers.checkRead(file, dst, 0);
    return readAndWait(dst, null);
  }

  /** Pinned all the time, since the thread may read by itself, which no operation pins for. */
  int readAndWait(Buffer dst) throws IOException {
    Transfers.checkRead(file, dst.byteBuffer(), 0);
    int generation = BUFFERS.pin(dst);
    try {
      return readAndWait(BUFFERS.view(dst), dst);
    } finally {
      BUFFERS.unpin(dst, generation);
    }
  }

  /** Into memory, and the lease whose view it is, or null. */
  private int readAndWait(ByteBuffer dst, Buffer lease) throws IOException {
    begin(READ);
    int count;
    try {
      count = WaitingReads.readNow(file, dst, position);
    } catch (RuntimeException e) {
      end(READ);
      throw e;
    }
    if (count != Descriptor.NOT_NOW) {
      long behind = position + count;
      position = behind;
      end(READ);
      return count == 0 ? -1 : count;
    }
    CompletableFuture<Integer> read =
        IoFuture.start(
            file.loop,
            future -> {
              if (lease == null) {
                startBegun(dst, future, FutureHandler.INTEGER);
              } else {
                startBegun(lease, future, FutureHandler.INTEGER);
              }
            });
    return Futures.await(read);
  }

  void read(Buffer dst, Object attachment, IoHandler<?> handler) {
    Transfers.checkRead(file, dst.byteBuffer(), 0);
    Objects.requireNonNull(handler, "handler");
    begin(READ);
    startBegun(dst, attachment, handler);
  }

  void write(ByteBuffer src, Object attachment, IoHandler<?> handler) {
    Transfers.checkWrite(file, 0);
    Objects.requireNonNull(src, "src");
    Objects.requireNonNull(handler, "handler");
    begin(WRITE);
    try {
      start(OpCode.WRITE, src, attachment, handler);
    } catch (RuntimeException e) {
      end(WRITE);
      throw e;
    }
  }

  void write(Buffer src, Object attachment, IoHandler<?> handler) {
    Transfers.checkWrite(file, 0);
    Objects.requireNonNull(src, "src");
    Objects.requireNonNull(handler, "handler");
    begin(WRITE);
    try {
      start(OpCode.WRITE, src, attachment, handler);
    } catch (RuntimeException e) {
      end(WRITE);
      throw e;
    }
  }

  private void start(OpCode code, ByteBuffer buffer, Object attachment, IoHandler<?> handler) {
    if (!file.loop.inLoop()) {
      file.loop.execute(() -> start(code, buffer, attachment, handler));
      return;
    }
    var operation = file.transferring(code, this, handler, attachment);
    if (operation != null) {
      file.submit(operation.memory(buffer).offset(position));
    }
  }

  private void start(OpCode code, Buffer buffer, Object attachment, IoHandler<?> handler) {
    if (!file.loop.inLoop()) {
      buffer.executePinned(file.loop, () -> start(code, buffer, attachment, handler));
      return;
    }
    var operation = file.transferring(code, this, handler, attachment);
    if (operation != null) {
      file.submit(operation.memory(buffer).offset(position));
    }
  }

  // ---- until all is transferred

  void readFully(ByteBuffer dst, Object attachment, IoHandler<?> handler) {
    Transfers.checkRead(file, dst, 0);
    Objects.requireNonNull(handler, "handler");
    begin(READ);
    startFully(OpCode.READ, dst, 0, attachment, handler);
  }

  void readFully(Buffer dst, Object attachment, IoHandler<?> handler) {
    Transfers.checkRead(file, dst.byteBuffer(), 0);
    Objects.requireNonNull(handler, "handler");
    begin(READ);
    startFully(OpCode.READ, dst, 0, attachment, handler);
  }

  void writeFully(ByteBuffer src, Object attachment, IoHandler<?> handler) {
    Transfers.checkWrite(file, 0);
    Objects.requireNonNull(src, "src");
    Objects.requireNonNull(handler, "handler");
    begin(WRITE);
    startFully(OpCode.WRITE, src, 0, attachment, handler);
  }

  void writeFully(Buffer src, Object attachment, IoHandler<?> handler) {
    Transfers.checkWrite(file, 0);
    Objects.requireNonNull(src, "src");
    Objects.requireNonNull(handler, "handler");
    begin(WRITE);
    startFully(OpCode.WRITE, src, 0, attachment, handler);
  }

  private void startFully(
      OpCode code, ByteBuffer buffer, int done, Object attachment, IoHandler<?> handler) {
    try {
      file.full.startSequential(code, buffer, position, done, attachment, handler);
    } catch (RuntimeException e) {
      moved(code, done);
      throw e;
    }
  }

  private void startFully(
      OpCode code, Buffer buffer, int done, Object attachment, IoHandler<?> handler) {
    try {
      file.full.startSequential(code, buffer, position, done, attachment, handler);
    } catch (RuntimeException e) {
      moved(code, done);
      throw e;
    }
  }

  void readFullyAndWait(ByteBuffer dst) throws IOException {
    Transfers.checkRead(file, dst, 0);
    readFullyAndWait(dst, null);
  }

  /** Pinned all the time, as for single reads. */
  void readFullyAndWait(Buffer dst) throws IOException {
    Transfers.checkRead(file, dst.byteBuffer(), 0);
    int generation = BUFFERS.pin(dst);
    try {
      readFullyAndWait(BUFFERS.view(dst), dst);
    } finally {
      BUFFERS.unpin(dst, generation);
    }
  }

  /** Into memory, and the lease whose view it is, or null. */
  private void readFullyAndWait(ByteBuffer dst, Buffer lease) throws IOException {
    begin(READ);
    int total = dst.remaining();
    int done = readAllThere(dst);
    if (done == total && total > 0) {
      moved(OpCode.READ, done);
      return;
    }
    CompletableFuture<Void> rest =
        IoFuture.start(
            file.loop,
            future -> {
              if (lease == null) {
                startFully(OpCode.READ, dst, done, future, FutureHandler.VOID);
              } else {
                startFully(OpCode.READ, lease, done, future, FutureHandler.VOID);
              }
            });
    Futures.await(rest);
  }

  /** What the thread can read by itself; the position is still its own then, but for the end of the file. */
  private int readAllThere(ByteBuffer dst) throws EOFException {
    int total = dst.remaining();
    try {
      return WaitingReads.readAllThere(file, dst, position);
    } catch (EOFException | RuntimeException e) {
      moved(OpCode.READ, total - dst.remaining());
      throw e;
    }
  }

  // ---- whose turn it is

  private void begin(int direction) {
    int seen;
    do {
      seen = underWay;
      if ((seen & direction) != 0 || (seen != 0 && !bothWays)) {
        throw pending(seen);
      }
    } while (!UNDER_WAY.compareAndSet(this, seen, seen | direction));
  }

  /** A transfer from the position on has ended, behind so many bytes; the next may begin. */
  void moved(OpCode code, int bytes) {
    if (bytes > 0) {
      long behind = position + bytes; // nobody else writes it meanwhile
      position = behind;
    }
    end(code == OpCode.READ ? READ : WRITE);
  }

  private void end(int direction) {
    UNDER_WAY.getAndBitwiseAnd(this, ~direction);
  }

  private static IllegalStateException pending(int seen) {
    return (seen & READ) != 0 ? new ReadPendingException() : new WritePendingException();
  }

  @Override
  public void complete(Operation operation, int result) {
    moved(operation.code(), Math.max(0, result)); // first: the handler may start the next
    if (operation.code() == OpCode.READ) {
      Transfers.readCompleted(operation, result);
    } else if (result < 0) {
      file.writingFailed(operation, result, operation.failure(result));
    } else {
      file.written(operation, result);
    }
  }
}
