package io.gyre.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.BindException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.PortUnreachableException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class ErrorsTest {
  static Stream<Arguments> mappings() {
    return Stream.of(
        Arguments.of(OpCode.OPEN, Errno.ENOENT, NoSuchFileException.class),
        Arguments.of(OpCode.OPEN, Errno.EACCES, AccessDeniedException.class),
        Arguments.of(OpCode.OPEN, Errno.EPERM, AccessDeniedException.class),
        Arguments.of(OpCode.OPEN, Errno.EEXIST, FileAlreadyExistsException.class),
        Arguments.of(OpCode.OPEN, Errno.ENOTDIR, FileSystemException.class),
        Arguments.of(OpCode.OPEN, Errno.ELOOP, FileSystemException.class),
        Arguments.of(OpCode.OPEN, Errno.EISDIR, FileSystemException.class),
        Arguments.of(OpCode.OPEN, Errno.ENAMETOOLONG, FileSystemException.class),
        Arguments.of(OpCode.OPEN, Errno.EMFILE, FileSystemException.class),
        Arguments.of(OpCode.OPEN, Errno.EROFS, FileSystemException.class),
        Arguments.of(OpCode.READ, Errno.EIO, FileSystemException.class),
        Arguments.of(OpCode.READ, Errno.EISDIR, FileSystemException.class),
        Arguments.of(OpCode.READ, Errno.EINVAL, FileSystemException.class),
        Arguments.of(OpCode.WRITE, Errno.ENOSPC, FileSystemException.class),
        Arguments.of(OpCode.WRITE, Errno.EFBIG, FileSystemException.class),
        Arguments.of(OpCode.WRITE, Errno.EDQUOT, FileSystemException.class),
        Arguments.of(OpCode.FSYNC, Errno.EIO, FileSystemException.class),
        Arguments.of(OpCode.CONNECT, Errno.ECONNREFUSED, ConnectException.class),
        Arguments.of(OpCode.CONNECT, Errno.EHOSTUNREACH, NoRouteToHostException.class),
        Arguments.of(OpCode.CONNECT, Errno.ENETUNREACH, NoRouteToHostException.class),
        Arguments.of(OpCode.CONNECT, Errno.ETIMEDOUT, SocketTimeoutException.class),
        Arguments.of(OpCode.CONNECT, Errno.EADDRNOTAVAIL, BindException.class),
        Arguments.of(OpCode.RECEIVE, Errno.ECONNRESET, SocketException.class),
        Arguments.of(OpCode.RECEIVE_MULTISHOT, Errno.ECONNRESET, SocketException.class),
        Arguments.of(OpCode.SEND, Errno.EPIPE, SocketException.class),
        Arguments.of(OpCode.SEND_MESSAGE, Errno.EMSGSIZE, SocketException.class),
        Arguments.of(OpCode.SEND_MESSAGE, Errno.ECONNREFUSED, PortUnreachableException.class),
        Arguments.of(OpCode.RECEIVE_MESSAGE, Errno.ECONNREFUSED, PortUnreachableException.class),
        Arguments.of(
            OpCode.RECEIVE_MESSAGE_MULTISHOT, Errno.ECONNREFUSED, PortUnreachableException.class),
        Arguments.of(OpCode.SHUTDOWN, Errno.ENOTCONN, SocketException.class),
        Arguments.of(OpCode.ACCEPT_MULTISHOT, Errno.EMFILE, SocketException.class));
  }

  @ParameterizedTest
  @MethodSource("mappings")
  void anErrnoBecomesTheExceptionOfTheJdkAndNamesOperationSubjectAndErrno(
      OpCode code, Errno errno, Class<? extends Throwable> type) {
    var failure = Errors.of(code, errno.number(), "the subject", false);

    assertSame(type, failure.getClass());
    var message = failure.getMessage();
    assertTrue(message.contains("the subject"), message);
    assertTrue(message.contains(errno.name()), message);
    assertTrue(message.contains(code.displayName()), message);
  }

  @ParameterizedTest
  @EnumSource(Errno.class)
  void everyErrnoOfEveryOperationIsNamed(Errno errno) {
    for (var code : OpCode.values()) {
      var failure = Errors.of(code, errno.number(), "the subject", false);
      var message = String.valueOf(failure.getMessage());
      assertTrue(message.contains("the subject"), () -> code + " " + failure);
      boolean hasRoomForIt = // the JDK's exceptions for these take no reason
          !(failure instanceof CancellationException
              || failure instanceof NotDirectoryException
              || failure instanceof DirectoryNotEmptyException
              || failure instanceof FileSystemLoopException);
      if (hasRoomForIt) {
        assertTrue(message.contains(errno.name()), () -> code + " " + failure);
      }
    }
  }

  @Test
  void otherOperationsOnDirectoriesAndLoopsHaveExceptionsOfTheirOwn() {
    assertInstanceOf(
        NotDirectoryException.class, Errors.of(OpCode.SIZE, Errno.ENOTDIR.number(), "/x", false));
    assertInstanceOf(
        FileSystemLoopException.class, Errors.of(OpCode.SIZE, Errno.ELOOP.number(), "/x", false));
    assertInstanceOf(
        DirectoryNotEmptyException.class,
        Errors.of(OpCode.SIZE, Errno.ENOTEMPTY.number(), "/x", false));
  }

  @Test
  void whileClosingACancellationOrABadDescriptorMeansClosed() {
    for (var errno : new Errno[] {Errno.ECANCELED, Errno.EBADF}) {
      var failure = Errors.of(OpCode.RECEIVE, errno.number(), "10.0.0.1:80", true);
      assertInstanceOf(AsynchronousCloseException.class, failure);
      assertTrue(failure.getMessage().contains("receive 10.0.0.1:80"), failure::getMessage);
      assertEquals(
          "java.nio.channels.AsynchronousCloseException: receive 10.0.0.1:80: closed",
          failure.toString());
    }
    assertInstanceOf(
        CancellationException.class,
        Errors.of(OpCode.RECEIVE, Errno.ECANCELED.number(), "10.0.0.1:80", false));
  }

  @Test
  void aSocketCallThatIsNoOperationIsNamedToo() {
    assertEquals(
        "bind 127.0.0.1:80: EADDRINUSE (Address already in use)",
        Errors.socket("bind", Errno.EADDRINUSE.number(), "127.0.0.1:80").getMessage());
    assertInstanceOf(
        BindException.class, Errors.socket("bind", Errno.EACCES.number(), "127.0.0.1:80"));
    assertSame(
        SocketException.class,
        Errors.socket("socket", Errno.EACCES.number(), "127.0.0.1:80").getClass());
  }

  @Test
  void unknownNumbersAreKept() {
    for (int number : new int[] {-5, 0, 133, 134, 4096, Integer.MAX_VALUE}) {
      assertNull(Errno.of(number));
      assertEquals("errno " + number, Errno.describe(number));
      assertTrue(
          Errors.of(OpCode.READ, number, "/x", false).getMessage().contains("errno " + number));
    }
  }

  @Test
  void theRemedyOfTooFewDescriptorsIsNamed() {
    assertTrue(Errno.describe(Errno.EMFILE.number()).contains("ulimit -n"));
    assertTrue(Errno.describe(Errno.ENFILE.number()).contains("fs.file-max"));
  }

  @Test
  void misalignedDirectAccessIsExplained() {
    var message = Errors.of(OpCode.READ, Errno.EINVAL.number(), "/x", false).getMessage();
    assertTrue(message.contains("EINVAL") && message.contains("O_DIRECT"), message);
  }

  @Test
  void anOperationsSubjectIsItsPathOrItsDescriptors() {
    var operation = new Operation(0);
    operation.code = OpCode.OPEN;
    assertEquals("", operation.subject());
    operation.descriptor = new FakeDriver.FakeDescriptor("10.0.0.1:80");
    assertEquals("10.0.0.1:80", operation.subject());
    operation.argument(new OpenRequest(Path.of("/a/b"), Set.of()));
    assertEquals("/a/b", operation.subject());
  }
}
