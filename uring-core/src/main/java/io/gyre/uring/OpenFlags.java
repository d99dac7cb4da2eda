package io.gyre.uring;

import io.gyre.bindings.Libc;
import io.gyre.bindings.Platform;
import io.gyre.driver.FileStatus;
import io.gyre.driver.OpenRequest;
import java.nio.file.OpenOption;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/** java.nio's open options as open(2) takes them. */
final class OpenFlags {
  /** What a created file may be used for, less the process's umask; the same as java.nio's. */
  static final int CREATE_MODE = 0_666;

  private OpenFlags() {}

  static int of(OpenRequest request) {
    var options = request.options();
    boolean append = options.contains(StandardOpenOption.APPEND);
    boolean write = append || options.contains(StandardOpenOption.WRITE);
    boolean read = options.contains(StandardOpenOption.READ);
    int flags = Libc.O_CLOEXEC();
    if (!write) {
      flags |= Libc.O_RDONLY();
    } else {
      flags |= read ? Libc.O_RDWR() : Libc.O_WRONLY();
      flags |= creation(options);
      if (append) {
        flags |= Libc.O_APPEND();
      }
    }
    if (options.contains(StandardOpenOption.SYNC)) {
      flags |= Libc.O_SYNC();
    }
    if (options.contains(StandardOpenOption.DSYNC)) {
      flags |= Libc.O_DSYNC();
    }
    if (request.isDirect()) {
      flags |= Platform.O_DIRECT();
    }
    if (request.isNoFollow()) {
      flags |= Platform.O_NOFOLLOW();
    }
    return switch (request.kind()) {
      case FILE -> flags;
      case DIRECTORY ->
          Libc.O_CLOEXEC()
              | Libc.O_RDONLY()
              | Platform.O_DIRECTORY()
              | (flags & Platform.O_NOFOLLOW());
      case UNNAMED ->
          (flags & ~(Libc.O_CREAT() | Libc.O_EXCL() | Libc.O_TRUNC())) | Platform.O_TMPFILE();
    };
  }

  /** What a created file may be used for, less the process's umask. */
  static int mode(OpenRequest request) {
    return request.permissions() == null ? CREATE_MODE : FileStatus.modeOf(request.permissions());
  }

  private static int creation(Set<OpenOption> options) {
    int flags = options.contains(StandardOpenOption.TRUNCATE_EXISTING) ? Libc.O_TRUNC() : 0;
    if (options.contains(StandardOpenOption.CREATE_NEW)) {
      return flags | Libc.O_CREAT() | Libc.O_EXCL();
    }
    return options.contains(StandardOpenOption.CREATE) ? flags | Libc.O_CREAT() : flags;
  }
}
