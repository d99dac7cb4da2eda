package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.CompletionHandler;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import jdk.net.ExtendedSocketOptions;
import org.junit.jupiter.api.Test;

class ConnectOptionsTest {
  private static final InetSocketAddress UNRESOLVED =
      InetSocketAddress.createUnresolved("localhost", 80);

  private static void awaitSockets(TestRuntime driver, int count) {
    Waits.until(
        () -> count + " sockets; held are " + driver.heldSinceStart(),
        () -> sockets(driver) == count);
  }

  /** Completes a future with what a handler is told, and with where. */
  private record Telling(CompletableFuture<TcpStream> told)
      implements CompletionHandler<TcpStream, String> {
    @Override
    public void completed(TcpStream stream, String attachment) {
      assertEquals("attachment", attachment);
      assertTrue(stream.loop().inLoop());
      told.complete(stream);
    }

    @Override
    public void failed(Throwable cause, String attachment) {
      told.completeExceptionally(cause);
    }
  }

  @Test
  void whatCanNotBeIsRefusedAtOnce() {
    var options = ConnectOptions.DEFAULT;
    assertNull(options.timeout());
    assertEquals(Duration.ofMillis(250), options.attemptDelay());
    for (var never : new Duration[] {Duration.ZERO, Duration.ofNanos(-1)}) {
      assertThrows(IllegalArgumentException.class, () -> options.withTimeout(never));
    }
    assertThrows(
        IllegalArgumentException.class, () -> options.withAttemptDelay(Duration.ofMillis(9)));
    assertThrows(UnresolvedAddressException.class, () -> options.withLocalAddress(UNRESOLVED));
    assertThrows(
        IllegalArgumentException.class,
        () -> options.withOption(StandardSocketOptions.SO_RCVBUF, -1));
    assertThrows(
        NullPointerException.class,
        () -> options.withOption(StandardSocketOptions.SO_RCVBUF, null));
    var more = options.withOption(StandardSocketOptions.SO_RCVBUF, 1);
    assertThrows(UnsupportedOperationException.class, () -> more.options().clear());
    assertEquals(0, options.options().size());
    var all =
        more.withTimeout(Duration.ofSeconds(1))
            .withLocalAddress(Peers.anyPort())
            .withAttemptDelay(Duration.ofSeconds(2));
    assertEquals(
        new ConnectOptions(
            Duration.ofSeconds(1), Peers.anyPort(), more.options(), Duration.ofSeconds(2)),
        all);
  }

  @DriverTest
  void socketOptionsAreSetBeforeTheHandshake(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var options =
        ConnectOptions.DEFAULT
            .withOption(StandardSocketOptions.SO_RCVBUF, 30_000)
            .withOption(StandardSocketOptions.SO_SNDBUF, 50_000)
            .withOption(StandardSocketOptions.TCP_NODELAY, true)
            .withOption(ExtendedSocketOptions.TCP_KEEPIDLE, 77);
    for (var name : new String[] {"127.0.0.1", "::1"}) {
      try (var server = new ServerSocket(0, 1, InetAddress.ofLiteral(name));
          var stream =
              TcpStream.connect(
                  runtime, (InetSocketAddress) server.getLocalSocketAddress(), options)) {
        assertEquals(
            30_000, Waits.get(stream.getOption(StandardSocketOptions.SO_RCVBUF), "SO_RCVBUF"));
        assertEquals(
            50_000, Waits.get(stream.getOption(StandardSocketOptions.SO_SNDBUF), "SO_SNDBUF"));
        assertTrue(Waits.get(stream.getOption(StandardSocketOptions.TCP_NODELAY), "NODELAY"));
        assertEquals(
            77, Waits.get(stream.getOption(ExtendedSocketOptions.TCP_KEEPIDLE), "KEEPIDLE"));
      }
    }
  }

  @DriverTest
  void anOptionThatTheDriverDoesNotHaveFailsTheConnectAndLeavesNoSocket(TestRuntime driver)
      throws Exception {
    var runtime = driver.start();
    try (var server = new ServerSocket(0, 1, Peers.LOOPBACK)) {
      int before = sockets(driver);
      var options =
          ConnectOptions.DEFAULT.withOption(StandardSocketOptions.IP_MULTICAST_LOOP, true);
      var failure =
          assertThrows(
              UnsupportedOperationException.class,
              () ->
                  TcpStream.connect(
                      runtime, (InetSocketAddress) server.getLocalSocketAddress(), options));
      assertTrue(failure.getMessage().contains("IP_MULTICAST_LOOP"), failure::getMessage);
      awaitSockets(driver, before);
    }
  }

  @DriverTest
  void itConnectsFromTheLocalAddress(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var elsewhere = InetAddress.ofLiteral("127.0.0.2");
    try (var server = new ServerSocket(0, 2, Peers.LOOPBACK)) {
      server.setSoTimeout(Peers.TIMEOUT_MS);
      var address = (InetSocketAddress) server.getLocalSocketAddress();
      var anyPort = ConnectOptions.DEFAULT.withLocalAddress(new InetSocketAddress(elsewhere, 0));
      InetSocketAddress local;
      try (var stream = TcpStream.connect(runtime, address, anyPort);
          var peer = server.accept()) {
        local = stream.localAddress();
        assertEquals(elsewhere, local.getAddress());
        assertEquals(local, peer.getRemoteSocketAddress());
        var taken = ConnectOptions.DEFAULT.withLocalAddress(local);
        var failure =
            assertThrows(SocketException.class, () -> TcpStream.connect(runtime, address, taken));
        assertTrue(failure.getMessage().contains("127.0.0.1:" + address.getPort()));
      }
    }
  }

