package io.gyre.fs;

import io.gyre.driver.DirectoryEntry;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Calls that take a few operations, one after the other. */
final class PathSequences {
  private final CompositeFuture<?> owner;
  private final AsyncFiles files;

  // Of createDirectories: what a name is to be created in is there. What is said to be missing even
  // so, as everything is in /proc, would be so for ever.
  private boolean isOnTheWayDown;

  PathSequences(CompositeFuture<?> owner, AsyncFiles files) {
    this.owner = owner;
    this.files = files;
  }

  /** Upwards until one is there or can be made, and down again. */
  CompletableFuture<Void> createDirectories(Path path, FileAttribute<?>... attributes) {
    Deque<Path> missing = new ArrayDeque<>();
    missing.push(path);
    return CompositeFuture.repeat(() -> createOne(missing, attributes));
  }

  private CompletableFuture<Boolean> createOne(
      Deque<Path> missing, FileAttribute<?>... attributes) {
    var path = missing.element();
    return CompositeFuture.andThen(
        owner
            .step(() -> files.createDirectoryAsync(path, attributes))
            .exceptionallyCompose(failure -> mayBeThere(path, failure)),
        (nothing, failure) -> {
          if (failure == null) {
            missing.pop();
            isOnTheWayDown = true;
            return CompletableFuture.completedFuture(!missing.isEmpty());
          }
          if (failure instanceof NoSuchFileException
              && path.getParent() != null
              && !isOnTheWayDown) {
            missing.push(path.getParent());
            return CompletableFuture.completedFuture(true);
          }
          return CompletableFuture.failedFuture(failure);
        });
  }

  private CompletableFuture<Void> mayBeThere(Path path, Throwable failure) {
    if (!(CompositeFuture.unwrap(failure) instanceof FileAlreadyExistsException)) {
      return CompletableFuture.failedFuture(failure);
    }
    // Of a link that leads nowhere, too, it is told that the name is taken: no parent is missing.
    return CompositeFuture.andThen(
        owner.step(() -> files.statusAsync(path)),
        (status, unknown) -> {
          if (unknown != null && !(unknown instanceof NoSuchFileException)) {
            return CompletableFuture.failedFuture(unknown);
          }
          return status != null && status.isDirectory()
              ? CompletableFuture.completedFuture(null)
              : CompletableFuture.failedFuture(CompositeFuture.unwrap(failure));
        });
  }

  CompletableFuture<Boolean> deleteIfExists(Path path) {
    return owner
        .step(() -> files.deleteAsync(path))
        .thenApply(nothing -> true)
        .exceptionallyCompose(
            failure ->
                CompositeFuture.unwrap(failure) instanceof NoSuchFileException
                    ? CompletableFuture.completedFuture(false)
                    : CompletableFuture.failedFuture(failure));
  }

  CompletableFuture<Boolean> exists(Path path, LinkOption... options) {
    return owner
        .step(() -> files.statusAsync(path, options))
        .thenApply(status -> true)
        .exceptionallyCompose(
            failure ->
                CompositeFuture.unwrap(failure) instanceof IOException
                    ? CompletableFuture.completedFuture(false)
                    : CompletableFuture.failedFuture(failure));
  }

  CompletableFuture<List<DirectoryEntry>> list(Path path) {
    return owner
        .step(() -> files.openDirectoryAsync(path))
        .thenCompose(
            directory ->
                CompositeFuture.andFinally(
                    owner.step(directory::listAsync), directory::closeAsync));
  }
}
