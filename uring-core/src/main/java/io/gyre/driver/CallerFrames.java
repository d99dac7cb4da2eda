package io.gyre.driver;

import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.PortUnreachableException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.channels.UnresolvedAddressException;
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
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Exceptions that were made on a loop's thread, for the thread that waits: the stack that they have tells how the loop came
 * to them, and nothing of who asked.
 *
 * <p>One of the JDK's types is made again here, with the same fields and the first one as its cause, as {@code
 * java.net.http.HttpClient.send} does it: several threads may be told of the same failure, and each is to see itself. Of any
 * other type it stays the same object, which gets the caller's stack as a suppressed exception; once, so that one that is
 * thrown again and again does not grow.
 */
final class CallerFrames {
  /** How to make those of just this class again, from the one that there is. */
  private static final Map<Class<?>, Function<Throwable, Throwable>> AGAIN = new HashMap<>();

  private interface OfFile {
    FileSystemException make(String file, String other, String reason);
  }

  static {
    ofFile(FileSystemException.class, FileSystemException::new);
    ofFile(NoSuchFileException.class, NoSuchFileException::new);
    ofFile(AccessDeniedException.class, AccessDeniedException::new);
    ofFile(FileAlreadyExistsException.class, FileAlreadyExistsException::new);
    ofFile(AtomicMoveNotSupportedException.class, AtomicMoveNotSupportedException::new);
    ofFile(NotLinkException.class, NotLinkException::new);
    ofName(NotDirectoryException.class, NotDirectoryException::new);
    ofName(DirectoryNotEmptyException.class, DirectoryNotEmptyException::new);
    ofName(FileSystemLoopException.class, FileSystemLoopException::new);
    withMessage(IOException.class, IOException::new);
    withMessage(EOFException.class, EOFException::new);
    withMessage(InterruptedIOException.class, InterruptedIOException::new);
    withMessage(SocketTimeoutException.class, SocketTimeoutException::new);
    withMessage(SocketException.class, SocketException::new);
    withMessage(BindException.class, BindException::new);
    withMessage(ConnectException.class, ConnectException::new);
    withMessage(NoRouteToHostException.class, NoRouteToHostException::new);
    withMessage(PortUnreachableException.class, PortUnreachableException::new);
    withMessage(UnknownHostException.class, UnknownHostException::new);
    withMessage(Errors.Closed.class, Errors.Closed::new);
    withMessage(CancellationException.class, CancellationException::new);
    withMessage(UnsupportedOperationException.class, UnsupportedOperationException::new);
    withMessage(IllegalStateException.class, IllegalStateException::new);
    withMessage(IllegalArgumentException.class, IllegalArgumentException::new);
    bare(ClosedChannelException.class, ClosedChannelException::new);
    bare(AsynchronousCloseException.class, AsynchronousCloseException::new);
    bare(ClosedByInterruptException.class, ClosedByInterruptException::new);
    bare(ShutdownChannelGroupException.class, ShutdownChannelGroupException::new);
    bare(UnresolvedAddressException.class, UnresolvedAddressException::new);
  }

  private CallerFrames() {}

  private static void ofFile(Class<? extends FileSystemException> type, OfFile constructor) {
    AGAIN.put(
        type,
        made -> {
          var e = (FileSystemException) made;
          return constructor.make(e.getFile(), e.getOtherFile(), e.getReason());
        });
  }

  private static <X extends FileSystemException> void ofName(
      Class<X> type, Function<String, X> constructor) {
    AGAIN.put(type, made -> constructor.apply(((FileSystemException) made).getFile()));
  }

  private static <X extends Throwable> void withMessage(
      Class<X> type, Function<String, X> constructor) {
    AGAIN.put(type, made -> constructor.apply(made.getMessage()));
  }

  private static <X extends Throwable> void bare(Class<X> type, Supplier<X> constructor) {
    AGAIN.put(type, made -> constructor.get());
  }

  /** What to throw here, of the same class, instead of one that was made elsewhere. */
  @SuppressWarnings("unchecked") // each maker's class is that of its key
  static <X extends Throwable> X added(X made) {
    var maker = AGAIN.get(made.getClass());
    if (maker == null) {
      addOnce(made);
      return made;
    }
    var again = (X) maker.apply(made);
    again.initCause(made);
    for (var suppressed : made.getSuppressed()) {
      again.addSuppressed(suppressed); // such as the other attempts of a connect
    }
    if (again instanceof InterruptedIOException to && made instanceof InterruptedIOException from) {
      to.bytesTransferred = from.bytesTransferred;
    }
    return again;
  }

  private static void addOnce(Throwable made) {
    for (var suppressed : made.getSuppressed()) {
      if (suppressed instanceof Caller) {
        return;
      }
    }
    made.addSuppressed(new Caller());
  }

  /** Where somebody waits. */
  private static final class Caller extends Exception {
    private static final long serialVersionUID = 1L;

    Caller() {
      super("waited for by " + Thread.currentThread());
    }
  }
}
