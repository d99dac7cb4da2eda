package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.LeakDetection;
import io.gyre.driver.Capabilities.Status;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ReadPendingException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** Receives of many datagrams: floods, pauses, too few buffers, and what all that costs. */
class UdpReceivesTest {
  private static final int BUFFERS = 4;

  private static UdpSocket bind(TestRuntime driver, IoRuntime runtime) throws IOException {
    var options = UdpSocket.Options.DEFAULT.withReceiveBuffers(BUFFERS, 256);
    var socket = UdpSocket.bind(runtime.loop(), Peers.anyPort(), options);
    driver.own(socket::close);
    Waits.get(socket.setOption(StandardSocketOptions.SO_RCVBUF, 1 << 18), "room for a burst");
    return socket;
  }

  private static UdpPeers.Peer peer(TestRuntime driver) throws IOException {
    return driver.own(UdpPeers.Peer.open());
  }

  @DriverTest
  void aBurstOfManySendersIsReceivedWithWhoSentIt(TestRuntime driver) throws Exception {
    var socket = bind(driver, driver.start());
    var peers = new ArrayList<UdpPeers.Peer>();
    for (int i = 0; i < 100; i++) { // more than are remembered
      peers.add(peer(driver));
    }
    var each = new UdpPeers.Recording();
    socket.receiveEach(null, each);
    for (int round = 0; round < 3; round++) {
      for (int i = 0; i < peers.size(); i++) {
        peers.get(i).send(socket.localAddress(), UdpPeers.numbered(i, 20 + i));
      }
      for (var seen : each.await((round + 1) * peers.size())) {
        int number = UdpPeers.check(seen.bytes());
        assertEquals(20 + number, seen.length());
        assertEquals(peers.get(number).address(), seen.sender());
      }
    }
    assertEquals(3 * peers.size(), each.datagrams.size());
  }

  @DriverTest
  void whoReceivesAlreadyIsRefusedAnother(TestRuntime driver) throws Exception {
    var socket = bind(driver, driver.start());
    socket.receiveEach(null, new UdpPeers.Recording());
    var second = new UdpPeers.Recording();
    socket.receiveEach(null, second);
    assertInstanceOf(ReadPendingException.class, Waits.get(second.failure, "a refusal"));
    assertThrows(ReadPendingException.class, () -> socket.receive(ByteBuffer.allocate(1)));
  }

  /** Each by itself: what does without one may not lean on another. */
  @DriverTest(drivers = "uring")
  void whatTheKernelHasCanBeSwitchedOffOneByOne(TestRuntime driver) throws Exception {
    for (var feature : List.of("multishot-receive-message", "udp-segment", "udp-gro")) {
      var runtime = driver.start(b -> b.disable(feature));
      var status = runtime.loop().capabilities().feature(feature).orElseThrow().status();
      assertEquals(Status.SWITCHED_OFF, status);
      var socket = bind(driver, runtime);
      var each = new UdpPeers.Recording();
      socket.receiveEach(null, each);
      var src = ByteBuffer.allocate(1_000);
      for (int i = 0; i < 10; i++) {
        src.put(UdpPeers.numbered(i, 100));
      }
      assertEquals(1_000, socket.sendSegments(src.flip(), 100, socket.localAddress()));
      var all = each.await(10);
      for (int i = 0; i < 10; i++) {
        assertEquals(i, UdpPeers.check(all.get(i).bytes()));
      }
    }
  }

  // ---- too few buffers

  @DriverTest
  void receivingGoesOnWhenBuffersComeBackFromElsewhere(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var socket = bind(driver, runtime);
    var peer = peer(driver);
    var holding = new UdpPeers.Holding();
    socket.receiveEach(null, holding);
    int count = 50;
    for (int i = 0; i < count; i++) {
      peer.send(socket.localAddress(), UdpPeers.numbered(i, 100));
    }
    var counters = runtime.loops().getFirst().counters();
    Waits.until("all buffers are held", () -> holding.held.size() == BUFFERS);
    Waits.until("it waits for one", () -> counters.get(Counter.OUT_OF_BUFFERS) > 0);
    assertEquals(BUFFERS, holding.datagrams.size());
    Waits.until(
        "the rest",
        () -> {
          holding.release(); // on this thread, while the loop sleeps
          return holding.datagrams.size() == count;
        });
    var all = holding.await(count);
    for (int i = 0; i < count; i++) {
      assertEquals(i, UdpPeers.check(all.get(i).bytes()));
    }
    holding.release();
  }

