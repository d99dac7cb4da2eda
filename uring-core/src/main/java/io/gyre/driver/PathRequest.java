package io.gyre.driver;

import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Objects;
import java.util.Set;

/**
 * What an operation on paths works on. A path that is relative is so to the operation's {@link Operation#descriptor()},
 * a directory, or to the working directory where that is null; the second one to {@link Operation#otherDescriptor()}.
 *
 * @param path the file or directory
 * @param second the other path: where to rename or link to, what a symbolic link says; or null
 * @param permissions of what is created, less the process's umask; null for all
 */
public record PathRequest(Path path, Path second, Set<PosixFilePermission> permissions)
    implements PathArgument {
  /** Refuses a null path and takes a copy of the permissions. */
  public PathRequest {
    Objects.requireNonNull(path, "path");
    permissions = permissions == null ? null : Set.copyOf(permissions);
  }

  /**
   * A request with one path.
   *
   * @param path the file or directory
   */
  public PathRequest(Path path) {
    this(path, null, null);
  }

  /**
   * A request with two paths.
   *
   * @param path the file or directory
   * @param second the other path
   */
  public PathRequest(Path path, Path second) {
    this(path, second, null);
  }
}
