package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.CancelScope;
import io.gyre.IoRuntime;
import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.CompletionHandler;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;

/** Names come from a resolver of the test's own: no name server is asked. */
class ConnectRaceTest {
  private static final InetAddress V4 = address("127.0.0.1");
  private static final InetAddress V6 = address("::1");
  private static final String HOST = "name.test";

  /** So long that no attempt is followed by another but for its failure. */
  private static final ConnectOptions ONE_BY_ONE =
      ConnectOptions.DEFAULT.withAttemptDelay(Duration.ofHours(1));

  private static final ConnectOptions QUICKLY =
      ConnectOptions.DEFAULT.withAttemptDelay(ConnectOptions.SHORTEST_ATTEMPT_DELAY);

  private static InetAddress address(String literal) {
    return InetAddress.ofLiteral(literal);
  }

  private static NameResolver resolving(InetAddress... addresses) {
    return host -> {
      assertEquals(HOST, host);
      assertTrue(Thread.currentThread().getName().contains("blocking"), "a loop must not block");
      return List.of(addresses);
    };
  }

  private static CompletableFuture<TcpStream> connect(
      IoRuntime runtime, NameResolver resolver, int port, ConnectOptions options) {
    return TcpStream.connectAsync(runtime.loop(), resolver, HOST, port, options);
  }

  private static int sockets(TestRuntime driver) {
    return (int)
        driver.heldSinceStart().stream().filter(held -> held.startsWith("socket:")).count();
  }

  private static void awaitSockets(TestRuntime driver, int count) {
    Waits.until(
        () -> count + " sockets, held are " + driver.heldSinceStart(),
        () -> sockets(driver) == count);
  }

  /** A port where nobody listens, of neither family. */
  private static int deadPort() throws IOException {
    try (var server = new ServerSocket(0, 1, V4)) {
      return server.getLocalPort();
    }
  }

  /** A listener on a port that another address has open, which is tried until one is free at both. */
  private interface Pair<A> {
    A open(int port) throws IOException;
  }

  private static <A> A atFreePort(Pair<A> pair) throws IOException {
    for (int i = 0; ; i++) {
      try {
        return pair.open(deadPort());
      } catch (BindException e) {
        if (i == 100) {
          throw e;
        }
      }
    }
  }

  @Test
  void familiesTakeTurnsAndIpv6IsFirst() {
    var a = address("192.0.2.1");
    var b = address("192.0.2.2");
    var c = address("192.0.2.3");
    var x = address("2001:db8::1");
    var y = address("2001:db8::2");
    assertEquals(
        List.of(x, a, y, b, c), ConnectRace.interleaved(List.of(a, b, c, x, y)), "IPv4 before");
    assertEquals(List.of(x, a, y), ConnectRace.interleaved(List.of(x, y, a)));
    assertEquals(List.of(b, a), ConnectRace.interleaved(List.of(b, a)));
    assertEquals(List.of(y, x), ConnectRace.interleaved(List.of(y, x, y)), "each once");
  }

