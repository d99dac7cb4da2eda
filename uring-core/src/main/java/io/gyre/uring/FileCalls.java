package io.gyre.uring;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.gyre.bindings.Libc;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The libc calls on files that block and that io_uring has no operation for, or not on every kernel. For the threads of a
 * pool. Each returns what the system call returns, or the negated errno.
 */
@SuppressWarnings("restricted") // calling into libc is what this is for
final class FileCalls implements AutoCloseable {
  private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");
  private static final long ERRNO =
      Linker.Option.captureStateLayout().byteOffset(MemoryLayout.PathElement.groupElement("errno"));

  private static final MethodHandle COPY_FILE_RANGE =
      link(Libc.copy_file_range$address(), Libc.copy_file_range$descriptor());
  private static final MethodHandle CLOSE = link(Libc.close$address(), Libc.close$descriptor());
  private static final MethodHandle LSEEK = link(Libc.lseek$address(), Libc.lseek$descriptor());
  private static final MethodHandle FTRUNCATE =
      link(Libc.ftruncate$address(), Libc.ftruncate$descriptor());
  private static final MethodHandle GETDENTS64 =
      link(Libc.getdents64$address(), Libc.getdents64$descriptor());
  private static final MethodHandle READLINKAT =
      link(Libc.readlinkat$address(), Libc.readlinkat$descriptor());
  private static final MethodHandle UTIMENSAT =
      link(Libc.utimensat$address(), Libc.utimensat$descriptor());
  private static final MethodHandle FUTIMENS =
      link(Libc.futimens$address(), Libc.futimens$descriptor());
  private static final MethodHandle FCHMODAT =
      link(Libc.fchmodat$address(), Libc.fchmodat$descriptor());
  private static final MethodHandle FCHMOD = link(Libc.fchmod$address(), Libc.fchmod$descriptor());
  private static final MethodHandle FCHOWNAT =
      link(Libc.fchownat$address(), Libc.fchownat$descriptor());
  private static final MethodHandle FCHOWN = link(Libc.fchown$address(), Libc.fchown$descriptor());

  // Variadic in C: the third argument is a pointer here, and has to be passed as one.
  private static final MethodHandle FCNTL =
      Linker.nativeLinker()
          .downcallHandle(
              Linker.nativeLinker().defaultLookup().findOrThrow("fcntl"),
              FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ValueLayout.ADDRESS),
              CAPTURE,
              Linker.Option.firstVariadicArg(2));

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment state = arena.allocate(Linker.Option.captureStateLayout());

  private static MethodHandle link(MemorySegment address, FunctionDescriptor descriptor) {
    return Linker.nativeLinker().downcallHandle(address, descriptor, CAPTURE);
  }

  /** Memory for arguments, which is given back with this. */
  Arena arena() {
    return arena;
  }

  @Override
  public void close() {
    arena.close();
  }

  private long result(long returned) {
    return returned == -1 ? -state.get(JAVA_INT, ERRNO) : returned;
  }

  /** Waits for the peer, where the socket lingers. */
  long closeFd(int fd) {
    try {
      return result((int) CLOSE.invokeExact(state, fd));
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  long copyFileRange(int in, MemorySegment inOffset, int out, MemorySegment outOffset, long count) {
    try {
      return result(
          (long) COPY_FILE_RANGE.invokeExact(state, in, inOffset, out, outOffset, count, 0));
    } catch (Throwable t) {
      throw new AssertionError(t); // a downcall throws only when it is called with the wrong types
    }
  }

  long lseek(int fd, long offset, int whence) {
    try {
      return result((long) LSEEK.invokeExact(state, fd, offset, whence));
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  long ftruncate(int fd, long length) {
    try {
      return result((int) FTRUNCATE.invokeExact(state, fd, length));
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  long getdents(int fd, MemorySegment buffer) {
    try {
      return result((long) GETDENTS64.invokeExact(state, fd, buffer, buffer.byteSize()));
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  long readlinkat(int directory, MemorySegment path, MemorySegment buffer) {
    try {
      return result(
          (long) READLINKAT.invokeExact(state, directory, path, buffer, buffer.byteSize()));
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  /** Of the descriptor itself where there is no path. */
  long utimens(int fd, MemorySegment path, MemorySegment times, int flags) {
    try {
      return result(
          path == null
              ? (int) FUTIMENS.invokeExact(state, fd, times)
              : (int) UTIMENSAT.invokeExact(state, fd, path, times, flags));
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  /** Of the descriptor itself where there is no path. */
  long chmod(int fd, MemorySegment path, int mode, int flags) {
    try {
      return result(
          path == null
              ? (int) FCHMOD.invokeExact(state, fd, mode)
              : (int) FCHMODAT.invokeExact(state, fd, path, mode, flags));
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  /** Of the descriptor itself where there is no path. */
  long chown(int fd, MemorySegment path, int uid, int gid, int flags) {
    try {
      return result(
          path == null
              ? (int) FCHOWN.invokeExact(state, fd, uid, gid)
              : (int) FCHOWNAT.invokeExact(state, fd, path, uid, gid, flags));
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  long fcntl(int fd, int command, MemorySegment argument) {
    try {
      return result((int) FCNTL.invokeExact(state, fd, command, argument));
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }
}
