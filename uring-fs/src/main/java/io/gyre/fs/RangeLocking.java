package io.gyre.fs;

import io.gyre.IoHandler;
import io.gyre.driver.Completion;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.nio.channels.CompletionHandler;
import java.util.Objects;

/** A lock under way, and whom to tell of it. */
record RangeLocking<A>(
    FileRangeLock lock, A attachment, CompletionHandler<FileRangeLock, ? super A> handler) {
  private static final Completion ON_LOCK = RangeLocking::locked;
  private static final int SHARED = 1;
  private static final int DO_NOT_WAIT = 2;

  /** The lock is in the handler's place: it is what the outcome is about, and may not be null. */
  static <A> void start(
      OpenFile file,
      FileRangeLock lock,
      boolean tryOnly,
      A attachment,
      CompletionHandler<FileRangeLock, ? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    var locking = new RangeLocking<A>(lock, attachment, handler);
    int flags = (lock.isShared() ? SHARED : 0) | (tryOnly ? DO_NOT_WAIT : 0);
    file.start(OpCode.LOCK, ON_LOCK, lock.position(), lock.size(), flags, lock, locking);
  }

  static void check(long position, long size) {
    OpenFile.checkRange(position, size);
    if (size == 0) {
      throw new IllegalArgumentException("a lock of no bytes");
    }
  }

  static void unlock(
      OpenFile file, long position, long size, Object attachment, IoHandler<?> handler) {
    file.start(OpCode.UNLOCK, Operation.NOTIFY, position, size, 0, handler, attachment);
  }

  @SuppressWarnings("unchecked") // the attachment was made by start
  private static void locked(Operation operation, int result) {
    var locking = (RangeLocking<Object>) operation.attachment();
    if (result < 0) {
      locking.handler.failed(operation.failure(result), locking.attachment);
    } else {
      locking.handler.completed(result == 1 ? locking.lock : null, locking.attachment);
    }
  }
}
