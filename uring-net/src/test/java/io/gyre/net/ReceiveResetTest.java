package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.IoRuntime;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;

/** A reset that comes together with data ends a receive behind what came, whenever that is looked at. */
class ReceiveResetTest {
  private static final int SMALL = 64;
  private static final int MOST = 300 * SMALL;
  private static final int STEP = 37 * SMALL + 1;

  private final Pattern pattern = new Pattern(Seeds.SEED);

  /** Called for each length, with a connection of its own. */
  private interface Trial {
    void run(TcpStream stream, Socket peer, int length) throws Exception;
  }

  private static IoRuntime start(TestRuntime driver) throws IOException {
    return driver.start(b -> b.receiveBuffers(64, SMALL));
  }

  private static void eachLength(TestRuntime driver, IoRuntime runtime, Trial trial)
      throws Exception {
    try (var server = new ServerSocket(0, 16, Peers.LOOPBACK)) {
      server.setSoTimeout(Peers.TIMEOUT_MS);
      for (int length = 1; length <= MOST; length += STEP) {
        var address = (InetSocketAddress) server.getLocalSocketAddress();
        var connecting = TcpStream.connectAsync(runtime, address);
        var peer = driver.own(server.accept());
        var stream = Waits.get(connecting, "a connection");
        trial.run(stream, peer, length);
        Waits.get(stream.closeAsync(), "a close");
      }
    }
  }

  private void sendAndReset(Socket peer, int from, int length) {
    try {
      peer.getOutputStream().write(pattern.bytes(from, length));
      Peers.reset(peer);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void awaitReset(Peers.Checking receiver) {
    assertInstanceOf(IOException.class, Waits.failure(receiver.end, "a reset"));
  }

  @DriverTest
  void thatIsThereBeforeTheReceive(TestRuntime driver) throws Exception {
    eachLength(
        driver,
        start(driver),
        (stream, peer, length) -> {
          var receiver = new Peers.Checking(pattern);
          sendAndReset(peer, 0, length);
          stream.receiveEach(null, receiver);
          awaitReset(receiver);
        });
  }

  @DriverTest
  void thatComesWhileTheLoopIsBusy(TestRuntime driver) throws Exception {
    var runtime = start(driver);
    eachLength(
        driver,
        runtime,
        (stream, peer, length) -> {
          var receiver = new Peers.Checking(pattern);
          stream.receiveEach(null, receiver);
          peer.getOutputStream().write(pattern.bytes(0, 1));
          receiver.await(1);
          runtime.loop().execute(() -> sendAndReset(peer, 1, length));
          awaitReset(receiver);
        });
  }

  @DriverTest
  void thatComesToAReceiveBehindACancelledOne(TestRuntime driver) throws Exception {
    var runtime = start(driver);
    eachLength(
        driver,
        runtime,
        (stream, peer, length) -> {
          var first = new Peers.Checking(pattern);
          stream.receiveEach(null, first);
          peer.getOutputStream().write(pattern.bytes(0, 1));
          first.await(1);
          stream.cancelAll();
          Waits.until("the end of a cancelled receive", first.end::isDone);
          assertTrue(first.end.isCompletedExceptionally());
          var second = new Peers.Checking(pattern);
          second.received.set(1);
          stream.receiveEach(null, second);
          peer.getOutputStream().write(pattern.bytes(1, 1));
          second.await(2);
          runtime.loop().execute(() -> sendAndReset(peer, 2, length));
          awaitReset(second);
        });
  }
}
