package io.gyre.fs;

/**
 * What a rename does with what has the new name already.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/renameat2.2.html">renameat2(2)</a>
 */
public enum RenameOption {
  /** Replaces it, in one step: at no moment is there nothing of that name. */
  REPLACE(0),
  /**
   * Fails with a {@link java.nio.file.FileAlreadyExistsException}. NIO looks before, in a step of its own: who creates
   * the name in between loses what it made.
   */
  NO_REPLACE(1),
  /** Gives it the old name, in one step. NIO has no means: {@link UnsupportedOperationException}. */
  EXCHANGE(2);

  final int flags;

  RenameOption(int flags) {
    this.flags = flags;
  }
}
