package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gyre.Interest;
import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Who waits on a loop's thread for a future of sockets is told so, instead of waiting for ever. */
class WaitOnALoopTest {
  private static Map<String, CompletableFuture<?>> checked(
      Map<String, CompletableFuture<?>> futures) {
    futures.forEach(
        (name, future) -> {
          assertThrows(IllegalStateException.class, future::join, name);
          assertThrows(IllegalStateException.class, future::get, name);
          assertThrows(IllegalStateException.class, () -> future.get(1, TimeUnit.DAYS), name);
          var behind = future.handle((result, failure) -> null).thenCompose(nothing -> future);
          assertThrows(IllegalStateException.class, behind::join, "a stage behind " + name);
        });
    return futures;
  }

  @DriverTest
  void aHandlerThatWaitsForAStreamIsRefused(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = StreamPair.open(runtime)) {
      var stream = pair.stream();
      var begun =
          Waits.onLoop(
              stream.loop(),
              () -> {
                var futures = new LinkedHashMap<String, CompletableFuture<?>>();
                futures.put("a read", stream.readAsync(ByteBuffer.allocate(10)));
                futures.put("a write", stream.writeAsync(ByteBuffer.allocate(10)));
                futures.put("readiness", stream.pollAsync(Interest.WRITABLE));
                futures.put("a subscriber", stream.subscriber().completion());
                return checked(futures);
              });
      Waits.settled(begun.get("a write"), "the write");
      begun.get("a subscriber").cancel(true); // nobody publishes
      var closing =
          Waits.onLoop(stream.loop(), () -> checked(Map.of("a close", stream.closeAsync())));
      Waits.settled(closing.get("a close"), "the close");
      begun.forEach((name, future) -> Waits.settled(future, name));
    }
  }

  @DriverTest
  void aHandlerThatWaitsForAnotherLoopsSocketIsRefused(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var others = driver.start();
    try (var listener = TcpListener.bind(others, Peers.anyPort());
        var socket = UdpSocket.bind(others, Peers.anyPort());
        var server =
            TcpServer.bind(
                others, Peers.anyPort(), Distribution.REUSE_PORT, ListenOptions.DEFAULT)) {
      var held = new CountDownLatch(1);
      others.loop().execute(() -> Waits.await(held, "the checks"));
      var begun =
          Waits.onLoop(
              runtime.loop(),
              () -> {
                var futures = new LinkedHashMap<String, CompletableFuture<?>>();
                futures.put(
                    "a bind",
                    TcpListener.bindAsync(others.loop(), Peers.anyPort(), ListenOptions.DEFAULT));
                futures.put("an accept", listener.acceptAsync());
                futures.put("a connect", TcpStream.connectAsync(others, listener.localAddress()));
                futures.put("an option", listener.getOption(StandardSocketOptions.SO_RCVBUF));
                futures.put("a datagram", socket.receiveAsync(ByteBuffer.allocate(10)));
                futures.put(
                    "a socket",
                    UdpSocket.bindAsync(others.loop(), Peers.anyPort(), UdpSocket.Options.DEFAULT));
                futures.put("the server's end", server.shutdown(Duration.ZERO));
                return checked(futures);
              });
      held.countDown();
      Waits.settled(begun.get("a connect"), "the connect");
      Waits.settled(begun.get("the server's end"), "the server's end");
      others.close(); // closes what was opened
      begun.forEach((name, future) -> Waits.settled(future, name));
    }
  }
}
