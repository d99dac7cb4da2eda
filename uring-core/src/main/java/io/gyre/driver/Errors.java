package io.gyre.driver;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.PortUnreachableException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.concurrent.CancellationException;

/**
 * Turns an errno into the exception that the JDK would throw, with a message that names the operation, the subject and
 * the errno: {@code connect 127.0.0.1:81: ECONNREFUSED (Connection refused)}.
 */
public final class Errors {
  private Errors() {}

  /**
   * Makes the exception of a failed operation.
   *
   * @param code what was asked for
   * @param errno the system's error number, positive
   * @param subject the path or address
   * @param closing whether the descriptor is being closed, which is what a cancellation then means
   * @return the exception, not thrown
   */
  public static Throwable of(OpCode code, int errno, String subject, boolean closing) {
    var reason = code.displayName() + ": " + Errno.describe(errno);
    if (errno == Errno.ECANCELED.number()) {
      return closing
          ? closed(code, subject)
          : new CancellationException(code.displayName() + " " + subject + " was cancelled");
    }
    if (errno == Errno.EBADF.number()) {
      return closing ? closed(code, subject) : file(code, errno, subject, reason);
    }
    if (isOfMessage(code)) {
      return message(code.displayName(), errno, subject);
    }
    if (code.isSocketOperation()) {
      return socket(code.displayName(), errno, subject);
    }
    if (errno == Errno.EOPNOTSUPP.number()) {
      return new UnsupportedOperationException(
          code.displayName()
              + " "
              + subject
              + ": "
              + Errno.describe(errno)
              + "; the kernel or this file system can't do it");
    }
    return file(code, errno, subject, reason);
  }

  private static boolean isOfMessage(OpCode code) {
    return switch (code) {
      case RECEIVE_MESSAGE, RECEIVE_MESSAGE_MULTISHOT, SEND_MESSAGE -> true;
      default -> false;
    };
  }

  /** Of a datagram: nobody has refused a connection, and there is a largest one. */
  private static IOException message(String call, int errno, String subject) {
    var message = call + " " + subject + ": " + Errno.describe(errno);
    return switch (Errno.of(errno)) {
      case ECONNREFUSED -> new PortUnreachableException(message + "; nobody receives on that port");
      case EMSGSIZE ->
          new SocketException(
              message
                  + "; a UDP datagram has at most 65507 bytes over IPv4 and 65527 over IPv6, and"
                  + " no more than SO_SNDBUF");
      case null, default -> socket(call, errno, subject);
    };
  }

  /**
   * Makes the exception of a transfer on a file that bypasses the page cache, which the kernel has called invalid.
   *
   * @param code what was asked for
   * @param subject the path
   * @param alignment what is demanded, a clause
   * @return the exception, not thrown
   */
  static IOException misaligned(OpCode code, String subject, String alignment) {
    return new FileSystemException(
        subject,
        null,
        code.displayName()
            + ": "
            + Errno.describe(Errno.EINVAL.number())
            + "; with O_DIRECT, "
            + alignment);
  }

  /**
   * For drivers: says what O_DIRECT demands.
   *
   * @param status the file's
   * @return a clause, or null when it does not tell
   */
  public static String directAlignment(FileStatus status) {
    return status.directOffsetAlignment() == 0
        ? null
        : "offset and length must be multiples of "
            + status.directOffsetAlignment()
            + " bytes, the memory's address one of "
            + status.directMemoryAlignment();
  }

  /**
   * Makes the exception of an operation that its user's time limit has ended.
   *
   * @param code what was asked for
   * @param subject the path or address
   * @return a {@link SocketTimeoutException}, or for files its superclass {@link InterruptedIOException}; not thrown
   */
  public static InterruptedIOException timedOut(OpCode code, String subject) {
    var message = code.displayName() + " " + subject + ": timed out";
    return code.isSocketOperation()
        ? new SocketTimeoutException(message)
        : new InterruptedIOException(message);
  }

  private static IOException file(OpCode code, int errno, String subject, String reason) {
    return switch (Errno.of(errno)) {
      case ENOENT -> new NoSuchFileException(subject, null, reason);
      case EACCES, EPERM -> new AccessDeniedException(subject, null, reason);
      case EEXIST -> new FileAlreadyExistsException(subject, null, reason);
      case ENOTDIR ->
          walksPath(code)
              ? new FileSystemException(subject, null, reason)
              : new NotDirectoryException(subject);
      case ENOTEMPTY -> new DirectoryNotEmptyException(subject);
      case ELOOP ->
          walksPath(code)
              ? new FileSystemException(subject, null, reason)
              : new FileSystemLoopException(subject);
      case EINVAL ->
          new FileSystemException(
              subject,
              null,
              code == OpCode.READ
                      || code == OpCode.WRITE
                      || code == OpCode.READV
                      || code == OpCode.WRITEV
                  ? reason
                      + "; with O_DIRECT, offset, length and memory must be multiples of the"
                      + " device's block size"
                  : reason);
      case null, default -> new FileSystemException(subject, null, reason);
    };
  }

  /** Whether it is perhaps not what was named, but something on the way there, that is no directory or a loop. */
  private static boolean walksPath(OpCode code) {
    return switch (code) {
      case OPEN, ATTRIBUTES, SET_ATTRIBUTES -> true;
      case MAKE_DIRECTORY, REMOVE, RENAME, SYMBOLIC_LINK, LINK, READ_LINK -> true;
      default -> false;
    };
  }

  /**
   * Makes the exception of a failed socket call that is not an operation of its own, such as {@code bind}.
   *
   * @param call the call's name
   * @param errno the system's error number, positive
   * @param subject the address
   * @return the exception, not thrown
   */
  public static IOException socket(String call, int errno, String subject) {
    var message = call + " " + subject + ": " + Errno.describe(errno);
    return switch (Errno.of(errno)) {
      case EADDRINUSE, EADDRNOTAVAIL -> new BindException(message);
      case EACCES, EPERM ->
          call.equals("bind") ? new BindException(message) : new SocketException(message);
      case ECONNREFUSED -> new ConnectException(message);
      case EHOSTUNREACH, ENETUNREACH -> new NoRouteToHostException(message);
      case ETIMEDOUT -> new SocketTimeoutException(message);
      case null, default -> new SocketException(message);
    };
  }

  /**
   * Writes an address as messages do.
   *
   * @param address resolved
   * @return for instance {@code 127.0.0.1:80} or {@code [0:0:0:0:0:0:0:1]:80}
   */
  public static String format(InetSocketAddress address) {
    var host = address.getAddress().getHostAddress();
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + address.getPort();
  }

  /**
   * Makes the exception of an operation on something that was closed meanwhile or before.
   *
   * @param code what was asked for
   * @param subject the path or address
   * @return the exception, not thrown
   */
  public static ClosedChannelException closed(OpCode code, String subject) {
    return new Closed(code.displayName() + " " + subject + ": closed");
  }

  /** The JDK's exception has no constructor that takes a message. */
  static final class Closed extends AsynchronousCloseException {
    private static final long serialVersionUID = 1L;
    private final String message;

    Closed(String message) {
      this.message = message;
    }

    @Override
    public String getMessage() {
      return message;
    }

    /** By the name that users know and catch. */
    @Override
    public String toString() {
      return AsynchronousCloseException.class.getName() + ": " + message;
    }
  }
}
