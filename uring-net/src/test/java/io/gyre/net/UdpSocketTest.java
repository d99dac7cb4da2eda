package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.CancelScope;
import io.gyre.Interest;
import io.gyre.IoRuntime;
import io.gyre.Readiness;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Recorder;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.PortUnreachableException;
import java.net.SocketException;
import java.net.SocketOption;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.AlreadyConnectedException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NotYetConnectedException;
import java.nio.channels.ReadPendingException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.channels.UnsupportedAddressTypeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Sends and receives of one datagram, addresses, errors, options and groups. */
class UdpSocketTest {
  private static final InetAddress LOOPBACK_V6 = InetAddress.ofLiteral("::1");
  private static final InetAddress GROUP = InetAddress.ofLiteral("239.255.77.7");

  private static UdpSocket bind(TestRuntime driver, IoRuntime runtime) throws IOException {
    return bind(driver, runtime, Peers.anyPort(), UdpSocket.Options.DEFAULT);
  }

  private static UdpSocket bind(
      TestRuntime driver, IoRuntime runtime, InetSocketAddress at, UdpSocket.Options options)
      throws IOException {
    var socket = UdpSocket.bind(runtime.loop(), at, options);
    driver.own(socket::close);
    return socket;
  }

  private static UdpPeers.Peer peer(TestRuntime driver) throws IOException {
    return driver.own(UdpPeers.Peer.open());
  }

  private static byte[] bytes(ByteBuffer received) {
    var bytes = new byte[received.flip().remaining()];
    received.get(bytes);
    return bytes;
  }

  // ---- the three styles

  @DriverTest
  void datagramsOfAllLengthsComeBackAsTheyWereSent(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var options = UdpSocket.Options.DEFAULT.withReceiveBuffers(4, 65_536);
    var socket = bind(driver, runtime, Peers.anyPort(), options);
    var peer = peer(driver);
    socket.receiveEach(socket, new Echo());
    var random = Seeds.random(1);
    for (int i = 0; i < 300; i++) {
      int length = 4 + (i % 10 == 0 ? random.nextInt(65_500) : random.nextInt(1_400));
      peer.send(socket.localAddress(), UdpPeers.numbered(i, length));
      var packet = peer.receivePacket();
      assertEquals(socket.localAddress(), packet.getSocketAddress());
      assertEquals(length, packet.getLength());
      assertEquals(i, UdpPeers.check(Arrays.copyOf(packet.getData(), packet.getLength())));
    }
  }

  /** Answers each datagram with itself. */
  private static final class Echo implements DatagramHandler<UdpSocket> {
    @Override
    public void received(Buffer buffer, Datagram datagram, UdpSocket socket) {
      var sent = new Recorder<Buffer>();
      socket.send(buffer, datagram.sender(), buffer, sent);
      buffer.release(); // the send keeps it from being filled anew
    }

    @Override
    public void failed(Throwable cause, UdpSocket attachment) {}
  }

  @DriverTest
  void futuresAndWaitingCallsSendAndReceive(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var socket = bind(driver, runtime);
    var peer = peer(driver);
    for (var memory : List.of(ByteBuffer.allocate(100), ByteBuffer.allocateDirect(100))) {
      var future = socket.receiveAsync(memory.clear());
      peer.send(socket.localAddress(), UdpPeers.numbered(1, 50));
      var came = Waits.get(future, "a datagram");
      assertEquals(50, came.length());
      assertEquals(peer.address(), came.sender());
      assertEquals(peer.address().getPort(), came.senderPort());
      assertFalse(came.isTruncated());
      assertEquals(0, came.segmentSize());
      assertEquals(1, UdpPeers.check(bytes(memory)));

      var src = memory.clear().put(UdpPeers.numbered(2, 70)).flip();
      assertEquals(70, socket.send(src, came.sender()));
      assertFalse(src.hasRemaining(), "the position is moved to the limit");
      assertEquals(2, UdpPeers.check(peer.receive()));

      peer.send(socket.localAddress(), UdpPeers.numbered(3, 60));
      assertTrue(socket.receive(memory.clear()).hasSameSender(came));
      assertEquals(3, UdpPeers.check(bytes(memory)));
      assertEquals(20, Waits.get(socket.sendAsync(part(), peer.address()), "a send"));
      assertEquals(4, UdpPeers.check(peer.receive()));
    }
  }

