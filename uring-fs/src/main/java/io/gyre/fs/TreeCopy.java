package io.gyre.fs;

import io.gyre.driver.FileStatus;
import io.gyre.driver.FileType;
import java.nio.file.AccessDeniedException;
import java.nio.file.CopyOption;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitResult;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.Supplier;

/** Copies a tree. What is created is created relative to the open directory that it belongs in, and never through a link. */
final class TreeCopy extends TreeRun {
  /** What it takes to fill a directory. */
  private static final Set<PosixFilePermission> OWNER_ALL =
      EnumSet.of(
          PosixFilePermission.OWNER_READ,
          PosixFilePermission.OWNER_WRITE,
          PosixFilePermission.OWNER_EXECUTE);

  private final Path targetRoot;
  private final boolean replace;
  private final boolean attributes;
  private final TreeProgress progress;
  private Object targetRootKey;

  TreeCopy(
      CompositeFuture<?> owner,
      TreeOptions options,
      Path targetRoot,
      Set<CopyOption> how,
      TreeProgress progress) {
    super(owner, options);
    this.targetRoot = targetRoot;
    this.replace = how.contains(StandardCopyOption.REPLACE_EXISTING);
    this.attributes = how.contains(StandardCopyOption.COPY_ATTRIBUTES);
    this.progress = progress;
  }

  private PathOperations targetWhere(Place place) {
    return place.parent() == null ? files : place.parent().target;
  }

  private Path targetName(Place place) {
    return place.parent() == null ? targetRoot : place.name();
  }

  private Path targetPath(Place place) {
    return targetWhere(place).resolve(targetName(place));
  }

  @Override
  CompletableFuture<?> handle(Place place, FileType type) {
    return status(place)
        .thenCompose(
            status ->
                switch (status.type()) {
                  case REGULAR -> copyFile(place, status).thenRun(() -> done(place.path()));
                  case SYMBOLIC_LINK -> copyLink(place, status).thenRun(() -> done(place.path()));
                  case DIRECTORY -> copyDirectory(place, status);
                  default ->
                      CompletableFuture.<Void>failedFuture(
                          new FileSystemException(
                              place.path().toString(),
                              targetPath(place).toString(),
                              "copy: a "
                                  + status.type().name().toLowerCase(java.util.Locale.ROOT)
                                  + " has no content to copy"));
                });
  }

  private void done(Path path) {
    progress.progressed(path, summary());
  }

  // ---- files

  private CompletableFuture<Void> copyFile(Place place, FileStatus status) {
    return using(
        step(
            () ->
                place
                    .where()
                    .openFileAsync(
                        place.name(),
                        options.followLinks()
                            ? Set.of(StandardOpenOption.READ)
                            : Set.of(StandardOpenOption.READ, NO_FOLLOW[0]))),
        source ->
            create(place, status, () -> createFile(place, status))
                .thenCompose(target -> fill(place, source, status, target)));
  }

  private CompletableFuture<AsyncFile> createFile(Place place, FileStatus status) {
    return targetWhere(place)
        .openFileAsync(
            targetName(place),
            Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
            permissions(status.permissions()));
  }

  private static FileAttribute<?> permissions(Set<PosixFilePermission> permissions) {
    return PosixFilePermissions.asFileAttribute(permissions);
  }

  /** Of a file that could not be filled nothing is left. */
  private CompletableFuture<Void> fill(
      Place place, AsyncFile source, FileStatus status, AsyncFile target) {
    var copy =
        new FileCopy(
            owner,
            source,
            status,
            target,
            bytes -> {
              byteCount += bytes;
              done(place.path());
            });
    var filled =
        using(
            CompletableFuture.completedFuture(target),
            file ->
                copy.start()
                    .thenCompose(nothing -> finish(file, status))
                    .thenRun(() -> fileCount++));
    return CompositeFuture.andFinally(
        filled,
        failure ->
            failure == null
                ? CompletableFuture.completedFuture(null)
                : targetWhere(place).discardFile(targetName(place)));
  }

