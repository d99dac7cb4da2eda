package io.gyre.driver;

/**
 * How a read or write is done, as {@link Operation#flags()} of {@link OpCode#READ}, {@link OpCode#WRITE} and their
 * vectored forms: the bits of preadv2(2).
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/readv.2.html">preadv2(2)</a>
 */
public final class TransferFlags {
  /** RWF_DSYNC: the data is durable when the write completes, as by fdatasync(2). */
  public static final int DSYNC = 0x02;

  /** RWF_SYNC: data and metadata are durable when the write completes, as by fsync(2). */
  public static final int SYNC = 0x04;

  /** RWF_NOWAIT: fail with EAGAIN rather than wait for a device or a lock. */
  public static final int NOWAIT = 0x08;

  /** RWF_APPEND: write to the end of the file, wherever the offset points. */
  public static final int APPEND = 0x10;

  /** RWF_ATOMIC: the write is there as a whole or not at all, also after a power failure; Linux 6.11. */
  public static final int ATOMIC = 0x40;

  /** RWF_DONTCACHE: leave nothing in the page cache; a hint; Linux 6.14. */
  public static final int DONTCACHE = 0x80;

  private TransferFlags() {}
}