  /** A buffer whose datagram is in its middle. */
  private static ByteBuffer part() {
    return ByteBuffer.allocate(100).put(30, UdpPeers.numbered(4, 20)).position(30).limit(50);
  }

  @DriverTest
  void callbacksTellOnTheLoopAndNeverFromInsideTheCall(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var socket = bind(driver, runtime);
    var peer = peer(driver);
    var told = new Recorder<String>();
    var datagram = new Datagram();
    var memory = ByteBuffer.allocateDirect(100);
    var inside = new AtomicInteger();
    socket
        .loop()
        .execute(
            () -> {
              socket.receive(memory, datagram, "receive", told);
              socket.send(part(), peer.address(), "send", told);
              socket.connect(peer.address(), "connect", told);
              inside.set(told.count());
            });
    told.await(2); // java.nio's connect loses what came before it
    peer.send(socket.localAddress(), UdpPeers.numbered(5, 40));
    var outcomes = told.await(3);
    assertEquals(0, inside.get());
    told.checkExactlyOnce(3);
    for (var outcome : outcomes) {
      assertNull(outcome.cause());
      assertSame(socket.loop().thread(), outcome.thread());
    }
    assertEquals(peer.address(), datagram.sender());
    assertEquals(40, datagram.length());
  }

  @DriverTest
  void aThousandSendsAtOnceAllCompleteOnce(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var socket = bind(driver, runtime);
    var peer = peer(driver);
    var told = new Recorder<Integer>();
    for (int i = 0; i < 1_000; i++) {
      socket.send(ByteBuffer.wrap(UdpPeers.numbered(i, 30)), peer.address(), i, told);
    }
    for (var outcome : told.await(1_000)) {
      assertNull(outcome.cause());
      assertEquals(30, outcome.result());
    }
    told.checkExactlyOnce(1_000);
    UdpPeers.check(peer.receive());
  }

  // ---- lengths

  @DriverTest
  void emptyDatagramsAreDatagrams(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var socket = bind(driver, runtime);
    var peer = peer(driver);
    peer.send(socket.localAddress(), new byte[0]);
    var memory = ByteBuffer.allocate(10);
    var came = socket.receive(memory);
    assertEquals(0, came.length());
    assertEquals(0, memory.position());
    assertEquals(peer.address(), came.sender());
    assertFalse(came.isTruncated());

    assertEquals(0, socket.send(ByteBuffer.allocate(0), peer.address()));
    assertEquals(0, peer.receive().length);

    var each = new UdpPeers.Recording();
    socket.receiveEach(null, each);
    for (int i = 0; i < 5; i++) {
      peer.send(socket.localAddress(), new byte[0]);
      peer.send(socket.localAddress(), UdpPeers.numbered(i, 10));
    }
    var all = each.await(10);
    for (int i = 0; i < 10; i++) {
      assertEquals(i % 2 == 0 ? 0 : 10, all.get(i).length());
      assertEquals(peer.address(), all.get(i).sender());
    }
    assertFalse(each.failure.isDone(), "an empty datagram is no end");
  }

  @DriverTest
  void whatIsCutOffIsTold(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var options = UdpSocket.Options.DEFAULT.withReceiveBuffers(4, 100);
    var socket = bind(driver, runtime, Peers.anyPort(), options);
    var peer = peer(driver);
    for (int length : new int[] {99, 100, 101, 5_000}) {
      peer.send(socket.localAddress(), UdpPeers.numbered(length, length));
      var memory = ByteBuffer.allocateDirect(100);
      var came = socket.receive(memory);
      assertEquals(Math.min(100, length), came.length());
      assertEquals(length > 100, came.isTruncated());
      assertEquals(Math.min(100, length), memory.position());
      assertEquals(length, UdpPeers.check(bytes(memory)));
    }
    peer.send(socket.localAddress(), new byte[1]);
    assertTrue(socket.receive(ByteBuffer.allocate(0)).isTruncated(), "nothing fits nothing");

    var each = new UdpPeers.Recording();
    socket.receiveEach(null, each);
    for (int length : new int[] {99, 100, 101, 5_000, 10}) {
      peer.send(socket.localAddress(), UdpPeers.numbered(length, length));
    }
    for (var seen : each.await(5)) {
      int length = UdpPeers.check(seen.bytes());
      assertEquals(Math.min(100, length), seen.bytes().length);
      assertEquals(length > 100, seen.truncated());
    }
  }

