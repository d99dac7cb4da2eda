package io.gyre.fs;

import io.gyre.driver.Completion;
import io.gyre.driver.FileStatus;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.nio.channels.CompletionHandler;

/** What can be asked of a file. */
final class FileQueries {
  private static final Completion ON_LONG = FileQueries::longCompleted;
  private static final Completion ON_STATUS = FileQueries::statusCompleted;
  private static final int DATA = 0;
  private static final int HOLE = 1;

  private FileQueries() {}

  static void size(OpenFile file, Object attachment, CompletionHandler<Long, ?> handler) {
    file.start(OpCode.SIZE, ON_LONG, 0, 0, 0, handler, attachment);
  }

  static void status(OpenFile file, Object attachment, CompletionHandler<FileStatus, ?> handler) {
    file.start(OpCode.ATTRIBUTES, ON_STATUS, 0, 0, 0, handler, attachment);
  }

  static void seekData(
      OpenFile file, long position, Object attachment, CompletionHandler<Long, ?> handler) {
    OpenFile.checkPosition(position);
    file.start(OpCode.SEEK, ON_LONG, position, 0, DATA, handler, attachment);
  }

  static void seekHole(
      OpenFile file, long position, Object attachment, CompletionHandler<Long, ?> handler) {
    OpenFile.checkPosition(position);
    file.start(OpCode.SEEK, ON_LONG, position, 0, HOLE, handler, attachment);
  }

  private static void statusCompleted(Operation operation, int result) {
    @SuppressWarnings("unchecked") // set together with its attachment
    var handler = (CompletionHandler<FileStatus, Object>) operation.handler();
    if (result >= 0) {
      handler.completed((FileStatus) operation.value(), operation.attachment());
    } else {
      handler.failed(operation.failure(result), operation.attachment());
    }
  }

  private static void longCompleted(Operation operation, int result) {
    @SuppressWarnings("unchecked") // set together with its attachment
    var handler = (CompletionHandler<Long, Object>) operation.handler();
    if (result >= 0) {
      handler.completed(operation.longResult(), operation.attachment());
    } else {
      handler.failed(operation.failure(result), operation.attachment());
    }
  }
}
