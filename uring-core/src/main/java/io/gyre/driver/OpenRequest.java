package io.gyre.driver;

import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Objects;
import java.util.Set;

/**
 * What {@link OpCode#OPEN} opens.
 *
 * @param path the file, or for {@link Kind#UNNAMED} the directory that it shall be in; relative to the operation's
 *     descriptor, a directory, or to the working directory where that is null
 * @param options how, in the terms of {@link java.nio.channels.FileChannel#open(Path, Set,
 *     java.nio.file.attribute.FileAttribute[])}, already checked to make sense together
 * @param permissions of a file that is created, less the process's umask; null for reading and writing by all
 * @param kind what is to be opened
 */
public record OpenRequest(
    Path path, Set<OpenOption> options, Set<PosixFilePermission> permissions, Kind kind)
    implements PathArgument {
  /** What is to be opened. */
  public enum Kind {
    /** Whatever the path names. */
    FILE,
    /** A directory, to be listed, synced and worked relative to; anything else is refused. */
    DIRECTORY,
    /** A new file without a name, O_TMPFILE: nobody else finds it, and it is gone with its last descriptor. */
    UNNAMED
  }

  /**
   * The JDK's option for O_DIRECT, {@code com.sun.nio.file.ExtendedOpenOption.DIRECT}. Found by name, since javac warns
   * of any mention of that class; null on a JDK without it.
   */
  public static final OpenOption DIRECT = findDirect();

  private static OpenOption findDirect() {
    try {
      for (Object o : Class.forName("com.sun.nio.file.ExtendedOpenOption").getEnumConstants()) {
        if (o.toString().equals("DIRECT")) {
          return (OpenOption) o;
        }
      }
    } catch (ClassNotFoundException e) {
      // the module jdk.unsupported is not there
    }
    return null;
  }

  /**
   * Whether the page cache is to be bypassed.
   *
   * @return true with {@link #DIRECT}
   */
  public boolean isDirect() {
    return DIRECT != null && options.contains(DIRECT);
  }

  /** Refuses nulls and takes a copy of the sets. */
  public OpenRequest {
    Objects.requireNonNull(path, "path");
    Objects.requireNonNull(kind, "kind");
    options = Set.copyOf(options);
    permissions = permissions == null ? null : Set.copyOf(permissions);
  }

  /**
   * A request for a file, with the usual permissions if it is created.
   *
   * @param path the file
   * @param options how
   */
  public OpenRequest(Path path, Set<OpenOption> options) {
    this(path, options, null, Kind.FILE);
  }

  /**
   * Whether writes go to the end of the file.
   *
   * @return true with APPEND
   */
  public boolean isAppend() {
    return options.contains(StandardOpenOption.APPEND);
  }

  /**
   * Whether the file may be written.
   *
   * @return true with WRITE or APPEND
   */
  public boolean isWrite() {
    return isAppend() || options.contains(StandardOpenOption.WRITE);
  }

  /**
   * Whether the name is removed again as soon as the file is open, which is how java.nio does it, too.
   *
   * @return true with DELETE_ON_CLOSE
   */
  public boolean isDeleteOnClose() {
    return options.contains(StandardOpenOption.DELETE_ON_CLOSE);
  }

  /**
   * Whether a symbolic link is refused: with DELETE_ON_CLOSE it would be the link that is removed.
   *
   * @return true with NOFOLLOW_LINKS or DELETE_ON_CLOSE
   */
  public boolean isNoFollow() {
    return options.contains(LinkOption.NOFOLLOW_LINKS) || isDeleteOnClose();
  }
}
