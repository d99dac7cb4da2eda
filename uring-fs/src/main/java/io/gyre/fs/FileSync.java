package io.gyre.fs;

import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.driver.Completion;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.TransferFlags;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.Objects;

/**
 * Writing back what is dirty of an open file or directory, alone or together with a write; and once that has failed, saying
 * so whenever asked. It is the completion of all its operations.
 *
 * <p>The kernel tells each descriptor once that data could not be written back, and takes the pages for clean from then on.
 * Of several syncs at the same time one learns of it, and the others find that all is well. So a success is told only when
 * all that were under way at its end have ended: one of them may bring the failure that was this one's, too. A write that
 * takes several operations is one, from its beginning to its end.
 */
final class FileSync implements Completion {
  /** Of {@link OpCode#FSYNC}: without metadata that reading does not need, fdatasync(2). */
  private static final int DATA_ONLY = 1;

  /** Of sync_file_range(2): waits for what is being written already, begins to write the rest, waits for that. */
  private static final int WAIT_WRITE_WAIT = 7;

  /** One that is under way, or whose success is held back. Used again and again, so that nothing is allocated. */
  private static final class Sync {
    long number; // counted from the first; once held, that of the last that was under way beside it
    Sync preceding; // under way only
    Sync following;
    Object attachment;
    IoHandler<Object> handler; // held only, as is the rest
    OpCode code;
    int result;
  }

  private final EventLoop loop;
  private final Descriptor descriptor;
  private final Path path;

  // All below belongs to the loop's thread.

  // Why data that was written is not on the device and will not be, or null: asked again the kernel
  // would say that all is well.
  private Throwable lost;

  private long begun;
  private Sync firstUnderWay; // in the order of their numbers
  private Sync lastUnderWay;
  private Sync firstHeld; // in the order of their ends, and so of their numbers as well
  private Sync lastHeld;
  private Sync firstResting;

  FileSync(EventLoop loop, Descriptor descriptor, Path path) {
    this.loop = loop;
    this.descriptor = descriptor;
    this.path = path;
  }

  void force(boolean metaData, Object attachment, IoHandler<?> handler) {
    start(OpCode.FSYNC, 0, 0, metaData ? 0 : DATA_ONLY, handler, attachment);
  }

  void range(long position, long length, Object attachment, IoHandler<?> handler) {
    OpenFile.checkRange(position, length);
    start(OpCode.SYNC_RANGE, position, length, WAIT_WRITE_WAIT, handler, attachment);
  }

  /** Whether a write with these flags is a sync as well, and so is to be done here. */
  static boolean takes(int flags) {
    return (flags & (TransferFlags.DSYNC | TransferFlags.SYNC)) != 0;
  }

  /** Of an operation that was begun here, or of any other. */
  static Object attachment(Operation operation) {
    return operation.attachment() instanceof Sync sync ? sync.attachment : operation.attachment();
  }

  private void start(
      OpCode code, long position, long length, int flags, Object handler, Object attachment) {
    Objects.requireNonNull(handler, "handler");
    if (!loop.inLoop()) {
      loop.execute(() -> start(code, position, length, flags, handler, attachment));
      return;
    }
    var operation = begin(descriptor, code, this, handler, attachment);
    if (operation != null) {
      submit(operation.offset(position).length(length).flags(flags));
    }
  }

  // ---- beginning

  /**
   * A slot for a sync, or for a write that is one as well. What takes its outcome is this; or somebody who may go on with
   * further operations of the same attachment, and has the end of the last told by {@link #complete}, {@link #succeeded} or
   * {@link #failed}. The loop's thread only.
   *
   * @param of what it is an operation of: this file, or one whose bytes go to this
   * @return null when it was refused, because there was a loss before: the completion is told at the next turn
   */
  Operation begin(
      Descriptor of, OpCode code, Completion completion, Object handler, Object attachment) {
    var sync = rested();
    sync.attachment = attachment;
    sync.number = ++begun;
    sync.preceding = lastUnderWay;
    if (lastUnderWay == null) {
      firstUnderWay = sync;
    } else {
      lastUnderWay.following = sync;
    }
    lastUnderWay = sync;
    var dispatcher = loop.dispatcher();
    var operation = dispatcher.acquire(code, of, completion, handler, sync);
    if (lost == null || descriptor.isClosing()) {
      return operation;
    }
    dispatcher.refuse(operation, stillLost(code));
    return null;
  }

  /** Starts what was begun here, or any other operation. */
  void submit(Operation operation) {
    var attachment = operation.attachment();
    try {
      loop.dispatcher().submit(operation);
    } catch (RuntimeException e) { // its buffer was released already
      if (attachment instanceof Sync sync) {
        leave(sync);
        rest(sync);
      }
      throw e;
    }
  }

