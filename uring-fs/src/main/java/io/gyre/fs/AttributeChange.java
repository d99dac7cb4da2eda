package io.gyre.fs;

import io.gyre.driver.AttributeRequest;
import io.gyre.driver.FileStatus;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Objects;
import java.util.Set;

/**
 * What is to change of a file's attributes; the rest stays as it is. Begin with {@link #NONE}.
 *
 * @param lastModified when it was last written, to the nanosecond where the file system keeps that; or null
 * @param lastAccess when it was last read; or null
 * @param permissions who may do what; or null. They clear the bits set-user-id, set-group-id and sticky
 * @param uid the owner's number; -1 for as it is. Changing it takes privileges
 * @param gid the group's number; -1 for as it is
 */
public record AttributeChange(
    FileTime lastModified,
    FileTime lastAccess,
    Set<PosixFilePermission> permissions,
    int uid,
    int gid) {
  /** Changes nothing. */
  public static final AttributeChange NONE = new AttributeChange(null, null, null, -1, -1);

  /** Takes a copy of the permissions. */
  public AttributeChange {
    permissions = permissions == null ? null : Set.copyOf(permissions);
  }

  /**
   * Changes permissions as well.
   *
   * @param value who may do what
   * @return a new change
   */
  public AttributeChange withPermissions(Set<PosixFilePermission> value) {
    Objects.requireNonNull(value, "permissions");
    return new AttributeChange(lastModified, lastAccess, value, uid, gid);
  }

  /**
   * Changes times as well.
   *
   * @param modified when it was last written, or null for as it is
   * @param accessed when it was last read, or null for as it is
   * @return a new change
   */
  public AttributeChange withTimes(FileTime modified, FileTime accessed) {
    return new AttributeChange(modified, accessed, permissions, uid, gid);
  }

  /**
   * Changes owner and group as well.
   *
   * @param user the owner's number, or -1 for as it is
   * @param group the group's number, or -1 for as it is
   * @return a new change
   */
  public AttributeChange withOwner(int user, int group) {
    return new AttributeChange(lastModified, lastAccess, permissions, user, group);
  }

  /**
   * Gives a file what another one has: times, permissions, owner and group.
   *
   * @param status the other one's
   * @return a new change
   */
  public static AttributeChange to(FileStatus status) {
    return new AttributeChange(
        status.lastModifiedTime(),
        status.lastAccessTime(),
        status.permissions(),
        status.uid(),
        status.gid());
  }

  AttributeRequest request(Path path) {
    return new AttributeRequest(path, lastAccess, lastModified, permissions, uid, gid);
  }
}
