package io.gyre.benchmarks.http;

import io.gyre.driver.FileStatus;
import java.util.concurrent.TimeUnit;

/**
 * Which version of a file's content it is: what ETag and Last-Modified say.
 *
 * <p>A file that was written in this very second may be written once more without a change of its time, as file systems
 * keep it. Its tag is a weak one, by which no ranges are put together (RFC 9110, section 8.8.1).
 *
 * @param tag with its quotes, and W/ before them if it is weak
 * @param modifiedSecond when it was last written, not later than now, in seconds since 1970
 */
record Version(String tag, long modifiedSecond) {
  private static final long SETTLED_NANOS = TimeUnit.SECONDS.toNanos(1);

  static Version of(FileStatus status, long nowMillis) {
    long modified = status.lastModifiedTime().to(TimeUnit.NANOSECONDS);
    long nowNanos = TimeUnit.MILLISECONDS.toNanos(nowMillis);
    var opaque =
        '"'
            + Long.toHexString(modified)
            + '-'
            + Long.toHexString(status.size())
            + '-'
            + Long.toHexString(status.inode())
            + '"';
    boolean isSettled = modified < nowNanos - SETTLED_NANOS;
    long second = Math.clamp(status.lastModifiedTime().to(TimeUnit.SECONDS), 0, nowMillis / 1000);
    return new Version(isSettled ? opaque : "W/" + opaque, second);
  }

  boolean isWeak() {
    return tag.startsWith("W/");
  }

  private String opaque() {
    return isWeak() ? tag.substring(2) : tag;
  }

  /** Whether a list of tags, or a star, names this version; weakly, a weak tag is as good as a strong one. */
  boolean isNamedBy(String list, boolean weakly) {
    if (list.equals("*")) {
      return true;
    }
    if (isWeak() && !weakly) {
      return false;
    }
    var wanted = opaque();
    for (int at = list.indexOf(wanted); at >= 0; at = list.indexOf(wanted, at + 1)) {
      // The quotes are part of what is looked for, and none is inside a tag.
      boolean isWeakThere = at >= 2 && list.startsWith("W/", at - 2);
      if (weakly || !isWeakThere) {
        return true;
      }
    }
    return false;
  }
}
