package io.gyre.fs;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.driver.Completion;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationScope;
import io.gyre.fs.BlockReadHandler.Next;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;

/**
 * A file being read block after block, with some of them ahead, as {@link AsyncFile#readBlocks} began it. Nothing is
 * allocated for a block.
 *
 * <p>A block that came short is read on with before the next is delivered. Reading ends where a read found nothing: what
 * is appended from then on is not seen; of a file that is truncated meanwhile, what was there still is. An error is told
 * behind all that was read in front of it. In a {@link io.gyre.CancelScope} that the reading was begun in are all its
 * reads.
 *
 * @param <A> the attachment's type
 */
public final class BlockReader<A> {
  private static final Completion ON_SIZE = BlockReader::sizeCompleted;
  private static final Completion ON_READ = BlockReader::readCompleted;
  private static final Completion ON_CLOSED = BlockReader::closeNoticed;

  private enum State {
    READING,
    /** Read, and more is behind it. */
    READ,
    /** The file ends behind what was read. */
    LAST,
    /** Reading on has failed behind what was read. */
    FAILED
  }

  /** A part of the file: one place of the ring, used again and again. */
  private static final class Block {
    final BlockReader<?> reader;
    State state;
    Buffer buffer; // null once delivered
    long offset;
    int wanted;
    int filled;
    long token;
    Throwable cause;

    Block(BlockReader<?> reader) {
      this.reader = reader;
    }
  }

  private final AsyncFile file;
  private final EventLoop loop;
  private final int blockBytes;
  private final long end;
  private final boolean counted;
  private final OperationScope scope;
  private final Runnable onClosing = this::closing;
  private final Runnable onCancelAll = this::cancelAll;
  private final Runnable resumption = this::resumeOnLoop;
  private final Runnable stopping = this::finish;

  // All below belongs to the loop's thread.

  // What is in flight, or was read and waits for those before it, in the order of the file.
  private final Block[] ring;
  private int first;
  private int count;

  private A attachment;
  private BlockReadHandler<? super A> handler; // null once told the end, or stopped
  private long nextOffset;
  private long aheadLimit; // the file's size at the beginning
  private boolean started;
  private boolean reachedEnd; // of the file, or an error: nothing behind it is asked for
  private int held; // delivered, and not given back yet, where that counts
  private Throwable cancellation; // why it goes no further than what was read, or null
  private CompletableFuture<Buffer> awaited;
  private boolean paused;
  private boolean resumed; // during the call of the handler
  private boolean pumping;

  private BlockReader(
      AsyncFile file,
      ReadAhead how,
      A attachment,
      BlockReadHandler<? super A> handler,
      boolean counted,
      boolean paused) {
    Objects.requireNonNull(handler, "handler");
    file.file().requireReadable();
    this.file = file;
    this.loop = file.loop();
    this.blockBytes = how.blockBytes();
    this.end = how.end();
    this.nextOffset = how.position();
    this.attachment = attachment;
    this.handler = handler;
    this.counted = counted;
    this.paused = paused;
    this.scope = OperationScope.current();
    this.ring = new Block[how.depth()];
    for (int i = 0; i < ring.length; i++) {
      ring[i] = new Block(this);
    }
  }

  static <A> BlockReader<A> start(
      AsyncFile file, ReadAhead how, A attachment, BlockReadHandler<? super A> handler) {
    return new BlockReader<A>(file, how, attachment, handler, false, false).begin();
  }

  /** Starts paused: blocks are delivered from the first {@link #resume()} on. */
  static <A> BlockReader<A> startPaused(
      AsyncFile file, ReadAhead how, A attachment, BlockReadHandler<? super A> handler) {
    return new BlockReader<A>(file, how, attachment, handler, false, true).begin();
  }

  /** Starts one whose delivered blocks count among those in flight, until {@link #giveBack}. */
  static <A> BlockReader<A> startCounting(
      AsyncFile file, ReadAhead how, A attachment, BlockReadHandler<? super A> handler) {
    return new BlockReader<A>(file, how, attachment, handler, true, false).begin();
  }

  private BlockReader<A> begin() {
    if (loop.inLoop()) {
      askForSize();
    } else {
      loop.execute(this::askForSize);
    }
    return this;
  }

