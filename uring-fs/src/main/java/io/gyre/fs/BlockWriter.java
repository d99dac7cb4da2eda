package io.gyre.fs;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.driver.BufferAccess;
import io.gyre.driver.Completion;
import io.gyre.driver.FileStatus;
import io.gyre.driver.FileType;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationScope;
import java.nio.channels.CompletionHandler;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.file.FileSystemException;
import java.util.Objects;
import java.util.concurrent.CancellationException;

/**
 * A file being written block after block, some of them at the same time, as {@link AsyncFile#writeBlocks} began it. Nothing
 * is allocated for a block.
 *
 * <p>A block that was written in part is written on. The first failure ends the writing: what is in flight comes to its end,
 * and the handler learns how much is in the file without a gap. In a {@link io.gyre.CancelScope} that the writing was begun
 * in are all its writes, and the sync.
 *
 * @param <A> the attachment's type
 */
public final class BlockWriter<A> {
  private static final BufferAccess BUFFERS = BufferAccess.get();
  private static final Completion ON_WRITE = BlockWriter::writeCompleted;
  private static final Completion ON_CLOSED = BlockWriter::closeNoticed;

  /** Told how a block has ended; where each write is a sync as well, once that is certain. */
  private static final IoHandler<Block> ON_WRITTEN =
      new IoHandler<>() {
        @Override
        public void completed(int result, Block block) {
          block.writer.ended(block, null);
        }

        @Override
        public void failed(Throwable cause, Block block) {
          block.writer.ended(block, cause);
        }
      };

  private static final IoHandler<BlockWriter<?>> ON_SYNC =
      new IoHandler<>() {
        @Override
        public void completed(int result, BlockWriter<?> writer) {
          writer.syncing = false;
          writer.endWell(); // also when somebody has closed or aborted meanwhile: it is done
        }

        @Override
        public void failed(Throwable cause, BlockWriter<?> writer) {
          writer.syncing = false;
          writer.fail(cause);
        }
      };

  private static final CompletionHandler<FileStatus, BlockWriter<?>> ON_STATUS =
      new CompletionHandler<>() {
        @Override
        public void completed(FileStatus status, BlockWriter<?> writer) {
          writer.began(status.type());
        }

        @Override
        public void failed(Throwable cause, BlockWriter<?> writer) {
          if (cause instanceof UnsupportedOperationException) {
            writer.began(FileType.UNKNOWN); // NIO cannot ask about a file without a name
          } else {
            writer.fail(cause);
          }
        }
      };

  private enum State {
    WAITING,
    WRITING,
    WRITTEN,
    FAILED
  }

  /** Of a block whose write was refused: no operation's. */
  private static final long NO_TOKEN = -1;

  /** A part of the file: one place of the ring, used again and again. */
  private static final class Block {
    final BlockWriter<?> writer;
    State state;
    Buffer buffer; // pinned, and nobody's lease any more
    int generation;
    long offset;
    int bytes;
    int done;
    long token;

    Block(BlockWriter<?> writer) {
      this.writer = writer;
    }

    /**
     * A pin takes the place of the lease: whoever offered the buffer and gives it back once more is told so, and takes
     * nothing away from what is still to be written.
     */
    void take(Buffer offered) {
      generation = BUFFERS.pin(offered);
      buffer = offered;
      offered.release();
    }

    void letGo() {
      var done = buffer;
      buffer = null;
      BUFFERS.unpin(done, generation);
    }
  }

  private final AsyncFile file;
  private final EventLoop loop;
  private final WriteBehind.Sync sync;
  private final OperationScope scope;
  private final Runnable onClosing = this::closing;
  private final Runnable onCancelAll = this::abort;

  // All below belongs to the loop's thread, but that others may read how much is written.

  // What is in flight or waits for it, in the order of the file; and what was written and waits for
  // those before it.
  private final Block[] ring;
  private int first;
  private int count;
  private int inFlight;

  private A attachment;
  private BlockWriteHandler<? super A> handler; // null once told the end
  private long nextOffset;
  private boolean started;
  private boolean oneByOne;
  private boolean full; // somebody was told that there is no room
  private boolean finishing;
  private boolean syncing;
  private Throwable failure;
  private long retired;
  private volatile long written; // the loop's thread is the only one that writes it

  private BlockWriter(
      AsyncFile file, WriteBehind how, A attachment, BlockWriteHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    file.file().requireWritable();
    this.file = file;
    this.loop = file.loop();
    this.sync = how.sync();
    this.nextOffset = how.position();
    this.attachment = attachment;
    this.handler = handler;
    this.scope = OperationScope.current();
    this.ring = new Block[how.depth()];
    for (int i = 0; i < ring.length; i++) {
      ring[i] = new Block(this);
    }
  }

