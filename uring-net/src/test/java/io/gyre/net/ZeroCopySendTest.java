package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.EventLoop;
import io.gyre.driver.Capabilities.Status;
import io.gyre.testing.DriverConfiguration;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Recorder;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;

/** Where a driver can't send without a copy, the same has to come of it. */
class ZeroCopySendTest {
  /** More than the peer holds, less than our own send buffer: it is all with the kernel, and not acknowledged. */
  private static final int UNACKNOWLEDGED = 512 << 10;

  private final Pattern pattern = new Pattern(Seeds.SEED);

  private static boolean isUsed(EventLoop loop) {
    return loop.capabilities().feature("zero-copy-send").stream()
        .anyMatch(f -> f.status() == Status.USED);
  }

  /** A stream to a peer that holds little, and that takes much itself. */
  private static StreamPair open(TestRuntime driver) throws IOException {
    var pair = StreamPair.open(driver.start(), 64 << 10);
    pair.stream().setZeroCopyThreshold(1);
    assertEquals(1, pair.stream().zeroCopyThreshold());
    return pair;
  }

  @DriverTest
  void thisKernelHasItUnlessItIsSwitchedOff(TestRuntime driver) throws Exception {
    var loop = driver.start().loops().getFirst();
    boolean expected = driver.isUring() && driver.configuration() != DriverConfiguration.URING_BARE;
    assertEquals(expected, isUsed(loop), () -> loop.capabilities().toString());
  }

