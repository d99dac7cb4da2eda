package io.gyre.fs;

import io.gyre.driver.TransferFlags;
import java.util.Set;

/**
 * How one read or write is done. What the system can't do fails with an {@link UnsupportedOperationException} that says
 * what and why; hints never fail.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/readv.2.html">preadv2(2)</a>
 */
public enum TransferOption {
  /**
   * Fail, with a {@link java.nio.file.FileSystemException} that names EAGAIN, rather than wait for a device or a lock: a
   * read of what is not in the page cache, for instance. Not on the NIO driver.
   */
  NOWAIT(TransferFlags.NOWAIT),
  /**
   * Writes only: the data is durable when the write completes, as by {@code force(false)}. When that fails with EIO, ENOSPC
   * or EDQUOT the system does not tell whether it was the write or the sync: it counts as a failed {@link AsyncFile#force},
   * which is final for the open file, as one of that is for later writes with this option.
   */
  DSYNC(TransferFlags.DSYNC),
  /**
   * Writes only: data and metadata are durable when the write completes, as by {@code force(true)}. Its failures count as
   * those with {@link #DSYNC}.
   */
  SYNC(TransferFlags.SYNC),
  /** Writes only: to the end of the file, whatever position is given. */
  APPEND(TransferFlags.APPEND),
  /**
   * Writes only, with O_DIRECT: all or nothing, also after a power failure. Linux 6.11 and a device that can; not on the
   * NIO driver.
   */
  ATOMIC(TransferFlags.ATOMIC),
  /** A hint: leave nothing in the page cache. Linux 6.14. */
  DONTCACHE(TransferFlags.DONTCACHE);

  private static final TransferOption[] ALL = values();

  private final int flag;

  TransferOption(int flag) {
    this.flag = flag;
  }

  /** The driver's flags. Asks for each, since an iterator would be allocated. */
  static int flags(Set<TransferOption> options, boolean write) {
    int flags = 0;
    for (var option : ALL) {
      if (options.contains(option)) {
        if (!write && option != NOWAIT && option != DONTCACHE) {
          throw new IllegalArgumentException(option + " is for writes");
        }
        flags |= option.flag;
      }
    }
    return flags;
  }
}