  static <A> BlockWriter<A> start(
      AsyncFile file, WriteBehind how, A attachment, BlockWriteHandler<? super A> handler) {
    var writer = new BlockWriter<A>(file, how, attachment, handler);
    if (writer.loop.inLoop()) {
      writer.begin();
    } else {
      writer.loop.execute(writer::begin);
    }
    return writer;
  }

  private void begin() {
    if (handler == null) {
      return; // aborted before it began
    }
    file.descriptor().watchClosing(onClosing);
    file.file().watchCancelAll(onCancelAll);
    // A size would not tell a pipe from a new file.
    file.status(this, ON_STATUS);
  }

  private void began(FileType type) {
    started = true;
    oneByOne = file.file().isAppend || (type != FileType.REGULAR && type != FileType.BLOCK_DEVICE);
    settle();
  }

  // ---- what users call

  /**
   * Gives a block to be written behind those before it. From here on the writer owns it, and releases it in every case.
   *
   * @param block written from its position to its limit; one that is empty is released at once
   * @return whether there is room for another one now; if not, {@link BlockWriteHandler#drained} will say when. False as
   *     well when the writing has failed, of which the handler is told
   * @throws IllegalStateException on another thread than the loop's, after {@link #finish()}, and when there is no room;
   *     the block is still the caller's then
   * @throws IllegalArgumentException when the file would grow beyond {@link Long#MAX_VALUE} bytes; likewise
   */
  public boolean offer(Buffer block) {
    int bytes = block.byteBuffer().remaining();
    checkMayOffer();
    if (handler == null || failure != null) {
      block.release();
      return false;
    }
    checkRoom(bytes);
    if (bytes == 0) {
      block.release();
      retired++;
      return hasRoom();
    }
    var place = ring[index(count)];
    place.take(block);
    count++;
    place.state = State.WAITING;
    place.offset = nextOffset;
    place.bytes = bytes;
    place.done = 0;
    nextOffset += bytes;
    writeWaiting();
    return hasRoom();
  }

  private void checkMayOffer() {
    if (!loop.inLoop()) {
      throw new IllegalStateException(
          "blocks for " + file + " are offered on its loop: hand it a task with EventLoop.execute");
    }
    if (finishing) {
      throw new IllegalStateException("a block for " + file + " was offered after the last");
    }
  }

  private void checkRoom(int bytes) {
    if (count == ring.length) {
      throw new IllegalStateException(
          "all "
              + ring.length
              + " blocks of the writer of "
              + file
              + " are in use: wait for drained");
    }
    if (nextOffset + bytes < 0) {
      throw new IllegalArgumentException(
          bytes + " bytes at " + nextOffset + " are beyond what a file can hold: " + file);
    }
  }

  private boolean hasRoom() {
    full |= count == ring.length;
    return !full;
  }

  /**
   * Says that no more blocks come: when all are written, and synced if that was asked for, the handler is told the end.
   * Harmless when it has been said before. Any thread; what this thread has offered before counts.
   */
  public void finish() {
    tell(
        () -> {
          finishing = true;
          settle();
        });
  }

  /**
   * Ends the writing early: cancels what is in flight, and fails with a {@link CancellationException}. Harmless when it has
   * ended, or when all is written and only the sync has not ended: that one goes on. Any thread.
   */
  public void abort() {
    abort(cancelled());
  }

  private CancellationException cancelled() {
    return new CancellationException("write " + file + " was cancelled");
  }

  void abort(Throwable cause) {
    if (loop.inLoop() && handler != null && !syncing && failure == null) {
      failure = cause; // at once: a finish may be in the queue already, and would end this well
    }
    tell(() -> cancelAll(cause));
  }

  /**
   * How much is in the file.
   *
   * @return bytes from the beginning on, without a gap. Any thread; exact once the writing has ended
   */
  public long written() {
    return written;
  }

  /** How many blocks were taken, and need no place any more. The loop's thread. */
  long retired() {
    return retired;
  }

  private void tell(Runnable task) {
    try {
      loop.execute(task);
    } catch (ShutdownChannelGroupException e) {
      // The loop's end has ended the writing, and told so.
    }
  }

  // ---- writing

  private int index(int i) {
    int index = first + i;
    return index < ring.length ? index : index - ring.length;
  }

  private void writeWaiting() {
    if (!started || failure != null) {
      return;
    }
    int limit = oneByOne ? Math.min(1, count) : count;
    for (int i = 0; i < limit; i++) {
      var block = ring[index(i)];
      if (block.state == State.WAITING) {
        begin(block);
      }
    }
  }

  private void begin(Block block) {
    inFlight++;
    block.state = State.WRITING;
    block.token = NO_TOKEN;
    var operation = file.file().writing(OpCode.WRITE, ON_WRITE, ON_WRITTEN, block);
    if (operation != null) {
      writeOn(block, operation);
    }
  }

  private void writeOn(Block block, Operation operation) {
    operation
        .memory(block.buffer) // from where the part before this has ended
        .offset(block.offset + block.done);
    block.token = operation.token();
    submit(operation);
  }

