package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.IoRuntime;
import io.gyre.Scheduler;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Recorder;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.AcceptPendingException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.CompletionHandler;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.channels.UnresolvedAddressException;
import java.util.ArrayList;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class TcpListenerTest {
  @Test
  void bothDriversAreOnTheClassPath() {
    assertEquals(
        Set.of("uring", "nio"),
        IoRuntime.probeDrivers().stream()
            .map(IoRuntime.DriverReport::name)
            .collect(Collectors.toSet()));
  }

  @DriverTest
  void portZeroLetsTheSystemChoose(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var listener = TcpListener.bind(runtime, Peers.anyPort());
        var other = TcpListener.bind(runtime, Peers.anyPort())) {
      assertNotEquals(0, listener.localAddress().getPort());
      assertEquals(Peers.LOOPBACK, listener.localAddress().getAddress());
      assertNotEquals(listener.localAddress(), other.localAddress());
      assertSame(runtime.loops().getFirst(), listener.loop());
    }
  }

  @DriverTest
  void aPortInUseIsABindExceptionThatNamesTheAddress(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var taken = new ServerSocket(0, 1, Peers.LOOPBACK)) {
      var address = new InetSocketAddress(Peers.LOOPBACK, taken.getLocalPort());
      var failure = assertThrows(BindException.class, () -> TcpListener.bind(runtime, address));
      assertTrue(failure.getMessage().contains("bind"), failure::getMessage);
      assertTrue(failure.getMessage().contains("127.0.0.1"), failure::getMessage);
      assertTrue(failure.getMessage().contains(":" + taken.getLocalPort()), failure::getMessage);
      assertTrue(failure.getMessage().contains("EADDRINUSE"), failure::getMessage);
    }
  }

  @DriverTest
  void anAddressOfAnotherMachineIsABindException(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var elsewhere =
        new InetSocketAddress(InetAddress.getByAddress(new byte[] {(byte) 192, 0, 2, 1}), 0);
    var failure = assertThrows(BindException.class, () -> TcpListener.bind(runtime, elsewhere));
    assertTrue(failure.getMessage().contains("192.0.2.1"), failure::getMessage);
    assertTrue(failure.getMessage().contains("EADDRNOTAVAIL"), failure::getMessage);
  }

  @DriverTest
  void badArgumentsAreRefusedAtOnce(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var unresolved = InetSocketAddress.createUnresolved("host.invalid", 80);
    assertThrows(UnresolvedAddressException.class, () -> TcpListener.bind(runtime, unresolved));
    assertThrows(
        UnresolvedAddressException.class, () -> TcpStream.connectAsync(runtime, unresolved));
    assertThrows(
        IllegalArgumentException.class,
        () -> ListenOptions.DEFAULT.withBacklog(0).withReusePort(false));
    assertThrows(
        NullPointerException.class,
        () -> TcpListener.bindAsync(runtime.loop(), Peers.anyPort(), null));
    try (var listener = TcpListener.bind(runtime, Peers.anyPort())) {
      assertThrows(NullPointerException.class, () -> listener.acceptEach("x", null));
    }
  }

  @DriverTest
  void thePortIsFreeOnceClosedAlsoWithConnectionsOpen(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var listener = TcpListener.bind(runtime, Peers.anyPort());
    var address = listener.localAddress();
    var accept = listener.acceptAsync();
    try (var peer = Peers.connect(address)) {
      var stream = Waits.get(accept, "a connection");
      listener.close();
      assertThrows(IOException.class, () -> Peers.connect(address).close());
      try (var again = TcpListener.bind(runtime, address)) {
        assertEquals(address, again.localAddress());
      }
      peer.getOutputStream().write(5);
      assertEquals(1, stream.read(ByteBuffer.allocate(10)), "the connection lives on");
      stream.close();
    }
  }

  @DriverTest
  void aBindOnTheLoopsThreadMustNotWaitAndLeavesThePortFree(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    InetSocketAddress address;
    try (var probe = TcpListener.bind(runtime, Peers.anyPort())) {
      address = probe.localAddress();
    }
    var outcome = new CompletableFuture<Throwable>();
    runtime
        .loop()
        .execute(
            () ->
                outcome.complete(
                    assertThrows(Exception.class, () -> TcpListener.bind(runtime, address))));
    assertInstanceOf(IllegalStateException.class, Waits.get(outcome, "the refusal"));
    TcpListener.bind(runtime, address).close();
  }

  @DriverTest
  void acceptGivesOneConnectionAtATime(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var listener = TcpListener.bind(runtime, Peers.anyPort());
        var first = Peers.connect(listener.localAddress());
        var second = Peers.connect(listener.localAddress())) {
      try (var one = Waits.get(listener.acceptAsync(), "the first")) {
        assertEquals(first.getLocalSocketAddress(), one.remoteAddress());
        assertEquals(first.getRemoteSocketAddress(), one.localAddress());
        assertSame(listener.loop(), one.loop());
        try (var two = Waits.get(listener.acceptAsync(), "the second")) {
          assertEquals(second.getLocalSocketAddress(), two.remoteAddress());
        }
      }
    }
  }

  @DriverTest
  void acceptEachGivesEveryConnectionInOrder(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var accepted = new Peers.Accepted();
    try (var listener = TcpListener.bind(runtime, Peers.anyPort())) {
      listener.acceptEach(null, accepted);
      var peers = new ArrayList<Socket>();
      for (int i = 0; i < 50; i++) {
        peers.add(Peers.connect(listener.localAddress()));
      }
      for (var peer : peers) {
        var stream = accepted.next();
        assertEquals(peer.getLocalSocketAddress(), stream.remoteAddress());
        stream.close();
        peer.close();
      }
    }
    assertInstanceOf(ClosedChannelException.class, Waits.get(accepted.failure, "the last call"));
  }

  @DriverTest
  void acceptingTwiceAtATimeIsRefused(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var listener = TcpListener.bind(runtime, Peers.anyPort())) {
      var first = listener.acceptAsync();
      Waits.failure(AcceptPendingException.class, listener.acceptAsync(), "a second accept");
      var onLoop = new CompletableFuture<Throwable>();
      listener
          .loop()
          .execute(
              () ->
                  onLoop.complete(
                      assertThrows(
                          Throwable.class, () -> listener.acceptEach(null, new Peers.Accepted()))));
      assertInstanceOf(AcceptPendingException.class, Waits.get(onLoop, "a refusal"));
      try (var peer = Peers.connect(listener.localAddress())) {
        Waits.get(first, "the first accept").close();
        assertTrue(peer.isConnected());
      }
    }
  }

  @DriverTest
  void closingWhileAcceptingFailsTheAcceptAndClosesLast(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var listener = TcpListener.bind(runtime, Peers.anyPort());
    var accept = listener.acceptAsync();

    listener.close();

    var cause = Waits.failure(ClosedChannelException.class, accept, "the accept");
    assertTrue(cause.getMessage().contains("accept"), cause::getMessage);
    assertTrue(
        cause.getMessage().contains(":" + listener.localAddress().getPort()), cause::getMessage);
    Waits.failure(ClosedChannelException.class, listener.acceptAsync(), "an accept after close");
    listener.close();
    Waits.get(listener.closeAsync(), "a third close");
  }

  @DriverTest
  void theEndOfTheRuntimeFailsTheAccept(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var accepted = new Peers.Accepted();
    var listener = TcpListener.bind(runtime, Peers.anyPort());
    listener.acceptEach(null, accepted);
    driver.closeAndWait(runtime);

    var cause = Waits.get(accepted.failure, "the last call");
    assertTrue(
        cause instanceof ClosedChannelException || cause instanceof CancellationException,
        cause::toString);
    listener.close();
    assertThrows(ShutdownChannelGroupException.class, () -> listener.acceptAsync());
    assertThrows(
        ShutdownChannelGroupException.class, () -> TcpListener.bind(runtime, Peers.anyPort()));
  }

  @DriverTest
  void acceptsRacingWithCloseLeakNoDescriptor(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    for (int round = 0; round < 40; round++) {
      var listener = TcpListener.bind(runtime, Peers.anyPort());
      var accepted = new Peers.Accepted();
      if (round % 2 == 0) {
        listener.acceptEach(null, accepted);
      } else {
        listener.accept(null, accepted);
      }
      var unexpected = new AtomicReference<Throwable>();
      var peers = new ArrayList<Socket>();
      var connector =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      for (int i = 0; i < 8; i++) {
                        peers.add(Peers.connect(listener.localAddress()));
                      }
                    } catch (IOException e) {
                      // refused: the listener has closed
                    } catch (RuntimeException e) {
                      unexpected.set(e);
                    }
                  });
      Thread.onSpinWait();
      listener.close();
      Waits.join(connector);
      assertSame(null, unexpected.get());
      if (round % 2 == 0) {
        Waits.get(accepted.failure, "the last call");
      }
      for (var stream : accepted.streams) {
        stream.close();
      }
      for (var peer : peers) {
        peer.close();
      }
    }
    Waits.until(
        () -> "no socket left: " + driver.heldSinceStart(),
        () -> driver.heldSinceStart().stream().noneMatch(held -> held.startsWith("socket:")));
  }

  @DriverTest
  void acceptsRacingWithTheEndOfTheRuntimeLeakNoDescriptor(TestRuntime driver) throws Exception {
    for (int round = 0; round < 15; round++) {
      var runtime = driver.start(b -> b.bufferPoolBytes(1 << 20));
      var listener = TcpListener.bind(runtime, Peers.anyPort());
      listener.acceptEach(null, new Peers.Accepted());
      var peers = new ArrayList<Socket>();
      var connector =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      for (int i = 0; i < 50; i++) {
                        peers.add(Peers.connect(listener.localAddress()));
                      }
                    } catch (IOException e) {
                      // refused: the listener has closed
                    }
                  });
      driver.closeAndWait(runtime);
      Waits.join(connector);
      for (var peer : peers) {
        peer.close();
      }
    }
  }

  @DriverTest
  void bindsAndConnectsRacingWithTheEndOfTheRuntimeEndAndLeakNothing(TestRuntime driver)
      throws Exception {
    try (var server = new ServerSocket(0, 200, Peers.LOOPBACK)) {
      for (int round = 0; round < 15; round++) {
        var runtime = driver.start(b -> b.bufferPoolBytes(1 << 20));
        var loop = runtime.loop();
        var futures = new ArrayList<CompletableFuture<?>>();
        var racer =
            Thread.ofPlatform()
                .start(
                    () -> {
                      try {
                        for (int i = 0; i < 200; i++) {
                          futures.add(
                              TcpListener.bindAsync(loop, Peers.anyPort(), ListenOptions.DEFAULT));
                          futures.add(
                              TcpStream.connectAsync(
                                  runtime, (InetSocketAddress) server.getLocalSocketAddress()));
                        }
                      } catch (ShutdownChannelGroupException e) {
                        // the end of the race
                      }
                    });
        Waits.until("the race to begin", () -> !futures.isEmpty() || !racer.isAlive());
        driver.closeAndWait(runtime);
        Waits.join(racer);
        for (var future : futures) {
          Waits.settled(future, "a bind or connect that raced with the end");
        }
        Waits.until(
            () -> "round's leftovers: " + driver.heldSinceStart(),
            () ->
                driver.heldSinceStart().stream().filter(h -> h.startsWith("socket:")).count() <= 1);
      }
    }
  }

  @DriverTest
  void aHandlerThatThrowsDoesNotStopTheAccepting(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var thrown = driver.expectThrown();
    var accepted = new Peers.Accepted();
    try (var listener = TcpListener.bind(runtime, Peers.anyPort())) {
      listener.acceptEach(
          null,
          new CompletionHandler<TcpStream, Object>() {
            @Override
            public void completed(TcpStream stream, Object attachment) {
              accepted.completed(stream, attachment);
              throw new IllegalStateException("thrown");
            }

            @Override
            public void failed(Throwable cause, Object attachment) {
              accepted.failed(cause, attachment);
            }
          });
      for (int i = 0; i < 3; i++) {
        try (var peer = Peers.connect(listener.localAddress())) {
          accepted.next().close();
          assertEquals(-1, peer.getInputStream().read());
        }
      }
      Waits.until("three reports", () -> thrown.size() == 3);
    }
  }

  @DriverTest
  void aHandlerMayCloseTheListener(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var listener = TcpListener.bind(runtime, Peers.anyPort());
    var failure = new CompletableFuture<Throwable>();
    var recorder = new Recorder<String>();
    listener.acceptEach(
        "x",
        new CompletionHandler<TcpStream, String>() {
          @Override
          public void completed(TcpStream stream, String attachment) {
            var _ = listener.closeAsync();
            stream.close(attachment, recorder);
          }

          @Override
          public void failed(Throwable cause, String attachment) {
            failure.complete(cause);
          }
        });
    try (var peer = Peers.connect(listener.localAddress())) {
      assertEquals(-1, peer.getInputStream().read());
    }
    assertInstanceOf(ClosedChannelException.class, Waits.get(failure, "the last call"));
    assertTrue(recorder.awaitOne().succeeded());
  }

  @DriverTest
  void ipv6IsAcceptedAndNamed(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var loopback =
        InetAddress.getByAddress(new byte[] {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
    try (var listener = TcpListener.bind(runtime, new InetSocketAddress(loopback, 0))) {
      var accept = listener.acceptAsync();
      assertEquals(loopback, listener.localAddress().getAddress());
      try (var client = TcpStream.connect(runtime, listener.localAddress());
          var server = Waits.get(accept, "a connection")) {
        assertEquals(loopback, server.remoteAddress().getAddress());
        assertEquals(client.localAddress(), server.remoteAddress());
        assertEquals(client.remoteAddress(), server.localAddress());
        assertEquals(2, client.write(ByteBuffer.wrap(new byte[] {1, 2})));
        assertTrue(server.read(ByteBuffer.allocate(2)) > 0);
      }
      var failure =
          assertThrows(
              BindException.class, () -> TcpListener.bind(runtime, listener.localAddress()));
      assertTrue(
          failure.getMessage().contains("::1") || failure.getMessage().contains("0:0:0:0:0:0:0:1"),
          failure::getMessage);
    }
  }

  @DriverTest
  void theWildcardAddressAcceptsBothFamilies(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var listener = TcpListener.bind(runtime, new InetSocketAddress(0))) {
      var accept = listener.acceptAsync();
      try (var peer =
          Peers.connect(new InetSocketAddress(Peers.LOOPBACK, listener.localAddress().getPort()))) {
        try (var stream = Waits.get(accept, "a connection over IPv4")) {
          assertEquals(peer.getLocalPort(), stream.remoteAddress().getPort());
          assertEquals(Peers.LOOPBACK, stream.remoteAddress().getAddress());
        }
      }
    }
  }

  @DriverTest
  void listenersOfSeveralLoopsShareAPort(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.scheduler(Scheduler.threadPerCore(2)));
    var options = ListenOptions.DEFAULT.withBacklog(128).withReusePort(true);
    try (var first = TcpListener.bind(runtime.loops().get(0), Peers.anyPort(), options);
        var second = TcpListener.bind(runtime.loops().get(1), first.localAddress(), options)) {
      var accepted = new Peers.Accepted();
      first.acceptEach(null, accepted);
      second.acceptEach(
          null,
          new Peers.Accepted() {
            @Override
            public void completed(TcpStream stream, Object attachment) {
              accepted.completed(stream, attachment);
            }
          });
      var loops = new java.util.HashSet<Integer>();
      for (int i = 0; i < 64; i++) {
        try (var peer = Peers.connect(first.localAddress())) {
          var stream = accepted.next();
          loops.add(stream.loop().index());
          stream.close();
          assertEquals(-1, peer.getInputStream().read());
        }
      }
      assertEquals(Set.of(0, 1), loops, "64 connections of one port");
    }
  }

  @DriverTest
  void aPortIsNotSharedUnlessAskedFor(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var first = TcpListener.bind(runtime, Peers.anyPort())) {
      assertThrows(BindException.class, () -> TcpListener.bind(runtime, first.localAddress()));
      assertThrows(
          BindException.class,
          () ->
              TcpListener.bind(
                  runtime.loop(),
                  first.localAddress(),
                  ListenOptions.DEFAULT.withBacklog(1).withReusePort(true)));
    }
  }

  @DriverTest
  void connectionsThatComeBeforeAcceptEachAreNotLost(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var listener = TcpListener.bind(runtime, Peers.anyPort())) {
      var peers = new ArrayList<Socket>();
      for (int i = 0; i < 30; i++) {
        peers.add(Peers.connect(listener.localAddress()));
      }
      var accepted = new Peers.Accepted();
      listener.acceptEach(null, accepted);
      for (var peer : peers) {
        accepted.next().close();
        assertFalse(peer.isClosed());
      }
      for (var peer : peers) {
        assertEquals(-1, peer.getInputStream().read());
        peer.close();
      }
    }
  }
}