  @DriverTest
  void whatIsTooLongForADatagramIsRefused(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var socket = bind(driver, runtime);
    var peer = peer(driver);
    var src = ByteBuffer.allocate(65_508);
    var refused = assertThrows(SocketException.class, () -> socket.send(src, peer.address()));
    assertTrue(refused.getMessage().contains("EMSGSIZE"), refused::getMessage);
    assertTrue(
        refused.getMessage().contains("127.0.0.1:" + peer.address().getPort()),
        refused::getMessage);
    assertEquals(0, src.position());
    assertEquals(65_507, socket.send(src.limit(65_507), peer.address()));
    assertEquals(65_507, peer.receive().length);
  }

  // ---- addresses

  @DriverTest
  void whereNothingCanBeSentIsRefusedAtOnce(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var socket = bind(driver, runtime);
    var src = ByteBuffer.allocate(1);
    var unresolved = InetSocketAddress.createUnresolved("nowhere.invalid", 9);
    var noPort = new InetSocketAddress(Peers.LOOPBACK, 0);
    var v6 = new InetSocketAddress(LOOPBACK_V6, 9);
    var message =
        assertThrows(UnresolvedAddressException.class, () -> socket.send(src, unresolved))
            .getMessage();
    assertTrue(message.contains("nowhere.invalid"), message);
    message =
        assertThrows(IllegalArgumentException.class, () -> socket.send(src, noPort)).getMessage();
    assertTrue(message.contains("port 0"), message);
    message =
        assertThrows(UnsupportedAddressTypeException.class, () -> socket.send(src, v6))
            .getMessage();
    assertTrue(message.contains("IPv6"), message);
    assertThrows(NotYetConnectedException.class, () -> socket.send(src));
    assertThrows(IllegalArgumentException.class, () -> socket.connect(noPort));
    assertThrows(IllegalArgumentException.class, () -> socket.sendSegments(src, 0, noPort));
    assertEquals(0, src.position());
    assertThrows(UnresolvedAddressException.class, () -> UdpSocket.bind(runtime, unresolved));
  }

  @DriverTest
  void anAddressInUseIsToldAndPortsCanBeShared(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var socket = bind(driver, runtime);
    var at = socket.localAddress();
    assertNotEquals(0, at.getPort());
    var inUse = assertThrows(BindException.class, () -> UdpSocket.bind(runtime, at));
    assertTrue(inUse.getMessage().contains("EADDRINUSE"), inUse::getMessage);
    socket.close();
    var sharing = UdpSocket.Options.DEFAULT.withReusePort(true);
    var first = bind(driver, runtime, at, sharing);
    var second = bind(driver, runtime, at, sharing);
    assertEquals(at, first.localAddress());
    assertEquals(at, second.localAddress());
  }

  @DriverTest
  void socketsOfIpv6ReachBothFamilies(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var any = new InetSocketAddress(InetAddress.ofLiteral("::"), 0);
    var socket = bind(driver, runtime, any, UdpSocket.Options.DEFAULT);
    int port = socket.localAddress().getPort();
    var each = new UdpPeers.Recording();
    socket.receiveEach(null, each);
    int count = 0;
    for (var address : List.of(Peers.LOOPBACK, LOOPBACK_V6)) {
      var peer = driver.own(new UdpPeers.Peer(address));
      peer.send(new InetSocketAddress(address, port), UdpPeers.numbered(7, 33));
      var seen = each.await(++count).getLast();
      assertEquals(7, UdpPeers.check(seen.bytes()));
      assertEquals(peer.address(), seen.sender());
      assertEquals(20, socket.send(part(), seen.sender()));
      assertEquals(4, UdpPeers.check(peer.receive()));
    }
  }

  // ---- connected

