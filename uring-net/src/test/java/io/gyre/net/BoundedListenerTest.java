package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.CancelScope;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.FutureHandler;
import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.net.Socket;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;

/** A listener with a bound on the connections that are open at a time. */
class BoundedListenerTest {
  private final Peers.Accepted accepted = new Peers.Accepted();

  private static TcpListener bind(TestRuntime driver, int max) throws IOException {
    return TcpListener.bind(
        driver.start(), Peers.anyPort(), ListenOptions.DEFAULT.withMaxConnections(max));
  }

  private static Socket connect(TestRuntime driver, TcpListener listener) throws IOException {
    return driver.own(Peers.connect(listener.localAddress()));
  }

  /** When this is done the loop has dealt with all that had come before. */
  private static void passTurns(TcpListener listener) {
    for (int i = 0; i < 20; i++) {
      var turned = new CompletableFuture<Void>();
      listener.loop().nop(turned, FutureHandler.VOID);
      Waits.get(turned, "a turn");
    }
  }

  private static void assertCancelled(CompletableFuture<?> future, String what) {
    Waits.settled(future, what);
    assertTrue(future.isCancelled(), what);
  }

  @DriverTest
  void whatIsBeyondTheBoundWaitsUntilOneIsClosed(TestRuntime driver) throws Exception {
    try (var listener = bind(driver, 2)) {
      listener.acceptEach(null, accepted);
      var peers = new ArrayList<Socket>();
      for (int i = 0; i < 6; i++) {
        peers.add(connect(driver, listener));
      }
      for (int i = 0; i < 6; i++) {
        int expected = Math.min(6 - i, 2);
        Waits.until("those that may be open", () -> accepted.streams.size() == expected);
        passTurns(listener);
        assertEquals(expected, accepted.streams.size(), "no more than may be open");
        var stream = accepted.next();
        assertEquals(peers.get(i).getLocalSocketAddress(), stream.remoteAddress(), "in order");
        stream.close();
      }
      assertFalse(accepted.failure.isDone());
    }
    assertInstanceOf(ClosedChannelException.class, Waits.get(accepted.failure, "the last call"));
  }

  @DriverTest
  void itDoesNotSpinWhileConnectionsWait(TestRuntime driver) throws Exception {
    try (var listener = bind(driver, 1)) {
      listener.acceptEach(null, accepted);
      connect(driver, listener);
      connect(driver, listener);
      var stream = accepted.next();
      passTurns(listener);
      var counters = listener.loop().counters();
      long before = counters.get(Counter.TURNS);
      var later = new CompletableFuture<Void>();
      listener.loop().schedule(Duration.ofMillis(300), () -> later.complete(null));
      Waits.get(later, "a timer");
      long turns = counters.get(Counter.TURNS) - before;
      assertTrue(turns < 50, () -> turns + " turns with nothing to do");
      stream.close();
      accepted.next().close();
    }
  }

  @DriverTest
  void oneAtATimeIsBoundedAsWell(TestRuntime driver) throws Exception {
    try (var listener = bind(driver, 1)) {
      connect(driver, listener);
      connect(driver, listener);
      var first = Waits.get(listener.acceptAsync(), "the first");
      var second = listener.acceptAsync();
      passTurns(listener);
      assertFalse(second.isDone());
      first.close();
      Waits.get(second, "the second").close();
    }
  }

  @DriverTest
  void atTheBoundACancellationIsToldAtOnceAndNobodyIsAccepted(TestRuntime driver) throws Exception {
    try (var listener = bind(driver, 1)) {
      connect(driver, listener);
      connect(driver, listener);
      var first = Waits.get(listener.acceptAsync(), "the first");

      var byFuture = listener.acceptAsync();
      passTurns(listener);
      byFuture.cancel(true);
      assertCancelled(byFuture, "what was cancelled by its future");

      var byListener = listener.acceptAsync();
      listener.cancelAll();
      assertCancelled(byListener, "what was cancelled with all");

      var scope = new CancelScope();
      var byScope = scope.call(listener::acceptAsync);
      passTurns(listener);
      scope.cancel();
      assertCancelled(byScope, "what was cancelled by its scope");

      var goesOn = listener.acceptAsync();
      first.close();
      Waits.get(goesOn, "the second").close();
    }
  }

  @DriverTest
  void atTheBoundACloseIsToldAtOnce(TestRuntime driver) throws Exception {
    var listener = bind(driver, 1);
    listener.acceptEach(null, accepted);
    connect(driver, listener);
    connect(driver, listener);
    var stream = accepted.next();
    listener.close();
    assertInstanceOf(ClosedChannelException.class, Waits.get(accepted.failure, "the last call"));
    stream.close();
    assertEquals(0, accepted.streams.size());
  }

  @DriverTest
  void aPeerThatIsGoneBeforeItIsAcceptedTakesNoPlace(TestRuntime driver) throws Exception {
    try (var listener = bind(driver, 1)) {
      listener.acceptEach(null, accepted);
      connect(driver, listener);
      var stream = accepted.next();
      for (int i = 0; i < 5; i++) {
        Peers.reset(Peers.connect(listener.localAddress()));
      }
      var last = connect(driver, listener);
      stream.close();
      while (true) {
        var next = accepted.next();
        next.close(); // one that was reset, perhaps: the systems tell of them in various ways
        if (next.remoteAddress().equals(last.getLocalSocketAddress())) {
          break;
        }
      }
    }
  }
}
