package io.gyre.fs;

import java.nio.file.FileVisitResult;
import java.nio.file.Path;

/**
 * Takes what a walk comes upon. Called on the loop's thread, one call at a time, and must not block. Entries come in no
 * order, but for a directory before what is in it. What a method throws ends the walk.
 */
@FunctionalInterface
public interface TreeVisitor {
  /**
   * An entry, of whatever type; a directory before what is in it.
   *
   * @param entry what was found
   * @return CONTINUE; SKIP_SUBTREE to leave out what is in this directory; SKIP_SIBLINGS to leave that out and whatever has
   *     not been begun with in the directory that it is in; TERMINATE to end the walk, which then succeeds
   */
  FileVisitResult visit(TreeEntry entry);

  /**
   * All that was to be visited in a directory has been.
   *
   * @param directory as it was when it was entered
   * @return CONTINUE, or TERMINATE to end the walk, which then succeeds
   */
  default FileVisitResult leave(TreeEntry directory) {
    return FileVisitResult.CONTINUE;
  }

  /**
   * An entry could not be looked at, or a directory not be opened or read. By default the walk fails with the cause.
   *
   * @param path whose
   * @param cause why, such as {@link java.nio.file.AccessDeniedException}
   * @return TERMINATE to let the walk fail with the cause; anything else to go on without
   */
  default FileVisitResult failed(Path path, Exception cause) {
    return FileVisitResult.TERMINATE;
  }
}
