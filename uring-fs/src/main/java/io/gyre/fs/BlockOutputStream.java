package io.gyre.fs;

import io.gyre.Buffer;
import io.gyre.driver.Errors;
import io.gyre.driver.Futures;
import io.gyre.driver.OpCode;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Gathers the bytes of a thread that waits into the blocks of a {@link BlockWriter}. */
final class BlockOutputStream extends OutputStream {
  private static final BlockWriteHandler<BlockOutputStream> HANDLER =
      new BlockWriteHandler<>() {
        @Override
        public void drained(BlockOutputStream stream) {
          // Who writes counts blocks, and so never offers too many.
        }

        @Override
        public void written(long bytes, BlockOutputStream stream) {
          stream.progress(bytes, false, null);
        }

        @Override
        public void ended(long bytes, BlockOutputStream stream) {
          stream.progress(bytes, true, null);
        }

        @Override
        public void failed(Throwable cause, long bytes, BlockOutputStream stream) {
          stream.progress(bytes, true, cause);
        }
      };

  private final AsyncFile file;
  private final BlockWriter<BlockOutputStream> writer;
  private final int blockBytes;
  private final int depth;

  // Of those who write: one at a time. Never taken by the loop's thread, which must not wait for a
  // copy.
  private final ReentrantLock writing = new ReentrantLock();
  private Buffer current; // guarded by writing
  private long offered; // bytes; guarded by writing
  private long blocks; // that were offered, flushed ones short; guarded by writing
  private boolean closed; // guarded by writing
  private IOException told; // guarded by writing; the failure as it was thrown once

  // Between the loop and those who write: held for a few instructions.
  private final ReentrantLock handOff = new ReentrantLock();
  private final Condition changed = handOff.newCondition();
  private long written; // bytes; guarded by handOff
  private long retired; // blocks that need no place any more; guarded by handOff
  private boolean ended; // guarded by handOff
  private Throwable failure; // guarded by handOff

  BlockOutputStream(AsyncFile file, WriteBehind how) {
    this.file = file;
    this.blockBytes = how.blockBytes();
    this.depth = how.depth();
    this.writer = BlockWriter.start(file, how, this, HANDLER);
  }

  // ---- the loop's side

  private void progress(long bytes, boolean last, Throwable cause) {
    handOff.lock();
    try {
      written = bytes;
      // A writer that has failed before it was known here was offered nothing.
      retired = writer == null ? 0 : writer.retired();
      ended = last;
      failure = cause;
      changed.signalAll();
    } finally {
      handOff.unlock();
    }
  }

  // ---- the writer's side

  @Override
  public void write(int value) throws IOException {
    Futures.requireMayWait();
    writing.lock();
    try {
      makeRoom();
      current.byteBuffer().put((byte) value);
    } finally {
      writing.unlock();
    }
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, bytes.length);
    Futures.requireMayWait();
    writing.lock();
    try {
      requireOpen();
      int end = offset + length;
      for (int at = offset; at < end; ) {
        makeRoom();
        int part = Math.min(end - at, current.byteBuffer().remaining());
        current.byteBuffer().put(bytes, at, part);
        at += part;
      }
    } finally {
      writing.unlock();
    }
  }

  private void requireOpen() throws IOException {
    if (closed) {
      throw Errors.closed(OpCode.WRITE, file.toString());
    }
  }

  /** Makes sure that a byte can be put; hands a full block over, but only once another one is to be begun. */
  private void makeRoom() throws IOException {
    requireOpen();
    if (current != null && !current.byteBuffer().hasRemaining()) {
      handOver();
    }
    if (current == null) {
      awaitProgress(0, blocks + 1 - depth);
      try {
        current = Futures.await(file.loop().buffers().acquireAsync(blockBytes));
      } catch (ShutdownChannelGroupException e) {
        throw StreamFailures.asIoException(e);
      }
    }
  }

  private void handOver() {
    var block = current;
    current = null;
    block.byteBuffer().flip();
    offered += block.byteBuffer().remaining();
    blocks++;
    try {
      file.loop().execute(() -> offer(block));
    } catch (ShutdownChannelGroupException e) {
      block.release(); // the writer has failed, which the next wait tells
    }
  }

  /** On the loop. What the writer refuses, it knows nothing of: whoever waits must be told all the same. */
  private void offer(Buffer block) {
    try {
      writer.offer(block);
    } catch (RuntimeException e) { // beyond what a file can hold
      writer.abort(e);
      block.release();
    }
  }

  /**
   * Waits until so much is done, counted from the beginning on; throws when it never will be.
   *
   * @param bytes that are in the file
   * @param places how many blocks need none any more
   */
  private void awaitProgress(long bytes, long places) throws IOException {
    Throwable cause;
    handOff.lock();
    try {
      while ((written < bytes || retired < places) && !ended) {
        changed.await();
      }
      cause = failure;
    } catch (InterruptedException e) {
      throw interrupted(e);
    } finally {
      handOff.unlock();
    }
    if (cause != null) {
      throw failed(cause);
    }
  }

  private InterruptedIOException interrupted(InterruptedException e) {
    Thread.currentThread().interrupt();
    var failed = new InterruptedIOException("write " + file + ": interrupted while waiting");
    failed.initCause(e);
    return failed;
  }

  /** As itself once; then as a cause, since an exception must not be suppressed in favour of itself. */
  private IOException failed(Throwable cause) {
    if (told != null) {
      return new IOException("write " + file + " has failed before", told);
    }
    told = StreamFailures.asIoException(cause);
    return told;
  }

  /** Waits until what was written so far is in the file; that is the page cache, which no crash of the program harms. */
  @Override
  public void flush() throws IOException {
    Futures.requireMayWait();
    writing.lock();
    try {
      requireOpen();
      if (current != null && current.byteBuffer().position() > 0) {
        handOver();
      }
      awaitProgress(offered, 0);
    } finally {
      writing.unlock();
    }
  }

  @Override
  public void close() throws IOException {
    Futures.requireMayWait();
    writing.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      if (current != null) {
        handOver(); // if it is empty, the writer just releases it
      }
      writer.finish();
      awaitEnd();
    } finally {
      writing.unlock();
    }
  }

  private void awaitEnd() throws IOException {
    try {
      awaitProgress(Long.MAX_VALUE, 0);
    } catch (InterruptedIOException e) {
      writer.abort(); // nobody waits for it any more
      throw e;
    }
  }

  @Override
  public String toString() {
    return "output stream of " + file;
  }
}
