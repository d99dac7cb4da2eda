package io.gyre.nio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.NotYetConnectedException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ErrnosTest {
  static Stream<Arguments> mappings() {
    return Stream.of(
        Arguments.of(new NoSuchFileException("f"), Errno.ENOENT),
        Arguments.of(new AccessDeniedException("f"), Errno.EACCES),
        Arguments.of(new FileAlreadyExistsException("f"), Errno.EEXIST),
        Arguments.of(new FileSystemException("f", null, "Is a directory"), Errno.EISDIR),
        Arguments.of(new FileSystemException("f", null, "Too many open files"), Errno.EMFILE),
        Arguments.of(
            new FileSystemException("f", null, "Too many open files in system"), Errno.ENFILE),
        Arguments.of(new IOException("No space left on device"), Errno.ENOSPC),
        Arguments.of(new IOException("Disk quota exceeded"), Errno.EDQUOT),
        Arguments.of(new IOException("Input/output error"), Errno.EIO),
        Arguments.of(
            new IOException("Too many levels of symbolic links (NOFOLLOW_LINKS specified)"),
            Errno.ELOOP),
        Arguments.of(new IOException("Broken pipe"), Errno.EPIPE),
        Arguments.of(new IOException("Connection reset by peer"), Errno.ECONNRESET),
        Arguments.of(new SocketException("Connection reset"), Errno.ECONNRESET),
        Arguments.of(new SocketException("Network is unreachable"), Errno.ENETUNREACH),
        Arguments.of(new ConnectException("Connection refused"), Errno.ECONNREFUSED),
        Arguments.of(new ConnectException("Connection refused: localhost:1"), Errno.ECONNREFUSED),
        Arguments.of(new ConnectException("Connection timed out"), Errno.ETIMEDOUT),
        Arguments.of(new NoRouteToHostException("No route to host"), Errno.EHOSTUNREACH),
        Arguments.of(new NoRouteToHostException("Kein Weg"), Errno.EHOSTUNREACH),
        Arguments.of(new SocketTimeoutException("Zeit um"), Errno.ETIMEDOUT),
        Arguments.of(new BindException("Address already in use"), Errno.EADDRINUSE),
        Arguments.of(new BindException("Cannot assign requested address"), Errno.EADDRNOTAVAIL),
        Arguments.of(new BindException("Permission denied"), Errno.EACCES),
        Arguments.of(new NonReadableChannelException(), Errno.EBADF),
        Arguments.of(new NonWritableChannelException(), Errno.EBADF),
        Arguments.of(new AsynchronousCloseException(), Errno.EBADF),
        Arguments.of(new NotYetConnectedException(), Errno.ENOTCONN),
        Arguments.of(new OutOfMemoryError("Cannot reserve direct buffer memory"), Errno.ENOMEM));
  }

  @ParameterizedTest
  @MethodSource("mappings")
  void exceptionsTellTheirErrno(Throwable cause, Errno expected) {
    assertEquals(expected.number(), Errnos.of(cause));
  }

  @Test
  void everyErrnoIsKnownByItsText() {
    for (var errno : Errno.values()) {
      var text = errno == Errno.ENFILE ? "Too many open files in system" : textOf(errno);
      assertEquals(errno.number(), Errnos.of(new IOException(text)), text);
    }
  }

  private static String textOf(Errno errno) {
    return Errno.describe(errno.number()).replaceAll("^\\w+ \\(|(; .*)?\\)$", "");
  }

  @Test
  void whatIsNotKnownKeepsItsCauseAndIsNamed() {
    var operation = operation(OpCode.FSYNC);
    var cause = new IOException("the moon is full");
    assertEquals(-Errno.EIO.number(), Failures.resultOf(operation, cause));
    var failure =
        assertInstanceOf(FileSystemException.class, operation.failure(-Errno.EIO.number()));
    assertEquals("fsync: the moon is full", failure.getReason());
    assertSame(cause, failure.getCause());
  }

  @Test
  void unknownSocketFailuresStaySocketExceptions() {
    var connect = operation(OpCode.CONNECT);
    Failures.resultOf(connect, new ConnectException("Verbindungsaufbau abgelehnt"));
    var failure = assertInstanceOf(ConnectException.class, connect.failure(-1));
    assertEquals("connect : Verbindungsaufbau abgelehnt", failure.getMessage());
    var send = operation(OpCode.SEND);
    Failures.resultOf(send, new IOException());
    assertInstanceOf(SocketException.class, send.failure(-1));
  }

  @Test
  void aMistakeOfTheCallersStaysAsItIs() {
    var operation = operation(OpCode.READ);
    var cause = new IllegalStateException("Already closed");
    Failures.resultOf(operation, cause);
    assertSame(cause, operation.failure(-1));
  }

  private static Operation operation(OpCode code) {
    var dispatcher = new OperationDispatcher(Throwable::printStackTrace);
    return dispatcher.acquire(code, null, (operation, result) -> {}, null, null);
  }
}
