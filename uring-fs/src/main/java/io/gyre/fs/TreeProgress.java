package io.gyre.fs;

import java.nio.file.FileVisitResult;
import java.nio.file.Path;

/** Is told how a copy or a removal of a tree comes along. Called on the loop's thread, and must not block. */
public interface TreeProgress {
  /** Takes no notice, and has the first failure end it all. */
  TreeProgress NONE = new TreeProgress() {};

  /**
   * An entry is done, or a further part of a large file.
   *
   * @param path the source's, or what was removed
   * @param soFar what has been done by now
   */
  default void progressed(Path path, TreeSummary soFar) {}

  /**
   * An entry failed; of a file, nothing is left at the target. By default all ends with the cause.
   *
   * @param path the source's, or what was to be removed
   * @param cause why, such as {@link java.nio.file.AccessDeniedException}
   * @return TERMINATE to let it all fail with the cause; anything else to go on with the other entries
   */
  default FileVisitResult failed(Path path, Exception cause) {
    return FileVisitResult.TERMINATE;
  }
}
