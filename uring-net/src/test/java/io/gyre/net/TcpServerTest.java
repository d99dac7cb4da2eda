package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.EventLoop;
import io.gyre.IoRuntime;
import io.gyre.Scheduler;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.channels.AcceptPendingException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;

class TcpServerTest {
  private static final int LOOPS = 3;
  private static final Duration LONG = Duration.ofMinutes(5);

  private final Echoing handler = new Echoing();

  private static IoRuntime start(TestRuntime driver) throws IOException {
    return driver.start(b -> b.scheduler(Scheduler.threadPerCore(LOOPS)));
  }

  private static TcpServer bind(IoRuntime runtime, Distribution distribution) throws IOException {
    return TcpServer.bind(runtime, Peers.anyPort(), distribution, ListenOptions.DEFAULT);
  }

  private static Socket connect(TestRuntime driver, TcpServer server) throws IOException {
    return driver.own(Peers.connect(server.localAddress()));
  }

  private static List<Socket> connect(TestRuntime driver, TcpServer server, int count)
      throws IOException {
    var peers = new ArrayList<Socket>();
    for (int i = 0; i < count; i++) {
      peers.add(connect(driver, server));
    }
    return peers;
  }

  private static void checkEcho(Socket peer, long seed) throws IOException {
    var pattern = new Pattern(seed);
    peer.getOutputStream().write(pattern.bytes(0, 3_000));
    Peers.check(peer.getInputStream(), pattern, 0, 3_000);
  }

  private static boolean isRefused(TcpServer server) {
    try (var peer = Peers.connect(server.localAddress())) {
      return !peer.isConnected();
    } catch (IOException e) {
      return true;
    }
  }

  private void awaitAccepted(int count) {
    Waits.until(
        () -> count + " connections, got " + handler.streams.size(),
        () -> handler.streams.size() == count);
  }

  private void checkHandler() {
    assertTrue(handler.wrong.isEmpty(), handler.wrong::toString);
  }

  @DriverTest
  void everyConnectionIsServedOnItsOwnLoopHoweverTheyAreDistributed(TestRuntime driver)
      throws Exception {
    var runtime = start(driver);
    for (var distribution : Distribution.values()) {
      handler.streams.clear();
      var echoing = new Echoing();
      try (var server = bind(runtime, distribution)) {
        server.acceptEach(null, echoing);
        var peers = connect(driver, server, 40);
        for (int i = 0; i < peers.size(); i++) {
          checkEcho(peers.get(i), Seeds.SEED + i);
        }
        assertEquals(40, server.connections());
        var used = new HashSet<EventLoop>();
        echoing.streams.forEach(stream -> used.add(stream.loop()));
        // By a hash: that all of 40 get to one of three loops is as good as impossible.
        assertTrue(used.size() > 1, () -> distribution + " uses " + used);
        for (var peer : peers) {
          peer.close();
        }
        Waits.until("all closed", () -> server.connections() == 0);
      }
      assertInstanceOf(ClosedChannelException.class, Waits.get(echoing.failure, "the last call"));
      assertTrue(echoing.wrong.isEmpty(), echoing.wrong::toString);
    }
  }

  @DriverTest
  void withReusePortAllLoopsListenOnTheOnePortThatTheSystemChose(TestRuntime driver)
      throws Exception {
    var runtime = start(driver);
    try (var server = bind(runtime, Distribution.REUSE_PORT)) {
      assertNotEquals(0, server.localAddress().getPort());
      server.acceptEach(null, handler);
      int connections = 0;
      while (Set.copyOf(handler.streams.stream().map(TcpStream::loop).toList()).size() < LOOPS) {
        connect(driver, server);
        awaitAccepted(++connections);
        assertTrue(connections < 1_000, "some loop gets no connection at all");
      }
    }
  }

  @DriverTest
  void roundRobinGivesEachLoopTheSameNumber(TestRuntime driver) throws Exception {
    var runtime = start(driver);
    try (var server = bind(runtime, Distribution.ROUND_ROBIN)) {
      server.acceptEach(null, handler);
      connect(driver, server, 4 * LOOPS);
      awaitAccepted(4 * LOOPS);
      for (var loop : runtime.loops()) {
        assertEquals(4, server.connections(loop));
      }
    }
  }