  @DriverTest
  void anAddressThatRefusesIsFollowedByTheNextAtOnce(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var server = new ServerSocket(0, 1, V4)) { // and nobody at ::1
      var connect = connect(runtime, resolving(V4, V6), server.getLocalPort(), ONE_BY_ONE);
      try (var stream = Waits.get(connect, "a connection");
          var peer = server.accept()) {
        assertEquals(V4, stream.remoteAddress().getAddress());
        assertEquals(1, stream.write(ByteBuffer.wrap(new byte[] {7})));
        assertEquals(7, peer.getInputStream().read());
      }
    }
  }

  @DriverTest
  void ipv6WinsWhereBothAnswer(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var v6 = atFreePort(port -> new ServerSocket(port, 1, V6));
        var v4 = new ServerSocket(v6.getLocalPort(), 1, V4)) {
      var connect = connect(runtime, resolving(V4, V6), v4.getLocalPort(), ONE_BY_ONE);
      try (var stream = Waits.get(connect, "a connection")) {
        assertInstanceOf(Inet6Address.class, stream.remoteAddress().getAddress());
        assertInstanceOf(Inet6Address.class, stream.localAddress().getAddress());
        assertEquals(v6.getLocalSocketAddress(), stream.remoteAddress());
      }
    }
  }

  @DriverTest
  void anAddressThatIsSilentIsOvertakenAndItsSocketClosed(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var silent = atFreePort(port -> new SilentListener(V6, port));
        var server = new ServerSocket(silent.port(), 1, V4)) {
      int before = sockets(driver);
      var connect = connect(runtime, resolving(V6, V4), silent.port(), QUICKLY);
      try (var stream = Waits.get(connect, "a connection")) {
        assertEquals(server.getLocalSocketAddress(), stream.remoteAddress());
        awaitSockets(driver, before + 1); // of the winner: the loser's is closed
      }
      awaitSockets(driver, before);
    }
  }

  @DriverTest
  void theEndOfTheRuntimeEndsARaceWithAddressesLeft(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var silent = atFreePort(port -> new SilentListener(V6, port))) {
      int before = sockets(driver);
      var connect = connect(runtime, resolving(V4, V6), silent.port(), ONE_BY_ONE);
      awaitSockets(driver, before + 1);
      runtime.close();
      Waits.failure(IOException.class, connect, "the connect");
    }
  }

  @DriverTest
  void whereAllFailOneExceptionTellsOfEach(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    int port = deadPort();
    var connect = connect(runtime, resolving(V4, V6), port, ONE_BY_ONE);
    var failure = Waits.failure(ConnectException.class, connect, "the connect");
    for (var part : List.of(HOST, ":" + port, "127.0.0.1", "0:0:0:1", "ECONNREFUSED")) {
      assertTrue(failure.getMessage().contains(part), failure::getMessage);
    }
    assertTrue(failure.getCause().getMessage().contains("0:0:0:1"), "the first");
    assertEquals(1, failure.getSuppressed().length);
    assertInstanceOf(ConnectException.class, failure.getSuppressed()[0]);
    awaitSockets(driver, 0);
  }

  @DriverTest
  void aLongListOfAddressesThatAllFailIsTriedToItsEnd(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var many = new InetAddress[300];
    Arrays.setAll(many, i -> address("127.0." + (i / 200 + 1) + "." + (i % 200 + 1)));
    var connect = connect(runtime, resolving(many), deadPort(), ONE_BY_ONE);
    var failure = Waits.failure(ConnectException.class, connect, "the connect");
    assertEquals(299, failure.getSuppressed().length);
    awaitSockets(driver, 0);
  }

  @DriverTest
  void theDeadlineCoversAllAttemptsAndNamesThem(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var silent = atFreePort(port -> new SilentListener(V6, port));
        var alsoSilent = new SilentListener(V4, silent.port())) {
      int before = sockets(driver);
      var connect =
          connect(
              runtime,
              resolving(V4, V6),
              alsoSilent.port(),
              QUICKLY.withTimeout(Duration.ofSeconds(1)));
      awaitSockets(driver, before + 2); // both at a time
      var failure = Waits.failure(SocketTimeoutException.class, connect, "the connect");
      for (var part : List.of(HOST, ":" + silent.port(), "127.0.0.1", "0:0:0:1", "PT1S")) {
        assertTrue(failure.getMessage().contains(part), failure::getMessage);
      }
      awaitSockets(driver, before);
    }
  }

  @DriverTest
  void cancellingEndsAllAttemptsAndClosesTheirSockets(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var silent = atFreePort(port -> new SilentListener(V6, port));
        var alsoSilent = new SilentListener(V4, silent.port())) {
      int before = sockets(driver);
      var connect = connect(runtime, resolving(V4, V6), alsoSilent.port(), QUICKLY);
      awaitSockets(driver, before + 2);
      assertTrue(connect.cancel(true));
      Waits.settled(connect, "the connect");
      assertTrue(connect.isCancelled());
      awaitSockets(driver, before);
    }
  }

  @DriverTest
  void aScopeThatEndsEndsTheRace(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var silent = new SilentListener(V4, 0);
        var scope = new ScopeToClose(new CancelScope())) {
      int before = sockets(driver);
      // The second would be tried, were the end of the first a failure like any other.
      var connect =
          scope.scope.call(
              () -> connect(runtime, resolving(V4, address("127.0.0.9")), silent.port(), QUICKLY));
      awaitSockets(driver, before + 1);
      scope.scope.cancel();
      Waits.settled(connect, "the connect");
      assertThrows(CancellationException.class, connect::join);
      awaitSockets(driver, before);
    }
  }

  private record ScopeToClose(CancelScope scope) implements AutoCloseable {
    @Override
    public void close() {
      scope.cancel();
    }
  }

  @DriverTest
  void aNameWithoutAddressIsAnUnknownHost(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    NameResolver nobody =
        host -> {
          throw new UnknownHostException(host + ": no such name");
        };
    var failure =
        Waits.failure(
            UnknownHostException.class, connect(runtime, nobody, 80, QUICKLY), "the connect");
    assertTrue(failure.getMessage().contains(HOST + ":80"), failure::getMessage);
    assertTrue(failure.getMessage().contains("no such name"), failure::getMessage);
  }

  /** The lookup itself can't be ended: nobody waits for it. */
  @DriverTest
  void aLookupThatHangsHoldsUpNeitherDeadlineNorCancellation(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var release = new CountDownLatch(1);
    NameResolver slow =
        host -> {
          Waits.await(release, "the end of the test");
          return List.of(V4);
        };
    try {
      var late = connect(runtime, slow, 80, QUICKLY.withTimeout(Duration.ofMillis(50)));
      var failure = Waits.failure(SocketTimeoutException.class, late, "the deadline");
      assertTrue(failure.getMessage().contains("not resolved"), failure::getMessage);
      var cancelled = connect(runtime, slow, 80, QUICKLY);
      assertTrue(cancelled.cancel(true));
      Waits.settled(cancelled, "the cancellation");
      assertThrows(CancellationException.class, cancelled::join);
    } finally {
      release.countDown();
    }
    awaitSockets(driver, 0);
  }

  @DriverTest
  void theEndOfTheRuntimeEndsALookup(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var begun = new CountDownLatch(1);
    NameResolver interrupted =
        host -> {
          begun.countDown();
          try {
            new CountDownLatch(1).await();
            throw new AssertionError("nobody counts down");
          } catch (InterruptedException e) {
            throw new UnknownHostException("interrupted");
          }
        };
    var connect = connect(runtime, interrupted, 80, QUICKLY);
    Waits.await(begun, "the lookup");
    driver.closeAndWait(runtime);
    assertFalse(connect.isCancelled());
    Waits.failure(connect, "the connect");
  }

  @DriverTest
  void aFullBlockingPoolRefusesTheLookup(TestRuntime driver) throws Exception {
    var runtime = driver.start(builder -> builder.blocking(1, 0));
    var busy = new CountDownLatch(1);
    try {
      var occupied =
          runtime.blocking(
              () -> {
                Waits.await(busy, "the end of the test");
                return 0;
              });
      Waits.failure(
          RejectedExecutionException.class,
          connect(runtime, resolving(V4), 80, QUICKLY),
          "the connect");
      assertFalse(occupied.isDone());
    } finally {
      busy.countDown();
    }
  }

  @DriverTest
  void addressesOfAnotherFamilyThanTheLocalOneAreNotTried(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var server = new ServerSocket(0, 1, V4)) {
      var fromV4 = ONE_BY_ONE.withLocalAddress(new InetSocketAddress(V4, 0));
      var connect = connect(runtime, resolving(V6, V4), server.getLocalPort(), fromV4);
      try (var stream = Waits.get(connect, "a connection")) {
        assertEquals(V4, stream.localAddress().getAddress());
      }
      var failure =
          Waits.failure(
              SocketException.class,
              connect(runtime, resolving(V6), server.getLocalPort(), fromV4),
              "the connect");
      assertTrue(failure.getMessage().contains("family"), failure::getMessage);
    }
  }

  @DriverTest
  void anOptionThatTheDriverDoesNotHaveEndsTheRace(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    Waits.failure(
        UnsupportedOperationException.class,
        connect(
            runtime,
            resolving(V6, V4),
            deadPort(),
            ONE_BY_ONE.withOption(StandardSocketOptions.IP_MULTICAST_LOOP, true)),
        "the connect");
    awaitSockets(driver, 0);
  }

  /** Of the hosts file, and literals: in each of the three styles, with the system's resolver. */
  @DriverTest
  void theSystemResolvesNamesAndLiterals(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var v4 = new ServerSocket(0, 8, V4)) {
      int port = v4.getLocalPort();
      for (var host : List.of("localhost", "127.0.0.1")) {
        try (var waited = TcpStream.connect(runtime, host, port, QUICKLY);
            var future =
                Waits.get(TcpStream.connectAsync(runtime, host, port, QUICKLY), "the future")) {
          assertEquals(v4.getLocalSocketAddress(), waited.remoteAddress());
          assertEquals(v4.getLocalSocketAddress(), future.remoteAddress());
          var told = new CompletableFuture<TcpStream>();
          TcpStream.connect(
              runtime.loop(),
              host,
              port,
              QUICKLY,
              told,
              new CompletionHandler<TcpStream, CompletableFuture<TcpStream>>() {
                @Override
                public void completed(TcpStream stream, CompletableFuture<TcpStream> to) {
                  assertTrue(stream.loop().inLoop());
                  to.complete(stream);
                }

                @Override
                public void failed(Throwable cause, CompletableFuture<TcpStream> to) {
                  to.completeExceptionally(cause);
                }
              });
          Waits.get(told, "the callback").close();
        }
      }
    }
    try (var v6 = new ServerSocket(0, 1, V6);
        var stream = TcpStream.connect(runtime, "::1", v6.getLocalPort(), QUICKLY)) {
      assertEquals(V6, stream.remoteAddress().getAddress());
    }
    // A name that can't be one, whatever a name server says: a label has 63 bytes at most.
    assertThrows(
        UnknownHostException.class,
        () -> TcpStream.connect(runtime, "x".repeat(64) + ".invalid", 80, QUICKLY));
    assertThrows(IllegalArgumentException.class, () -> TcpStream.connect(runtime, "", 80, QUICKLY));
    assertThrows(
        IllegalArgumentException.class, () -> TcpStream.connect(runtime, "h", 65_536, QUICKLY));
    assertThrows(
        IllegalArgumentException.class, () -> TcpStream.connect(runtime, "h", -1, QUICKLY));
  }
}
