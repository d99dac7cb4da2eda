package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.gyre.Buffer;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.testing.DriverTest;
import io.gyre.testing.FlightRecord;
import io.gyre.testing.Pattern;
import io.gyre.testing.Recorder;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import jdk.jfr.consumer.RecordedEvent;

/** What sockets make a loop tell about itself. */
class TcpTelemetryTest {
  @DriverTest
  void receivesThatFindNoBufferAreRecorded(TestRuntime driver) throws Exception {
    var pattern = new Pattern(3);
    var loopback = InetAddress.ofLiteral("127.0.0.1");
    var runtime = driver.start(b -> b.receiveBuffers(4, 256));
    var loop = runtime.loop();
    var held = new ConcurrentLinkedQueue<Buffer>();
    List<RecordedEvent> events;
    try (var record = FlightRecord.of("OutOfBuffers", "Cancel");
        var listener = TcpListener.bind(runtime, new InetSocketAddress(loopback, 0));
        var peer = new Socket(loopback, listener.localAddress().getPort())) {
      var stream = Waits.get(listener.acceptAsync(), "a connection");
      var holder =
          new Peers.Checking(pattern) {
            @Override
            public void received(Buffer buffer, Object attachment) {
              held.add(buffer);
            }
          };
      stream.receiveEach(null, holder);
      peer.getOutputStream().write(pattern.bytes(0, 10_000));
      Waits.until(
          "the lack of buffers to be counted",
          () -> loop.counters().get(Counter.OUT_OF_BUFFERS) > 0);
      var nextTurn = new Recorder<Integer>();
      loop.nop(1, nextTurn);
      nextTurn.awaitOne();
      Waits.until(
          "the lack of buffers to be told", () -> loop.stats().freeReceiveBuffersLow() == 0);
      stream.close(); // cancels the receive
      events = record.stop();
    } finally {
      held.forEach(Buffer::release);
    }

    var lacks = events.stream().filter(e -> e.hasField("times")).toList();
    assertFalse(lacks.isEmpty());
    assertEquals(loop.thread().getName(), lacks.getFirst().getString("loop"));
    long times = lacks.stream().mapToLong(e -> e.getLong("times")).sum();
    assertEquals(loop.stats().outOfBuffers(), times);
    var cancels = events.stream().filter(e -> e.hasField("operation")).toList();
    assertEquals(1, cancels.size(), cancels::toString);
    assertEquals("ALL", cancels.getFirst().getString("operation"));
  }
}
