package io.gyre.fs;

/**
 * How {@link FileTree} goes through a tree. Begin with {@link #DEFAULT}.
 *
 * @param parallelism how many entries and directories are worked on at a time, at least 1; each file of a copy has two
 *     descriptors open
 * @param maxDepth how far down to go, not negative; 0 is the root only
 * @param followLinks whether symbolic links are followed; a loop is then a {@link
 *     java.nio.file.FileSystemLoopException} at the link that closes it
 * @param withStatus walks only: whether to ask for each entry's status, which takes most of the time; without, entries have
 *     a type only
 * @param durable copies only: whether everything is forced to the device, files first and then the directory; but not the
 *     root's name, which is in a directory that is not of the copy
 */
public record TreeOptions(
    int parallelism, int maxDepth, boolean followLinks, boolean withStatus, boolean durable) {
  /** 32 entries at a time, to any depth, links not followed, with status, left to the page cache. */
  public static final TreeOptions DEFAULT =
      new TreeOptions(32, Integer.MAX_VALUE, false, true, false);

  /** Refuses what is out of range. */
  public TreeOptions {
    if (parallelism < 1) {
      throw new IllegalArgumentException("parallelism must be 1 or more: " + parallelism);
    }
    if (maxDepth < 0) {
      throw new IllegalArgumentException("maxDepth must not be negative: " + maxDepth);
    }
  }

  /**
   * Chooses how many entries are worked on at a time.
   *
   * @param value at least 1
   * @return new options
   */
  public TreeOptions withParallelism(int value) {
    return new TreeOptions(value, maxDepth, followLinks, withStatus, durable);
  }

  /**
   * Chooses how far down to go.
   *
   * @param value 0 is the root only
   * @return new options
   */
  public TreeOptions withMaxDepth(int value) {
    return new TreeOptions(parallelism, value, followLinks, withStatus, durable);
  }

  /**
   * Follows symbolic links.
   *
   * @return new options
   */
  public TreeOptions followingLinks() {
    return new TreeOptions(parallelism, maxDepth, true, withStatus, durable);
  }

  /**
   * Leaves the status of entries out.
   *
   * @return new options
   */
  public TreeOptions withoutStatus() {
    return new TreeOptions(parallelism, maxDepth, followLinks, false, durable);
  }

  /**
   * Forces what is copied to the device.
   *
   * @return new options
   */
  public TreeOptions durably() {
    return new TreeOptions(parallelism, maxDepth, followLinks, withStatus, true);
  }
}
