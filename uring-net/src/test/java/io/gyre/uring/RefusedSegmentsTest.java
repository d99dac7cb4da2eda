package io.gyre.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.bindings.Libc;
import io.gyre.driver.Capabilities.Status;
import io.gyre.net.UdpSocket;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;

/** A socket for which the kernel cuts no segments, as it does for those that compute no checksums. */
class RefusedSegmentsTest {
  private static final int SO_NO_CHECK = 11; // of asm-generic/socket.h
  private static final int SEGMENTS = 70;
  private static final int SEGMENT = 100;

  @DriverTest(drivers = "uring")
  void segmentsThatTheKernelRefusesToCutAreSentOneByOne(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var any = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0);
    var sender = UdpSocket.bind(runtime, any);
    var receiver = UdpSocket.bind(runtime, any);
    driver.own(sender::close);
    driver.own(receiver::close);
    var descriptor = (UringDescriptor) sender.descriptor();
    try (var arena = Arena.ofConfined()) {
      var on = arena.allocateFrom(ValueLayout.JAVA_INT, 1);
      int level = Libc.SOL_SOCKET();
      assertEquals(
          0, Libc.setsockopt(descriptor.fd, level, SO_NO_CHECK, on, Integer.BYTES), "setsockopt");
    }
    var pattern = new Pattern(Seeds.SEED);
    var src = pattern.fill(ByteBuffer.allocate(SEGMENTS * SEGMENT), 0);

    assertEquals(SEGMENTS * SEGMENT, sender.sendSegments(src, SEGMENT, receiver.localAddress()));

    for (int i = 0; i < SEGMENTS; i++) {
      var memory = ByteBuffer.allocate(2 * SEGMENT);
      assertEquals(SEGMENT, receiver.receive(memory).length());
      pattern.check(memory, 0, SEGMENT, (long) i * SEGMENT);
    }
    var feature = runtime.loop().capabilities().feature("udp-segment").orElseThrow();
    boolean cuts = feature.status() == Status.USED;
    if (cuts) {
      assertTrue(descriptor.datagrams.cutsNoSegments, "it is remembered");
    } else {
      assertFalse(descriptor.datagrams.cutsNoSegments, "it was never tried");
    }
  }
}
