package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.driver.Errors;
import io.gyre.driver.FutureHandler;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import jdk.net.ExtendedSocketOptions;

class SocketOptionTest {
  private static final Set<SocketOption<?>> EVERYWHERE =
      Set.of(
          StandardSocketOptions.SO_SNDBUF,
          StandardSocketOptions.SO_RCVBUF,
          StandardSocketOptions.SO_KEEPALIVE,
          StandardSocketOptions.SO_REUSEADDR,
          StandardSocketOptions.SO_REUSEPORT,
          StandardSocketOptions.SO_LINGER,
          StandardSocketOptions.TCP_NODELAY,
          StandardSocketOptions.IP_TOS,
          ExtendedSocketOptions.TCP_KEEPIDLE,
          ExtendedSocketOptions.TCP_KEEPINTERVAL,
          ExtendedSocketOptions.TCP_KEEPCOUNT,
          ExtendedSocketOptions.TCP_QUICKACK,
          ExtendedSocketOptions.SO_INCOMING_NAPI_ID);

  private static final Set<SocketOption<?>> OF_LINUX =
      Set.of(
          TcpOptions.TCP_USER_TIMEOUT,
          TcpOptions.TCP_NOTSENT_LOWAT,
          TcpOptions.TCP_SYNCNT,
          TcpOptions.TCP_CORK,
          TcpOptions.TCP_CONGESTION,
          TcpOptions.SO_BUSY_POLL);

  private final Pattern pattern = new Pattern(Seeds.SEED);

  private static <T> void checkSetAndGet(TcpStream stream, SocketOption<T> option, T value) {
    Waits.get(stream.setOption(option, value), "setting " + option);
    assertEquals(value, Waits.get(stream.getOption(option), "getting " + option), option::name);
  }

  private static void checkTheJdksOptions(TcpStream stream) {
    checkSetAndGet(stream, StandardSocketOptions.TCP_NODELAY, true);
    checkSetAndGet(stream, StandardSocketOptions.TCP_NODELAY, false);
    checkSetAndGet(stream, StandardSocketOptions.SO_KEEPALIVE, true);
    checkSetAndGet(stream, StandardSocketOptions.SO_REUSEADDR, true);
    checkSetAndGet(stream, StandardSocketOptions.SO_REUSEPORT, true);
    checkSetAndGet(stream, StandardSocketOptions.SO_LINGER, 7);
    checkSetAndGet(stream, StandardSocketOptions.SO_LINGER, 0);
    checkSetAndGet(stream, StandardSocketOptions.SO_LINGER, -1);
    checkSetAndGet(stream, StandardSocketOptions.IP_TOS, 0x10);
    checkSetAndGet(stream, ExtendedSocketOptions.TCP_KEEPIDLE, 30);
    checkSetAndGet(stream, ExtendedSocketOptions.TCP_KEEPINTERVAL, 5);
    checkSetAndGet(stream, ExtendedSocketOptions.TCP_KEEPCOUNT, 4);
    Waits.get(stream.setOption(StandardSocketOptions.SO_LINGER, 100_000), "a very long linger");
    assertEquals(65_535, Waits.get(stream.getOption(StandardSocketOptions.SO_LINGER), "SO_LINGER"));
    Waits.get(stream.setOption(StandardSocketOptions.SO_LINGER, -5), "no linger");
    assertEquals(-1, Waits.get(stream.getOption(StandardSocketOptions.SO_LINGER), "SO_LINGER"));
    checkSetAndGet(stream, StandardSocketOptions.SO_SNDBUF, 20_000);
    checkSetAndGet(stream, StandardSocketOptions.SO_RCVBUF, 20_000);
  }