  @DriverTest
  void aConnectedSocketHearsItsPeerOnly(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var socket = bind(driver, runtime);
    var at = socket.localAddress();
    var friend = peer(driver);
    var stranger = peer(driver);
    socket.connect(friend.address());
    assertEquals(friend.address(), socket.remoteAddress());
    stranger.send(at, UdpPeers.numbered(1, 10));
    friend.send(at, UdpPeers.numbered(2, 10));
    var memory = ByteBuffer.allocate(100);
    assertEquals(friend.address(), socket.receive(memory).sender());
    assertEquals(2, UdpPeers.check(bytes(memory)));

    assertEquals(20, socket.send(part()));
    assertEquals(20, socket.send(part(), friend.address()));
    assertEquals(4, UdpPeers.check(friend.receive()));
    assertEquals(4, UdpPeers.check(friend.receive()));
    var elsewhere =
        assertThrows(
            AlreadyConnectedException.class, () -> socket.send(part(), stranger.address()));
    assertTrue(elsewhere.getMessage().contains("disconnect"), elsewhere::getMessage);
    var pooled = runtime.loop().buffers().acquire(20);
    var told = new Recorder<String>();
    socket.send(pooled, stranger.address(), "pooled", told);
    assertInstanceOf(AlreadyConnectedException.class, told.awaitOne().cause());
    pooled.release();

    socket.disconnect();
    assertNull(socket.remoteAddress());
    assertEquals(at, socket.localAddress(), "it keeps the port that the system chose");
    stranger.send(at, UdpPeers.numbered(3, 10));
    assertEquals(stranger.address(), socket.receive(memory.clear()).sender());
    assertEquals(20, socket.send(part(), stranger.address()));
  }

  @DriverTest
  void aPeerThatIsNotThereIsTold(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var socket = bind(driver, runtime);
    var gone = UdpPeers.Peer.open();
    socket.connect(gone.address());
    gone.close();

    var each = new UdpPeers.Recording();
    socket.receiveEach(null, each);
    assertEquals(20, socket.send(part()));
    var cause = Waits.get(each.failure, "the end of receiving");
    assertInstanceOf(PortUnreachableException.class, cause);
    assertTrue(cause.getMessage().contains("ECONNREFUSED"), cause::getMessage);

    var future = socket.receiveAsync(ByteBuffer.allocate(10));
    assertEquals(20, socket.send(part()));
    Waits.failure(PortUnreachableException.class, future, "a receive");

    assertEquals(20, socket.send(part()));
    Waits.until("an error to be told", () -> isReady(socket));
    assertThrows(PortUnreachableException.class, () -> socket.send(part()));
    assertEquals(20, socket.send(part()), "it is told once");
  }

  private static boolean isReady(UdpSocket socket) {
    int mask = Waits.get(socket.pollAsync(Interest.READABLE), "an error");
    return Readiness.isError(mask) || Readiness.isReadable(mask);
  }

  // ---- the end of operations

  @DriverTest
  void aCloseEndsWhatIsArmed(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    for (int i = 0; i < 20; i++) {
      var socket = UdpSocket.bind(runtime, Peers.anyPort());
      var once = UdpSocket.bind(runtime, Peers.anyPort());
      var each = new UdpPeers.Recording();
      socket.receiveEach(null, each);
      var one = once.receiveAsync(ByteBuffer.allocate(10));
      Waits.get(socket.closeAsync(), "a close");
      once.close();
      var cause = Waits.get(each.failure, "the end of receiving");
      assertInstanceOf(AsynchronousCloseException.class, cause);
      Waits.failure(AsynchronousCloseException.class, one, "a receive");
      Waits.get(socket.closeAsync(), "a second close");
      var at = new InetSocketAddress(Peers.LOOPBACK, 9);
      assertThrows(ClosedChannelException.class, () -> socket.send(part(), at));
      assertThrows(ClosedChannelException.class, () -> socket.connect(at));
      Waits.failure(
          ClosedChannelException.class,
          socket.getOption(StandardSocketOptions.SO_RCVBUF),
          "an option");
      UdpSocket.bind(runtime, socket.localAddress()).close(); // the port is free
    }
  }

  @DriverTest
  void theEndOfTheRuntimeEndsWhatIsArmedAndGivesTheSocketsBack(TestRuntime driver)
      throws Exception {
    var runtime = driver.start();
    var recordings = new ArrayList<UdpPeers.Recording>();
    for (int i = 0; i < 20; i++) {
      var socket = UdpSocket.bind(runtime, Peers.anyPort());
      var each = new UdpPeers.Recording();
      recordings.add(each);
      socket.receiveEach(null, each);
      if (i % 2 == 0) {
        socket.pauseReceiving();
      }
    }
    driver.closeAndWait(runtime); // nobody closes them: the oracle counts what is left
    for (var each : recordings) {
      assertInstanceOf(IOException.class, Waits.get(each.failure, "the end of receiving"));
    }
  }

