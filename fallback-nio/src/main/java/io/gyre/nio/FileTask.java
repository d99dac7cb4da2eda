package io.gyre.nio;

import io.gyre.driver.OpCode;
import io.gyre.driver.OpenRequest;
import io.gyre.driver.Operation;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;

/**
 * One operation on a file, while it is with the pool. It is filled in on the loop's thread, run on a pool thread and
 * read on the loop's thread again; the queues between them order the accesses. A pool thread never touches the {@link
 * Operation}: what it needs is copied here, and the outcome is taken from here to the operation on the loop's thread.
 */
final class FileTask implements Runnable {
  /** How much of a heap buffer is moved at a time: the JDK copies it through native memory that the thread keeps. */
  private static final int HEAP_CHUNK_BYTES = 1 << 20;

  private static final int DATA_ONLY = 1;

  private static final Thread ANOTHER_THREAD = new Thread(() -> {});

  private enum State {
    QUEUED,
    BEGUN,
    CANCELLED
  }

  private static final VarHandle STATE;

  static {
    try {
      STATE = MethodHandles.lookup().findVarHandle(FileTask.class, "state", State.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  // The loop's own.
  final Operation operation;
  int position; // in FileWork's list

  // What the pool thread needs.
  private final FileWork work;
  private final OpCode code;
  private final NioFile file;
  private final OpenRequest request;
  private final long offset;
  private final int flags;
  private ByteBuffer view;

  // What it brings.
  private int result;
  private long longResult;
  private NioFile opened;
  private Throwable failure;

  // A pool thread that begins races the loop that cancels.
  private volatile State state = State.QUEUED;

  FileTask(FileWork work, Operation operation) {
    this.work = work;
    this.operation = operation;
    this.code = operation.code();
    this.file = (NioFile) operation.descriptor();
    this.request = operation.argument() instanceof OpenRequest r ? r : null;
    this.offset = operation.offset();
    this.flags = operation.flags();
    if (operation.memory() != null) {
      this.view = view(operation);
    }
  }

  private static ByteBuffer view(Operation operation) {
    var memory = operation.memory();
    int begin = operation.memoryPosition();
    int length = operation.memoryLength();
    if (isConfined(memory)) {
      var copy = ByteBuffer.allocate(length);
      if (operation.code() == OpCode.WRITE) {
        copy.put(0, memory, begin, length);
      }
      return copy;
    }
    var view = memory.duplicate();
    return view.clear().position(begin).limit(begin + length);
  }

  /** Whether the memory is of an arena that pool threads may not touch: the loop's thread may, so it is copied there. */
  private static boolean isConfined(ByteBuffer memory) {
    return memory.isDirect() && !MemorySegment.ofBuffer(memory).isAccessibleBy(ANOTHER_THREAD);
  }

  /**
   * Brings what was read to where the user wants it, if it is not there yet. The loop's thread only.
   *
   * @throws RuntimeException when that memory is not the loop's, or was freed meanwhile
   */
  void deliver() {
    var memory = operation.memory();
    if (code == OpCode.READ && result > 0 && isConfined(memory)) {
      memory.put(operation.memoryPosition(), view, 0, result);
    }
  }

  /** Keeps a pool thread from beginning; false if one has begun. The loop's thread only. */
  boolean cancel() {
    if (!STATE.compareAndSet(this, State.QUEUED, State.CANCELLED)) {
      return false;
    }
    // The task stays in the pool's queue for a while, and need not keep the user's memory there.
    view = null;
    return true;
  }

  @Override
  public void run() {
    if (!STATE.compareAndSet(this, State.QUEUED, State.BEGUN)) {
      return;
    }
    try {
      perform();
    } catch (Throwable t) { // whatever it is, somebody waits for the outcome
      failure = t;
    }
    work.finished(this);
  }

  private void perform() throws IOException {
    switch (code) {
      case OPEN -> opened = open();
      case READ -> result = read();
      case WRITE -> result = write();
      case FSYNC -> file.channel().force(flags != DATA_ONLY);
      case SIZE -> longResult = file.channel().size();
      case CLOSE -> file.close();
      default -> throw Failures.misdirected(code, "a file");
    }
  }

  private NioFile open() throws IOException {
    var channel = FileChannel.open(request.path(), request.options());
    return new NioFile(
        request.path().toString(), channel, request.options().contains(StandardOpenOption.APPEND));
  }

  private int read() throws IOException {
    int done = 0;
    int end = view.limit();
    do {
      int chunk = limitChunk(end);
      int count;
      try {
        count = file.channel().read(view, offset + done);
      } catch (IOException e) {
        return partOr(done, e);
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
    int done = 0;
    int end = view.limit();
    do {
      int chunk = limitChunk(end);
      int count;
      try {
        // Not every system appends when it is told an offset.
        count =
            file.isAppend()
                ? file.channel().write(view)
                : file.channel().write(view, offset + done);
      } catch (IOException e) {
        return partOr(done, e);
      }
      done += count;
      if (count < chunk) {
        break;
      }
    } while (view.position() < end);
    return done;
  }

  private int limitChunk(int end) {
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

  int result() {
    return result;
  }

  long longResult() {
    return longResult;
  }

  NioFile opened() {
    return opened;
  }

  Throwable failure() {
    return failure;
  }
}