  private CompletableFuture<Void> finish(AsyncFile target, FileStatus status) {
    var attributesSet =
        attributes
            ? give(status, target::setAttributesAsync)
            : CompletableFuture.<Void>completedFuture(null);
    return options.durable()
        ? attributesSet.thenCompose(nothing -> step(() -> target.forceAsync(true)))
        : attributesSet;
  }

  /** Everything, and without privileges everything but the owner. */
  private CompletableFuture<Void> give(
      FileStatus status, Function<AttributeChange, CompletableFuture<Void>> change) {
    var all = AttributeChange.to(status);
    return step(() -> change.apply(all))
        .exceptionallyCompose(
            failure ->
                CompositeFuture.unwrap(failure) instanceof AccessDeniedException
                    ? step(() -> change.apply(all.withOwner(-1, -1)))
                    : CompletableFuture.failedFuture(failure));
  }

  private static CompletableFuture<Void> using(
      CompletableFuture<AsyncFile> opening, Function<AsyncFile, CompletableFuture<Void>> body) {
    return opening.thenCompose(
        file -> {
          CompletableFuture<Void> used;
          try {
            used = body.apply(file);
          } catch (Throwable t) { // closed all the same
            used = CompletableFuture.failedFuture(t);
          }
          return CompositeFuture.andFinally(used, file::closeAsync);
        });
  }

  // ---- links

  private CompletableFuture<Void> copyLink(Place place, FileStatus status) {
    return step(() -> place.where().readSymbolicLinkAsync(place.name()))
        .thenCompose(
            says ->
                create(
                    place,
                    status,
                    () -> targetWhere(place).createSymbolicLinkAsync(targetName(place), says)))
        .thenCompose(nothing -> attributes ? giveToLink(place, status) : nothing())
        .thenRun(() -> linkCount++);
  }

  private CompletableFuture<Void> giveToLink(Place place, FileStatus status) {
    return give(
        status,
        change ->
            targetWhere(place)
                .setAttributesAsync(
                    targetName(place),
                    new AttributeChange(
                        change.lastModified(),
                        change.lastAccess(),
                        null,
                        change.uid(),
                        change.gid()),
                    NO_FOLLOW));
  }

  private static CompletableFuture<Void> nothing() {
    return CompletableFuture.completedFuture(null);
  }

  /** Creates something, in place of what is there if that may be. */
  private <U> CompletableFuture<U> create(
      Place place, FileStatus source, Supplier<CompletableFuture<U>> creation) {
    return step(creation)
        .exceptionallyCompose(
            failure ->
                replace && CompositeFuture.unwrap(failure) instanceof FileAlreadyExistsException
                    ? removeExisting(place, source).thenCompose(nothing -> step(creation))
                    : CompletableFuture.failedFuture(failure));
  }

  private CompletableFuture<Void> removeExisting(Place place, FileStatus source) {
    var where = targetWhere(place);
    var name = targetName(place);
    return step(() -> where.statusAsync(name, NO_FOLLOW))
        .thenCompose(
            existing -> {
              if (existing.fileKey().equals(source.fileKey())) {
                return CompletableFuture.failedFuture(
                    new FileSystemException(
                        place.path().toString(),
                        targetPath(place).toString(),
                        "copy: both are the same file"));
              }
              return step(
                  () ->
                      existing.isDirectory()
                          ? where.deleteDirectoryAsync(name)
                          : where.deleteFileAsync(name));
            });
  }

  // ---- directories

  private CompletableFuture<Void> copyDirectory(Place place, FileStatus status) {
    if (status.fileKey().equals(targetRootKey)) {
      return intoItself(place);
    }
    if (options.followLinks() && isLoop(place.parent(), status)) {
      return CompletableFuture.failedFuture(new FileSystemLoopException(place.path().toString()));
    }
    var atFirst = EnumSet.copyOf(OWNER_ALL);
    atFirst.addAll(status.permissions());
    var outside =
        place.parent() == null
            ? requireOutside(place, status, targetRoot.toAbsolutePath().getParent())
            : nothing();
    return outside
        .thenCompose(nothing -> makeDirectory(place, status, atFirst))
        .thenCompose(
            nothing ->
                step(() -> targetWhere(place).openDirectoryAsync(targetName(place), NO_FOLLOW)))
        .thenCompose(
            target -> {
              hold(target);
              return step(target::statusAsync)
                  .thenCompose(made -> enterBoth(place, status, target, made));
            });
  }

