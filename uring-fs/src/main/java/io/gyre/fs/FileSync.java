package io.gyre.fs;

import io.gyre.IoHandler;
import io.gyre.driver.Completion;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.nio.file.FileSystemException;
import java.util.Objects;

/** Writing back what is dirty; and once that has failed, saying so whenever asked. */
final class FileSync {
  private static final Completion ON_SYNC = FileSync::synced;

  /** Of {@link OpCode#FSYNC}: without metadata that reading does not need, fdatasync(2). */
  private static final int DATA_ONLY = 1;

  /** Of sync_file_range(2): waits for what is being written already, begins to write the rest, waits for that. */
  private static final int WAIT_WRITE_WAIT = 7;

  private FileSync() {}

  static void force(OpenFile file, boolean metaData, Object attachment, IoHandler<?> handler) {
    start(file, OpCode.FSYNC, 0, 0, metaData ? 0 : DATA_ONLY, handler, attachment);
  }

  static void syncRange(
      OpenFile file, long position, long length, Object attachment, IoHandler<?> handler) {
    OpenFile.checkRange(position, length);
    start(file, OpCode.SYNC_RANGE, position, length, WAIT_WRITE_WAIT, handler, attachment);
  }

  private static void start(
      OpenFile file,
      OpCode code,
      long position,
      long length,
      int flags,
      Object handler,
      Object attachment) {
    Objects.requireNonNull(handler, "handler");
    if (!file.loop.inLoop()) {
      file.loop.execute(() -> start(file, code, position, length, flags, handler, attachment));
      return;
    }
    var operation =
        file.operation(code, ON_SYNC, handler, attachment)
            .offset(position)
            .length(length)
            .flags(flags)
            .argument(file);
    if (file.lost() != null && !file.descriptor.isClosing()) {
      file.loop.dispatcher().refuse(operation, stillLost(file));
    } else {
      file.submit(operation);
    }
  }

  private static FileSystemException stillLost(OpenFile file) {
    var failure =
        new FileSystemException(
            file.path.toString(),
            null,
            "fsync: an earlier one failed ("
                + file.lost().getMessage()
                + "): what was written before it may be lost, and no later fsync brings it back;"
                + " write it again after opening the file anew");
    failure.initCause(file.lost());
    return failure;
  }

  private static void synced(Operation operation, int result) {
    if (result < 0 && isLoss(result)) {
      ((OpenFile) operation.argument()).noteLost(operation.failure(result));
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
