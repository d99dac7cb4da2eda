package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.IoRuntime;
import io.gyre.Scheduler;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.FutureHandler;
import io.gyre.testing.DriverConfiguration;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Thousands of connections, with both ends in this process: two descriptors for each. How many rounds of churn there are,
 * {@code -Dgyre.test.churn} says.
 */
class ManyConnectionsTest {
  private static final int IDLE = 2_000;
  private static final int CHURNING = 9_000;
  private static final int ROUNDS = Integer.getInteger("gyre.test.churn", 3);
  private static final int REPLACED = 500;
  private static final int SAMPLE = 200;
  private static final int PIECE = 1_000;

  /** A peer, and how far it has come in the pattern that is its own. */
  private static final class Peer {
    private final Socket socket;
    private final Pattern pattern;
    private long position;

    Peer(Socket socket, long seed) {
      this.socket = socket;
      this.pattern = new Pattern(seed);
    }

    void send() throws IOException {
      socket.getOutputStream().write(pattern.bytes(position, PIECE));
    }

    void checkEcho() throws IOException {
      Peers.check(socket.getInputStream(), pattern, position, PIECE);
      position += PIECE;
    }
  }

  private final Echoing handler = new Echoing();
  private final List<Peer> peers = new ArrayList<>();
  private int made;

  /**
   * Connects to some address of this machine's, so that there are ports enough: those of closed connections are not to be
   * had for a while.
   */
  private Peer connect(int port) throws IOException {
    int n = made++;
    var address = InetAddress.getByAddress(new byte[] {127, 0, (byte) (1 + n % 8), 1});
    var peer = new Peer(Peers.connect(new InetSocketAddress(address, port)), Seeds.SEED + n);
    peers.add(peer);
    return peer;
  }

  private void closeAll() throws IOException {
    for (var peer : peers) {
      Peers.reset(peer.socket); // leaves no port in TIME_WAIT
    }
  }

  private void checkSample(Random random) throws IOException {
    var sample = new ArrayList<Peer>();
    for (int i = 0; i < SAMPLE; i++) {
      sample.add(peers.get(random.nextInt(peers.size())));
    }
    var distinct = sample.stream().distinct().toList();
    for (var peer : distinct) { // all at the same time
      peer.send();
    }
    for (var peer : distinct) {
      peer.checkEcho();
    }
  }

  private static TcpServer bind(IoRuntime runtime, int max) throws IOException {
    return TcpServer.bind(
        runtime,
        new InetSocketAddress("0.0.0.0", 0),
        Distribution.ROUND_ROBIN,
        ListenOptions.DEFAULT.withBacklog(4096).withMaxConnections(max));
  }

  @DriverTest
  void idleConnectionsHoldNoReceiveBuffer(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var counters = runtime.loop().counters();
    long free = counters.get(Counter.FREE_RECEIVE_BUFFERS_LOW);
    assertTrue(free > 0, "some are free at the beginning");
    var server = bind(runtime, ListenOptions.UNLIMITED);
    server.acceptEach(null, handler);
    for (int i = 0; i < IDLE; i++) {
      connect(server.localAddress().getPort());
    }
    Waits.until("all receive", () -> handler.streams.size() == IDLE);
    var turned = new CompletableFuture<Void>();
    runtime.loop().nop(turned, FutureHandler.VOID);
    Waits.get(turned, "a turn after the last");

    assertEquals(free, counters.get(Counter.FREE_RECEIVE_BUFFERS_LOW), "fewest free in any turn");
    assertEquals(0, runtime.loop().buffers().lentBytes());
    checkSample(Seeds.random(1)); // and they do receive
    Waits.until("what was received is back", () -> runtime.loop().buffers().lentBytes() == 0);
    closeAll();
    Waits.until("all closed", () -> server.connections() == 0);
    server.close();
    assertTrue(handler.wrong.isEmpty(), handler.wrong::toString);
  }

  /** FAULTS 27. */
  @ParameterizedTest(name = "{0}")
  @EnumSource(names = {"URING", "NIO"})
  void nineThousandConnectionsComeAndGo(DriverConfiguration configuration) throws Exception {
    try (var driver = new TestRuntime(configuration)) {
      var runtime = driver.start(b -> b.scheduler(Scheduler.threadPerCore(2)));
      var random = Seeds.random(27);
      try (var server = bind(runtime, CHURNING)) {
        server.acceptEach(null, handler);
        int port = server.localAddress().getPort();
        for (int i = 0; i < CHURNING; i++) {
          connect(port);
        }
        Waits.until("all are accepted", () -> server.connections() == CHURNING);
        for (int round = 0; round < ROUNDS; round++) {
          checkSample(random);
          churn(random, port);
          Waits.until(
              () -> CHURNING + " again, not " + server.connections(),
              () -> server.connections() == CHURNING);
        }
        checkSample(random);
        assertTrue(server.connections() <= CHURNING, "the bound holds");
        closeAll();
        Waits.until(
            () -> "all closed; left are " + server.connections(), () -> server.connections() == 0);
      }
    }
    assertTrue(handler.wrong.isEmpty(), handler.wrong::toString);
  }

  /** Some go, in both ways in which one can, some of them with data under way; and as many come. */
  private void churn(Random random, int port) throws IOException {
    for (int i = 0; i < REPLACED; i++) {
      var leaving = peers.remove(random.nextInt(peers.size()));
      if (random.nextInt(4) == 0) {
        leaving.send();
      }
      if (random.nextBoolean()) {
        leaving.socket.close();
      } else {
        Peers.reset(leaving.socket);
      }
      connect(port);
    }
  }
}
