package io.gyre.nio;

import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.TransferFlags;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.OverlappingFileLockException;

/** An operation on an open file. */
final class FileTask extends NioTask {
  /** How much of a heap buffer is moved at a time: the JDK copies it through native memory that the thread keeps. */
  private static final int HEAP_CHUNK_BYTES = 1 << 20;

  private static final int COPY_BYTES = 64 << 10;
  private static final int DATA_ONLY = 1;
  private static final int SHARED = 1;
  private static final int DO_NOT_WAIT = 2;

  // Those of fallocate(2).
  private static final int KEEP_SIZE = 1;
  private static final int PUNCH_HOLE = 2 | KEEP_SIZE;
  private static final int ZERO_RANGE = 16;

  private static final Thread ANOTHER_THREAD = new Thread(() -> {});

  private final NioFile other;
  private final long offset;
  private final long otherOffset;
  private final long length;
  private ByteBuffer[] views;
  private boolean reserved;

  FileTask(Operation operation) {
    super(operation);
    // Of a read that goes to a socket it is that one.
    this.other = operation.otherDescriptor() instanceof NioFile otherFile ? otherFile : null;
    this.offset = operation.offset();
    this.otherOffset = operation.otherOffset();
    this.length = operation.length();
    var vector = operation.vector();
    if (operation.memory() != null) {
      views = new ByteBuffer[1];
      views[0] = view(operation.memory(), operation.memoryPosition(), operation.memoryLength());
    } else if (vector != null) {
      views = new ByteBuffer[vector.count()];
      for (int i = 0; i < views.length; i++) {
        views[i] = view(vector.memory(i), vector.position(i), vector.length(i));
      }
    }
  }

  private ByteBuffer view(ByteBuffer memory, int begin, int size) {
    if (isConfined(memory)) {
      var copy = ByteBuffer.allocate(size);
      if (code == OpCode.WRITE || code == OpCode.WRITEV) {
        copy.put(0, memory, begin, size);
      }
      return copy;
    }
    var view = memory.duplicate();
    return view.clear().position(begin).limit(begin + size);
  }

  /** Whether the memory is of an arena that pool threads may not touch: the loop's thread may, so it is copied there. */
  private static boolean isConfined(ByteBuffer memory) {
    return memory.isDirect() && !MemorySegment.ofBuffer(memory).isAccessibleBy(ANOTHER_THREAD);
  }

  @Override
  void deliver() {
    if (code == OpCode.READ) {
      deliver(operation().memory(), operation().memoryPosition(), views[0], result());
    } else if (code == OpCode.READV) {
      int left = result();
      var vector = operation().vector();
      for (int i = 0; i < views.length && left > 0; i++) {
        int part = Math.min(left, vector.length(i));
        deliver(vector.memory(i), vector.position(i), views[i], part);
        left -= part;
      }
    }
  }

  private static void deliver(ByteBuffer memory, int position, ByteBuffer copy, int count) {
    if (count > 0 && isConfined(memory)) {
      memory.put(position, copy, 0, count);
    }
  }

  @Override
  protected void forget() {
    // The task stays in the pool's queue for a while, and need not keep the user's memory there.
    views = null;
    if (reserved) {
      reserved = false;
      file.locks().release(offset, length);
    }
  }

  @Override
  protected void perform() throws IOException {
    switch (code) {
      case READ, READV -> setResult(read());
      case WRITE, WRITEV -> setResult(write());
      case FSYNC -> file.channel().force(flags != DATA_ONLY);
      case SIZE -> setLongResult(file.channel().size());
      case CLOSE -> file.close();
      case TRUNCATE -> truncate();
      case ALLOCATE -> allocate();
      case ADVISE -> {} // what java.nio can do without knowing it, it does
      case SYNC_RANGE -> file.channel().force(false); // more than was asked for
      case LOCK -> lock();
      case UNLOCK -> unlock();
      case COPY_RANGE -> copyRange();
      case SPLICE -> splice();
      case SEEK -> seek();
      default -> throw Failures.misdirected(code, "a file");
    }
  }

  // ---- transfers

