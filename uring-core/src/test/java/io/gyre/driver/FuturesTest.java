package io.gyre.driver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class FuturesTest {
  private final CancellationException named = new CancellationException("read /file was cancelled");

  @Test
  void aCancellationIsThrownAsItself() {
    var future = CompletableFuture.failedFuture(named);
    var thrown = assertThrows(CancellationException.class, () -> Futures.await(future));
    assertEquals(named.getMessage(), thrown.getMessage());
    assertSame(named, thrown.getCause());
  }

  @Test
  void anInterruptNamesWhatItHasCancelled() {
    var future =
        new CompletableFuture<Void>() {
          @Override
          public boolean cancel(boolean mayInterruptIfRunning) {
            return completeExceptionally(named);
          }
        };
    Thread.currentThread().interrupt();
    var failure = assertThrows(InterruptedIOException.class, () -> Futures.await(future));
    assertTrue(Thread.interrupted(), "the thread stays interrupted");
    assertTrue(failure.getMessage().endsWith(named.getMessage()), failure::getMessage);
  }

  /** What fails on another thread, whose frames it has. */
  private static Throwable thrownByAwaiting(Throwable made) throws InterruptedException {
    var future = new CompletableFuture<Void>();
    var maker =
        Thread.ofPlatform()
            .start(
                () -> {
                  made.fillInStackTrace();
                  future.completeExceptionally(made);
                });
    maker.join();
    return assertThrows(Throwable.class, () -> Futures.await(future));
  }

  private static boolean shows(Throwable failure, String method) {
    return Arrays.stream(failure.getStackTrace()).anyMatch(f -> f.getMethodName().equals(method));
  }

  @Test
  void whatIsThrownHasTheFramesOfTheCallerAndItsCauseThoseOfTheMaker() throws Exception {
    for (var made :
        List.of(
            new FileSystemException("/file", "/other", "reason"),
            new NoSuchFileException("/file", "/other", "reason"),
            new AccessDeniedException("/file", "/other", "reason"),
            new FileAlreadyExistsException("/file", "/other", "reason"),
            new AtomicMoveNotSupportedException("/file", "/other", "reason"),
            new NotLinkException("/file", "/other", "reason"),
            new NotDirectoryException("/file"),
            new DirectoryNotEmptyException("/file"),
            new FileSystemLoopException("/file"),
            new IOException("message"),
            new EOFException("message"),
            new InterruptedIOException("message"),
            new SocketTimeoutException("message"),
            new SocketException("message"),
            new BindException("message"),
            new ConnectException("message"),
            new NoRouteToHostException("message"),
            new PortUnreachableException("message"),
            new UnknownHostException("message"),
            Errors.closed(OpCode.READ, "/file"),
            new CancellationException("message"),
            new UnsupportedOperationException("message"),
            new IllegalStateException("message"),
            new IllegalArgumentException("message"),
            new ClosedChannelException(),
            new AsynchronousCloseException(),
            new ClosedByInterruptException(),
            new ShutdownChannelGroupException(),
            new UnresolvedAddressException())) {
      var attempt = new IOException("another attempt");
      made.addSuppressed(attempt);
      if (made instanceof InterruptedIOException e) {
        e.bytesTransferred = 7;
      }
      for (int i = 0; i < 2; i++) { // several may be told of the same one
        var thrown = thrownByAwaiting(made);
        assertSame(made.getClass(), thrown.getClass());
        assertEquals(made.toString(), thrown.toString());
        assertSame(made, thrown.getCause());
        assertTrue(shows(thrown, "thrownByAwaiting"), thrown::toString);
        assertFalse(shows(made, "thrownByAwaiting"), "the first one was changed: " + made);
        assertArrayEquals(new Throwable[] {attempt}, made.getSuppressed());
        assertArrayEquals(made.getSuppressed(), thrown.getSuppressed());
        if (made instanceof FileSystemException e) {
          var again = (FileSystemException) thrown;
          assertEquals(e.getFile(), again.getFile());
          assertEquals(e.getOtherFile(), again.getOtherFile());
          assertEquals(e.getReason(), again.getReason());
        }
        if (thrown instanceof InterruptedIOException e) {
          assertEquals(7, e.bytesTransferred);
        }
      }
    }
  }

  /** Of a type that nobody here knows how to make. */
  private static final class Own extends IOException {
    private static final long serialVersionUID = 1L;
  }

  @Test
  void whatIsOfAnUnknownTypeIsThrownAsItselfAndHasTheCallersFramesBeside() throws Exception {
    for (var made : List.of(new Own(), new AssertionError("an error"))) {
      for (int i = 0; i < 2; i++) {
        assertSame(made, thrownByAwaiting(made));
        assertEquals(1, made.getSuppressed().length, "it must not grow");
        var caller = made.getSuppressed()[0];
        assertTrue(shows(caller, "thrownByAwaiting"), caller::toString);
        assertTrue(caller.toString().contains(Thread.currentThread().getName()), caller::toString);
      }
    }
  }
}