  @DriverTest
  void aLocalAddressThatIsNotThisMachinesIsABindException(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var server = new ServerSocket(0, 1, Peers.LOOPBACK)) {
      int before = sockets(driver);
      var address = (InetSocketAddress) server.getLocalSocketAddress();
      // Of a net for documentation, RFC 5737.
      var options =
          ConnectOptions.DEFAULT.withLocalAddress(
              new InetSocketAddress(InetAddress.ofLiteral("192.0.2.1"), 0));
      var failure =
          assertThrows(BindException.class, () -> TcpStream.connect(runtime, address, options));
      for (var part : new String[] {"bind", "192.0.2.1", "127.0.0.1", "EADDRNOTAVAIL"}) {
        assertTrue(failure.getMessage().contains(part), failure::getMessage);
      }
      var otherFamily =
          ConnectOptions.DEFAULT.withLocalAddress(
              new InetSocketAddress(InetAddress.ofLiteral("::1"), 0));
      var mismatch =
          assertThrows(
              SocketException.class, () -> TcpStream.connect(runtime, address, otherFamily));
      assertTrue(mismatch.getMessage().contains("family"), mismatch::getMessage);
      awaitSockets(driver, before);
    }
  }

  @DriverTest
  void aConnectThatNobodyAnswersEndsAtItsTime(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var silent = new SilentListener()) {
      int before = sockets(driver);
      var timeout = Duration.ofMillis(100);
      var options = ConnectOptions.DEFAULT.withTimeout(timeout);
      long begun = System.nanoTime();
      var failure =
          assertThrows(
              SocketTimeoutException.class,
              () -> TcpStream.connect(runtime, silent.address(), options));
      assertTrue(System.nanoTime() - begun >= timeout.toNanos(), "too early");
      assertTrue(failure.getMessage().contains(":" + silent.port()), failure::getMessage);
      assertTrue(failure.getMessage().contains("PT0.1S"), failure::getMessage);
      var told = new CompletableFuture<TcpStream>();
      TcpStream.connect(runtime.loop(), silent.address(), options, "attachment", new Telling(told));
      Waits.failure(SocketTimeoutException.class, told, "the callback");
      Waits.until("the sockets closed", () -> sockets(driver) == before);
    }
  }

  @DriverTest
  void aConnectThatIsCancelledClosesItsSocket(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var silent = new SilentListener()) {
      int before = sockets(driver);
      var connect =
          TcpStream.connectAsync(
              runtime, silent.address(), ConnectOptions.DEFAULT.withTimeout(Duration.ofHours(1)));
      Waits.until("a socket", () -> sockets(driver) == before + 1);
      assertTrue(connect.cancel(true));
      Waits.settled(connect, "the connect");
      assertThrows(CancellationException.class, connect::join);
      Waits.until("the socket closed", () -> sockets(driver) == before);
    }
  }

  private static int sockets(TestRuntime driver) {
    return (int)
        driver.heldSinceStart().stream().filter(held -> held.startsWith("socket:")).count();
  }

  @DriverTest
  void theDeadlineOfAConnectThatSucceedsIsForgotten(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var server = new ServerSocket(0, 8, Peers.LOOPBACK)) {
      server.setSoTimeout(Peers.TIMEOUT_MS);
      var address = (InetSocketAddress) server.getLocalSocketAddress();
      var told = new CompletableFuture<TcpStream>();
      TcpStream.connect(
          runtime.loop(),
          address,
          ConnectOptions.DEFAULT.withTimeout(Duration.ofSeconds(20)),
          "attachment",
          new Telling(told));
      try (var peer = server.accept();
          var stream = Waits.get(told, "the callback")) {
        assertEquals(peer.getLocalSocketAddress(), stream.remoteAddress());
        assertEquals(1, stream.write(ByteBuffer.wrap(new byte[] {5})));
        assertEquals(5, peer.getInputStream().read());
      }
    }
  }

  @DriverTest
  void anUnresolvedAddressIsRefusedAsByJavaNio(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var options = ConnectOptions.DEFAULT;
    assertThrows(
        UnresolvedAddressException.class, () -> TcpStream.connect(runtime, UNRESOLVED, options));
    assertThrows(
        UnresolvedAddressException.class,
        () -> TcpStream.connectAsync(runtime, UNRESOLVED, options));
    assertThrows(
        UnresolvedAddressException.class,
        () ->
            TcpStream.connect(
                runtime.loop(), UNRESOLVED, options, "", new Telling(new CompletableFuture<>())));
    assertThrows(UnresolvedAddressException.class, () -> TcpStream.connect(runtime, UNRESOLVED));
  }

  @DriverTest
  void waitingOnALoopIsRefused(TestRuntime driver) throws IOException {
    var runtime = driver.start();
    var refused = new CompletableFuture<Throwable>();
    runtime
        .loop()
        .execute(
            () ->
                refused.complete(
                    assertThrows(
                        IllegalStateException.class,
                        () ->
                            TcpStream.connect(runtime, Peers.anyPort(), ConnectOptions.DEFAULT))));
    Waits.get(refused, "the refusal");
  }
}