  private void refuseFlags() {
    if ((flags & TransferFlags.NOWAIT) != 0) {
      throw unsupported("tell whether it would have to wait (NOWAIT)");
    }
    if ((flags & TransferFlags.ATOMIC) != 0) {
      throw unsupported("write all or nothing (ATOMIC)");
    }
  }

  private int read() throws IOException {
    refuseFlags();
    if (file.isDirectory()) {
      return -Errno.EISDIR.number();
    }
    int done = 0;
    for (var view : views) {
      int part;
      try {
        part = read(view, done);
      } catch (IOException e) {
        return partOr(done, e);
      }
      done += part;
      if (view.hasRemaining()) {
        break;
      }
    }
    return done;
  }

  private int read(ByteBuffer view, int before) throws IOException {
    int done = 0;
    int end = view.limit();
    do {
      int chunk = limitChunk(view, end);
      int count;
      try {
        count =
            file.isStream()
                ? file.channel().read(view)
                : file.channel().read(view, offset + before + done);
      } catch (IOException e) {
        if (file.isDirect() && offset + before + done >= file.channel().size()) {
          return done; // java.nio looks at the alignment first, where the kernel looks for the end
        }
        return partOr(done, e);
      } finally {
        view.limit(end);
      }
      if (count > 0) {
        done += count;
      }
      if (count < chunk) {
        break;
      }
    } while (view.position() < end);
    return done;
  }

  private int write() throws IOException {
    refuseFlags();
    int done;
    if ((flags & TransferFlags.APPEND) != 0 && !file.isAppend()) {
      synchronized (file) { // as one step to all who use this descriptor
        done = writeAll(file.channel().size());
      }
    } else {
      done = writeAll(offset);
    }
    if ((flags & (TransferFlags.DSYNC | TransferFlags.SYNC)) != 0) {
      file.channel().force((flags & TransferFlags.SYNC) != 0);
    }
    return done;
  }

  private int writeAll(long begin) throws IOException {
    int done = 0;
    for (var view : views) {
      int part;
      try {
        part = write(view, begin + done);
      } catch (IOException e) {
        return partOr(done, e);
      }
      done += part;
      if (view.hasRemaining()) {
        break;
      }
    }
    return done;
  }

  private int write(ByteBuffer view, long begin) throws IOException {
    int done = 0;
    int end = view.limit();
    do {
      int chunk = limitChunk(view, end);
      int count;
      try {
        // Not every system appends when it is told an offset.
        count =
            file.isAppend() || file.isStream()
                ? file.channel().write(view)
                : file.channel().write(view, begin + done);
      } catch (IOException e) {
        return partOr(done, e);
      } finally {
        view.limit(end);
      }
      done += count;
      if (count < chunk) {
        break;
      }
    } while (view.position() < end);
    return done;
  }

  private static int limitChunk(ByteBuffer view, int end) {
    int remaining = end - view.position();
    int chunk = view.isDirect() ? remaining : Math.min(remaining, HEAP_CHUNK_BYTES);
    view.limit(view.position() + chunk);
    return chunk;
  }

  /** What was transferred before a failure is the result, as with read(2) and write(2). */
  private static int partOr(int done, IOException failure) throws IOException {
    if (done > 0) {
      return done;
    }
    throw failure;
  }

  // ---- space

  private void truncate() throws IOException {
    var channel = file.channel();
    if (offset <= channel.size()) {
      channel.truncate(offset);
    } else {
      growTo(offset);
    }
  }

  private void growTo(long size) throws IOException {
    if (file.isAppend()) { // whose writes all go to the end, with nothing left out
      writeZeros(file.channel().size(), size);
    } else {
      writeZeros(size - 1, size);
    }
  }

  private void writeZeros(long from, long to) throws IOException {
    var zeros = ByteBuffer.allocateDirect((int) Math.min(COPY_BYTES, to - from));
    for (long at = from; at < to; ) {
      zeros.clear().limit((int) Math.min(zeros.capacity(), to - at));
      at += file.isAppend() ? file.channel().write(zeros) : file.channel().write(zeros, at);
    }
  }

