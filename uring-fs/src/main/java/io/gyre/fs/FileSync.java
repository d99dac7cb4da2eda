package io.gyre.fs;

import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.driver.Completion;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.Objects;

/**
 * Writing back what is dirty of an open file or directory; and once that has failed, saying so whenever asked. It is the
 * completion of all its operations.
 */
final class FileSync implements Completion {
  /** Of {@link OpCode#FSYNC}: without metadata that reading does not need, fdatasync(2). */
  private static final int DATA_ONLY = 1;

  /** Of sync_file_range(2): waits for what is being written already, begins to write the rest, waits for that. */
  private static final int WAIT_WRITE_WAIT = 7;

  private final EventLoop loop;
  private final Descriptor descriptor;
  private final Path path;

  // Why data that was written is not on the device and will not be, or null. The kernel tells each
  // descriptor once that data could not be written back, and takes the pages for clean from then
  // on: asked again it would say that all is well. So we remember. The loop's thread only.
  private Throwable lost;

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

  private void start(
      OpCode code, long position, long length, int flags, Object handler, Object attachment) {
    Objects.requireNonNull(handler, "handler");
    if (!loop.inLoop()) {
      loop.execute(() -> start(code, position, length, flags, handler, attachment));
      return;
    }
    var dispatcher = loop.dispatcher();
    var operation =
        dispatcher
            .acquire(code, descriptor, this, handler, attachment)
            .offset(position)
            .length(length)
            .flags(flags);
    if (lost != null && !descriptor.isClosing()) {
      dispatcher.refuse(operation, stillLost());
    } else {
      dispatcher.submit(operation);
    }
  }

  private FileSystemException stillLost() {
    var failure =
        new FileSystemException(
            path.toString(),
            null,
            "fsync: an earlier one failed ("
                + lost.getMessage()
                + "): what was written before it may be lost, and no later fsync brings it back;"
                + " do it again after opening it anew");
    failure.initCause(lost);
    return failure;
  }

  @Override
  public void complete(Operation operation, int result) {
    if (result >= 0 && lost != null) {
      // It was under way beside the one that failed, and the kernel tells one of them only.
      @SuppressWarnings("unchecked") // set together with its attachment
      var handler = (IoHandler<Object>) operation.handler();
      handler.failed(stillLost(), operation.attachment());
      return;
    }
    if (lost == null && result < 0 && isLoss(result)) {
      lost = operation.failure(result);
    }
    Operation.NOTIFY.complete(operation, result);
  }

  /** Whether data could not be written; else nobody tried. */
  private static boolean isLoss(int result) {
    return switch (Errno.of(-result)) {
      case EIO, ENOSPC, EDQUOT -> true;
      case null, default -> false;
    };
  }
}
