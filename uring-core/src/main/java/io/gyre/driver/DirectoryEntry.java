package io.gyre.driver;

import java.nio.file.Path;
import java.util.Objects;

/**
 * A name in a directory, as {@link OpCode#LIST} gives them.
 *
 * @param name one name, without the directory's path; never {@code .} or {@code ..}
 * @param type of what it names, not following symbolic links; {@link FileType#UNKNOWN} where the file system does not tell
 * @param inode the file's number, or 0 where that is not told
 */
public record DirectoryEntry(Path name, FileType type, long inode) {
  /** Refuses nulls. */
  public DirectoryEntry {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(type, "type");
  }
}
