package io.gyre.uring;

import io.gyre.bindings.Libc;
import io.gyre.bindings.dirent64;
import io.gyre.bindings.flock;
import io.gyre.bindings.timespec;
import io.gyre.driver.AttributeRequest;
import io.gyre.driver.BlockingTask;
import io.gyre.driver.DirectoryEntry;
import io.gyre.driver.Errno;
import io.gyre.driver.FileStatus;
import io.gyre.driver.FileType;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.PathRequest;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** An operation that io_uring does not have, or that would hold the ring up, as a system call on a thread. */
final class FileCall extends BlockingTask {
  private static final int LIST_BYTES = 32 << 10;
  private static final int PATH_MAX = 4096;
  private static final int SHARED = 1;
  private static final int DO_NOT_WAIT = 2;
  private static final int NO_FOLLOW = 1;

  private final OpCode code;
  private final UringDescriptor descriptor;
  private final UringDescriptor other;
  private final Object argument;
  private final long offset;
  private final long otherOffset;
  private final long length;
  private final int flags;
  private boolean reserved;

  FileCall(Operation operation) {
    super(operation);
    this.code = operation.code();
    this.descriptor = (UringDescriptor) operation.descriptor();
    this.other = (UringDescriptor) operation.otherDescriptor();
    this.argument = operation.argument();
    this.offset = operation.offset();
    this.otherOffset = operation.otherOffset();
    this.length = operation.length();
    this.flags = operation.flags();
  }

  @Override
  protected void perform() {
    try (var calls = new FileCalls()) {
      switch (code) {
        case CLOSE -> setResult((int) calls.closeFd(descriptor.fd));
        case TRUNCATE -> setResult((int) calls.ftruncate(descriptor.fd, offset));
        case LOCK -> lock(calls);
        case UNLOCK -> unlock(calls);
        case COPY_RANGE -> copyRange(calls);
        case SEEK -> seek(calls);
        case READ_LINK -> readLink(calls);
        case SET_ATTRIBUTES -> setAttributes(calls, (AttributeRequest) argument);
        case LIST -> list(calls);
        default -> throw new AssertionError(code);
      }
    }
  }

  private int directoryFd() {
    return descriptor == null ? Libc.AT_FDCWD() : descriptor.fd;
  }

  // ---- locks

  /**
   * A lock of the open file, not of the process: closing another descriptor of the same file does not end it. Waiting is
   * trying again, since a thread that waits in the kernel can't be told to stop, and would keep the one from running that
   * ends the lock it waits for.
   */
  private void lock(FileCalls calls) {
    if (!reserved) {
      descriptor.locks().reserve(offset, length);
      reserved = true;
    }
    int type = (flags & SHARED) != 0 ? Libc.F_RDLCK() : Libc.F_WRLCK();
    int result = setLock(calls, type);
    boolean held = result == -Errno.EAGAIN.number() || result == -Errno.EACCES.number();
    if (held && (flags & DO_NOT_WAIT) == 0) {
      tryAgainLater();
      return;
    }
    if (result < 0) {
      forget();
    }
    setResult(held ? 0 : result < 0 ? result : 1);
  }

  /** The range is given back last: who could take it before the kernel ends this lock would lose its own with it. */
  private void unlock(FileCalls calls) {
    var locks = descriptor.locks();
    locks.find(offset, length);
    int result = setLock(calls, Libc.F_UNLCK());
    if (result == 0) {
      locks.release(offset, length);
    }
    setResult(result);
  }

  private int setLock(FileCalls calls, int type) {
    var lock = calls.arena().allocate(flock.layout());
    flock.l_type(lock, (short) type);
    flock.l_whence(lock, (short) Libc.SEEK_SET());
    flock.l_start(lock, offset);
    // To the largest offset there is, which the kernel wants to be told with a 0.
    flock.l_len(lock, length == Long.MAX_VALUE - offset ? 0 : length);
    return (int) calls.fcntl(descriptor.fd, Libc.F_OFD_SETLK(), lock);
  }

  @Override
  protected void forget() {
    if (reserved) {
      reserved = false;
      descriptor.locks().release(offset, length);
    }
  }

  // ---- the rest

  private void copyRange(FileCalls calls) {
    var from = calls.arena().allocateFrom(ValueLayout.JAVA_LONG, offset);
    var to = calls.arena().allocateFrom(ValueLayout.JAVA_LONG, otherOffset);
    long count = Math.min(length, Integer.MAX_VALUE); // the result is an int, and may be fewer
    setResult((int) calls.copyFileRange(descriptor.fd, from, other.fd, to, count));
  }

