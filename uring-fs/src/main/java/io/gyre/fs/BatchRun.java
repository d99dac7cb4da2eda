package io.gyre.fs;

import io.gyre.IoHandler;
import java.util.Objects;

/**
 * A {@link ReadBatch} under way: how many of its reads have not ended, what the others came to, and whom to tell. One for
 * each batch, used again each time. Whoever starts the batch fills it in; from then on it is the loop's.
 */
final class BatchRun {
  private final ReadBatch batch;
  private final Runnable startAll = this::startAll;

  private OpenFile file;
  private Object attachment;
  private IoHandler<Object> whole; // one of these two
  private ReadBatchHandler<Object> each;
  private long number;
  private int pending;
  private int bytes;
  private Throwable failure;

  BatchRun(ReadBatch batch) {
    this.batch = batch;
  }

  void start(OpenFile target, Object given, IoHandler<?> handler) {
    Objects.requireNonNull(handler, "handler");
    begin(target);
    @SuppressWarnings("unchecked") // given together with its attachment
    var whom = (IoHandler<Object>) handler;
    whole = whom;
    each = null;
    attachment = given;
    handOver();
  }

  void startEach(OpenFile target, Object given, ReadBatchHandler<?> handler) {
    Objects.requireNonNull(handler, "handler");
    begin(target);
    @SuppressWarnings("unchecked") // given together with its attachment
    var whom = (ReadBatchHandler<Object>) handler;
    whole = null;
    each = whom;
    attachment = given;
    handOver();
  }

  private void begin(OpenFile target) {
    target.requireReadable();
    batch.begin();
    try {
      pinAll();
    } catch (RuntimeException e) {
      batch.end();
      throw e;
    }
    file = target;
    number++;
    bytes = 0;
    failure = null;
  }

  /** Looks at all before any is started, so that what can be refused is refused as a whole. */
  private void pinAll() {
    long sum = 0;
    int pinned = 0;
    try {
      for (; pinned < batch.size(); pinned++) {
        var read = batch.read(pinned);
        read.pin();
        read.forgetOutcome();
        sum += read.remaining();
      }
      if (sum > Integer.MAX_VALUE) {
        throw new IllegalArgumentException(
            "a batch of " + sum + " bytes is more than " + Integer.MAX_VALUE + ": read parts");
      }
    } catch (RuntimeException e) {
      unpin(pinned);
      throw e;
    }
  }

  private void unpin(int count) {
    for (int i = 0; i < count; i++) {
      batch.read(i).unpin();
    }
  }

  private void handOver() {
    // An empty one has no outcome to wait for, and no operation may end inside the call that starts
    // it.
    if (file.loop.inLoop() && batch.size() > 0) {
      startAll();
      return;
    }
    try {
      file.loop.execute(startAll);
    } catch (RuntimeException e) {
      unpin(batch.size());
      batch.end();
      throw e;
    }
  }

  private void startAll() {
    int count = batch.size();
    pending = count;
    for (int i = 0; i < count; i++) {
      var read = batch.read(i);
      read.start(file); // pins it again, until it has ended
      read.unpin();
    }
    if (count == 0) {
      end();
    }
  }

  void ended(int index, int result, Throwable cause) {
    if (cause == null) {
      bytes += Math.max(0, result);
    } else if (failure == null) {
      failure = cause;
    }
    try {
      tell(index, result, cause);
    } finally {
      if (--pending == 0) {
        end();
      }
    }
  }

  private void tell(int index, int result, Throwable cause) {
    if (each == null) {
      return;
    }
    if (cause == null) {
      each.completed(index, result, attachment);
    } else {
      each.failed(index, cause, attachment);
    }
  }

  /** Forgets all of it first: the handler may start the batch again. */
  private void end() {
    var whom = whole;
    var whomOfEach = each;
    var given = attachment;
    var cause = failure;
    int sum = bytes;
    whole = null;
    each = null;
    attachment = null;
    failure = null;
    batch.end();
    if (whom == null) {
      whomOfEach.ended(given);
    } else if (cause == null) {
      whom.completed(sum, given);
    } else {
      whom.failed(cause, given);
    }
  }

  /** Which start of the batch this is: whoever wants to cancel it later means that one. */
  long number() {
    return number;
  }

  /** Cancels what has not ended of one start of the batch. The loop's thread only. */
  void cancel(long start) {
    if (number != start || pending == 0) {
      return;
    }
    for (int i = 0; i < batch.size(); i++) {
      batch.read(i).cancel(file);
    }
  }
}
