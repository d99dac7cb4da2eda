package io.gyre.faults;

import io.gyre.EventLoop;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.net.ListenOptions;
import io.gyre.net.TcpListener;
import io.gyre.testing.DriverConfiguration;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;

/**
 * A program whose listener has connections waiting and no descriptor for them, for a second. Run
 * under a low limit.
 */
final class StarvedAccept {
  private static final int CONNECTIONS = 20;
  private static final Duration STARVED = Duration.ofSeconds(1);

  /** A listener that tries again ten times a second makes some tens; one that spins, 100,000. */
  private static final int MOST_ENTERS = 200;

  private StarvedAccept() {}

  public static void main(String[] args) throws Exception {
    try (var driver = new TestRuntime(DriverConfiguration.valueOf(args[0]))) {
      var loop = driver.start().loop();
      CheckedWork.run(loop); // loads every class that is needed later
      var anyPort = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
      var options = ListenOptions.DEFAULT.withMaxConnections(Integer.parseInt(args[1]));
      try (var listener = TcpListener.bind(loop, anyPort, options)) {
        listener.acceptEach(null, new CheckedWork.Echo());
        var clients = new ArrayList<SocketChannel>();
        for (int i = 0; i < CONNECTIONS; i++) {
          clients.add(driver.own(SocketChannel.open())); // takes its descriptor now
        }
        long enters;
        try (var _ = new Descriptors(0)) {
          for (var client : clients) {
            client.connect(listener.localAddress()); // the kernel does that, and queues it
          }
          enters = entersWithin(loop, STARVED);
        }
        System.out.println(enters + " enters while starved");
        if (enters > MOST_ENTERS) {
          throw new AssertionError("it spins: " + enters + " enters in " + STARVED);
        }
        for (int i = 0; i < CONNECTIONS; i++) {
          checkEcho(clients.get(i), new Pattern(Seeds.SEED + i));
          clients.get(i).close(); // in the tiny configuration buffers are scarce as well
        }
      }
    }
    System.out.println("checked");
  }

  private static long entersWithin(EventLoop loop, Duration time) {
    var enters = new CompletableFuture<Long>();
    loop.execute(
        () -> {
          long before = loop.counters().get(Counter.ENTERS);
          loop.schedule(time, () -> enters.complete(loop.counters().get(Counter.ENTERS) - before));
        });
    return Waits.get(enters, "a timer");
  }

  private static void checkEcho(SocketChannel client, Pattern pattern) throws Exception {
    client.socket().setSoTimeout((int) Waits.PATIENCE.toMillis());
    client.write(ByteBuffer.wrap(pattern.bytes(0, 1000)));
    pattern.check(client.socket().getInputStream().readNBytes(1000), 0, 1000, 0);
  }
}