  @DriverTest
  void leastConnectionsFillsTheLoopWhoseConnectionsHaveEnded(TestRuntime driver) throws Exception {
    var runtime = start(driver);
    try (var server = bind(runtime, Distribution.LEAST_CONNECTIONS)) {
      server.acceptEach(null, handler);
      connect(driver, server, 4 * LOOPS);
      awaitAccepted(4 * LOOPS);
      var emptied = runtime.loops().get(1);
      for (var stream : handler.streams) {
        if (stream.loop() == emptied) {
          Waits.get(stream.closeAsync(), "a close");
        }
      }
      Waits.until("it is counted", () -> server.connections(emptied) == 0);
      connect(driver, server, 4);
      awaitAccepted(4 * LOOPS + 4);
      assertEquals(4, server.connections(emptied), "all new ones went there");
    }
  }

  @DriverTest
  void theBoundHoldsForAllLoopsTogetherAndTheRestWaits(TestRuntime driver) throws Exception {
    var runtime = start(driver);
    int max = 6;
    for (var distribution : Distribution.values()) {
      var echoing = new Echoing();
      var options = ListenOptions.DEFAULT.withMaxConnections(max);
      try (var server = TcpServer.bind(runtime, Peers.anyPort(), distribution, options)) {
        server.acceptEach(null, echoing);
        var peers = connect(driver, server, 10 * max);
        // Served in whatever order they are accepted in: each ends, and lets another one in.
        var served = new ArrayList<Thread>();
        var failures = new ConcurrentLinkedQueue<Throwable>();
        for (int i = 0; i < peers.size(); i++) {
          int n = i;
          served.add(
              Thread.ofPlatform()
                  .start(
                      () -> {
                        try (var peer = peers.get(n)) {
                          checkEcho(peer, Seeds.SEED + n);
                        } catch (IOException | RuntimeException | Error e) {
                          failures.add(e);
                        }
                      }));
        }
        served.forEach(Waits::join);
        assertTrue(failures.isEmpty(), failures::toString);
        assertEquals(10 * max, echoing.streams.size());
        int most = echoing.mostOpen.get();
        assertTrue(most <= max, () -> most + " were open under " + distribution);
      }
      assertTrue(echoing.wrong.isEmpty(), echoing.wrong::toString);
    }
  }

  @DriverTest
  void aBoundThatLeavesAListeningLoopWithoutAnyIsRefused(TestRuntime driver) throws Exception {
    var runtime = start(driver);
    var options = ListenOptions.DEFAULT.withMaxConnections(LOOPS - 1);
    var failure =
        assertThrows(
            IllegalArgumentException.class,
            () -> TcpServer.bind(runtime, Peers.anyPort(), Distribution.REUSE_PORT, options));
    assertTrue(failure.getMessage().contains("maxConnections"), failure::getMessage);
    TcpServer.bind(runtime, Peers.anyPort(), Distribution.ROUND_ROBIN, options).close();
  }

  @DriverTest
  void aPortInUseIsABindExceptionAndLeavesNoListener(TestRuntime driver) throws Exception {
    var runtime = start(driver);
    try (var taken = new ServerSocket(0, 1, Peers.LOOPBACK)) {
      var address = new InetSocketAddress(Peers.LOOPBACK, taken.getLocalPort());
      for (var distribution : Distribution.values()) {
        var failure =
            assertThrows(
                BindException.class,
                () -> TcpServer.bind(runtime, address, distribution, ListenOptions.DEFAULT));
        assertTrue(
            failure.getMessage().contains("127.0.0.1:" + taken.getLocalPort()),
            failure::getMessage);
      }
    }
  }

  @DriverTest
  void acceptingTwiceIsRefused(TestRuntime driver) throws Exception {
    var runtime = start(driver);
    try (var server = bind(runtime, Distribution.ROUND_ROBIN)) {
      server.acceptEach(null, handler);
      assertThrows(AcceptPendingException.class, () -> server.acceptEach(null, handler));
    }
  }

  // ---- the end

  @DriverTest
  void shutdownRefusesNewConnectionsAndWaitsForTheOpenOnes(TestRuntime driver) throws Exception {
    var runtime = start(driver);
    for (var distribution : Distribution.values()) {
      var echoing = new Echoing();
      var server = bind(runtime, distribution);
      server.acceptEach(null, echoing);
      var peers = connect(driver, server, 5);
      Waits.until("accepted", () -> echoing.streams.size() == 5);

      var stopped = server.shutdown(LONG);
      Waits.get(echoing.failure, "the end of accepting");
      Waits.until("connects are refused", () -> isRefused(server));
      for (int i = 0; i < peers.size(); i++) {
        assertFalse(stopped.isDone(), "connections are open still");
        checkEcho(peers.get(i), Seeds.SEED + i);
        peers.get(i).close();
      }
      assertEquals(0, Waits.get(stopped, "the end"));
      assertEquals(0, server.connections());
    }
  }

