package io.gyre.nio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.driver.Errno;
import io.gyre.driver.ListenRequest;
import io.gyre.driver.OpCode;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ClosedChannelException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class NioListenerTest {
  @Test
  void multishotAcceptTakesEveryConnection() throws IOException {
    try (var rig = new Rig()) {
      var listener = rig.listen();
      var address = rig.driver.localAddress(listener);
      var accepted = rig.submit(OpCode.ACCEPT_MULTISHOT, listener);
      for (int i = 0; i < 100; i++) {
        rig.submit(OpCode.CONNECT, rig.driver.socket(address), o -> o.argument(address));
      }
      rig.turnUntil("100 connections", () -> accepted.descriptors.size() == 100);
      assertEquals(100, accepted.descriptors.stream().distinct().count());
      assertEquals(0, rig.await(rig.close(listener)));
      assertInstanceOf(ClosedChannelException.class, accepted.failure);
    }
  }

  @Test
  void acceptsAreServedInOrder() throws IOException {
    try (var rig = new Rig()) {
      var listener = rig.listen();
      var address = rig.driver.localAddress(listener);
      var first = rig.submit(OpCode.ACCEPT, listener);
      var second = rig.submit(OpCode.ACCEPT, listener);
      rig.submit(OpCode.CONNECT, rig.driver.socket(address), o -> o.argument(address));
      assertEquals(0, rig.await(first));
      rig.driver.cancel(second.operation);
      assertEquals(-Errno.ECANCELED.number(), rig.await(second));
      // A connection that nobody accepts yet waits, and does not keep the loop busy.
      rig.submit(OpCode.CONNECT, rig.driver.socket(address), o -> o.argument(address));
      rig.turnUntil("idle", () -> rig.dispatcher.inFlight() == 0);
      assertEquals(0, rig.await(rig.submit(OpCode.ACCEPT, listener)));
    }
  }

  @Test
  void thePortIsFreeWhenCloseResolves() throws IOException {
    try (var rig = new Rig()) {
      var address = new InetSocketAddress(Rig.LOOPBACK, 0);
      for (int i = 0; i < 50; i++) {
        var listener = rig.driver.listen(new ListenRequest(address, 16, false));
        address = rig.driver.localAddress(listener);
        var accept = rig.submit(OpCode.ACCEPT_MULTISHOT, listener);
        rig.driver.turn(0, 16);
        assertEquals(0, rig.await(rig.close(listener)));
        assertTrue(accept.isDone());
      }
    }
  }

  @Test
  void aPortInUseIsNamed() throws IOException {
    try (var rig = new Rig()) {
      var address = rig.driver.localAddress(rig.listen());
      var thrown =
          assertThrows(
              BindException.class, () -> rig.driver.listen(new ListenRequest(address, 16, false)));
      assertEquals(
          "bind 127.0.0.1:" + address.getPort() + ": EADDRINUSE (Address already in use)",
          thrown.getMessage());
    }
  }

  @Test
  void anAddressOfAnotherMachineIsNamed() throws IOException {
    try (var rig = new Rig()) {
      var elsewhere = new InetSocketAddress(InetAddress.ofLiteral("192.0.2.1"), 0);
      var thrown =
          assertThrows(
              BindException.class,
              () -> rig.driver.listen(new ListenRequest(elsewhere, 16, false)));
      assertTrue(thrown.getMessage().contains("EADDRNOTAVAIL"), thrown.getMessage());
    }
  }

  @Test
  void severalListenersMayShareAPort() throws IOException {
    try (var rig = new Rig()) {
      var any = new InetSocketAddress(Rig.LOOPBACK, 0);
      var address = rig.driver.localAddress(rig.driver.listen(new ListenRequest(any, 16, true)));
      rig.driver.listen(new ListenRequest(address, 16, true));
    }
  }

  @Test
  void whatIsNotForAListenerFails() throws IOException {
    try (var rig = new Rig()) {
      var sent = rig.send(rig.listen(), new byte[1]);
      assertTrue(rig.await(sent) < 0);
      assertInstanceOf(IllegalArgumentException.class, sent.failure);
    }
  }
}