  /** In the scope that the writing was begun in. */
  private void submit(Operation operation) {
    loop.dispatcher().submitIn(operation, scope);
  }

  private static void writeCompleted(Operation operation, int result) {
    var block = (Block) FileSync.attachment(operation);
    block.writer.completed(block, operation, result);
  }

  private void completed(Block block, Operation operation, int result) {
    if (result > 0) {
      block.done += result;
      if (block.done < block.bytes && failure == null && operation.isCancelRequested()) {
        failure = OpenFile.cancellation(operation); // it was quicker; nothing is to follow it
      }
      if (block.done < block.bytes && failure == null) {
        writeOn(
            block,
            file.file()
                .operation(OpCode.WRITE, ON_WRITE, operation.handler(), operation.attachment()));
        return;
      }
    }
    if (block.done == block.bytes) {
      file.file().written(operation, block.bytes);
    } else {
      file.file().writingFailed(operation, result, whyNotAll(block, operation, result));
    }
  }

  private void ended(Block block, Throwable cause) {
    inFlight--;
    block.letGo();
    if (cause == null) {
      block.state = State.WRITTEN;
    } else {
      block.state = State.FAILED;
      if (block.done == block.bytes) {
        block.done = 0; // lost, whatever was said of it at first
      }
      if (failure == null) {
        failure = cause;
      }
    }
    settle();
  }

  private Throwable whyNotAll(Block block, Operation operation, int result) {
    if (result < 0) {
      return operation.failure(result);
    }
    return failure != null ? failure : tookNothing(block);
  }

  private FileSystemException tookNothing(Block block) {
    return new FileSystemException(
        file.toString(),
        null,
        "write: nothing was taken of the last " + (block.bytes - block.done) + " bytes");
  }

  /** Does what can be done next. The handler may call back into this: each step looks at everything anew. */
  private void settle() {
    if (handler == null) {
      return;
    }
    try {
      retire();
      writeWaiting();
      callForMore();
    } catch (Throwable t) { // the handler's: without it nobody would go on with this
      cancelAll(t);
      throw t;
    }
    if (handler != null && failure != null && inFlight == 0) {
      endFailed();
    }
    if (handler != null && failure == null && finishing && started && count == 0 && !syncing) {
      finishWritten();
    }
  }

  private void callForMore() {
    if (full && !finishing && failure == null && count <= ring.length / 2) {
      full = false;
      handler.drained(attachment);
    }
  }

  /** Takes from the ring what is in the file without a gap. */
  private void retire() {
    long sum = 0;
    while (count > 0 && ring[first].state == State.WRITTEN) {
      sum += ring[first].bytes;
      first = index(1);
      count--;
      retired++;
    }
    if (sum > 0) {
      long total = written + sum;
      written = total;
      handler.written(total, attachment);
    }
  }

  private void finishWritten() {
    if (sync == WriteBehind.Sync.NONE) {
      endWell();
      return;
    }
    syncing = true;
    var dispatcher = loop.dispatcher();
    var outer = dispatcher.scope();
    dispatcher.setScope(scope);
    try {
      // As any force of this file: one that failed before is not forgotten, nor is this one.
      file.file().sync.force(sync == WriteBehind.Sync.ALL, this, ON_SYNC);
    } finally {
      dispatcher.setScope(outer);
    }
  }

  // ---- the end

  private void fail(Throwable cause) {
    if (failure == null) {
      failure = cause;
    }
    settle();
  }

  private void cancelAll(Throwable cause) {
    if (handler == null || syncing) {
      return;
    }
    for (int i = 0; i < count; i++) {
      var block = ring[index(i)];
      if (block.state == State.WRITING) {
        loop.dispatcher().cancel(block.token);
      }
    }
    fail(cause);
  }

  private void endWell() {
    var told = handler;
    var with = attachment;
    forget();
    told.ended(written, with);
  }

  private void endFailed() {
    var told = handler;
    var with = attachment;
    if (count > 0 && ring[first].state == State.FAILED) {
      long total = written + ring[first].done;
      written = total;
    }
    for (int i = 0; i < count; i++) {
      var block = ring[index(i)];
      if (block.buffer != null) {
        block.letGo();
      }
    }
    forget();
    told.failed(failure, written, with);
  }

  private void forget() {
    handler = null;
    attachment = null;
    file.descriptor().unwatchClosing(onClosing);
    file.file().unwatchCancelAll(onCancelAll);
  }

  /**
   * The file is about to be closed, which nothing tells when nothing is in flight. An operation on a closing descriptor
   * fails at the next turn, with the reason.
   */
  private void closing() {
    submit(loop.dispatcher().acquire(OpCode.WRITE, file.descriptor(), ON_CLOSED, null, this));
  }

  private static void closeNoticed(Operation operation, int result) {
    var writer = (BlockWriter<?>) operation.attachment();
    writer.cancelAll(operation.failure(result));
  }

  @Override
  public String toString() {
    return "writer of " + file;
  }
}
