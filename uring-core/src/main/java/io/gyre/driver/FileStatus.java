package io.gyre.driver;

import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * What a file system says of a file: the outcome of {@link OpCode#ATTRIBUTES}.
 *
 * @param size bytes
 * @param mode type and permissions, as st_mode
 * @param uid the owner's number
 * @param gid the group's number
 * @param links how many names it has
 * @param inode its number in its file system
 * @param device its file system's number, as makedev(3) makes it
 * @param lastAccessTime when it was last read, in nanoseconds where the file system keeps them
 * @param lastModifiedTime when it was last written
 * @param lastChangeTime when its attributes last changed
 * @param creationTime when it was created; the last modification where the file system does not tell
 * @param blockSize the size of transfer that suits it best, in bytes; 0 where that is not told
 * @param blocks how much space it takes, in units of 512 bytes; -1 where that is not told
 * @param directMemoryAlignment what addresses must be multiples of for O_DIRECT, in bytes; 0 where O_DIRECT can't be
 *     had, or the system does not tell (Linux 6.1)
 * @param directOffsetAlignment what offsets and lengths must be multiples of for O_DIRECT, in bytes; 0 likewise
 * @see <a href="https://man7.org/linux/man-pages/man2/statx.2.html">statx(2)</a>
 */
public record FileStatus(
    long size,
    int mode,
    int uid,
    int gid,
    int links,
    long inode,
    long device,
    FileTime lastAccessTime,
    FileTime lastModifiedTime,
    FileTime lastChangeTime,
    FileTime creationTime,
    int blockSize,
    long blocks,
    int directMemoryAlignment,
    int directOffsetAlignment)
    implements BasicFileAttributes {

  /** Identifies a file among all that are mounted, while it exists. */
  private record Key(long device, long inode) {}

  // From the lowest bit up: others, group, owner; each execute, write, read.
  private static final List<PosixFilePermission> BITS =
      List.of(PosixFilePermission.values()).reversed();

  /**
   * What it is.
   *
   * @return the type that the mode says
   */
  public FileType type() {
    return FileType.ofMode(mode);
  }

  /**
   * Who may do what.
   *
   * @return the permissions that the mode says
   */
  public Set<PosixFilePermission> permissions() {
    var set = EnumSet.noneOf(PosixFilePermission.class);
    for (int i = 0; i < BITS.size(); i++) {
      if ((mode & 1 << i) != 0) {
        set.add(BITS.get(i));
      }
    }
    return set;
  }

  /**
   * Permissions as the system takes them.
   *
   * @param permissions a set
   * @return the lower nine bits of a mode
   */
  public static int modeOf(Set<PosixFilePermission> permissions) {
    int bits = 0;
    for (int i = 0; i < BITS.size(); i++) {
      if (permissions.contains(BITS.get(i))) {
        bits |= 1 << i;
      }
    }
    return bits;
  }

  @Override
  public boolean isRegularFile() {
    return type() == FileType.REGULAR;
  }

  @Override
  public boolean isDirectory() {
    return type() == FileType.DIRECTORY;
  }

  @Override
  public boolean isSymbolicLink() {
    return type() == FileType.SYMBOLIC_LINK;
  }

  @Override
  public boolean isOther() {
    return !isRegularFile() && !isDirectory() && !isSymbolicLink();
  }

  @Override
  public Object fileKey() {
    return new Key(device, inode);
  }
}
