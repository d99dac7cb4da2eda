package io.gyre.uring;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.gyre.bindings.Libc;
import io.gyre.driver.Errors;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The libc calls that are made at once and do not block: opening sockets, their options and addresses. Each returns what
 * the system call returns, or the negated errno, as liburing does; mixing the two conventions up is a classic.
 *
 * <p>Confined to one thread: errno is captured into memory that the instance owns.
 */
@SuppressWarnings("restricted") // calling into libc is what this is for
final class Syscalls {
  private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");
  private static final long ERRNO =
      Linker.Option.captureStateLayout().byteOffset(MemoryLayout.PathElement.groupElement("errno"));

  private static final MethodHandle SOCKET = link(Libc.socket$address(), Libc.socket$descriptor());
  private static final MethodHandle BIND = link(Libc.bind$address(), Libc.bind$descriptor());
  private static final MethodHandle LISTEN = link(Libc.listen$address(), Libc.listen$descriptor());
  private static final MethodHandle SETSOCKOPT =
      link(Libc.setsockopt$address(), Libc.setsockopt$descriptor());
  private static final MethodHandle GETSOCKOPT =
      link(Libc.getsockopt$address(), Libc.getsockopt$descriptor());
  private static final MethodHandle CONNECT =
      link(Libc.connect$address(), Libc.connect$descriptor());
  private static final MethodHandle GETSOCKNAME =
      link(Libc.getsockname$address(), Libc.getsockname$descriptor());
  private static final MethodHandle GETPEERNAME =
      link(Libc.getpeername$address(), Libc.getpeername$descriptor());
  private static final MethodHandle EVENTFD =
      link(Libc.eventfd$address(), Libc.eventfd$descriptor());

  private static final MethodHandle EPOLL_CREATE1 =
      link(Libc.epoll_create1$address(), Libc.epoll_create1$descriptor());
  private static final MethodHandle EPOLL_CTL =
      link(Libc.epoll_ctl$address(), Libc.epoll_ctl$descriptor());

  private final MemorySegment state = Arena.ofAuto().allocate(Linker.Option.captureStateLayout());

  private static MethodHandle link(MemorySegment address, FunctionDescriptor descriptor) {
    return Linker.nativeLinker().downcallHandle(address, descriptor, CAPTURE);
  }

  /** Makes an error of a failed call's result an exception; returns what is none. */
  static int check(String call, int result, String subject) throws IOException {
    if (result < 0) {
      throw Errors.socket(call, -result, subject);
    }
    return result;
  }

  private int result(int returned) {
    return returned == -1 ? -state.get(JAVA_INT, ERRNO) : returned;
  }

  int socket(int domain, int type, int protocol) {
    try {
      return result((int) SOCKET.invokeExact(state, domain, type, protocol));
    } catch (Throwable t) {
      throw new AssertionError(t); // a downcall throws only when it is called with the wrong types
    }
  }

  int bind(int fd, MemorySegment address) {
    try {
      return result((int) BIND.invokeExact(state, fd, address, (int) address.byteSize()));
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  int listen(int fd, int backlog) {
    try {
      return result((int) LISTEN.invokeExact(state, fd, backlog));
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  int setsockopt(int fd, int level, int name, MemorySegment value) {
    try {
      return result(
          (int) SETSOCKOPT.invokeExact(state, fd, level, name, value, (int) value.byteSize()));
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  int getsockopt(int fd, int level, int name, MemorySegment value, MemorySegment length) {
    try {
      return result((int) GETSOCKOPT.invokeExact(state, fd, level, name, value, length));
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  /** For sockets whose connect does not wait: those of datagrams. */
  int connect(int fd, MemorySegment address) {
    try {
      return result((int) CONNECT.invokeExact(state, fd, address, (int) address.byteSize()));
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  int getsockname(int fd, MemorySegment address, MemorySegment length) {
    try {
      return result((int) GETSOCKNAME.invokeExact(state, fd, address, length));
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  int getpeername(int fd, MemorySegment address, MemorySegment length) {
    try {
      return result((int) GETPEERNAME.invokeExact(state, fd, address, length));
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  int eventfd(int flags) {
    try {
      return result((int) EVENTFD.invokeExact(state, 0, flags));
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  int epollCreate() {
    try {
      return result((int) EPOLL_CREATE1.invokeExact(state, Libc.EPOLL_CLOEXEC()));
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  /** Adds a descriptor to an epoll set; the event is whatever the memory says. */
  int epollAdd(int epoll, int fd, MemorySegment event) {
    try {
      return result((int) EPOLL_CTL.invokeExact(state, epoll, Libc.EPOLL_CTL_ADD(), fd, event));
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }
}
