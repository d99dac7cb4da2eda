package io.gyre.driver;

import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Set;

/**
 * What {@link OpCode#SET_ATTRIBUTES} changes; what is null, or an id of -1, stays as it is.
 *
 * @param path whose, relative as for {@link PathRequest}; null for the descriptor's own
 * @param lastAccess when it was last read
 * @param lastModified when it was last written
 * @param permissions who may do what
 * @param uid the owner's number
 * @param gid the group's number
 */
public record AttributeRequest(
    Path path,
    FileTime lastAccess,
    FileTime lastModified,
    Set<PosixFilePermission> permissions,
    int uid,
    int gid)
    implements PathArgument {
  /** Takes a copy of the permissions. */
  public AttributeRequest {
    permissions = permissions == null ? null : Set.copyOf(permissions);
  }
}