  @DriverTest
  void receivesAreCancelledOneByOneAllTogetherAndByTheirScope(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var socket = bind(driver, runtime);
    var peer = peer(driver);
    var future = socket.receiveAsync(ByteBuffer.allocate(10));
    Waits.failure(
        ReadPendingException.class, socket.receiveAsync(ByteBuffer.allocate(10)), "a second one");
    future.cancel(true);
    Waits.settled(future, "a cancellation");
    assertTrue(future.isCompletedExceptionally());

    var each = new UdpPeers.Recording();
    socket.receiveEach(null, each);
    socket.cancelAll();
    assertInstanceOf(CancellationException.class, Waits.get(each.failure, "cancelAll"));

    var timed = new UdpPeers.Recording();
    CancelScope.withTimeout(Duration.ofMillis(20)).run(() -> socket.receiveEach(null, timed));
    assertInstanceOf(SocketTimeoutException.class, Waits.get(timed.failure, "a timeout"));

    var after = new UdpPeers.Recording(); // it is open still
    socket.receiveEach(null, after);
    peer.send(socket.localAddress(), UdpPeers.numbered(1, 10));
    after.await(1);
  }

  @DriverTest
  void readinessIsTold(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var socket = bind(driver, runtime);
    var peer = peer(driver);
    var readable = socket.pollAsync(Interest.READABLE);
    peer.send(socket.localAddress(), new byte[3]);
    assertTrue(Readiness.isReadable(Waits.get(readable, "a poll")));
    assertEquals(3, socket.receive(ByteBuffer.allocate(10)).length());
    assertTrue(Readiness.isWritable(Waits.get(socket.pollAsync(Interest.WRITABLE), "another")));
  }

  // ---- segments

  @DriverTest
  void segmentsComeAsDatagrams(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var socket = bind(driver, runtime);
    var peer = peer(driver);
    for (int count : new int[] {1, 2, 64, 65, 150}) {
      checkSegments(socket, peer, count, 100, 100);
      checkSegments(socket, peer, count, 100, 7);
    }
    checkSegments(socket, peer, 50, 1_400, 1_399); // more than one datagram's length in all
    checkSegments(socket, peer, 1, 9_000, 4); // shorter than one segment
    checkSegments(socket, peer, 3, 20_000, 10_000);
    assertEquals(0, socket.sendSegments(ByteBuffer.allocate(0), 10, peer.address()));
    assertEquals(0, peer.receive().length);
  }

  private static void checkSegments(
      UdpSocket socket, UdpPeers.Peer peer, int count, int size, int last) throws IOException {
    ToIntFunction<Integer> length = i -> i == count - 1 ? last : size;
    int total = IntStream.range(0, count).map(length::applyAsInt).sum();
    var src = ByteBuffer.allocateDirect(total);
    IntStream.range(0, count).forEach(i -> src.put(UdpPeers.numbered(i, length.applyAsInt(i))));
    assertEquals(total, socket.sendSegments(src.flip(), size, peer.address()));
    assertFalse(src.hasRemaining());
    for (int i = 0; i < count; i++) {
      var bytes = peer.receive();
      assertEquals(length.applyAsInt(i), bytes.length);
      assertEquals(i, UdpPeers.check(bytes));
    }
  }

  @DriverTest
  void segmentsOfPooledMemoryAndToAConnectedPeer(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var socket = bind(driver, runtime);
    var peer = peer(driver);
    socket.connect(peer.address());
    var pooled = runtime.loop().buffers().acquire(1_000);
    pooled.byteBuffer().limit(1_000);
    for (int i = 0; i < 10; i++) {
      pooled.byteBuffer().put(i * 100, UdpPeers.numbered(i, 100));
    }
    var told = new Recorder<String>();
    socket.sendSegments(pooled, 100, null, "segments", told);
    pooled.release();
    assertEquals(1_000, told.awaitOne().result());
    for (int i = 0; i < 10; i++) {
      assertEquals(i, UdpPeers.check(peer.receive()));
    }
  }

