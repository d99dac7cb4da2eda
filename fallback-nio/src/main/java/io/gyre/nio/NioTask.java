package io.gyre.nio;

import io.gyre.driver.BlockingTask;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;

/** An operation on files while it is with the pool. */
abstract class NioTask extends BlockingTask {
  final OpCode code;
  final int flags;

  /** What it works on, or relative to; null where that is the working directory. */
  final NioFile file;

  private final String subject;
  private NioFile opened;

  NioTask(Operation operation) {
    super(operation);
    this.code = operation.code();
    this.flags = operation.flags();
    this.file = (NioFile) operation.descriptor();
    // For messages of our own, which are made on a thread that must not touch the operation.
    this.subject = operation.argument() == null && file != null ? file.subject() : null;
  }

  /** Sets the file that was opened. */
  final void setOpened(NioFile value) {
    this.opened = value;
  }

  /** What was opened, or null. */
  final NioFile opened() {
    return opened;
  }

  /**
   * Brings what was read to where the user wants it, if it is not there yet. The loop's thread only.
   *
   * @throws RuntimeException when that memory is not the loop's, or was freed meanwhile
   */
  void deliver() {}

  /** An operation that java.nio has no means for, and that can't be done by others with the same result. */
  final UnsupportedOperationException unsupported(String what) {
    return new UnsupportedOperationException(
        code.displayName()
            + (subject == null ? "" : " " + subject)
            + ": the nio driver can't "
            + what
            + "; that needs io_uring, see IoRuntime.Builder.driver");
  }
}
