package io.gyre.nio;

import io.gyre.driver.Errno;
import io.gyre.driver.Errors;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.nio.file.FileSystemException;

/** Makes the result of an operation that failed with an exception. */
final class Failures {
  private Failures() {}

  /**
   * The negative errno to resolve an operation with. Where the exception does not tell an errno, the operation is given
   * an exception of the same kind that names the operation and its subject; a caller's mistake stays as it is.
   */
  static int resultOf(Operation operation, Throwable cause) {
    int errno = asKernelSays(operation, Errnos.of(cause));
    if (errno == 0) {
      operation.setFailure(unknown(operation, cause));
      return -Errno.EIO.number();
    }
    return -errno;
  }

  /**
   * The JDK closes a socket whose connect failed, and a direction that was shut down counts as closed; to the kernel
   * such a socket is open, but not connected or not for sending.
   */
  private static int asKernelSays(Operation operation, int errno) {
    boolean closed = errno == Errno.EBADF.number();
    boolean notConnected = errno == Errno.ENOTCONN.number();
    var descriptor = operation.descriptor();
    if ((!closed && !notConnected) || descriptor == null || descriptor.isClosing()) {
      return errno;
    }
    return switch (operation.code()) {
      case SEND -> Errno.EPIPE.number();
      case RECEIVE, RECEIVE_MULTISHOT, SHUTDOWN -> Errno.ENOTCONN.number();
      case CONNECT -> closed ? Errno.EBADFD.number() : errno;
      default -> errno;
    };
  }

  private static Throwable unknown(Operation operation, Throwable cause) {
    if (cause instanceof RuntimeException) {
      return cause; // for instance memory that was closed, or is another thread's
    }
    var code = operation.code();
    var reason = cause.getMessage() == null ? cause.toString() : cause.getMessage();
    if (!code.isSocketOperation()) {
      reason = code.displayName() + ": " + reason;
      return causedBy(cause, new FileSystemException(operation.subject(), null, reason));
    }
    var message = code.displayName() + " " + operation.subject() + ": " + reason;
    return causedBy(
        cause,
        cause instanceof ConnectException
            ? new ConnectException(message)
            : new SocketException(message));
  }

  /** The exception of a socket call that is not an operation of its own, such as bind. */
  static IOException ofCall(String call, String subject, IOException cause) {
    int errno = Errnos.of(cause);
    return causedBy(
        cause,
        errno == 0
            ? new SocketException(call + " " + subject + ": " + cause.getMessage())
            : Errors.socket(call, errno, subject));
  }

  /** An operation that makes no sense on what it was asked of: the caller's mistake. */
  static IllegalArgumentException misdirected(OpCode code, String target) {
    return new IllegalArgumentException(code.displayName() + " is not for " + target);
  }

  /** There is no submission queue to put an entry of io_uring into. */
  static UnsupportedOperationException raw(Operation operation) {
    return new UnsupportedOperationException(
        "raw "
            + operation.subject()
            + ": the nio driver has no raw operations; they need io_uring, see"
            + " IoRuntime.Builder.driver");
  }

  private static <E extends IOException> E causedBy(Throwable cause, E exception) {
    exception.initCause(cause);
    return exception;
  }
}