  /** Where the kernel joins datagrams; elsewhere each comes by itself, and says so. */
  @DriverTest
  void datagramsThatComeAsOneSayHowLongTheyAre(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var options = UdpSocket.Options.DEFAULT.withReceiveBuffers(8, 65_536).withCoalescing(true);
    var receiver = bind(driver, runtime, Peers.anyPort(), options);
    var sender = bind(driver, runtime);
    var each = new UdpPeers.Recording();
    receiver.receiveEach(null, each);
    int count = 40;
    var src = ByteBuffer.allocate(count * 500);
    IntStream.range(0, count).forEach(i -> src.put(UdpPeers.numbered(i, 500)));
    assertEquals(src.capacity(), sender.sendSegments(src.flip(), 500, receiver.localAddress()));
    Waits.until(
        "all bytes",
        () -> each.datagrams.stream().mapToInt(d -> d.length()).sum() >= src.capacity());
    int number = 0;
    boolean joined = false;
    for (var seen : each.datagrams) {
      joined |= seen.segmentSize() > 0;
      int size = seen.segmentSize() == 0 ? seen.length() : seen.segmentSize();
      assertEquals(500, size);
      assertEquals(sender.localAddress(), seen.sender());
      for (int at = 0; at < seen.length(); at += size) {
        assertEquals(number++, UdpPeers.check(Arrays.copyOfRange(seen.bytes(), at, at + size)));
      }
    }
    assertEquals(count, number);
    var gro = runtime.loop().capabilities().feature("udp-gro").orElseThrow().status();
    var gso = runtime.loop().capabilities().feature("udp-segment").orElseThrow().status();
    boolean both = gro.name().equals("USED") && gso.name().equals("USED");
    assertEquals(both, joined, "udp-gro is " + gro + ", udp-segment is " + gso);
  }

  // ---- options and groups

  @DriverTest
  void optionsAreWhatTheyWereSetTo(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var loopback = NetworkInterface.getByInetAddress(Peers.LOOPBACK);
    for (var local : List.of(Peers.LOOPBACK, LOOPBACK_V6)) {
      var at = new InetSocketAddress(local, 0);
      var socket = bind(driver, runtime, at, UdpSocket.Options.DEFAULT);
      checkOption(socket, StandardSocketOptions.SO_BROADCAST, true);
      checkOption(socket, StandardSocketOptions.SO_BROADCAST, false);
      checkOption(socket, StandardSocketOptions.SO_REUSEADDR, true);
      checkOption(socket, StandardSocketOptions.SO_REUSEPORT, true);
      checkOption(socket, StandardSocketOptions.SO_SNDBUF, 50_000);
      checkOption(socket, StandardSocketOptions.SO_RCVBUF, 60_000);
      checkOption(socket, StandardSocketOptions.IP_TOS, 0x10);
      checkOption(socket, StandardSocketOptions.IP_MULTICAST_TTL, 3);
      checkOption(socket, StandardSocketOptions.IP_MULTICAST_LOOP, false);
      checkOption(socket, StandardSocketOptions.IP_MULTICAST_LOOP, true);
      checkOption(socket, StandardSocketOptions.IP_MULTICAST_IF, loopback);
      Waits.failure(
          UnsupportedOperationException.class,
          socket.setOption(StandardSocketOptions.TCP_NODELAY, true),
          "an option of TCP");
      Waits.failure(
          IllegalArgumentException.class,
          socket.setOption(StandardSocketOptions.IP_MULTICAST_TTL, 256),
          "a hop count out of range");
      Waits.failure(
          IllegalArgumentException.class,
          socket.setOption(StandardSocketOptions.SO_RCVBUF, -1),
          "a negative size");
    }
  }

  private static <T> void checkOption(UdpSocket socket, SocketOption<T> option, T value) {
    Waits.get(socket.setOption(option, value), "setting " + option);
    assertEquals(value, Waits.get(socket.getOption(option), "getting " + option), option::name);
  }

