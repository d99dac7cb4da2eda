package io.gyre.fs;

import io.gyre.Buffer;
import io.gyre.driver.BufferAccess;
import io.gyre.driver.Descriptor;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.Futures;
import io.gyre.driver.IoFuture;
import io.gyre.driver.OperationScope;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;

/**
 * Reads of threads that wait for them. What is there is read by the thread itself, which costs less than the way to the
 * loop and back, many times over; only what is not is left to an operation. A thread that was interrupted, or whose scope
 * has ended, tries nothing by itself: an operation then ends as it always does.
 *
 * <p>Writes have no such way: where a file system takes buffered writes with RWF_NOWAIT at all (ext4 does not) they stop
 * short at whatever needs a new block.
 */
final class WaitingReads {
  private static final BufferAccess BUFFERS = BufferAccess.get();

  private WaitingReads() {}

  static int read(OpenFile file, ByteBuffer dst, long position) throws IOException {
    Futures.requireMayWait();
    Transfers.checkRead(file, dst, position);
    return read(file, dst, null, position);
  }

  /** Pinned all the time, since between its own part and the rest the thread has no operation that would. */
  static int read(OpenFile file, Buffer dst, long position) throws IOException {
    Futures.requireMayWait();
    Transfers.checkRead(file, dst.byteBuffer(), position);
    int generation = BUFFERS.pin(dst);
    try {
      return read(file, BUFFERS.view(dst), dst, position);
    } finally {
      BUFFERS.unpin(dst, generation);
    }
  }

  /** Into memory, and the lease whose view it is, or null. */
  private static int read(OpenFile file, ByteBuffer dst, Buffer lease, long position)
      throws IOException {
    int done = 0;
    int part;
    while ((part = readNow(file, dst, position + done)) > 0) {
      done += part;
    }
    if (part == 0) {
      return done == 0 ? -1 : done;
    }
    return done == 0
        ? await(file, dst, lease, position)
        : withRest(file, dst, lease, position, done);
  }

  /** What the thread has read by itself is the result also when the rest fails: as read(2) has it, the next call fails. */
  private static int withRest(
      OpenFile file, ByteBuffer dst, Buffer lease, long position, int done) {
    if (!dst.hasRemaining()) {
      return done;
    }
    try {
      return done + Math.max(0, await(file, dst, lease, position + done));
    } catch (IOException | CancellationException | ShutdownChannelGroupException e) {
      return done;
    }
  }

  private static int await(OpenFile file, ByteBuffer dst, Buffer lease, long position)
      throws IOException {
    CompletableFuture<Integer> read =
        IoFuture.start(
            file.loop,
            future -> {
              if (lease == null) {
                Transfers.read(file, dst, position, 0, future, FutureHandler.INTEGER);
              } else {
                Transfers.read(file, lease, position, 0, future, FutureHandler.INTEGER);
              }
            });
    return Futures.await(read);
  }

  static void readFully(OpenFile file, ByteBuffer dst, long position) throws IOException {
    Futures.requireMayWait();
    Transfers.checkRead(file, dst, position);
    int total = dst.remaining();
    int done = readAllThere(file, dst, position);
    if (done < total || total == 0) {
      CompletableFuture<Void> rest =
          IoFuture.start(
              file.loop,
              future -> file.full.readRest(dst, position, done, future, FutureHandler.VOID));
      Futures.await(rest);
    }
  }

  static void readFully(OpenFile file, Buffer dst, long position) throws IOException {
    Futures.requireMayWait();
    Transfers.checkRead(file, dst.byteBuffer(), position);
    var view = BUFFERS.view(dst);
    int total = view.remaining();
    int done;
    int generation = BUFFERS.pin(dst);
    try {
      done = readAllThere(file, view, position);
    } finally {
      BUFFERS.unpin(dst, generation);
    }
    if (done < total || total == 0) {
      CompletableFuture<Void> rest =
          IoFuture.start(
              file.loop,
              future -> file.full.readRest(dst, position, done, future, FutureHandler.VOID));
      Futures.await(rest);
    }
  }

  static int readAllThere(OpenFile file, ByteBuffer dst, long position) throws EOFException {
    int total = dst.remaining();
    int done = 0;
    int part;
    while ((part = readNow(file, dst, position + done)) > 0) {
      done += part;
    }
    if (part == 0) {
      throw FullTransfer.endOfFile(file, position, done, total);
    }
    return done;
  }

  /** As {@link Descriptor#readNow}, whose NOT_NOW also says that nothing remains to be read, or that it may not be. */
  static int readNow(OpenFile file, ByteBuffer dst, long position) {
    if (!dst.hasRemaining() || position < 0 || file.isCloseAsked() || !mayTry()) {
      return Descriptor.NOT_NOW;
    }
    var descriptor = file.descriptor;
    if (!descriptor.beginUse()) {
      return Descriptor.NOT_NOW; // it is being closed, which an operation says as it should be said
    }
    int result;
    try {
      result = descriptor.readNow(dst, position);
    } finally {
      if (descriptor.endUse()) {
        goOnWithClose(file);
      }
    }
    if (result >= 0) {
      file.loop.dispatcher().telemetry().readInline();
    }
    return result;
  }

  private static boolean mayTry() {
    if (Thread.currentThread().isInterrupted()) {
      return false;
    }
    var scope = OperationScope.current();
    return scope == null || !scope.mayRefuse();
  }

  private static void goOnWithClose(OpenFile file) {
    try {
      file.loop.execute(() -> file.loop.dispatcher().usesEnded(file.descriptor));
    } catch (ShutdownChannelGroupException e) {
      // The loop ended without it, at the deadline of its shutdown.
    }
  }
}
