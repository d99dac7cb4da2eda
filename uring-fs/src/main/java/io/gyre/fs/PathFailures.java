package io.gyre.fs;

import io.gyre.driver.Errno;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** Names in failures what the operation's first path does not tell. */
final class PathFailures {
  private PathFailures() {}

  /** The failure of what has two names, as java.nio.file would name them: what exists already is the second. */
  static Throwable withBothNames(Throwable failure, String source, String target) {
    if (!(failure instanceof FileSystemException e)) {
      return failure;
    }
    var reason = e.getReason();
    return switch (e) {
      case FileAlreadyExistsException x -> new FileAlreadyExistsException(target, null, reason);
      case DirectoryNotEmptyException x -> new DirectoryNotEmptyException(target);
      case NoSuchFileException x -> new NoSuchFileException(source, target, reason);
      case AccessDeniedException x -> new AccessDeniedException(source, target, reason);
      default -> new FileSystemException(source, target, reason);
    };
  }

  /** Whether a failure's reason is an errno, which each names where its type does not tell. */
  static boolean says(Throwable failure, Errno errno) {
    return failure instanceof FileSystemException e
        && e.getReason() != null
        && e.getReason().contains(errno.name() + " ");
  }
}
