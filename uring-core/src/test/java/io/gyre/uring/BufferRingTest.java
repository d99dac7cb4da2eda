package io.gyre.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.WaitStrategy;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What is read from the entries of a buffer ring, on a kernel whose side of it the test has in hand. */
class BufferRingTest {
  private static final int BUFFERS = 4;
  private static final int BYTES = 64;

  private final SplittableRandom random = new SplittableRandom(1);
  private final SimulatedKernel kernel = new SimulatedKernel(random, SimulatedFaults.NONE);

  private BufferRing open() throws Exception {
    var report = new CapabilityReport(Set.of(), SelfTests.NONE);
    var ring = Ring.open(kernel, 4, 8, WaitStrategy.park(), report::allows);
    return BufferRing.open(ring, BUFFERS, BYTES, null, report);
  }

  /** One that the kernel filled later is told earlier, and given back, and what is not told yet is still known. */
  @Test
  void entriesOutliveCompletionsThatOthersOvertake() throws Exception {
    var buffers = open();
    var provided = kernel.operations().provided();
    provided.look();
    provided.shorten(random);
    int shortened = provided.take().length();
    for (int i = 1; i < BUFFERS; i++) {
      provided.take();
    }

    for (int overtaking = 2; overtaking < BUFFERS; overtaking++) {
      buffers.take(overtaking, 1, null).release();
    }
    buffers.publish();
    provided.look();

    assertTrue(shortened < BYTES, "the seed makes it no shorter");
    assertEquals(shortened, buffers.length(0));
    assertEquals(1, buffers.following(0));
    assertEquals(BYTES, buffers.length(1));
  }

  @Test
  void whatCameForNobodyIsPutBackWhole() throws Exception {
    var buffers = open();
    var provided = kernel.operations().provided();
    provided.look();
    for (int i = 0; i < BUFFERS; i++) {
      provided.take();
    }

    buffers.putBack(0, 2 * BYTES + 1);
    buffers.publish();

    assertEquals(3, provided.available());
    for (int id = 0; id < 3; id++) {
      assertEquals(id, provided.take().id());
    }
  }
}