  private Sync rested() {
    var sync = firstResting;
    if (sync == null) {
      return new Sync();
    }
    firstResting = sync.following;
    sync.following = null;
    return sync;
  }

  private void rest(Sync sync) {
    sync.attachment = null;
    sync.handler = null;
    sync.code = null;
    sync.following = firstResting;
    firstResting = sync;
  }

  // ---- the end

  @Override
  public void complete(Operation operation, int result) {
    if (result < 0) {
      failed(operation, result, operation.failure(result));
    } else {
      succeeded(operation, result);
    }
  }

  /** All that an operation is the last of has gone well: its handler is told the result when that is certain. */
  void succeeded(Operation operation, int result) {
    var sync = (Sync) operation.attachment();
    leave(sync);
    sync.handler = handler(operation);
    sync.code = operation.code();
    sync.result = result;
    sync.number = begun;
    hold(sync);
    rethrow(tellHeld(null));
  }

  /** Its handler is told the cause at once; so are those who waited for it. */
  void failed(Operation operation, int result, Throwable cause) {
    var sync = (Sync) operation.attachment();
    leave(sync);
    fail(sync, handler(operation), cause, result < 0 && isLoss(result));
  }

  @SuppressWarnings("unchecked") // set together with its attachment
  private static IoHandler<Object> handler(Operation operation) {
    return (IoHandler<Object>) operation.handler();
  }

  private void leave(Sync sync) {
    if (sync.preceding == null) {
      firstUnderWay = sync.following;
    } else {
      sync.preceding.following = sync.following;
    }
    if (sync.following == null) {
      lastUnderWay = sync.preceding;
    } else {
      sync.following.preceding = sync.preceding;
    }
    sync.preceding = null;
    sync.following = null;
  }

  private void hold(Sync sync) {
    if (lastHeld == null) {
      firstHeld = sync;
    } else {
      lastHeld.following = sync;
    }
    lastHeld = sync;
  }

  private void fail(Sync sync, IoHandler<Object> handler, Throwable cause, boolean isLoss) {
    if (lost == null && isLoss) {
      lost = cause;
    }
    var attachment = sync.attachment;
    rest(sync);
    Throwable thrown = null;
    try {
      handler.failed(cause, attachment);
    } catch (Throwable t) { // the others are told all the same
      thrown = t;
    }
    rethrow(tellHeld(thrown));
  }

  /** Tells those who have nobody left to wait for. Handlers may begin new ones meanwhile: each step looks anew. */
  private Throwable tellHeld(Throwable before) {
    var thrown = before;
    while (firstHeld != null
        && (lost != null || firstUnderWay == null || firstUnderWay.number > firstHeld.number)) {
      try {
        tell(takeHeld());
      } catch (Throwable t) { // the others are told all the same
        if (thrown == null) {
          thrown = t;
        } else if (!thrown.equals(t)) { // which refuses to hold itself
          thrown.addSuppressed(t);
        }
      }
    }
    return thrown;
  }

  private Sync takeHeld() {
    var sync = firstHeld;
    firstHeld = sync.following;
    if (firstHeld == null) {
      lastHeld = null;
    }
    return sync;
  }

  private void tell(Sync sync) {
    var handler = sync.handler;
    var attachment = sync.attachment;
    var code = sync.code;
    rest(sync);
    if (lost == null) {
      handler.completed(sync.result, attachment);
    } else {
      handler.failed(stillLost(code), attachment);
    }
  }

  /** What handlers throw, which the dispatcher reports. */
  @SuppressWarnings("unchecked") // that it is unchecked is what the compiler is told
  private static <X extends Throwable> void rethrow(Throwable thrown) throws X {
    if (thrown != null) {
      throw (X) thrown;
    }
  }

  private FileSystemException stillLost(OpCode code) {
    var failure =
        new FileSystemException(
            path.toString(),
            null,
            code.displayName()
                + ": an earlier write-back failed ("
                + lost.getMessage()
                + "): what was written before it may be lost, and no later fsync brings it back;"
                + " do it again after opening it anew");
    failure.initCause(lost);
    return failure;
  }

  /** Whether data could not be written; else nobody tried. */
  private static boolean isLoss(int result) {
    return switch (Errno.of(-result)) {
      case EIO, ENOSPC, EDQUOT -> true;
      // What the block layer, or a file server, says in place of EIO.
      case ENXIO, ENODEV, ENODATA, ETIMEDOUT, ESTALE -> true;
      case null -> true;
      default -> false;
    };
  }
}
