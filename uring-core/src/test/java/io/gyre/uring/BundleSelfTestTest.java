package io.gyre.uring;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.bindings.Liburing;
import io.gyre.bindings.LiburingLibrary;
import io.gyre.bindings.io_cqring_offsets;
import io.gyre.bindings.io_uring_cqe;
import io.gyre.bindings.io_uring_params;
import io.gyre.bindings.io_uring_sqe;
import io.gyre.driver.Capabilities.Status;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The self-test on the real kernel, as it is and with something put wrong. */
class BundleSelfTestTest {
  /** The real kernel, whose answers a test may change. */
  private static final class Altered implements Kernel {
    Consumer<MemorySegment> setup = params -> {};
    Consumer<MemorySegment> entry = sqe -> {};
    Consumer<MemorySegment> completion = cqe -> {};
    private MemorySegment params;
    private MemorySegment rings;
    private MemorySegment sqes;

    @Override
    public int setup(int entries, MemorySegment given) {
      int result = NATIVE.setup(entries, given);
      params = given;
      setup.accept(params);
      return result;
    }

    @Override
    public int enter(
        int fd, int toSubmit, int minComplete, int flags, MemorySegment argument, long bytes) {
      for (int i = 0; i < io_uring_params.sq_entries(params); i++) {
        entry.accept(sqes.asSlice(i * Sqe.BYTES, Sqe.BYTES));
      }
      var offsets = io_uring_params.cq_off(params);
      int before = rings.get(JAVA_INT, io_cqring_offsets.tail(offsets));
      int result = NATIVE.enter(fd, toSubmit, minComplete, flags, argument, bytes);
      int after = rings.get(JAVA_INT, io_cqring_offsets.tail(offsets));
      for (int i = before; i != after; i++) {
        int index = i & io_uring_params.cq_entries(params) - 1;
        long at = io_cqring_offsets.cqes(offsets) + index * io_uring_cqe.sizeof();
        completion.accept(rings.asSlice(at, io_uring_cqe.sizeof()));
      }
      return result;
    }

    @Override
    public int register(int fd, int opcode, MemorySegment argument, int count) {
      return NATIVE.register(fd, opcode, argument, count);
    }

    @Override
    public MemorySegment map(int fd, long bytes, long offset) {
      var mapped = NATIVE.map(fd, bytes, offset);
      if (offset == Liburing.IORING_OFF_SQES()) {
        sqes = mapped;
      } else {
        rings = mapped;
      }
      return mapped;
    }

    @Override
    public void unmap(MemorySegment mapped) {
      NATIVE.unmap(mapped);
    }

    @Override
    public void close(int fd) {
      NATIVE.close(fd);
    }
  }

  private final Altered kernel = new Altered();

  @BeforeAll
  static void loadLiburing() {
    LiburingLibrary.load();
  }

  private SelfTest.Outcome outcome() throws Exception {
    return BundleSelfTest.run(kernel, f -> true);
  }

  @Test
  void aKernelThatMakesBundlesPasses() throws Exception {
    for (int i = 0; i < 20; i++) { // by no chance
      var outcome = outcome();
      assertEquals(Status.USED, outcome.status(), outcome.detail());
    }
  }

  @Test
  void aKernelBeforeBundlesIsToldFromABrokenOne() throws Exception {
    kernel.setup =
        params -> {
          int features = io_uring_params.features(params);
          io_uring_params.features(params, features & ~Liburing.IORING_FEAT_RECVSEND_BUNDLE());
        };
    var outcome = outcome();
    assertEquals(Status.REFUSED, outcome.status());
    assertTrue(outcome.detail().contains("6.10"), outcome.detail());
  }

  @Test
  void aKernelThatMakesNoneFails() throws Exception {
    kernel.entry =
        sqe -> {
          if (io_uring_sqe.opcode(sqe) == Liburing.IORING_OP_RECV()) {
            io_uring_sqe.ioprio(sqe, (short) Liburing.IORING_RECV_MULTISHOT());
          }
        };
    assertFails("two completions");
  }

  @Test
  void aBundleThatBeginsElsewhereFails() throws Exception {
    kernel.completion =
        cqe -> {
          int flags = io_uring_cqe.flags(cqe);
          if ((flags & Liburing.IORING_CQE_F_BUFFER()) != 0) {
            io_uring_cqe.flags(cqe, flags ^ (1 << Liburing.IORING_CQE_BUFFER_SHIFT()));
          }
        };
    assertFails("came otherwise");
  }

  /** As some kernels do: they go on in the next buffer, though the one before is not full, and say it is one bundle. */
  @Test
  void aHoleInABundleFails() throws Exception {
    var before = new MemorySegment[1];
    kernel.completion =
        cqe -> {
          boolean hasBuffer = (io_uring_cqe.flags(cqe) & Liburing.IORING_CQE_F_BUFFER()) != 0;
          if (hasBuffer && before[0] != null) {
            io_uring_cqe.res(before[0], io_uring_cqe.res(before[0]) + io_uring_cqe.res(cqe));
          }
          before[0] = hasBuffer && io_uring_cqe.res(cqe) < 96 ? cqe : null;
        };
    assertFails("came otherwise");
  }

  private void assertFails(String why) throws Exception {
    var outcome = outcome();
    assertEquals(Status.FAILED_SELF_TEST, outcome.status());
    assertTrue(outcome.detail().contains(why), outcome.detail());
  }
}
