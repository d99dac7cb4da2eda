package io.gyre.fs;

import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** Creates files and directories of names that nobody has thought of. */
final class TemporaryNames {
  private static final int ATTEMPTS = 100; // one will do, unless random numbers are not

  private static final FileAttribute<?>[] OWNER_FILE = {
    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
  };
  private static final FileAttribute<?>[] OWNER_DIRECTORY = {
    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))
  };

  private final CompositeFuture<?> owner;
  private final PathOperations where;

  TemporaryNames(CompositeFuture<?> owner, PathOperations where) {
    this.owner = owner;
    this.where = where;
  }

  /** Refuses at once what would fail whatever the names are. */
  static void check(Path directory, String prefix, String suffix, FileAttribute<?>... attributes) {
    Opening.permissions(attributes);
    if (directory != null) {
      PathOperations.check(directory);
    }
    var parts = (prefix == null ? "" : prefix) + "x" + (suffix == null ? "" : suffix);
    var name = Path.of(parts);
    if (name.getParent() != null || !name.toString().equals(parts)) { // a slash, also at the end
      throw new IllegalArgumentException("not a part of one name: " + prefix + ", " + suffix);
    }
  }

  CompletableFuture<Path> createFile(
      Path directory, String prefix, String suffix, FileAttribute<?>... attributes) {
    var permissions = attributes.length == 0 ? OWNER_FILE : attributes;
    return create(
        directory,
        prefix,
        suffix == null ? ".tmp" : suffix,
        path -> owner.step(() -> open(path, permissions)).thenCompose(AsyncFile::closeAsync));
  }

  CompletableFuture<Path> createDirectory(
      Path directory, String prefix, FileAttribute<?>... attributes) {
    var permissions = attributes.length == 0 ? OWNER_DIRECTORY : attributes;
    return create(
        directory,
        prefix,
        "",
        path -> owner.step(() -> where.createDirectoryAsync(path, permissions)));
  }

  /** Opens a new file to be written. */
  CompletableFuture<AsyncFile> open(Path path, FileAttribute<?>... attributes) {
    return where.openFileAsync(
        path, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), attributes);
  }

  private static CompletableFuture<Path> create(
      Path directory,
      String prefix,
      String suffix,
      Function<Path, CompletableFuture<Void>> creation) {
    var parent = directory == null ? Path.of(System.getProperty("java.io.tmpdir")) : directory;
    return attempt(1, parent, prefix == null ? "" : prefix, suffix, creation);
  }

  private static CompletableFuture<Path> attempt(
      int number,
      Path parent,
      String prefix,
      String suffix,
      Function<Path, CompletableFuture<Void>> creation) {
    var path = parent.resolve(prefix + UUID.randomUUID() + suffix);
    return creation
        .apply(path)
        .thenApply(nothing -> path)
        .exceptionallyCompose(
            failure ->
                number < ATTEMPTS
                        && CompositeFuture.unwrap(failure) instanceof FileAlreadyExistsException
                    ? attempt(number + 1, parent, prefix, suffix, creation)
                    : CompletableFuture.failedFuture(failure));
  }
}