  /**
   * Goes on after {@link Next#PAUSE}. Harmless when it is not paused. A call that comes before the handler has returned
   * PAUSE, on whichever thread, is not lost. Any thread; on the loop's, unless the handler itself calls this, blocks that
   * are there are delivered from inside this call, which throws what the handler throws.
   */
  public void resume() {
    if (loop.inLoop()) {
      resumeOnLoop();
    } else {
      tell(resumption);
    }
  }

  private void resumeOnLoop() {
    paused = false;
    resumed = true;
    pump();
  }

  /**
   * Ends the reading: cancels what is in flight, gives back what was read ahead, and tells the handler nothing any more.
   * Harmless when it has ended. Any thread; on another than the loop's, blocks may still be delivered until the loop has
   * heard of it.
   */
  public void stop() {
    if (loop.inLoop()) {
      finish();
    } else {
      tell(stopping);
    }
  }

  /** Says that delivered blocks, which count, were released. Any thread. */
  void giveBack(int blocks) {
    tell(
        () -> {
          held -= blocks;
          pump();
        });
  }

  private void tell(Runnable task) {
    try {
      loop.execute(task);
    } catch (ShutdownChannelGroupException e) {
      // The loop's end has ended the reading, and given everything back.
    }
  }

  // ---- the beginning

  private void askForSize() {
    if (handler == null) {
      return; // stopped before it began
    }
    file.descriptor().watchClosing(onClosing);
    file.file().watchCancelAll(onCancelAll);
    submit(acquire(OpCode.SIZE, ON_SIZE, this));
  }

  private Operation acquire(OpCode code, Completion completion, Object subject) {
    return loop.dispatcher().acquire(code, file.descriptor(), completion, null, subject);
  }

  /** In the scope that the reading was begun in. */
  private void submit(Operation operation) {
    loop.dispatcher().submitIn(operation, scope);
  }

  private static void sizeCompleted(Operation operation, int result) {
    var reader = (BlockReader<?>) operation.attachment();
    if (reader.handler == null) {
      return;
    }
    if (result < 0) {
      reader.fail(operation.failure(result));
      return;
    }
    reader.aheadLimit = operation.longResult();
    reader.started = true;
    reader.pump();
  }

  // ---- reading

  /** Delivers what can be, and reads ahead. Handlers that call back into this find it under way. */
  private void pump() {
    if (pumping || !started) {
      return;
    }
    pumping = true;
    try {
      if (cancellation != null && awaited != null) {
        awaited.cancel(false);
      }
      deliver();
      readAhead();
    } finally {
      pumping = false;
    }
  }

  private void readAhead() {
    while (handler != null && wantsMore()) {
      int bytes = (int) Math.min(blockBytes, end - nextOffset);
      var buffer = loop.buffers().tryAcquire(bytes);
      if (buffer != null) {
        read(buffer, bytes);
      } else {
        // While something of this stream's is on its way, that brings it here again.
        if (count == 0 && held == 0) {
          await(bytes);
        }
        return;
      }
    }
  }

  private boolean wantsMore() {
    return !reachedEnd
        && awaited == null
        && nextOffset < end
        && count + held < ring.length
        // What has no size, or is behind it, may have no offsets either, or end anywhere.
        && (count == 0 || nextOffset < aheadLimit);
  }

  private void await(int bytes) {
    CompletableFuture<Buffer> future;
    try {
      future = loop.buffers().acquireAsync(bytes);
    } catch (ShutdownChannelGroupException e) {
      fail(e);
      return;
    }
    awaited = future;
    var _ = future.whenComplete((buffer, failure) -> acquired(buffer, bytes, failure));
  }

  private void acquired(Buffer buffer, int bytes, Throwable failure) {
    awaited = null;
    if (handler == null) {
      if (buffer != null) {
        buffer.release();
      }
    } else if (failure != null) {
      fail(cancellation == null ? failure : cancellation);
    } else if (cancellation != null) {
      buffer.release();
      fail(cancellation);
    } else {
      read(buffer, bytes);
      if (!pumping) {
        readAhead();
      }
    }
  }

  private void read(Buffer buffer, int bytes) {
    var block = ring[index(count)];
    count++;
    block.buffer = buffer;
    block.offset = nextOffset;
    block.wanted = bytes;
    block.filled = 0;
    nextOffset += bytes;
    readOn(block);
  }

  private int index(int i) {
    int index = first + i;
    return index < ring.length ? index : index - ring.length;
  }

  private void readOn(Block block) {
    block.state = State.READING;
    var operation =
        acquire(OpCode.READ, ON_READ, block)
            .memory(block.buffer) // from where the part before this has ended
            .offset(block.offset + block.filled);
    block.token = operation.token();
    submit(operation);
  }

