package io.gyre.nio;

import io.gyre.driver.Errno;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.PortUnreachableException;
import java.net.SocketTimeoutException;
import java.nio.channels.AlreadyBoundException;
import java.nio.channels.AlreadyConnectedException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ConnectionPendingException;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.NotYetConnectedException;
import java.nio.channels.UnsupportedAddressTypeException;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.NotLinkException;
import java.util.HashMap;
import java.util.Map;

/**
 * Finds the errno behind an exception of java.nio: by its class where that tells, else by its text, which for most
 * failures is what strerror(3) says.
 */
final class Errnos {
  private static final Map<String, Errno> BY_TEXT = byText();

  /** What the JDK adds to the system's text: hints, and with jdk.includeInExceptions the address. */
  private static final String[] ADDITIONS = {
    " (NOFOLLOW_LINKS specified)", " or unable to access attributes of symbolic link", ": "
  };

  private Errnos() {}

  /** The errno's number, or 0 when the exception does not tell. */
  static int of(Throwable cause) {
    var errno = cause instanceof IOException e ? ofIo(e) : ofUnchecked(cause);
    return errno == null ? 0 : errno.number();
  }

  private static Errno ofIo(IOException cause) {
    return switch (cause) {
      case NoSuchFileException e -> Errno.ENOENT;
      case AccessDeniedException e -> Errno.EACCES;
      case FileAlreadyExistsException e -> Errno.EEXIST;
      case NotDirectoryException e -> Errno.ENOTDIR;
      case DirectoryNotEmptyException e -> Errno.ENOTEMPTY;
      case FileSystemLoopException e -> Errno.ELOOP;
      case AtomicMoveNotSupportedException e -> Errno.EXDEV;
      case NotLinkException e -> Errno.EINVAL;
      case FileSystemException e -> ofText(e.getReason());
      case ClosedChannelException e -> Errno.EBADF;
      default -> {
        var errno = ofText(cause.getMessage());
        yield errno == null ? ofSocketClass(cause) : errno;
      }
    };
  }

  /** For texts that are not known, for instance because the C library speaks the user's language. */
  private static Errno ofSocketClass(IOException cause) {
    return switch (cause) {
      case NoRouteToHostException e -> Errno.EHOSTUNREACH;
      case SocketTimeoutException e -> Errno.ETIMEDOUT;
      case PortUnreachableException e -> Errno.ECONNREFUSED;
      case ConnectException e -> null; // refused, timed out, or unreachable: it can't be told
      default -> null;
    };
  }

  private static Errno ofUnchecked(Throwable cause) {
    return switch (cause) {
      case NonReadableChannelException e -> Errno.EBADF;
      case NonWritableChannelException e -> Errno.EBADF;
      case NotYetConnectedException e -> Errno.ENOTCONN;
      case AlreadyConnectedException e -> Errno.EISCONN;
      case ConnectionPendingException e -> Errno.EALREADY;
      case AlreadyBoundException e -> Errno.EINVAL;
      case UnsupportedAddressTypeException e -> Errno.EAFNOSUPPORT;
      case OutOfMemoryError e -> Errno.ENOMEM;
      default -> null;
    };
  }

  private static Errno ofText(String text) {
    if (text == null) {
      return null;
    }
    var errno = BY_TEXT.get(text);
    if (errno != null) {
      return errno;
    }
    // FileChannel checks O_DIRECT's alignment itself, where the kernel would say EINVAL.
    if (text.contains("multiple of the block size")) {
      return Errno.EINVAL;
    }
    for (var addition : ADDITIONS) {
      int begin = text.indexOf(addition);
      if (begin >= 0) {
        return BY_TEXT.get(text.substring(0, begin));
      }
    }
    return null;
  }

  private static Map<String, Errno> byText() {
    var map = new HashMap<String, Errno>();
    for (var errno : Errno.values()) {
      map.put(strerror(errno), errno);
    }
    map.put("Connection reset", Errno.ECONNRESET); // the JDK's own words
    map.put("Cannot reserve direct buffer memory", Errno.ENOMEM);
    // Where musl words it otherwise than glibc.
    map.put("No file descriptors available", Errno.EMFILE);
    map.put("Address in use", Errno.EADDRINUSE);
    map.put("Address not available", Errno.EADDRNOTAVAIL);
    map.put("Operation timed out", Errno.ETIMEDOUT);
    map.put("Network unreachable", Errno.ENETUNREACH);
    map.put("Host is unreachable", Errno.EHOSTUNREACH);
    map.put("Filename too long", Errno.ENAMETOOLONG);
    map.put("Symbolic link loop", Errno.ELOOP);
    map.put("I/O error", Errno.EIO);
    map.put("Quota exceeded", Errno.EDQUOT);
    return map;
  }

  /** The system's words out of {@code ENOENT (No such file or directory)}; some have a hint after a semicolon. */
  private static String strerror(Errno errno) {
    var description = Errno.describe(errno.number());
    int begin = errno.name().length() + " (".length();
    int hint = description.indexOf(';');
    return description
        .substring(begin, hint < 0 ? description.length() - 1 : hint)
        .replace(" in the whole system", "");
  }
}