  @DriverTest
  void shutdownTellsEachConnectionOnceAndOnItsLoop(TestRuntime driver) throws Exception {
    var runtime = start(driver);
    var server = bind(runtime, Distribution.ROUND_ROBIN);
    server.acceptEach(null, handler);
    var peers = connect(driver, server, 2 * LOOPS);
    awaitAccepted(2 * LOOPS);
    var told = new ConcurrentLinkedQueue<TcpStream>();
    var stopped =
        server.shutdown(
            LONG,
            stream -> {
              assertEquals(stream.loop(), EventLoop.current());
              told.add(stream);
              var _ = stream.shutdownOutputAsync();
            });
    for (var peer : peers) {
      assertEquals(-1, peer.getInputStream().read(), "the farewell");
      peer.close();
    }
    assertEquals(0, Waits.get(stopped, "the end"));
    assertEquals(Set.copyOf(handler.streams), Set.copyOf(told));
    assertEquals(2 * LOOPS, told.size());
    checkHandler();
  }

  @DriverTest
  void whatIsLeftAtTheDeadlineIsCutAndCounted(TestRuntime driver) throws Exception {
    var runtime = start(driver);
    for (var distribution : Distribution.values()) {
      var echoing = new Echoing();
      var server = bind(runtime, distribution);
      server.acceptEach(null, echoing);
      var peers = connect(driver, server, 7);
      Waits.until("accepted", () -> echoing.streams.size() == 7);
      peers.getFirst().close(); // by itself
      Waits.until("one fewer", () -> server.connections() == 6);

      assertEquals(6, Waits.get(server.shutdown(Duration.ofMillis(20)), "the end"));
      for (var peer : peers.subList(1, 7)) {
        assertEquals(-1, peer.getInputStream().read());
      }
    }
  }

  @DriverTest
  void aSecondShutdownBringsTheDeadlineNearerAndEndsAsTheFirst(TestRuntime driver)
      throws Exception {
    var runtime = start(driver);
    var server = bind(runtime, Distribution.LEAST_CONNECTIONS);
    server.acceptEach(null, handler);
    connect(driver, server, 4);
    awaitAccepted(4);
    var patient = server.shutdown(LONG);
    assertEquals(4, Waits.get(server.shutdown(Duration.ZERO), "the second"));
    assertEquals(4, Waits.get(patient, "the first"));
    assertEquals(4, Waits.get(server.shutdown(LONG), "one that comes later"));
    server.close();
    assertThrows(IllegalArgumentException.class, () -> server.shutdown(Duration.ofNanos(-1)));
  }

  @DriverTest
  void aHandlerMayShutTheServerDown(TestRuntime driver) throws Exception {
    var runtime = start(driver);
    for (var distribution : Distribution.values()) {
      var server = bind(runtime, distribution);
      var stopped = new CompletableFuture<Integer>();
      server.acceptEach(
          null,
          new Echoing() {
            @Override
            public void completed(TcpStream stream, Object attachment) {
              super.completed(stream, attachment);
              var _ =
                  server
                      .shutdown(Duration.ZERO)
                      .whenComplete((cut, cause) -> stopped.complete(cause == null ? cut : -1));
            }
          });
      var peer = connect(driver, server);
      assertEquals(1, Waits.get(stopped, "the end"));
      assertEquals(-1, peer.getInputStream().read());
    }
  }

  @DriverTest
  void aShutdownAmidConnectsLosesNoneOfThem(TestRuntime driver) throws Exception {
    var runtime = start(driver);
    for (var distribution : Distribution.values()) {
      var echoing = new Echoing();
      var server = bind(runtime, distribution);
      server.acceptEach(null, echoing);
      var connects =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      while (true) {
                        Peers.connect(server.localAddress()).close();
                      }
                    } catch (IOException e) {
                      // refused: the server listens no longer
                    }
                  });
      Waits.until("they come", () -> echoing.streams.size() > 20);
      Waits.get(server.shutdown(Duration.ZERO), "the end");
      Waits.join(connects);
      Waits.get(echoing.failure, "the end of accepting");
      assertEquals(0, server.connections());
      for (var stream : echoing.streams) {
        assertTrue(stream.descriptor().isClosing(), () -> stream + " was forgotten");
      }
    }
  }

  @DriverTest
  void theEndOfTheRuntimeEndsAShutdown(TestRuntime driver) throws Exception {
    var runtime = start(driver);
    var server = bind(runtime, Distribution.ROUND_ROBIN);
    server.acceptEach(null, handler);
    connect(driver, server, 4);
    awaitAccepted(4);
    var stopped = server.shutdown(LONG);
    driver.closeAndWait(runtime);
    assertEquals(0, Waits.get(stopped, "the end"));
    assertEquals(0, Waits.get(server.shutdown(LONG), "one that comes later"));
  }
}
