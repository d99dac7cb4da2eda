package io.gyre.uring;

import io.gyre.bindings.Libc;
import io.gyre.bindings.statx;
import io.gyre.bindings.statx_timestamp;
import io.gyre.driver.Errors;
import io.gyre.driver.FileStatus;
import io.gyre.driver.Operation;
import io.gyre.driver.PathRequest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.attribute.FileTime;

/**
 * What an operation on paths has to keep reachable until its last completion: the bytes of its paths, and where statx(2)
 * puts its answer.
 *
 * @param path the first path's bytes
 * @param second the other's, or the answer
 */
record KernelPaths(MemorySegment path, MemorySegment second) {
  static KernelPaths of(Operation operation) {
    var arena = Arena.ofAuto();
    var request = (PathRequest) operation.argument();
    return new KernelPaths(
        PathBytes.encode(arena, request.path()),
        request.second() == null ? MemorySegment.NULL : PathBytes.encode(arena, request.second()));
  }

  /** An empty path needs no bytes but a zero, such as any fresh memory begins with. */
  static KernelPaths ofStatus(Operation operation) {
    var arena = Arena.ofAuto();
    var answer = arena.allocate(statx.layout());
    return new KernelPaths(
        operation.argument() instanceof PathRequest request
            ? PathBytes.encode(arena, request.path())
            : arena.allocate(1),
        answer);
  }

  static int statusMask() {
    return Libc.STATX_BASIC_STATS() | Libc.STATX_BTIME() | Libc.STATX_DIOALIGN();
  }

  /** What an open file demands of O_DIRECT, asked at once: for messages; null where that can't be told. */
  static String directAlignment(int fd) {
    try (var arena = Arena.ofConfined()) {
      var answer = new KernelPaths(arena.allocate(1), arena.allocate(statx.layout()));
      int failed = Libc.statx(fd, answer.path, Libc.AT_EMPTY_PATH(), statusMask(), answer.second);
      return failed == 0 ? Errors.directAlignment(answer.status()) : null;
    }
  }

  /** The answer that came. */
  FileStatus status() {
    var s = second;
    boolean aligned = (statx.stx_mask(s) & Libc.STATX_DIOALIGN()) != 0;
    boolean born = (statx.stx_mask(s) & Libc.STATX_BTIME()) != 0;
    return new FileStatus(
        statx.stx_size(s),
        Short.toUnsignedInt(statx.stx_mode(s)),
        statx.stx_uid(s),
        statx.stx_gid(s),
        statx.stx_nlink(s),
        statx.stx_ino(s),
        device(statx.stx_dev_major(s), statx.stx_dev_minor(s)),
        time(statx.stx_atime(s)),
        time(statx.stx_mtime(s)),
        time(statx.stx_ctime(s)),
        time(born ? statx.stx_btime(s) : statx.stx_mtime(s)),
        statx.stx_blksize(s),
        statx.stx_blocks(s),
        aligned ? statx.stx_dio_mem_align(s) : 0,
        aligned ? statx.stx_dio_offset_align(s) : 0);
  }

  /** As makedev(3) puts the two together. */
  private static long device(int major, int minor) {
    return ((major & 0xFFFF_F000L) << 32)
        | ((major & 0xFFFL) << 8)
        | ((minor & 0xFFFF_FF00L) << 12)
        | (minor & 0xFFL);
  }

  private static FileTime time(MemorySegment stamp) {
    return FileCall.time(statx_timestamp.tv_sec(stamp), statx_timestamp.tv_nsec(stamp));
  }
}