  private static void readCompleted(Operation operation, int result) {
    var block = (Block) operation.attachment();
    if (block.reader.handler != null) {
      block.reader.completed(block, operation, result);
    }
  }

  private void completed(Block block, Operation operation, int result) {
    if (cancellation == null && operation.isCancelRequested()) {
      goNoFurther(
          OpenFile.cancellation(operation)); // it may have been quicker; nothing is to follow
    }
    if (result < 0) {
      block.cause = operation.failure(result);
      block.state = State.FAILED;
      reachedEnd = true;
    } else if (result == 0) {
      block.state = State.LAST;
      reachedEnd = true;
    } else {
      block.filled += result;
      if (block.filled < block.wanted) {
        if (!isLastAsked(block)) {
          if (cancellation == null) {
            readOn(block);
            return;
          }
          block.cause = cancellation;
          block.state = State.FAILED;
          pump();
          return;
        }
        nextOffset = block.offset + block.filled; // nothing is behind it yet: no need to wait
      }
      block.state = State.READ;
    }
    pump();
  }

  @SuppressWarnings("ReferenceEquality") // this very block
  private boolean isLastAsked(Block block) {
    return ring[index(count - 1)] == block;
  }

  // ---- delivery

  private void deliver() {
    while (handler != null && count > 0) {
      var block = ring[first];
      if (block.state == State.READING) {
        return;
      }
      if (block.filled > 0) {
        if (paused) {
          return;
        }
        deliver(block);
        if (handler == null) {
          return;
        }
      }
      first = index(1);
      count--;
      if (block.state == State.FAILED) {
        releaseContent(block);
        fail(block.cause);
      } else if (block.state == State.LAST) {
        releaseContent(block);
        end();
      }
    }
    if (handler != null && count == 0 && nextOffset >= end) {
      end();
    } else if (handler != null && count == 0 && cancellation != null) {
      fail(cancellation);
    }
  }

  private void deliver(Block block) {
    var buffer = block.buffer;
    block.buffer = null;
    block.filled = 0;
    buffer.byteBuffer().flip();
    if (counted) {
      held++;
    }
    resumed = false;
    var next = Next.STOP;
    try {
      next = handler.block(buffer, attachment);
    } finally {
      if (next == Next.STOP) {
        finish();
      } else if (next == Next.PAUSE && !resumed) {
        paused = true;
      }
    }
  }

  // ---- the end

  private void end() {
    var told = handler;
    var with = attachment;
    finish();
    if (told != null) {
      told.ended(with);
    }
  }

  private void fail(Throwable cause) {
    var told = handler;
    var with = attachment;
    finish();
    if (told != null) {
      told.failed(cause, with);
    }
  }

  /** Gives everything back. Buffers that are in flight go home when their reads have ended. */
  private void finish() {
    if (handler == null) {
      return;
    }
    handler = null;
    attachment = null;
    file.descriptor().unwatchClosing(onClosing);
    file.file().unwatchCancelAll(onCancelAll);
    for (int i = 0; i < count; i++) {
      var block = ring[index(i)];
      if (block.state == State.READING) {
        loop.dispatcher().cancel(block.token);
      }
      releaseContent(block);
    }
    if (awaited != null) {
      awaited.cancel(false);
    }
  }

  private static void releaseContent(Block block) {
    if (block.buffer != null) {
      block.buffer.release();
      block.buffer = null;
    }
  }

  /** All on the file is being cancelled. Who has nothing in flight learns of it at the next turn. */
  private void cancelAll() {
    if (cancellation == null) {
      goNoFurther(new CancellationException("read " + file + " was cancelled"));
    }
    tell(this::pump);
  }

  private void goNoFurther(Throwable cause) {
    cancellation = cause;
    reachedEnd = true;
  }

  /**
   * The file is about to be closed, which reads in flight outlast, and which nothing tells to a stream that is paused. An
   * operation on a closing descriptor fails at the next turn, with the reason.
   */
  private void closing() {
    submit(acquire(OpCode.READ, ON_CLOSED, this));
  }

  private static void closeNoticed(Operation operation, int result) {
    var reader = (BlockReader<?>) operation.attachment();
    if (reader.handler != null) {
      reader.fail(operation.failure(result));
    }
  }

  @Override
  public String toString() {
    return "reader of " + file;
  }
}
