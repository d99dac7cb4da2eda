package io.gyre.net;

import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.driver.Completion;
import io.gyre.driver.Descriptor;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;

/**
 * How many bytes of a stream's writes have not gone out, and who waits for them to be few. It holds no writes: those are
 * with the driver, each from its call on. Confined to the loop's thread but for what says otherwise.
 */
final class WriteQueue {
  private static final VarHandle QUEUED;
  private static final VarHandle ON_THEIR_WAY;
  private static final Completion ON_WRITABLE = WriteQueue::waitEnded;

  static {
    try {
      var lookup = MethodHandles.lookup();
      QUEUED = lookup.findVarHandle(WriteQueue.class, "queued", long.class);
      ON_THEIR_WAY = lookup.findVarHandle(WriteQueue.class, "onTheirWay", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final OperationDispatcher dispatcher;
  private final Descriptor descriptor;

  // Written by the loop only and read by any thread: opaque, so that a write costs the loop no
  // barrier and a reader sees no half of it.
  private long queued;

  // Bytes of writes that other threads called for and the loop has not taken over yet. The loop
  // adds
  // them to those queued before it takes them off here, and readers look here first: so they see
  // bytes twice at times, but never miss any.
  private volatile long onTheirWay;

  // Written by the loop when a mark is passed, read by any thread.
  private volatile boolean full;
  private volatile WriteBufferWaterMark mark = WriteBufferWaterMark.DEFAULT;

  private final ArrayDeque<Operation> waiting = new ArrayDeque<>(0);

  WriteQueue(EventLoop loop, Descriptor descriptor) {
    this.dispatcher = loop.dispatcher();
    this.descriptor = descriptor;
  }

  /** A write is with the driver. */
  void began(long bytes) {
    long sum = queued + bytes;
    QUEUED.setOpaque(this, sum);
    if (sum > mark.highBytes() && !full) {
      full = true;
    }
  }

  /** A write has gone out, or never will. */
  void ended(long bytes) {
    long sum = queued - bytes;
    QUEUED.setOpaque(this, sum);
    if (full && sum <= mark.lowBytes()) {
      becomeWritable();
    }
  }

  private void becomeWritable() {
    full = false;
    for (var o = waiting.poll(); o != null; o = waiting.poll()) {
      dispatcher.unpark(o);
    }
  }

  /** Another thread calls for a write. Any thread. */
  void setOut(long bytes) {
    ON_THEIR_WAY.getAndAdd(this, bytes);
  }

  /** That write is with the loop, or never will be. Any thread. */
  void arrived(long bytes) {
    ON_THEIR_WAY.getAndAdd(this, -bytes);
  }

  /** Any thread. */
  long queuedBytes() {
    long before = onTheirWay;
    return before + (long) QUEUED.getOpaque(this);
  }

  /** Any thread. */
  boolean isWritable() {
    return !full && queuedBytes() <= mark.highBytes();
  }

  /** Any thread. */
  WriteBufferWaterMark mark() {
    return mark;
  }

  /** Any thread; {@link #markWasSet} is to follow. */
  void setMark(WriteBufferWaterMark value) {
    mark = value;
  }

  void markWasSet() {
    var now = mark;
    if (full && queued <= now.lowBytes()) {
      becomeWritable();
    } else if (!full && queued > now.highBytes()) {
      full = true;
    }
  }

  /** Tells a handler once it is writable, at a later turn in any case. */
  void await(Object attachment, IoHandler<?> handler) {
    var operation =
        dispatcher
            .acquire(OpCode.AWAIT_WRITABLE, descriptor, ON_WRITABLE, handler, attachment)
            .argument(this);
    dispatcher.park(operation);
    if (full) {
      waiting.add(operation);
    } else {
      dispatcher.unpark(operation);
    }
  }

  private static void waitEnded(Operation operation, int result) {
    var queue = (WriteQueue) operation.argument();
    @SuppressWarnings("unchecked") // set together with its attachment
    var handler = (IoHandler<Object>) operation.handler();
    if (result >= 0) {
      long room = Math.max(0, queue.mark.highBytes() - queue.queued);
      handler.completed((int) Math.min(room, Integer.MAX_VALUE), operation.attachment());
    } else {
      queue.waiting.remove(operation); // or another use of its slot would be taken for it
      handler.failed(operation.failure(result), operation.attachment());
    }
  }
}
