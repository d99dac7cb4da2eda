package io.gyre.nio;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.driver.Descriptor;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class NioSocketTest {
  private Rig rig;

  @BeforeEach
  void open() throws IOException {
    rig = new Rig();
  }

  @AfterEach
  void close() throws IOException {
    rig.close();
  }

  @Test
  void whatIsSentIsReceivedWithoutMovingMoreThanThePosition() throws IOException {
    var pair = rig.connect();
    var source =
        ByteBuffer.wrap("..hello..".getBytes(StandardCharsets.US_ASCII)).position(2).limit(7);
    var target = ByteBuffer.allocateDirect(32).position(3).limit(20);
    var received = rig.receive(pair.server(), target);
    var sent = rig.submit(OpCode.SEND, pair.client(), o -> o.memory(source));
    assertEquals(2, source.position());
    assertEquals(5, rig.await(sent));
    assertEquals(5, rig.await(received));
    assertEquals(7, source.position());
    assertEquals(8, target.position());
    assertEquals(20, target.limit());
    assertEquals('h', target.get(3));
  }

  @Test
  void receiveAtTheEndOfTheStreamGivesZeroAgainAndAgain() throws IOException {
    var pair = rig.connect();
    var multishot = rig.submit(OpCode.RECEIVE_MULTISHOT, pair.server());
    rig.send(pair.client(), new byte[] {1, 2});
    assertEquals(0, rig.await(rig.submit(OpCode.SHUTDOWN, pair.client(), o -> o.flags(1))));
    assertEquals(0, rig.await(multishot));
    assertArrayEquals(new byte[] {1, 2}, multishot.bytes.toByteArray());
    assertEquals(0, rig.await(rig.receive(pair.server(), ByteBuffer.allocate(4))));
    assertEquals(0, rig.await(rig.submit(OpCode.RECEIVE_MULTISHOT, pair.server())));
    // The other direction is open still.
    var back = rig.receive(pair.client(), ByteBuffer.allocate(4));
    rig.send(pair.server(), new byte[] {3});
    assertEquals(1, rig.await(back));
  }

  @Test
  void receiveAfterShutdownOfInputEnds() throws IOException {
    var pair = rig.connect();
    var waiting = rig.receive(pair.server(), ByteBuffer.allocate(4));
    rig.driver.turn(0, 16);
    assertEquals(0, rig.await(rig.submit(OpCode.SHUTDOWN, pair.server(), o -> o.flags(0))));
    assertEquals(0, rig.await(waiting));
  }

  @Test
  void sendAfterShutdownOfOutputIsABrokenPipe() throws IOException {
    var pair = rig.connect();
    rig.await(rig.submit(OpCode.SHUTDOWN, pair.client(), o -> o.flags(2)));
    var sent = rig.send(pair.client(), new byte[1]);
    assertEquals(-Errno.EPIPE.number(), rig.await(sent));
    assertInstanceOf(SocketException.class, sent.failure);
    assertTrue(sent.failure.getMessage().startsWith("send 127.0.0.1:"), sent.failure.getMessage());
  }

  @Test
  void shutdownComesAfterWhatWasSentBefore() throws IOException {
    var pair = rig.connect();
    shrink(pair);
    var data = randomBytes(1 << 20);
    var sent = rig.send(pair.client(), data);
    var shutdown = rig.submit(OpCode.SHUTDOWN, pair.client(), o -> o.flags(1));
    var received = rig.submit(OpCode.RECEIVE_MULTISHOT, pair.server());
    assertEquals(0, rig.await(received));
    assertEquals(data.length, rig.await(sent));
    assertEquals(0, rig.await(shutdown));
    assertArrayEquals(data, received.bytes.toByteArray());
  }

  @Test
  void sendsGoInOrderThroughTinyBuffers() throws IOException {
    var pair = rig.connect();
    shrink(pair);
    var expected = new ByteArrayOutputStream();
    var order = new ArrayList<Integer>();
    var random = new Random(7);
    int count = 64;
    for (int i = 0; i < count; i++) {
      var part = randomBytes(random.nextInt(100_000));
      expected.writeBytes(part);
      int number = i;
      var outcome = new Outcome();
      outcome.then = () -> order.add(number);
      var memory =
          i % 2 == 0
              ? ByteBuffer.wrap(part)
              : ByteBuffer.allocateDirect(part.length).put(part).flip();
      rig.submit(OpCode.SEND, pair.client(), o -> o.memory(memory), outcome);
    }
    var received = rig.submit(OpCode.RECEIVE_MULTISHOT, pair.server());
    rig.turnUntil(
        "all sent", () -> order.size() == count && received.bytes.size() == expected.size());
    assertEquals(IntStream.range(0, count).boxed().toList(), order);
    assertArrayEquals(expected.toByteArray(), received.bytes.toByteArray());
  }

  @Test
  void bothDirectionsFlowAtATime() throws IOException {
    var pair = rig.connect();
    shrink(pair);
    var data = randomBytes(2 << 20);
    var there = rig.submit(OpCode.RECEIVE_MULTISHOT, pair.server());
    var back = rig.submit(OpCode.RECEIVE_MULTISHOT, pair.client());
    rig.send(pair.client(), data);
    rig.send(pair.server(), data);
    rig.turnUntil(
        "all received",
        () -> there.bytes.size() == data.length && back.bytes.size() == data.length);
    assertArrayEquals(data, there.bytes.toByteArray());
    assertArrayEquals(data, back.bytes.toByteArray());
  }

  @Test
  void anEmptySendResolvesInItsTurn() throws IOException {
    var pair = rig.connect();
    assertEquals(0, rig.await(rig.send(pair.client(), new byte[0])));
  }

  @Test
  void connectToAClosedPortIsRefused() throws IOException {
    var listener = rig.listen();
    var address = rig.driver.localAddress(listener);
    rig.await(rig.close(listener));
    var socket = rig.driver.socket(address);
    var early = rig.receive(socket, ByteBuffer.allocate(1));
    var connected = rig.submit(OpCode.CONNECT, socket, o -> o.argument(address));
    assertEquals(-Errno.ECONNREFUSED.number(), rig.await(connected));
    assertInstanceOf(ConnectException.class, connected.failure);
    assertEquals(
        "connect 127.0.0.1:" + address.getPort() + ": ECONNREFUSED (Connection refused)",
        connected.failure.getMessage());
    assertEquals(-Errno.ENOTCONN.number(), rig.await(early));
    assertEquals(-Errno.EPIPE.number(), rig.await(rig.send(socket, new byte[1])));
    assertEquals(0, rig.await(rig.close(socket)));
  }

  @Test
  void whatIsSentWhileConnectingGoesOutOnceConnected() throws IOException {
    var listener = rig.listen();
    var address = rig.driver.localAddress(listener);
    var accepted = rig.submit(OpCode.ACCEPT, listener);
    var client = rig.driver.socket(address);
    var received = rig.receive(client, ByteBuffer.allocate(1));
    rig.submit(OpCode.CONNECT, client, o -> o.argument(address));
    var sent = rig.send(client, new byte[] {42});
    assertEquals(1, rig.await(sent));
    assertEquals(0, rig.await(accepted));
    rig.send(accepted.descriptors.getFirst(), new byte[] {43});
    assertEquals(1, rig.await(received));
  }

  @Test
  void receiveOnASocketThatWasNeverConnectedFails() throws IOException {
    var socket = rig.driver.socket(new InetSocketAddress(Rig.LOOPBACK, 1));
    assertEquals(-Errno.ENOTCONN.number(), rig.await(rig.receive(socket, ByteBuffer.allocate(1))));
    assertThrows(SocketException.class, () -> rig.driver.remoteAddress(socket));
    assertEquals(0, rig.driver.localAddress(socket).getPort());
  }

  @Test
  void aResetFailsReceiveAndSend() throws IOException {
    var pair = rig.connect();
    var received = rig.submit(OpCode.RECEIVE_MULTISHOT, pair.server());
    rig.driver.setOption(pair.client(), StandardSocketOptions.SO_LINGER, 0);
    assertEquals(0, rig.await(rig.close(pair.client())));
    assertEquals(-Errno.ECONNRESET.number(), rig.await(received));
    assertTrue(received.failure.getMessage().contains("ECONNRESET"), received.failure.getMessage());
    assertEquals(-Errno.EPIPE.number(), rig.await(rig.send(pair.server(), new byte[1])));
  }

  @Test
  void closeEndsWhatIsInFlightFirst() throws IOException {
    var pair = rig.connect();
    shrink(pair);
    var received = rig.receive(pair.client(), ByteBuffer.allocate(1));
    var sent = rig.send(pair.client(), new byte[8 << 20]);
    var behind = rig.send(pair.client(), new byte[1]);
    rig.driver.turn(0, 64);
    var closed = rig.close(pair.client());
    assertEquals(0, rig.await(closed));
    for (var outcome : new Outcome[] {received, sent, behind}) {
      assertTrue(outcome.isDone());
      assertInstanceOf(ClosedChannelException.class, outcome.failure);
    }
    var late = rig.receive(pair.client(), ByteBuffer.allocate(1));
    rig.await(late);
    assertInstanceOf(ClosedChannelException.class, late.failure);
  }

  @Test
  void cancelTakesOneOperationAndLeavesTheOthers() throws IOException {
    var pair = rig.connect();
    var first = rig.submit(OpCode.RECEIVE_MULTISHOT, pair.server());
    var second = rig.receive(pair.server(), ByteBuffer.allocate(4));
    rig.driver.turn(0, 16);
    rig.driver.cancel(first.operation);
    assertEquals(-Errno.ECANCELED.number(), rig.await(first));
    assertFalse(second.isDone());
    rig.send(pair.client(), new byte[] {1, 2});
    assertEquals(2, rig.await(second));
  }

  @Test
  void aMultishotMayBeCancelledByItsOwnHandler() throws IOException {
    var pair = rig.connect();
    var outcome = new Outcome();
    outcome.then =
        () -> {
          if (!outcome.isDone()) {
            rig.driver.cancel(outcome.operation);
          }
        };
    rig.submit(OpCode.RECEIVE_MULTISHOT, pair.server(), o -> o, outcome);
    rig.send(pair.client(), new byte[100_000]);
    assertEquals(-Errno.ECANCELED.number(), rig.await(outcome));
    assertEquals(2, outcome.results.size());
    // What it left is there for the next.
    var rest = rig.submit(OpCode.RECEIVE_MULTISHOT, pair.server());
    rig.turnUntil("the rest", () -> outcome.bytes.size() + rest.bytes.size() == 100_000);
  }

  @Test
  void aSocketMayBeClosedByItsOwnHandler() throws IOException {
    var pair = rig.connect();
    var outcome = new Outcome();
    var closed = new Outcome();
    outcome.then =
        () -> {
          if (!outcome.isDone()) {
            rig.dispatcher.close(pair.server(), true, closed, null, null);
          }
        };
    rig.submit(OpCode.RECEIVE_MULTISHOT, pair.server(), o -> o, outcome);
    rig.send(pair.client(), new byte[10]);
    assertEquals(0, rig.await(closed));
    assertInstanceOf(ClosedChannelException.class, outcome.failure);
    assertEquals(0, rig.await(rig.receive(pair.client(), ByteBuffer.allocate(1))));
  }

  @Test
  void pooledBuffersAreSentFromSeveralSocketsAtATime() throws IOException {
    var one = rig.connect();
    var two = rig.connect();
    var holding = new Outcome().holdingBuffers();
    rig.submit(OpCode.RECEIVE_MULTISHOT, one.server(), o -> o, holding);
    rig.send(one.client(), new byte[] {5, 6, 7});
    rig.turnUntil("a buffer", () -> !holding.held.isEmpty());
    var buffer = holding.held.poll();
    var a = rig.submit(OpCode.SEND, one.server(), o -> o.memory(buffer));
    var b = rig.submit(OpCode.SEND, two.server(), o -> o.memory(buffer));
    buffer.release();
    var first = rig.submit(OpCode.RECEIVE_MULTISHOT, one.client());
    var second = rig.submit(OpCode.RECEIVE_MULTISHOT, two.client());
    assertEquals(3, rig.await(a));
    assertEquals(3, rig.await(b));
    rig.turnUntil("both", () -> first.bytes.size() == 3 && second.bytes.size() == 3);
    assertArrayEquals(new byte[] {5, 6, 7}, first.bytes.toByteArray());
    assertArrayEquals(new byte[] {5, 6, 7}, second.bytes.toByteArray());
  }

  @Test
  void addressesAndOptions() throws IOException {
    var pair = rig.connect();
    assertEquals(rig.driver.localAddress(pair.server()), rig.driver.remoteAddress(pair.client()));
    assertEquals(rig.driver.localAddress(pair.client()), rig.driver.remoteAddress(pair.server()));
    assertEquals(
        "127.0.0.1:" + rig.driver.localAddress(pair.client()).getPort(), pair.server().subject());
    rig.driver.setOption(pair.client(), StandardSocketOptions.TCP_NODELAY, true);
    assertThrows(
        UnsupportedOperationException.class,
        () -> rig.driver.setOption(pair.client(), StandardSocketOptions.IP_MULTICAST_LOOP, true));
    rig.await(rig.close(pair.client()));
    assertThrows(IOException.class, () -> rig.driver.localAddress(pair.client()));
    assertThrows(
        IOException.class,
        () -> rig.driver.setOption(pair.client(), StandardSocketOptions.TCP_NODELAY, true));
  }

  private void shrink(Rig.Pair pair) throws IOException {
    for (var end : new Descriptor[] {pair.client(), pair.server()}) {
      rig.driver.setOption(end, StandardSocketOptions.SO_SNDBUF, 2048);
    }
  }

  private static byte[] randomBytes(int count) {
    var bytes = new byte[count];
    new Random(count).nextBytes(bytes);
    return bytes;
  }
}
