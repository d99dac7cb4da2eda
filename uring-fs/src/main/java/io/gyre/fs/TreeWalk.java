package io.gyre.fs;

import io.gyre.driver.FileStatus;
import io.gyre.driver.FileType;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitResult;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;

/** Shows a tree to a visitor. */
final class TreeWalk extends TreeRun {
  private static final CompletableFuture<Void> DONE = CompletableFuture.completedFuture(null);

  private final TreeVisitor visitor;

  TreeWalk(CompositeFuture<?> owner, TreeOptions options, TreeVisitor visitor) {
    super(owner, options);
    this.visitor = visitor;
  }

  @Override
  CompletableFuture<?> handle(Place place, FileType type) {
    boolean typeWillDo =
        !options.withStatus()
            && type != FileType.UNKNOWN
            // With links followed a directory's status tells it from its ancestors.
            && !(options.followLinks()
                && (type == FileType.SYMBOLIC_LINK || type == FileType.DIRECTORY));
    return typeWillDo
        ? found(place, type, null)
        : status(place).thenCompose(status -> found(place, status.type(), status));
  }

  private CompletableFuture<?> found(Place place, FileType type, FileStatus status) {
    boolean directory = type == FileType.DIRECTORY;
    if (directory && options.followLinks() && isLoop(place.parent(), status)) {
      return CompletableFuture.failedFuture(new FileSystemLoopException(place.path().toString()));
    }
    count(type, status);
    var shown = options.withStatus() ? status : null;
    var decision = visit(new TreeEntry(place.path(), place.depth(), type, shown));
    switch (decision) {
      case TERMINATE -> stop(null);
      case SKIP_SIBLINGS -> {
        if (place.parent() != null) {
          place.parent().skipTheRest();
        }
      }
      default -> {}
    }
    return directory && decision == FileVisitResult.CONTINUE && place.depth() < options.maxDepth()
        ? descend(place, status)
        : DONE;
  }

  private void count(FileType type, FileStatus status) {
    switch (type) {
      case DIRECTORY -> directoryCount++;
      case SYMBOLIC_LINK -> linkCount++;
      case REGULAR -> {
        fileCount++;
        byteCount += status == null ? 0 : status.size();
      }
      default -> otherCount++;
    }
  }

  private CompletableFuture<?> descend(Place place, FileStatus status) {
    return step(() -> place.where().openDirectoryAsync(place.name(), links()))
        .thenAccept(directory -> enter(new Node(place, status, hold(directory))));
  }

  private FileVisitResult visit(TreeEntry entry) {
    try {
      return visitor.visit(entry);
    } catch (Throwable t) { // ends the walk, as a failure of its own
      throw new Thrown(t);
    }
  }

  @Override
  CompletableFuture<?> leave(Node node) {
    var left =
        new TreeEntry(
            node.path, node.depth, FileType.DIRECTORY, options.withStatus() ? node.status : null);
    if (visitor.leave(left) == FileVisitResult.TERMINATE) {
      stop(null);
    }
    return DONE;
  }

  @Override
  boolean keepsOpen() {
    return false;
  }

  @Override
  FileVisitResult failed(Path path, Exception cause) {
    return visitor.failed(path, cause);
  }
}
