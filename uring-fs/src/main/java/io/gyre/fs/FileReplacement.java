package io.gyre.fs;

import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/**
 * Replaces a file in one step: a new file is written next to it, made durable, and renamed over it; then the directory is
 * made durable. The order is what counts: a name must not lead to content that a power failure can still take away.
 */
final class FileReplacement {
  private static final FileAttribute<?> OWNER_ONLY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  private final CompositeFuture<Void> owner;
  private final AsyncFiles files;
  private final Path path;
  private final Function<? super AsyncFile, ? extends CompletionStage<?>> writer;
  private final boolean keepPermissions;
  private final Path name;
  private final Path temporary = Path.of(".gyre-" + UUID.randomUUID());
  private boolean renamed;

  FileReplacement(
      CompositeFuture<Void> owner,
      AsyncFiles files,
      Path path,
      Function<? super AsyncFile, ? extends CompletionStage<?>> writer,
      Set<ReplaceOption> options) {
    this.owner = owner;
    this.files = files;
    this.path = path;
    this.writer = writer;
    this.keepPermissions = options.contains(ReplaceOption.KEEP_PERMISSIONS);
    this.name = path.getFileName();
  }

  /** Refuses what has no name that could be given to something else. */
  static void checkName(Path path) {
    if (PathOperations.check(path).getFileName() == null) {
      throw new IllegalArgumentException("not the path of a file: " + path);
    }
  }

  CompletableFuture<Void> start() {
    var parent = path.getParent();
    return owner
        .step(() -> files.openDirectoryAsync(parent == null ? Path.of("") : parent))
        .thenCompose(
            directory ->
                CompositeFuture.andFinally(
                    permissionsToKeep(directory)
                        .thenCompose(permissions -> replace(directory, permissions)),
                    directory::closeAsync));
  }

  /** Those of what is there, or null to leave it to the umask. */
  private CompletableFuture<Set<PosixFilePermission>> permissionsToKeep(AsyncDirectory directory) {
    if (!keepPermissions) {
      return CompletableFuture.completedFuture(null);
    }
    return owner
        .step(() -> directory.statusAsync(name, LinkOption.NOFOLLOW_LINKS))
        .thenApply(status -> status.isSymbolicLink() ? null : status.permissions())
        .exceptionallyCompose(
            failure ->
                CompositeFuture.unwrap(failure) instanceof NoSuchFileException
                    ? CompletableFuture.completedFuture(null)
                    : CompletableFuture.failedFuture(failure));
  }

  private CompletableFuture<Void> replace(
      AsyncDirectory directory, Set<PosixFilePermission> permissions) {
    // What is to be kept from others is so from the beginning.
    var attributes =
        permissions == null ? new FileAttribute<?>[0] : new FileAttribute<?>[] {OWNER_ONLY};
    var names = new TemporaryNames(owner, directory);
    var replaced =
        owner
            .step(() -> names.open(temporary, attributes))
            .thenCompose(file -> fill(directory, file, permissions))
            .thenCompose(
                nothing ->
                    owner.step(
                        () ->
                            directory.renameAsync(
                                temporary, directory, name, RenameOption.REPLACE)))
            .thenRun(() -> renamed = true)
            .thenCompose(nothing -> owner.step(directory::forceAsync));
    return CompositeFuture.andFinally(
        replaced,
        failure ->
            failure == null || renamed
                ? CompletableFuture.completedFuture(null)
                : directory.discardFile(temporary));
  }

  private CompletableFuture<Void> fill(
      AsyncDirectory directory, AsyncFile file, Set<PosixFilePermission> permissions) {
    return CompositeFuture.andFinally(
        write(directory, file)
            .thenCompose(
                nothing ->
                    permissions == null
                        ? CompletableFuture.completedFuture(null)
                        : owner.step(
                            () ->
                                file.setAttributesAsync(
                                    AttributeChange.NONE.withPermissions(permissions))))
            .thenCompose(nothing -> owner.step(() -> file.forceAsync(true))),
        file::closeAsync);
  }

  /** The wait is counted on the directory, which the user does not know, and so can't close. */
  private CompletableFuture<Void> write(AsyncDirectory directory, AsyncFile file) {
    return owner.step(
        () -> {
          try {
            return new UserStage(owner.loop(), directory.descriptor(), "replace " + path)
                .await(writer.apply(file));
          } catch (Throwable t) { // the user's
            return CompletableFuture.failedFuture(t);
          }
        });
  }
}