  @DriverTest
  void writesOfEveryKindOfBufferKeepTheirOrder(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = StreamPair.openTiny(runtime)) {
      pair.stream().setZeroCopyThreshold(3_000);
      var random = Seeds.random(61);
      var recorder = new Recorder<Integer>();
      long position = 0;
      int count = 80;
      for (int i = 0; i < count; i++) {
        int size = 1 + random.nextInt(i % 10 == 0 ? 100_000 : 9_000);
        switch (i % 4) {
          case 0 -> {
            var buffer = runtime.loop().buffers().acquire(size);
            pattern.fill(buffer.byteBuffer(), position);
            pair.stream().write(buffer, i, recorder);
            buffer.release();
          }
          case 1 ->
              pair.stream().write(pattern.fill(ByteBuffer.allocate(size), position), i, recorder);
          case 2 ->
              pair.stream()
                  .write(pattern.fill(ByteBuffer.allocateDirect(size), position), i, recorder);
          default -> {
            var both = new ByteBuffer[] {ByteBuffer.allocateDirect(size), ByteBuffer.allocate(1)};
            pattern.fill(both[0], position);
            pattern.fill(both[1], position + size);
            size++;
            pair.stream().write(both, i, recorder);
          }
        }
        position += size;
      }
      pair.stream().shutdownOutput(count, recorder);
      assertEquals(position, Peers.checkToEnd(pair.peer().getInputStream(), pattern));
      recorder.await(count + 1);
      recorder.checkExactlyOnce(count + 1);
      assertTrue(recorder.outcomes().stream().allMatch(o -> o.succeeded()));
      assertEquals(0, pair.stream().queuedBytes());
    }
  }

  @DriverTest
  void theBufferIsNotGivenBackBeforeThePeerHasAcknowledged(TestRuntime driver) throws Exception {
    try (var pair = open(driver)) {
      var pool = pair.stream().loop().buffers();
      var buffer = pool.acquire(UNACKNOWLEDGED);
      pattern.fill(buffer.byteBuffer(), 0);
      var first = pair.stream().writeAsync(buffer);
      buffer.release();
      if (isUsed(pair.stream().loop())) {
        // The next write is not held up by that: it is with the kernel, too.
        var second =
            pair.stream().writeAsync(pattern.fill(ByteBuffer.allocate(10), UNACKNOWLEDGED));
        pair.awaitInput();
        assertTrue(pool.lentBytes() >= UNACKNOWLEDGED);
        assertFalse(first.isDone());
        assertTrue(pair.stream().queuedBytes() >= UNACKNOWLEDGED);
        Peers.check(pair.peer().getInputStream(), pattern, 0, UNACKNOWLEDGED + 10);
        assertEquals(10, Waits.get(second, "the second write"));
      } else {
        Peers.check(pair.peer().getInputStream(), pattern, 0, UNACKNOWLEDGED);
      }
      assertEquals(UNACKNOWLEDGED, Waits.get(first, "the write"));
      Waits.until("the buffer home", () -> pool.lentBytes() == 0);
    }
  }

  @DriverTest
  void aCloseNeedNotWaitForThePeerAndLosesNothingThatTheKernelHas(TestRuntime driver)
      throws Exception {
    try (var pair = open(driver)) {
      var pool = pair.stream().loop().buffers();
      var buffer = pool.acquire(UNACKNOWLEDGED);
      pattern.fill(buffer.byteBuffer(), 0);
      var write = pair.stream().writeAsync(buffer);
      buffer.release();
      awaitSent(pair);
      pair.stream().close();
      if (isUsed(pair.stream().loop())) {
        assertFalse(write.isDone(), "the kernel still needs the memory");
        assertTrue(pool.lentBytes() >= UNACKNOWLEDGED);
      }
      assertEquals(UNACKNOWLEDGED, Peers.checkToEnd(pair.peer().getInputStream(), pattern));
      assertEquals(UNACKNOWLEDGED, Waits.get(write, "the write"));
      Waits.until("the buffer home", () -> pool.lentBytes() == 0);
    }
  }

  @DriverTest
  void theEndOfTheRuntimeWaitsUntilTheKernelGivesTheMemoryBack(TestRuntime driver)
      throws Exception {
    var runtime = driver.start(b -> b.shutdownTimeout(Duration.ofMinutes(1)));
    try (var pair = StreamPair.open(runtime, 64 << 10)) {
      pair.stream().setZeroCopyThreshold(1);
      var buffer = pair.stream().loop().buffers().acquire(UNACKNOWLEDGED);
      pattern.fill(buffer.byteBuffer(), 0);
      var write = pair.stream().writeAsync(buffer);
      buffer.release();
      awaitSent(pair);
      var end = runtime.closeAsync();
      if (isUsed(pair.stream().loop())) {
        assertFalse(end.isDone(), "the kernel still needs the memory");
      }
      assertEquals(UNACKNOWLEDGED, Peers.checkToEnd(pair.peer().getInputStream(), pattern));
      Waits.get(end, "the end of the runtime");
      assertEquals(UNACKNOWLEDGED, Waits.get(write, "the write"));
    }
  }

  /** A write behind it has gone out: so all of it is with the kernel. */
  private static void awaitSent(StreamPair pair) {
    pair.stream().setZeroCopyThreshold(Integer.MAX_VALUE);
    Waits.get(pair.stream().writeAsync(ByteBuffer.allocate(0)), "an empty write");
  }

  @DriverTest
  void aResetInTheMiddleGivesEveryLeaseBackOnce(TestRuntime driver) throws Exception {
    for (int round = 0; round < 10; round++) {
      try (var pair = round % 2 == 0 ? open(driver) : StreamPair.openTiny(driver.start())) {
        pair.stream().setZeroCopyThreshold(1);
        var pool = pair.stream().loop().buffers();
        var recorder = new Recorder<Integer>();
        int count = 6;
        for (int i = 0; i < count; i++) {
          var buffer = pool.acquire(256 << 10);
          pair.stream().write(buffer, i, recorder);
          buffer.release();
        }
        pair.awaitInput();
        Peers.reset(pair.peer());
        recorder.await(count);
        recorder.checkExactlyOnce(count);
        Waits.until("all buffers home", () -> pool.lentBytes() == 0);
        assertEquals(0, pair.stream().queuedBytes());
      }
    }
  }

  @DriverTest
  void aCancellationEndsWhatTheKernelHasNotTaken(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      pair.stream().setZeroCopyThreshold(1);
      var writes = new ArrayList<CompletableFuture<Integer>>();
      var buffers = new ArrayList<ByteBuffer>();
      for (int i = 0; i < 4; i++) {
        buffers.add(pattern.fill(ByteBuffer.allocateDirect(1 << 20), (long) i << 20));
        writes.add(pair.stream().writeAsync(buffers.getLast()));
      }
      pair.awaitInput();
      pair.stream().cancelAll();
      var shutdown = pair.stream().shutdownOutputAsync();
      long arrived = Peers.checkToEnd(pair.peer().getInputStream(), pattern);
      for (var write : writes) {
        assertThrows(CancellationException.class, () -> Waits.get(write, "a write"));
      }
      Waits.get(shutdown, "the shutdown");
      assertEquals(arrived, buffers.stream().mapToLong(ByteBuffer::position).sum());
    }
  }

  @DriverTest
  void aThresholdBelowOneByteIsRefused(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      assertEquals(Integer.MAX_VALUE, pair.stream().zeroCopyThreshold());
      assertThrows(IllegalArgumentException.class, () -> pair.stream().setZeroCopyThreshold(0));
    }
  }
}
