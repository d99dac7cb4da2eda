package io.gyre.fs;

import io.gyre.driver.Errno;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.CopyOption;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** Moves something: a rename, or a copy and a removal where that leads to another file system. */
final class PathMove {
  private final CompositeFuture<Void> owner;
  private final AsyncFiles files;
  private final Path source;
  private final Path target;
  private final Set<CopyOption> options;

  PathMove(
      CompositeFuture<Void> owner,
      AsyncFiles files,
      Path source,
      Path target,
      CopyOption... options) {
    this.owner = owner;
    this.files = files;
    this.source = source;
    this.target = target;
    this.options = Set.copyOf(List.of(options));
  }

  static void checkOptions(CopyOption... options) {
    for (var option : options) {
      if (option != StandardCopyOption.REPLACE_EXISTING
          && option != StandardCopyOption.ATOMIC_MOVE
          && option != LinkOption.NOFOLLOW_LINKS) { // links are never followed
        throw new UnsupportedOperationException("move option " + option + " is not supported");
      }
    }
  }

  private boolean isAtomic() {
    return options.contains(StandardCopyOption.ATOMIC_MOVE);
  }

  private boolean replaces() {
    return isAtomic() || options.contains(StandardCopyOption.REPLACE_EXISTING);
  }

  CompletableFuture<Void> start() {
    return rename(replaces() ? RenameOption.REPLACE : RenameOption.NO_REPLACE)
        .exceptionallyCompose(failure -> otherwise(CompositeFuture.unwrap(failure)));
  }

  private CompletableFuture<Void> rename(RenameOption option) {
    return owner.step(() -> files.renameAsync(source, files, target, option));
  }

  private CompletableFuture<Void> otherwise(Throwable failure) {
    if (PathFailures.says(failure, Errno.EXDEV)) {
      return isAtomic()
          ? CompletableFuture.failedFuture(
              new AtomicMoveNotSupportedException(
                  source.toString(),
                  target.toString(),
                  ((FileSystemException) failure).getReason()))
          : copyAndRemove();
    }
    return !replaces() && PathFailures.says(failure, Errno.EINVAL)
        ? lookAndRename(failure)
        : CompletableFuture.failedFuture(failure);
  }

  /** For file systems that can't refuse to replace: renameat2(2). */
  private CompletableFuture<Void> lookAndRename(Throwable failure) {
    return owner
        .step(() -> files.existsAsync(target, LinkOption.NOFOLLOW_LINKS))
        .thenCompose(
            exists ->
                exists
                    ? CompletableFuture.failedFuture(
                        new FileAlreadyExistsException(target.toString(), null, "rename"))
                    : rename(RenameOption.REPLACE))
        .whenComplete(
            (nothing, also) -> {
              if (also != null) {
                CompositeFuture.unwrap(also).addSuppressed(failure);
              }
            });
  }

  /** What is removed must be there once more, and durably so: the content first, then the name that leads to it. */
  private CompletableFuture<Void> copyAndRemove() {
    var trees = FileTree.on(files.loop());
    var how = EnumSet.of(StandardCopyOption.COPY_ATTRIBUTES);
    if (replaces()) {
      how.add(StandardCopyOption.REPLACE_EXISTING);
    }
    var copyOptions = List.copyOf(how).toArray(CopyOption[]::new);
    // Opened before anything is made: where it may not be, nothing is.
    return openParent()
        .thenCompose(
            parent ->
                CompositeFuture.andFinally(
                    owner
                        .step(
                            () ->
                                trees.copyAsync(
                                    source,
                                    target,
                                    TreeOptions.DEFAULT.durably(),
                                    TreeProgress.NONE,
                                    copyOptions))
                        .thenCompose(copied -> owner.step(parent::forceAsync)),
                    parent::closeAsync))
        .thenCompose(
            forced ->
                owner.step(() -> trees.deleteAsync(source, TreeOptions.DEFAULT, TreeProgress.NONE)))
        .thenAccept(removed -> {});
  }

  private CompletableFuture<AsyncDirectory> openParent() {
    var parent = target.getParent();
    return owner.step(() -> files.openDirectoryAsync(parent == null ? Path.of("") : parent));
  }
}
