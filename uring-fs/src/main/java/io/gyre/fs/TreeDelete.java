package io.gyre.fs;

import io.gyre.driver.FileType;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;

/**
 * Removes a tree. Each name is removed relative to the open directory that it was found in, and a directory is entered
 * only if it is one itself: who puts a symbolic link in its place meanwhile loses the link, and nothing that it leads to.
 */
final class TreeDelete extends TreeRun {
  private final TreeProgress progress;

  TreeDelete(CompositeFuture<?> owner, TreeOptions options, TreeProgress progress) {
    super(owner, options);
    this.progress = progress;
  }

  @Override
  CompletableFuture<?> handle(Place place, FileType type) {
    return type == FileType.UNKNOWN
        ? status(place).thenCompose(status -> remove(place, status.type()))
        : remove(place, type);
  }

  private CompletableFuture<?> remove(Place place, FileType type) {
    return type == FileType.DIRECTORY
        ? step(() -> place.where().openDirectoryAsync(place.name(), NO_FOLLOW))
            .thenAccept(directory -> enter(new Node(place, null, hold(directory))))
            .exceptionallyCompose(failure -> removeUnopened(place, failure))
        : step(() -> place.where().deleteFileAsync(place.name()))
            .thenAccept(nothing -> removed(place.parent(), place.path(), type));
  }

  /** It may be something else by now, or an empty directory that can't be read. */
  private CompletableFuture<Void> removeUnopened(Place place, Throwable failure) {
    if (!(CompositeFuture.unwrap(failure) instanceof FileSystemException)) {
      return CompletableFuture.failedFuture(failure);
    }
    return step(() -> place.where().deleteAsync(place.name()))
        .handle(
            (nothing, alsoFailed) -> {
              if (alsoFailed != null) {
                throw new java.util.concurrent.CompletionException(CompositeFuture.unwrap(failure));
              }
              removed(place.parent(), place.path(), FileType.UNKNOWN);
              return null;
            });
  }

  private void removed(Node parent, Path path, FileType type) {
    switch (type) {
      case REGULAR -> fileCount++;
      case DIRECTORY -> directoryCount++;
      case SYMBOLIC_LINK -> linkCount++;
      default -> otherCount++;
    }
    if (parent != null) {
      parent.removed++;
    }
    progress.progressed(path, summary());
  }

  @Override
  CompletableFuture<?> leave(Node node) {
    if (node.incomplete) {
      return CompletableFuture.completedFuture(null); // what failed in it has been told
    }
    var where = node.parent == null ? files : node.parent.directory;
    return step(() -> where.deleteDirectoryAsync(node.name))
        .handle(
            (nothing, failure) -> {
              var cause = failure == null ? null : CompositeFuture.unwrap(failure);
              if (cause instanceof DirectoryNotEmptyException && node.removed > 0) {
                readAgain(node); // some file systems skip names while others are removed
              } else if (cause != null && !(cause instanceof NoSuchFileException)) {
                throw new java.util.concurrent.CompletionException(cause);
              } else {
                removed(node.parent, node.path, FileType.DIRECTORY);
              }
              return null;
            });
  }

  @Override
  boolean keepsOpen() {
    return true;
  }

  @Override
  FileVisitResult failed(Path path, Exception cause) {
    return progress.failed(path, cause);
  }
}
