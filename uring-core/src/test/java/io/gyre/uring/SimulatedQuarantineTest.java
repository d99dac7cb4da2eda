package io.gyre.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.OpCode;
import io.gyre.testing.Seeds;
import io.gyre.uring.SimulatedLoop.Asked;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** A kernel that keeps an operation past the deadline of shutdown, and writes to its memory when everybody is gone. */
class SimulatedQuarantineTest {
  private static final int BYTES = 1000;
  private static final byte WRITTEN = 42;
  private static final long DEADLINE_NANOS = 5_000_000_000L;

  /** What is left when nobody holds the loop any more. */
  private record Left(
      SimulatedKernel kernel,
      WeakReference<Object> driver,
      List<WeakReference<Object>> memory,
      List<Long> addresses) {}

  @Test
  void memoryThatTheKernelNeverGaveBackIsKeptWhenAllAreGone() throws Exception {
    var left = shutDownWithReadsThatNeverEnd();
    collectGarbage();

    assertTrue(left.kernel.isWhole(), "the ring was unmapped, closed or unregistered");
    assertNotNull(left.driver.get(), "the driver is gone, and with it what it holds");
    for (var memory : left.memory) {
      assertNotNull(memory.get(), "memory that the kernel has still was given to the collector");
    }
    // At last. Were any of it unmapped, this would be the end of the JVM.
    left.kernel.inFlight().forEach(r -> r.readyAtNanos = 0);
    left.kernel.step(1000);
    for (long address : left.addresses) {
      for (int i = 0; i < BYTES; i++) {
        assertEquals(WRITTEN, Memory.ALL.get(ValueLayout.JAVA_BYTE, address + i));
      }
    }
  }

  private static Left shutDownWithReadsThatNeverEnd() throws IOException {
    var slow = new SimulatedFaults(1000, 0, 0, 0, 0, 0, 0, 0);
    var kernel = new SimulatedKernel(new SplittableRandom(Seeds.SEED), slow);
    var loop = new SimulatedLoop(kernel, new DriverConfig(0, 8, 8, 4, 64, 16), t -> {});
    var file = loop.file("/stuck");
    var content = kernel.operations().content("/stuck");
    content.ensure(BYTES);
    Arrays.fill(content.bytes(), WRITTEN);
    var direct = ByteBuffer.allocateDirect(BYTES);
    var heap = ByteBuffer.allocate(BYTES);
    var pooled = loop.pool.acquire(BYTES);
    var asked = new ArrayList<Asked>();
    asked.add(loop.ask(OpCode.READ, file, o -> o.memory(direct)));
    asked.add(loop.ask(OpCode.READ, file, o -> o.memory(heap)));
    asked.add(loop.ask(OpCode.READ, file, o -> o.memory(pooled)));
    loop.turn(0, 1024);
    pooled.release();
    var stuck = kernel.inFlight().stream().filter(r -> r.file == file(kernel, file)).toList();
    assertEquals(3, stuck.size());
    for (var request : stuck) {
      request.readyAtNanos = Long.MAX_VALUE;
      request.running = true; // on a worker that hangs: cancellations are answered EALREADY
    }
    var addresses = stuck.stream().map(r -> r.address).toList();

    // What EventLoop does: cancels, waits until the deadline, and gives up.
    loop.dispatcher.stop();
    while (kernel.nowNanos() < DEADLINE_NANOS) {
      loop.turn(100_000_000, 1024);
    }
    assertEquals(4, loop.dispatcher.inFlight(), "the reads, and the close that waits for them");
    assertFalse(asked.stream().anyMatch(Asked::ended));
    isLentToNobody(loop, addresses);
    var end = new ShutdownChannelGroupException();
    loop.dispatcher.failAll(end);
    loop.dispatcher.detach();
    loop.driver.close(false);
    for (var a : asked) {
      assertEquals(1, a.times);
      assertSame(end, a.failure);
    }
    isLentToNobody(loop, addresses);
    assertEquals(0, heap.get(0), "nothing is copied to who was told that it failed");
    return new Left(
        kernel,
        new WeakReference<>(loop.driver),
        List.of(new WeakReference<>(direct), new WeakReference<>(loop.pool)),
        addresses);
  }

  private static SimulatedFile file(SimulatedKernel kernel, UringDescriptor descriptor) {
    return kernel.operations().file(descriptor.fd);
  }

  private static void isLentToNobody(SimulatedLoop loop, List<Long> addresses) {
    var others = new ArrayList<Buffer>();
    for (var b = loop.pool.tryAcquire(1); b != null; b = loop.pool.tryAcquire(1)) {
      others.add(b);
      for (long address : addresses) {
        boolean apart = b.address() >= address + BYTES || b.address() + b.capacity() <= address;
        assertTrue(apart, "lent while the kernel has it");
      }
    }
    assertNotEquals(0, others.size());
    others.forEach(Buffer::release);
  }

  /** Until something that nobody holds has been collected. */
  private static void collectGarbage() {
    for (int i = 0; i < 3; i++) {
      var witness = new WeakReference<>(new Object());
      while (witness.get() != null) {
        System.gc();
        Thread.onSpinWait();
      }
    }
  }
}
