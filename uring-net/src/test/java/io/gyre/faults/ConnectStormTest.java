package io.gyre.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.net.ConnectOptions;
import io.gyre.net.TcpStream;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;

/** Connects by the hundred, cancelled in the middle: those that were made, and those that nobody answers. */
class ConnectStormTest {
  private static final int CONNECTS = 400;

  private static long sockets(TestRuntime driver) {
    return driver.heldSinceStart().stream().filter(held -> held.startsWith("socket:")).count();
  }

  @DriverTest
  void aStormCancelledInTheMiddleLeavesNoDescriptor(TestRuntime driver) throws Exception {
    var random = new Random(Seeds.SEED);
    var runtime = driver.start();
    var options =
        ConnectOptions.DEFAULT
            .withTimeout(Duration.ofMinutes(5))
            .withAttemptDelay(ConnectOptions.SHORTEST_ATTEMPT_DELAY);
    // Its queue has room for a few: they connect, and the others wait for an answer.
    try (var server = new ServerSocket(0, 64, InetAddress.getLoopbackAddress())) {
      long before = sockets(driver);
      var address = (InetSocketAddress) server.getLocalSocketAddress();
      var connects = new ArrayList<CompletableFuture<TcpStream>>();
      for (int i = 0; i < CONNECTS; i++) {
        connects.add(
            switch (i % 3) {
              case 0 -> TcpStream.connectAsync(runtime, address);
              case 1 -> TcpStream.connectAsync(runtime, address, options);
              default ->
                  TcpStream.connectAsync(
                      runtime, address.getHostString(), address.getPort(), options);
            });
        if (random.nextInt(4) == 0) {
          connects.get(random.nextInt(connects.size())).cancel(true); // beginning, or made
        }
      }
      Waits.until("some connections", () -> connects.stream().anyMatch(ConnectStormTest::isMade));
      for (var connect : connects) {
        connect.cancel(true);
      }
      int made = 0;
      int cancelled = 0;
      for (var connect : connects) {
        Waits.settled(connect, "a connect");
        if (isMade(connect)) {
          made++;
          connect.join().close();
        } else {
          var cause = connect.handle((stream, failure) -> failure).join();
          assertTrue(cause instanceof CancellationException, cause::toString);
          cancelled++;
        }
      }
      assertEquals(CONNECTS, made + cancelled);
      assertTrue(cancelled > 0 && made > 0, made + " made, " + cancelled + " cancelled");
      Waits.until(
          () -> "every socket closed; held are " + driver.heldSinceStart(),
          () -> sockets(driver) == before);
      // And the runtime is as good as new.
      try (var fresh = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
          var stream =
              TcpStream.connect(
                  runtime, (InetSocketAddress) fresh.getLocalSocketAddress(), options);
          var peer = fresh.accept()) {
        assertEquals(1, stream.write(ByteBuffer.wrap(new byte[] {3})));
        assertEquals(3, peer.getInputStream().read());
      }
    }
  }

  private static boolean isMade(CompletableFuture<TcpStream> connect) {
    return connect.isDone() && !connect.isCompletedExceptionally();
  }
}