  /** Whether a hole is one, or space was reserved, only the disk could tell. */
  private void allocate() throws IOException {
    if (offset < 0 || length <= 0) {
      setResult(-Errno.EINVAL.number());
      return;
    }
    long size = file.channel().size();
    long end = offset + length;
    switch (flags) {
      case 0 -> {
        if (end > size) {
          growTo(end);
        }
      }
      case KEEP_SIZE -> {}
      case PUNCH_HOLE, ZERO_RANGE | KEEP_SIZE -> zero(Math.min(end, size));
      case ZERO_RANGE -> zero(end);
      default -> throw unsupported("do what mode " + flags + " of fallocate says");
    }
  }

  private void zero(long end) throws IOException {
    if (file.isAppend()) {
      throw unsupported("write anywhere but to the end of a file that was opened with APPEND");
    }
    if (offset < end) {
      writeZeros(offset, end);
    }
  }

  // ---- locks

  /** Waiting is trying again: the thread may be the one that ends the lock it waits for. */
  private void lock() throws IOException {
    if (!reserved) {
      file.locks().reserve(offset, length);
      reserved = true;
    }
    boolean done = false;
    try {
      var lock = tryLock();
      if (lock != null) {
        file.locks().locked(offset, length, lock);
        setResult(1);
      } else if ((flags & DO_NOT_WAIT) == 0) {
        tryAgainLater();
      } else {
        forget();
      }
      done = true;
    } finally {
      if (!done) {
        forget();
      }
    }
  }

  /** The range is given back last, so that a lock that failed to end can be ended again. */
  private void unlock() throws IOException {
    file.locks().find(offset, length).release();
    file.locks().release(offset, length);
  }

  private java.nio.channels.FileLock tryLock() throws IOException {
    try {
      return file.channel().tryLock(offset, length, (flags & SHARED) != 0);
    } catch (OverlappingFileLockException e) {
      return null; // another channel of this JVM holds it, as another process might
    }
  }

  // ---- between files

  private void copyRange() throws IOException {
    long most = length;
    boolean onItself = file.isWhatOtherIs(other);
    if (onItself) {
      // To the end as it is now: else it would go on with what it has just written, for ever.
      most = Math.clamp(file.channel().size() - offset, 0, length);
    }
    if (onItself && offset - otherOffset < most && otherOffset - offset < most) {
      setResult(-Errno.EINVAL.number());
      return;
    }
    var buffer = ByteBuffer.allocateDirect(Math.clamp(most, 1, COPY_BYTES));
    int done = 0;
    int wanted = (int) Math.min(most, Integer.MAX_VALUE);
    while (done < wanted) {
      buffer.clear().limit(Math.min(buffer.capacity(), wanted - done));
      try {
        if (file.channel().read(buffer, offset + done) <= 0) {
          break;
        }
        buffer.flip();
        long at = otherOffset + done;
        while (buffer.hasRemaining()) {
          int count = other.channel().write(buffer, at);
          at += count;
          done += count;
        }
      } catch (IOException e) {
        setResult(partOr(done, e));
        return;
      }
    }
    setResult(done);
  }

  /** One part, as the kernel moves no more than the pipe has or takes. */
  private void splice() throws IOException {
    boolean fromPipe = file.isPipe();
    boolean toPipe = other.isPipe();
    if (!fromPipe && !toPipe) {
      setResult(-Errno.EINVAL.number());
      return;
    }
    if ((fromPipe && offset != -1) || (toPipe && otherOffset != -1)) {
      setResult(-Errno.ESPIPE.number());
      return;
    }
    var buffer = ByteBuffer.allocateDirect(Math.clamp(length, 0, COPY_BYTES));
    int count = offset == -1 ? file.channel().read(buffer) : file.channel().read(buffer, offset);
    buffer.flip();
    long at = otherOffset;
    while (buffer.hasRemaining()) {
      int part = at == -1 ? other.channel().write(buffer) : other.channel().write(buffer, at);
      at += at == -1 ? 0 : part;
    }
    setResult(Math.max(0, count));
  }

  /** Holes cannot be seen: all that there is is data. */
  private void seek() throws IOException {
    long size = file.channel().size();
    if (offset >= size) {
      setLongResult(-1);
    } else {
      setLongResult(flags == 0 ? offset : size);
    }
  }
}