  private void seek(FileCalls calls) {
    long found =
        calls.lseek(descriptor.fd, offset, flags == 0 ? Libc.SEEK_DATA() : Libc.SEEK_HOLE());
    if (found == -Errno.ENXIO.number()) {
      setLongResult(-1);
    } else if (found < 0) {
      setResult((int) found);
    } else {
      setLongResult(found);
    }
  }

  private void readLink(FileCalls calls) {
    var path = PathBytes.encode(calls.arena(), ((PathRequest) argument).path());
    var buffer = calls.arena().allocate(PATH_MAX);
    long count = calls.readlinkat(directoryFd(), path, buffer);
    if (count < 0) {
      setResult((int) count);
    } else {
      setValue(PathBytes.decode(buffer.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE)));
    }
  }

  private void setAttributes(FileCalls calls, AttributeRequest request) {
    int fd = request.path() == null ? descriptor.fd : directoryFd();
    var path = request.path() == null ? null : PathBytes.encode(calls.arena(), request.path());
    int atFlags = flags == NO_FOLLOW ? Libc.AT_SYMLINK_NOFOLLOW() : 0;
    long result = 0;
    // The owner first: changing it takes the set-user-id bit away.
    if (request.uid() != -1 || request.gid() != -1) {
      result = calls.chown(fd, path, request.uid(), request.gid(), atFlags);
    }
    if (result == 0 && request.permissions() != null) {
      result = calls.chmod(fd, path, FileStatus.modeOf(request.permissions()), atFlags);
    }
    if (result == 0 && (request.lastAccess() != null || request.lastModified() != null)) {
      var times = timespec.allocateArray(2, calls.arena());
      fill(timespec.asSlice(times, 0), request.lastAccess());
      fill(timespec.asSlice(times, 1), request.lastModified());
      result = calls.utimens(fd, path, times, atFlags);
    }
    setResult((int) result);
  }

  private static void fill(MemorySegment time, FileTime value) {
    if (value == null) {
      timespec.tv_nsec(time, Libc.UTIME_OMIT());
      return;
    }
    var instant = value.toInstant();
    timespec.tv_sec(time, instant.getEpochSecond());
    timespec.tv_nsec(time, instant.getNano());
  }

  private void list(FileCalls calls) {
    if (flags == 1) {
      long result = calls.lseek(descriptor.fd, 0, Libc.SEEK_SET());
      if (result < 0) {
        setResult((int) result);
        return;
      }
    }
    var buffer = calls.arena().allocate(LIST_BYTES, Long.BYTES);
    var entries = new ArrayList<DirectoryEntry>();
    while (entries.isEmpty()) { // a part may hold nothing but . and ..
      long bytes = calls.getdents(descriptor.fd, buffer);
      if (bytes <= 0) {
        setResult((int) bytes);
        break;
      }
      decode(buffer, bytes, entries);
    }
    setValue(entries);
  }

  private static void decode(MemorySegment buffer, long bytes, List<DirectoryEntry> entries) {
    for (long at = 0; at < bytes; ) {
      int recordBytes =
          Short.toUnsignedInt(
              buffer.get(ValueLayout.JAVA_SHORT_UNALIGNED, at + dirent64.d_reclen$offset()));
      long name = at + dirent64.d_name$offset();
      long end = name;
      while (buffer.get(ValueLayout.JAVA_BYTE, end) != 0) {
        end++;
      }
      var nameBytes = buffer.asSlice(name, end - name).toArray(ValueLayout.JAVA_BYTE);
      if (!isSelfOrParent(nameBytes)) {
        int type = buffer.get(ValueLayout.JAVA_BYTE, at + dirent64.d_type$offset());
        long inode = buffer.get(ValueLayout.JAVA_LONG_UNALIGNED, at + dirent64.d_ino$offset());
        entries.add(new DirectoryEntry(PathBytes.decode(nameBytes), FileType.ofEntry(type), inode));
      }
      at += recordBytes;
    }
  }

  private static boolean isSelfOrParent(byte[] name) {
    return name[0] == '.' && (name.length == 1 || (name.length == 2 && name[1] == '.'));
  }

  static FileTime time(long seconds, int nanos) {
    return nanos == 0
        ? FileTime.from(seconds, TimeUnit.SECONDS)
        : FileTime.from(java.time.Instant.ofEpochSecond(seconds, nanos));
  }
}