  @DriverTest
  void whatIsSetIsWhatIsRead(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      checkTheJdksOptions(pair.stream());
    }
  }

  @DriverTest
  void whatIsSetOfIpv6IsWhatIsRead(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var server = new ServerSocket(0, 1, InetAddress.ofLiteral("::1"));
        var stream =
            TcpStream.connect(runtime, (InetSocketAddress) server.getLocalSocketAddress())) {
      checkTheJdksOptions(stream);
    }
  }

  @DriverTest(drivers = "uring")
  void optionsThatOnlyLinuxHasAreSetAndRead(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      var stream = pair.stream();
      checkSetAndGet(stream, TcpOptions.TCP_USER_TIMEOUT, 12_345);
      checkSetAndGet(stream, TcpOptions.TCP_NOTSENT_LOWAT, 16_384);
      checkSetAndGet(stream, TcpOptions.TCP_SYNCNT, 3);
      checkSetAndGet(stream, TcpOptions.TCP_CORK, true);
      checkSetAndGet(stream, TcpOptions.TCP_CORK, false);
      checkSetAndGet(stream, TcpOptions.SO_BUSY_POLL, 0);
      checkSetAndGet(stream, TcpOptions.TCP_CONGESTION, "reno"); // which every kernel has
    }
    try (var listener = TcpListener.bind(driver.start(), Peers.anyPort())) {
      Waits.get(listener.setOption(TcpOptions.TCP_DEFER_ACCEPT, 1), "TCP_DEFER_ACCEPT");
      assertTrue(Waits.get(listener.getOption(TcpOptions.TCP_DEFER_ACCEPT), "the time") >= 1);
      Waits.get(listener.setOption(TcpOptions.TCP_FASTOPEN, 16), "TCP_FASTOPEN");
      assertEquals(16, Waits.get(listener.getOption(TcpOptions.TCP_FASTOPEN), "the queue"));
    }
  }

  @DriverTest(drivers = "nio")
  void optionsThatOnlyLinuxHasAreRefusedWithAdvice(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      var stream = pair.stream();
      for (var refused :
          List.of(
              stream.setOption(TcpOptions.TCP_USER_TIMEOUT, 1_000),
              stream.getOption(TcpOptions.TCP_USER_TIMEOUT))) {
        var failure =
            Waits.failure(UnsupportedOperationException.class, refused, "TCP_USER_TIMEOUT");
        assertTrue(failure.getMessage().contains("TCP_USER_TIMEOUT"), failure::getMessage);
        assertTrue(failure.getMessage().contains("io_uring"), failure::getMessage);
      }
    }
  }

  @DriverTest
  void whatIsSupportedCanBeRead(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var listener = TcpListener.bind(runtime, Peers.anyPort());
        var pair = StreamPair.open(runtime)) {
      var options = pair.stream().supportedOptions();
      assertTrue(options.containsAll(EVERYWHERE), options::toString);
      assertEquals(driver.isUring(), options.containsAll(OF_LINUX), options::toString);
      assertFalse(options.contains(TcpOptions.TCP_DEFER_ACCEPT), "of listeners");
      assertFalse(options.contains(StandardSocketOptions.SO_BROADCAST), "of datagrams");
      for (var option : options) {
        var value = Waits.get(pair.stream().getOption(option), "reading " + option);
        assertInstanceOf(option.type(), value, option::name);
      }
      assertEquals(
          driver.isUring(), listener.supportedOptions().contains(TcpOptions.TCP_DEFER_ACCEPT));
      for (var option : listener.supportedOptions()) {
        var value = Waits.get(listener.getOption(option), "reading " + option);
        assertInstanceOf(option.type(), value, option::name);
      }
    }
  }

  @DriverTest
  void valuesOutOfRangeAreRefusedBeforeTheKernelSeesThem(TestRuntime driver) throws Exception {
    var wrong =
        Map.<SocketOption<Integer>, List<Integer>>of(
            StandardSocketOptions.SO_SNDBUF, List.of(-1),
            StandardSocketOptions.SO_RCVBUF, List.of(-1, Integer.MIN_VALUE),
            StandardSocketOptions.IP_TOS, List.of(-1, 256),
            ExtendedSocketOptions.TCP_KEEPIDLE, List.of(0, 32_768),
            ExtendedSocketOptions.TCP_KEEPINTERVAL, List.of(0, 32_768),
            ExtendedSocketOptions.TCP_KEEPCOUNT, List.of(0, 128),
            TcpOptions.TCP_USER_TIMEOUT, List.of(-1),
            TcpOptions.TCP_SYNCNT, List.of(0, 128));
    try (var pair = StreamPair.open(driver.start())) {
      var stream = pair.stream();
      wrong.forEach(
          (option, values) -> {
            for (var value : values) {
              var failure =
                  assertThrows(
                      IllegalArgumentException.class, () -> stream.setOption(option, value));
              assertTrue(failure.getMessage().contains(option.name()), failure::getMessage);
              assertTrue(failure.getMessage().contains(value.toString()), failure::getMessage);
            }
          });
      for (var name : List.of("", "x".repeat(16), "re\0no")) {
        assertThrows(
            IllegalArgumentException.class,
            () -> stream.setOption(TcpOptions.TCP_CONGESTION, name));
      }
      assertThrows(
          UnsupportedOperationException.class,
          () -> stream.setOption(ExtendedSocketOptions.SO_INCOMING_NAPI_ID, 1));
      assertThrows(NullPointerException.class, () -> stream.setOption(null, 1));
      assertThrows(NullPointerException.class, () -> stream.getOption(null));
    }
  }

  @DriverTest(drivers = "uring")
  void theSystemsRefusalNamesOptionAddressAndErrno(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      var failure =
          Waits.failure(
              SocketException.class,
              pair.stream().setOption(TcpOptions.TCP_CONGESTION, "gyre-none"),
              "a congestion control that there is not");
      var message = failure.getMessage();
      assertTrue(message.contains("TCP_CONGESTION"), message);
      assertTrue(message.contains(Errors.format(pair.stream().remoteAddress())), message);
      assertTrue(message.contains("ENOENT"), message);
    }
  }

  @DriverTest
  void aClosedSocketHasNoOptionsAndIsNotOpen(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    TcpStream stream;
    TcpListener listener;
    try (var pair = StreamPair.open(runtime);
        var open = TcpListener.bind(runtime, Peers.anyPort())) {
      stream = pair.stream();
      listener = open;
      assertTrue(stream.isOpen());
      assertTrue(listener.isOpen());
    }
    assertFalse(stream.isOpen());
    assertFalse(listener.isOpen());
    for (var refused :
        List.<CompletableFuture<?>>of(
            stream.setOption(StandardSocketOptions.TCP_NODELAY, true),
            stream.getOption(StandardSocketOptions.TCP_NODELAY),
            listener.setOption(StandardSocketOptions.SO_REUSEADDR, true),
            listener.getOption(StandardSocketOptions.SO_REUSEADDR))) {
      Waits.failure(ClosedChannelException.class, refused, "an option of a closed socket");
    }
    driver.closeAndWait(runtime);
    assertThrows(
        ShutdownChannelGroupException.class,
        () -> stream.getOption(StandardSocketOptions.TCP_NODELAY));
  }

  @DriverTest
  void optionsChangeWhileDataFlows(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      var stream = pair.stream();
      int length = 512 << 10;
      var written = stream.writeAsync(ByteBuffer.wrap(pattern.bytes(0, length)));
      var receiver = new Peers.Checking(pattern);
      stream.receiveEach(null, receiver);
      var peer =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  Peers.check(pair.peer().getInputStream(), pattern, 0, length);
                  pair.peer().getOutputStream().write(pattern.bytes(0, length));
                  pair.peer().shutdownOutput();
                  return true;
                } catch (IOException e) {
                  throw new AssertionError(e);
                }
              });
      for (int i = 0; !receiver.end.isDone(); i++) {
        Waits.get(stream.setOption(StandardSocketOptions.TCP_NODELAY, i % 2 == 0), "TCP_NODELAY");
        Waits.get(stream.setOption(StandardSocketOptions.SO_RCVBUF, 32_768 << i % 4), "SO_RCVBUF");
        Waits.get(stream.setOption(StandardSocketOptions.SO_SNDBUF, 32_768 << i % 4), "SO_SNDBUF");
        Waits.get(stream.setOption(ExtendedSocketOptions.TCP_QUICKACK, i % 3 == 0), "QUICKACK");
        Waits.get(stream.getOption(StandardSocketOptions.SO_SNDBUF), "SO_SNDBUF");
      }
      assertEquals(length, Waits.get(written, "the write"));
      assertEquals(length, Waits.get(receiver.end, "the received bytes"));
      assertTrue(Waits.get(peer, "the peer"));
    }
  }

  @DriverTest
  void optionsOfAListenerAreSetAndRead(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var listener = TcpListener.bind(runtime, Peers.anyPort())) {
      Waits.get(listener.setOption(StandardSocketOptions.SO_RCVBUF, 30_000), "SO_RCVBUF");
      assertEquals(30_000, Waits.get(listener.getOption(StandardSocketOptions.SO_RCVBUF), "it"));
      assertTrue(Waits.get(listener.getOption(StandardSocketOptions.SO_REUSEADDR), "it"));
      assertFalse(Waits.get(listener.getOption(StandardSocketOptions.SO_REUSEPORT), "it"));
      var accepted = listener.acceptAsync();
      try (var peer = Peers.connect(listener.localAddress());
          var stream = Waits.get(accepted, "a connection")) {
        assertEquals(
            30_000,
            Waits.get(stream.getOption(StandardSocketOptions.SO_RCVBUF), "what is inherited"));
        assertTrue(peer.isConnected());
      }
    }
  }

  // ---- lingering

  /** Fills the socket with what the peer does not read. */
  private void fill(TcpStream stream, Socket peer) throws Exception {
    int length = 8 << 20; // more than what both ends hold
    var write = stream.writeAsync(ByteBuffer.wrap(pattern.bytes(0, length)));
    Waits.until(
        "something at the peer",
        () -> {
          try {
            return peer.getInputStream().available() > 0;
          } catch (IOException e) {
            throw new AssertionError(e);
          }
        });
    assertFalse(write.isDone(), "the socket never fills");
    write.cancel(true);
    Waits.settled(write, "the rest of the write, cancelled");
  }

  /** The close of a socket that lingers waits; the loop does not. */
  @DriverTest
  void aCloseThatLingersHoldsTheLoopUpNowhere(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = StreamPair.open(runtime, 64 << 10)) {
      var stream = pair.stream();
      Waits.get(stream.setOption(StandardSocketOptions.SO_LINGER, 60), "SO_LINGER");
      fill(stream, pair.peer());
      var close = stream.closeAsync();
      for (int i = 0;
          i < 3;
          i++) { // behind the close, whose time would be over only after a minute
        var turned = new CompletableFuture<Void>();
        stream.loop().nop(turned, FutureHandler.VOID);
        Waits.get(turned, "a turn of the loop");
      }
      if (driver.isUring()) {
        assertFalse(close.isDone(), "closed before the peer has taken what was sent");
      }
      long read = Peers.checkToEnd(pair.peer().getInputStream(), pattern);
      assertTrue(read > 64 << 10, "nothing was left to linger for: " + read);
      Waits.get(close, "the close");
    }
  }

  @DriverTest
  void whenTheTimeToLingerIsOverTheCloseIsDoneAndTheSystemGoesOnSending(TestRuntime driver)
      throws Exception {
    var runtime = driver.start();
    try (var pair = StreamPair.open(runtime, 64 << 10)) {
      var stream = pair.stream();
      Waits.get(stream.setOption(StandardSocketOptions.SO_LINGER, 1), "SO_LINGER");
      fill(stream, pair.peer());
      Waits.get(stream.closeAsync(), "the close, at the end of its time");
      assertTrue(Peers.checkToEnd(pair.peer().getInputStream(), pattern) > 64 << 10);
    }
  }

  /** The listeners of java.nio do not have the option. */
  @DriverTest(drivers = "uring")
  void aConnectionInheritsHowItsListenerLingers(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var listener = TcpListener.bind(runtime, Peers.anyPort())) {
      Waits.get(listener.setOption(StandardSocketOptions.SO_LINGER, 60), "SO_LINGER");
      var accepted = listener.acceptAsync();
      try (var peer = new Socket()) {
        peer.setReceiveBufferSize(64 << 10);
        peer.setSoTimeout(Peers.TIMEOUT_MS);
        peer.connect(listener.localAddress());
        var stream = Waits.get(accepted, "a connection");
        assertEquals(60, Waits.get(stream.getOption(StandardSocketOptions.SO_LINGER), "it"));
        fill(stream, peer);
        var close = stream.closeAsync();
        var turned = new CompletableFuture<Void>();
        stream.loop().nop(turned, FutureHandler.VOID);
        Waits.get(turned, "a turn of the loop");
        assertFalse(close.isDone());
        Peers.checkToEnd(peer.getInputStream(), pattern);
        Waits.get(close, "the close");
      }
    }
  }
}