  @DriverTest
  void groupsAreJoinedAndLeft(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var loopback = NetworkInterface.getByInetAddress(Peers.LOOPBACK);
    var any = new InetSocketAddress(InetAddress.ofLiteral("0.0.0.0"), 0);
    var options = UdpSocket.Options.DEFAULT.withReuseAddress(true);
    var member = bind(driver, runtime, any, options);
    var other = bind(driver, runtime, member.localAddress(), options);
    var sender = bind(driver, runtime);
    Waits.get(sender.setOption(StandardSocketOptions.IP_MULTICAST_IF, loopback), "interface");
    var group = new InetSocketAddress(GROUP, member.localAddress().getPort());
    var each = new UdpPeers.Recording();
    var others = new UdpPeers.Recording();
    member.receiveEach(null, each);
    other.receiveEach(null, others);

    var membership = member.join(GROUP, loopback);
    assertSame(membership, member.join(GROUP, loopback));
    assertEquals(GROUP, membership.group());
    assertTrue(membership.isValid());
    var second = other.join(GROUP, loopback, Peers.LOOPBACK);
    assertThrows(IllegalStateException.class, () -> other.join(GROUP, loopback));
    sender.send(ByteBuffer.wrap(UdpPeers.numbered(1, 10)), group);
    each.await(1);
    assertEquals(sender.localAddress(), others.await(1).getFirst().sender());

    Waits.get(membership.blockAsync(Peers.LOOPBACK), "a block");
    sender.send(ByteBuffer.wrap(UdpPeers.numbered(2, 10)), group);
    others.await(2);
    Waits.get(membership.unblockAsync(Peers.LOOPBACK), "an unblock");
    Waits.get(second.dropAsync(), "a drop");
    Waits.get(second.dropAsync(), "a second drop");
    assertFalse(second.isValid());
    sender.send(ByteBuffer.wrap(UdpPeers.numbered(3, 10)), group);
    var seen = each.await(2);
    assertEquals(1, UdpPeers.check(seen.get(0).bytes()));
    assertEquals(3, UdpPeers.check(seen.get(1).bytes()), "the one between was blocked");
    // What comes behind it proves that the group's last has not come to who left.
    sender.send(
        ByteBuffer.wrap(UdpPeers.numbered(4, 10)),
        new InetSocketAddress(Peers.LOOPBACK, member.localAddress().getPort()));
    Waits.until("the last", () -> each.datagrams.size() + others.datagrams.size() == 5);
    assertTrue(
        others.datagrams.stream().noneMatch(d -> UdpPeers.check(d.bytes()) == 3),
        "it was left before");
    Waits.failure(
        IllegalStateException.class, second.blockAsync(Peers.LOOPBACK), "a block of what ended");
    assertThrows(IllegalArgumentException.class, () -> member.join(Peers.LOOPBACK, loopback));
  }

  @DriverTest
  void groupsOfIpv6AreJoinedAndLeft(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var loopback = NetworkInterface.getByInetAddress(LOOPBACK_V6);
    var address = InetAddress.ofLiteral("ff01::4747"); // of the interface only
    var any = new InetSocketAddress(InetAddress.ofLiteral("::"), 0);
    var member = bind(driver, runtime, any, UdpSocket.Options.DEFAULT);
    // The loopback device has no route for what is sent to them: the kernel's own list tells.
    assertFalse(isMember("lo", "ff010000000000000000000000004747"));
    var membership = member.join(address, loopback);
    assertTrue(isMember("lo", "ff010000000000000000000000004747"));
    Waits.get(membership.dropAsync(), "a drop");
    assertFalse(isMember("lo", "ff010000000000000000000000004747"));
    member.join(address, loopback);
    member.close();
    Waits.until(
        "the end of the membership", () -> !isMember("lo", "ff010000000000000000000000004747"));
  }

  private static boolean isMember(String device, String group) {
    try (var lines = Files.lines(Path.of("/proc/net/igmp6"))) {
      return lines.anyMatch(l -> l.contains(device) && l.contains(group));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void optionsThatMakeNoSenseAreRefused() {
    var options = UdpSocket.Options.DEFAULT;
    assertThrows(IllegalArgumentException.class, () -> options.withReceiveBuffers(3, 100));
    assertThrows(IllegalArgumentException.class, () -> options.withReceiveBuffers(4, 1 << 20));
    assertThrows(IllegalArgumentException.class, () -> options.withCoalescing(true));
  }
}
