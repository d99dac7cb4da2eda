package io.gyre.fs;

import io.gyre.Buffer;
import io.gyre.driver.Errors;
import io.gyre.driver.Futures;
import io.gyre.driver.OpCode;
import io.gyre.fs.BlockReadHandler.Next;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** The blocks of a {@link BlockReader} for a thread that waits for them. */
final class BlockInputStream extends InputStream {
  private static final int MAX_COPY_BYTES = 64 << 10;

  private static final BlockReadHandler<BlockInputStream> HANDLER =
      new BlockReadHandler<>() {
        @Override
        public Next block(Buffer block, BlockInputStream stream) {
          return stream.take(block);
        }

        @Override
        public void ended(BlockInputStream stream) {
          stream.end(null);
        }

        @Override
        public void failed(Throwable cause, BlockInputStream stream) {
          stream.end(cause);
        }
      };

  private final AsyncFile file;
  private final BlockReader<BlockInputStream> reader;
  private final int copyBytes;
  private final int creditBatch;

  // Of those who read: one at a time. Never taken by the loop's thread, which must not wait for a
  // copy.
  private final ReentrantLock reading = new ReentrantLock();
  private Buffer current; // guarded by reading
  private int released; // guarded by reading; not told to the reader yet

  // Between the loop and those who read: held for a few instructions.
  private final ReentrantLock handOff = new ReentrantLock();
  private final Condition changed = handOff.newCondition();
  private final ArrayDeque<Buffer> blocks; // guarded by handOff
  private long waitingBytes; // guarded by handOff
  private boolean ended; // guarded by handOff
  private Throwable failure; // guarded by handOff
  private boolean closed; // guarded by handOff

  BlockInputStream(AsyncFile file, ReadAhead how) {
    this.file = file;
    this.copyBytes = Math.min(how.blockBytes(), MAX_COPY_BYTES);
    this.blocks = new ArrayDeque<>(how.depth());
    // A message to the loop for each half of what is ahead: it has the other half to go on with.
    this.creditBatch = Math.max(1, how.depth() / 2);
    this.reader = BlockReader.startCounting(file, how, this, HANDLER);
  }

  // ---- the loop's side

  private Next take(Buffer block) {
    handOff.lock();
    try {
      if (closed) {
        block.release();
        return Next.STOP;
      }
      blocks.add(block);
      waitingBytes += block.byteBuffer().remaining();
      changed.signal();
      return Next.CONTINUE;
    } finally {
      handOff.unlock();
    }
  }

  private void end(Throwable cause) {
    handOff.lock();
    try {
      ended = true;
      failure = cause;
      changed.signal();
    } finally {
      handOff.unlock();
    }
  }

  // ---- the reader's side

  /** Makes sure that there is something to read; false at the end. */
  private boolean advance() throws IOException {
    if (current != null) {
      if (current.byteBuffer().hasRemaining()) {
        return true;
      }
      current.release();
      current = null;
      released++;
    }
    if (released >= creditBatch || (released > 0 && isDrained())) {
      reader.giveBack(released);
      released = 0;
    }
    current = next();
    return current != null;
  }

  private boolean isDrained() {
    handOff.lock();
    try {
      return blocks.isEmpty();
    } finally {
      handOff.unlock();
    }
  }

  private Buffer next() throws IOException {
    handOff.lock();
    try {
      while (blocks.isEmpty() && !ended && !closed) {
        changed.await();
      }
      requireOpenLocked();
      var block = blocks.poll();
      if (block != null) {
        waitingBytes -= block.byteBuffer().remaining();
      } else if (failure != null) {
        throw StreamFailures.asIoException(failure);
      }
      return block;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw (IOException)
          new InterruptedIOException("read " + file + ": interrupted while waiting").initCause(e);
    } finally {
      handOff.unlock();
    }
  }

  private void requireOpen() throws IOException {
    handOff.lock();
    try {
      requireOpenLocked();
    } finally {
      handOff.unlock();
    }
  }

  private void requireOpenLocked() throws IOException {
    if (closed) {
      throw Errors.closed(OpCode.READ, file.toString());
    }
  }

  @Override
  public int read() throws IOException {
    Futures.requireMayWait();
    reading.lock();
    try {
      requireOpen();
      return advance() ? current.byteBuffer().get() & 0xFF : -1;
    } finally {
      reading.unlock();
    }
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, bytes.length);
    Futures.requireMayWait();
    reading.lock();
    try {
      requireOpen();
      if (length == 0) {
        return 0;
      }
      if (!advance()) {
        return -1;
      }
      var content = current.byteBuffer();
      int count = Math.min(length, content.remaining());
      content.get(bytes, offset, count);
      return count;
    } finally {
      reading.unlock();
    }
  }

  @Override
  public long skip(long count) throws IOException {
    Futures.requireMayWait();
    reading.lock();
    try {
      requireOpen();
      long skipped = 0;
      while (skipped < count && advance()) {
        var content = current.byteBuffer();
        int step = (int) Math.min(count - skipped, content.remaining());
        content.position(content.position() + step);
        skipped += step;
      }
      return skipped;
    } finally {
      reading.unlock();
    }
  }

  @Override
  public int available() throws IOException {
    Futures.requireMayWait();
    reading.lock();
    try {
      int rest = current == null ? 0 : current.byteBuffer().remaining();
      handOff.lock();
      try {
        requireOpenLocked();
        return (int) Math.min(Integer.MAX_VALUE, rest + waitingBytes);
      } finally {
        handOff.unlock();
      }
    } finally {
      reading.unlock();
    }
  }

  @Override
  public long transferTo(OutputStream out) throws IOException {
    Objects.requireNonNull(out, "out");
    long total = 0;
    var bytes = new byte[copyBytes];
    for (int count = read(bytes); count >= 0; count = read(bytes)) {
      out.write(bytes, 0, count);
      total += count;
    }
    return total;
  }

  /** Those who wait are woken, and fail. */
  @Override
  public void close() {
    Futures.requireMayWait();
    handOff.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      handOff.unlock();
    }
    reader.stop();
    reading.lock(); // whoever is in the middle of a copy comes to its end
    try {
      if (current != null) {
        current.release();
        current = null;
      }
      releaseBlocks();
    } finally {
      reading.unlock();
    }
  }

  private void releaseBlocks() {
    handOff.lock();
    try {
      blocks.forEach(Buffer::release);
      blocks.clear();
      waitingBytes = 0;
    } finally {
      handOff.unlock();
    }
  }

  @Override
  public String toString() {
    return "input stream of " + file;
  }
}