  /**
   * Refuses to make anything within the source. What a symbolic link on the way to the target hides is found out when the
   * copy is met.
   */
  private CompletableFuture<Void> requireOutside(Place place, FileStatus source, Path ancestor) {
    if (ancestor == null) {
      return nothing();
    }
    return CompositeFuture.andThen(
        step(() -> files.statusAsync(ancestor)),
        (status, failure) ->
            status != null && source.fileKey().equals(status.fileKey())
                ? intoItself(place)
                : requireOutside(place, source, ancestor.getParent()));
  }

  private CompletableFuture<Void> intoItself(Place place) {
    return CompletableFuture.failedFuture(
        new FileSystemException(
            place.path().toString(), targetRoot.toString(), "copy: a directory into itself"));
  }

  private CompletableFuture<Void> makeDirectory(
      Place place, FileStatus status, Set<PosixFilePermission> atFirst) {
    var where = targetWhere(place);
    var name = targetName(place);
    Supplier<CompletableFuture<Void>> make =
        () -> where.createDirectoryAsync(name, permissions(atFirst));
    return step(make)
        .exceptionallyCompose(
            failure ->
                replace && CompositeFuture.unwrap(failure) instanceof FileAlreadyExistsException
                    ? step(() -> where.statusAsync(name, NO_FOLLOW))
                        .thenCompose(
                            existing ->
                                existing.isDirectory()
                                    ? nothing()
                                    : removeExisting(place, status)
                                        .thenCompose(nothing -> step(make)))
                    : CompletableFuture.failedFuture(failure));
  }

  private CompletableFuture<Void> enterBoth(
      Place place, FileStatus status, AsyncDirectory target, FileStatus made) {
    if (place.parent() == null) {
      targetRootKey = made.fileKey();
    }
    if (place.depth() >= options.maxDepth()) {
      return finish(place.path(), status, target, made);
    }
    return CompositeFuture.andThen(
        step(() -> place.where().openDirectoryAsync(place.name(), links())),
        (directory, failure) -> {
          if (failure != null) {
            return release(target).thenCompose(released -> CompletableFuture.failedFuture(failure));
          }
          var node = new Node(place, status, hold(directory));
          node.target = target;
          node.targetBefore = made;
          enter(node);
          return nothing();
        });
  }

  @Override
  CompletableFuture<?> leave(Node node) {
    return finish(node.path, node.status, node.target, node.targetBefore);
  }

  /** Attributes come last: filling a directory changes its times, and takes permissions that it may not have. */
  private CompletableFuture<Void> finish(
      Path path, FileStatus status, AsyncDirectory target, FileStatus made) {
    CompletableFuture<Void> last = nothing();
    if (attributes) {
      last = give(status, target::setAttributesAsync);
    } else if (!status.permissions().containsAll(OWNER_ALL)) {
      var permissions = EnumSet.copyOf(made.permissions());
      permissions.removeIf(p -> OWNER_ALL.contains(p) && !status.permissions().contains(p));
      last =
          step(() -> target.setAttributesAsync(AttributeChange.NONE.withPermissions(permissions)));
    }
    if (options.durable()) {
      last = last.thenCompose(nothing -> step(target::forceAsync));
    }
    return CompositeFuture.andFinally(
        last.thenRun(
            () -> {
              directoryCount++;
              done(path);
            }),
        () -> release(target));
  }

  @Override
  boolean keepsOpen() {
    return false;
  }

  @Override
  FileVisitResult failed(Path path, Exception cause) {
    return progress.failed(path, cause);
  }
}