  @DriverTest
  void aSocketIsClosedThatWaitsForBuffersAndTheyStayValid(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var counters = runtime.loops().getFirst().counters();
    for (int i = 0; i < 10; i++) {
      var socket = bind(driver, runtime);
      var peer = peer(driver);
      var holding = new UdpPeers.Holding();
      socket.receiveEach(null, holding);
      long before = counters.get(Counter.OUT_OF_BUFFERS);
      for (int d = 0; d < 2 * BUFFERS; d++) {
        peer.send(socket.localAddress(), UdpPeers.numbered(d, 100));
      }
      Waits.until("it waits", () -> counters.get(Counter.OUT_OF_BUFFERS) > before);
      if (i % 2 == 0) {
        socket.cancelAll();
        Waits.get(holding.failure, "a cancellation");
      }
      Waits.get(socket.closeAsync(), "a close");
      if (i % 2 != 0) {
        assertInstanceOf(AsynchronousCloseException.class, Waits.get(holding.failure, "the end"));
      }
      int number = 0;
      for (var buffer : holding.held) {
        assertEquals(number++, UdpPeers.check(buffer.byteBuffer()));
      }
      holding.release();
    }
  }

  /** The consumer of a flood keeps all that it gets, and streams of the same loop do not notice. */
  @DriverTest
  void aFloodWithASlowConsumerStarvesNoStream(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var counters = runtime.loops().getFirst().counters();
    var socket = bind(driver, runtime);
    var holding = new UdpPeers.Holding();
    socket.receiveEach(null, holding);
    var listener = TcpListener.bind(runtime, Peers.anyPort());
    driver.own(listener::close);
    var accepted = new Peers.Accepted();
    listener.acceptEach(null, accepted);
    var client = driver.own(Peers.connect(listener.localAddress()));
    var stream = accepted.next();
    stream.receiveEach(stream, new StreamEcho());

    var stop = new AtomicBoolean();
    var flood = peer(driver);
    var flooding =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    for (int i = 0; !stop.get(); i++) {
                      flood.send(socket.localAddress(), UdpPeers.numbered(i & 0xFF, 200));
                    }
                  } catch (IOException e) {
                    throw new AssertionError(e);
                  }
                });
    try {
      Waits.until("the flood has all it can", () -> holding.held.size() == BUFFERS);
      Waits.until("and wants more", () -> counters.get(Counter.OUT_OF_BUFFERS) > 0);
      var pattern = new Pattern(Seeds.SEED);
      for (int round = 0; round < 50; round++) {
        var bytes = pattern.bytes(round * 1_000L, 1_000);
        client.getOutputStream().write(bytes);
        Peers.check(client.getInputStream(), pattern, round * 1_000L, 1_000);
        if (round % 10 == 9) {
          int before = holding.datagrams.size();
          holding.release(); // slow, but not dead
          Waits.until("the flood goes on", () -> holding.datagrams.size() > before);
        }
      }
    } finally {
      stop.set(true);
      Waits.join(flooding);
    }
    for (var seen : holding.datagrams) {
      UdpPeers.check(seen.bytes());
    }
    Waits.get(socket.closeAsync(), "a close");
    holding.release();
  }

  private static final class StreamEcho implements ReceiveHandler<TcpStream> {
    @Override
    public void received(Buffer buffer, TcpStream stream) {
      stream.write(buffer, buffer, RELEASE);
    }

    @Override
    public void ended(TcpStream stream) {
      var closing = stream.closeAsync();
      assertFalse(closing.isCompletedExceptionally());
    }

    @Override
    public void failed(Throwable cause, TcpStream stream) {
      var closing = stream.closeAsync();
      assertFalse(closing.isCompletedExceptionally());
    }
  }

  // ---- pauses

  @DriverTest
  void pausedReceivingLeavesDatagramsWhereTheyAre(TestRuntime driver) throws Exception {
    var socket = bind(driver, driver.start());
    var peer = peer(driver);
    var each = new UdpPeers.Recording();
    socket.receiveEach(null, each);
    peer.send(socket.localAddress(), UdpPeers.numbered(0, 50));
    each.await(1);
    for (int round = 0; round < 20; round++) {
      socket.pauseReceiving();
      // Behind the pause on the loop, and resolved by a later turn: what was under way has come.
      Waits.get(socket.connectAsync(peer.address()), "a turn");
      Waits.get(socket.disconnectAsync(), "another");
      int before = each.datagrams.size();
      peer.send(socket.localAddress(), UdpPeers.numbered(2 * round + 1, 50));
      peer.send(socket.localAddress(), UdpPeers.numbered(2 * round + 2, 50));
      if (round % 2 == 0) {
        socket.resumeReceiving();
        socket.pauseReceiving();
      }
      socket.resumeReceiving();
      each.await(before + 2);
    }
    var all = each.await(41);
    for (int i = 0; i < all.size(); i++) {
      assertEquals(i, UdpPeers.check(all.get(i).bytes()));
    }
    socket.pauseReceiving();
    Waits.get(socket.closeAsync(), "a close");
    assertInstanceOf(
        AsynchronousCloseException.class, Waits.get(each.failure, "the end of one that paused"));
  }

  /** Pauses itself after each datagram, as who can't take more does. */
  @DriverTest
  void aPauseHoldsBackWhatTheKernelHasNotReceived(TestRuntime driver) throws Exception {
    var socket = bind(driver, driver.start());
    var peer = peer(driver);
    var count = new AtomicInteger();
    var first = new CountDownLatch(1);
    var each =
        new UdpPeers.Recording() {
          @Override
          public void received(Buffer buffer, Datagram datagram, Object attachment) {
            super.received(buffer, datagram, attachment);
            socket.pauseReceiving();
            count.incrementAndGet();
            first.countDown();
          }
        };
    socket.receiveEach(null, each);
    int sent = 30;
    for (int i = 0; i < sent; i++) {
      peer.send(socket.localAddress(), UdpPeers.numbered(i, 60));
    }
    Waits.await(first, "the first");
    Waits.until(
        "all, by going on after each pause",
        () -> {
          socket.resumeReceiving();
          return count.get() == sent;
        });
    assertFalse(each.failure.isDone());
  }

  // ---- what it costs

  /** Gives a buffer back that was sent. */
  private static final IoHandler<Buffer> RELEASE =
      new IoHandler<>() {
        @Override
        public void completed(int result, Buffer buffer) {
          buffer.release();
        }

        @Override
        public void failed(Throwable cause, Buffer buffer) {
          throw new AssertionError(cause);
        }
      };

  /** Answers what it gets with the same bytes. */
  private static final class QuietEcho implements DatagramHandler<UdpSocket> {
    @Override
    public void received(Buffer buffer, Datagram datagram, UdpSocket socket) {
      socket.send(buffer, datagram.sender(), buffer, RELEASE);
    }

    @Override
    public void failed(Throwable cause, UdpSocket socket) {}
  }

  @DriverTest(drivers = "uring")
  void datagramsAllocateNothing(TestRuntime driver) throws Exception {
    // Leak detection makes an object for each lease that it watches.
    var runtime = driver.start(b -> b.leakDetection(LeakDetection.OFF));
    var socket = bind(driver, runtime);
    var peer = peer(driver);
    var echo = new QuietEcho();
    socket.receiveEach(socket, echo);
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long loop = socket.loop().thread().threadId();
    exchange(peer, socket.localAddress(), 5_000);
    int measured = 3_000;
    long least = Long.MAX_VALUE;
    for (int attempt = 0; attempt < 5 && least / measured > 0; attempt++) { // the JIT's, perhaps
      long before = threads.getThreadAllocatedBytes(loop);
      exchange(peer, socket.localAddress(), measured);
      least = Math.min(least, threads.getThreadAllocatedBytes(loop) - before);
    }
    assertTrue(
        least < 8L * measured, least + " bytes for " + measured + " datagrams, there and back");
  }

  private static void exchange(UdpPeers.Peer peer, InetSocketAddress with, int count)
      throws IOException {
    for (int i = 0; i < count; i++) {
      peer.send(with, UdpPeers.numbered(i, 64));
      assertEquals(i, UdpPeers.check(peer.receive()));
    }
  }
}
