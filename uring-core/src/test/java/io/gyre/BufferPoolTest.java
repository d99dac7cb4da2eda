package io.gyre;

import static io.gyre.BufferPool.MIN_BUFFER_BYTES;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.driver.PoolMemory;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.Waits;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BufferPoolTest {
  private static final int MIB = 1 << 20;

  private final BufferPool pool =
      new BufferPool(
          "the test's pool",
          PoolMemory.plain(2 * MIB),
          LeaseTracker.OFF,
          Thread.currentThread(),
          Runnable::run);

  @AfterEach
  void everythingWasGivenBack() {
    assertEquals(0, pool.lentBytes());
  }

  @ParameterizedTest
  @CsvSource({
    "1, 4096",
    "4095, 4096",
    "4096, 4096",
    "4097, 8192",
    "8192, 8192",
    "65536, 65536",
    "65537, 131072",
    "524289, 1048576",
    "1048576, 1048576"
  })
  void aBufferHasTheNextPowerOfTwoAndItsLimitAtWhatWasAskedFor(int bytes, int capacity) {
    try (var buffer = pool.acquire(bytes)) {
      assertEquals(capacity, buffer.capacity());
      assertEquals(0, buffer.byteBuffer().position());
      assertEquals(bytes, buffer.byteBuffer().limit());
      assertTrue(buffer.byteBuffer().isDirect());
      assertEquals(ByteOrder.BIG_ENDIAN, buffer.byteBuffer().order());
      assertEquals(0, buffer.address() % 4096, "aligned as O_DIRECT wants it");
      assertEquals(MemorySegment.ofBuffer(buffer.byteBuffer()).address(), buffer.address());
      assertTrue(buffer.isOwnedBy(pool.owner()));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {Integer.MIN_VALUE, -1, 0, MIB + 1, Integer.MAX_VALUE})
  void sizesOutOfRangeAreRefused(int bytes) {
    var failure = assertThrows(IllegalArgumentException.class, () -> pool.acquire(bytes));
    assertTrue(failure.getMessage().contains(String.valueOf(bytes)), failure::getMessage);
    assertThrows(IllegalArgumentException.class, () -> pool.tryAcquire(bytes));
  }

  @Test
  void buffersDoNotOverlapAndKeepTheirContent() {
    var pattern = new Pattern(Seeds.SEED);
    var random = Seeds.random(7);
    var lent = new ArrayList<Buffer>();
    while (true) {
      var buffer = pool.tryAcquire(1 + random.nextInt(20_000));
      if (buffer == null) {
        break;
      }
      buffer.byteBuffer().clear();
      pattern.fill(buffer.byteBuffer(), buffer.address());
      lent.add(buffer);
    }
    assertTrue(lent.size() > 30, "only " + lent.size() + " buffers");
    var ids = new HashSet<Integer>();
    for (var buffer : lent) {
      pattern.check(buffer.byteBuffer(), 0, buffer.capacity(), buffer.address());
      assertTrue(ids.add(buffer.id()), () -> "two buffers with the id of " + buffer);
    }
    lent.forEach(Buffer::release);
  }

  @Test
  void allOfTheMemoryCanBeLent() {
    var lent = new ArrayList<Buffer>();
    for (int i = 0; i < 2 * MIB / 4096; i++) {
      lent.add(pool.acquire(4096));
    }
    assertNull(pool.tryAcquire(1));
    lent.forEach(Buffer::release);
    for (int i = 0; i < 2 * MIB / 4096; i++) {
      assertNotNull(pool.tryAcquire(1), "buffers that came back are lent again");
    }
    lent.forEach(Buffer::release);
  }

  @Test
  void exhaustionSaysWhatWasAskedForAndWhatToDo() {
    var first = pool.acquire(MIB);
    var second = pool.acquire(MIB);

    var failure = assertThrows(IllegalStateException.class, () -> pool.acquire(5000));

    assertTrue(failure.getMessage().contains("5000"), failure::getMessage);
    assertTrue(failure.getMessage().contains("the test's pool"), failure::getMessage);
    assertTrue(failure.getMessage().contains("bufferPoolBytes"), failure::getMessage);
    assertNull(pool.tryAcquire(5000));
    first.release();
    try (var smaller = pool.acquire(5000)) {
      assertEquals(8192, smaller.capacity(), "a larger one is cut when no other is left");
      assertEquals(5000, smaller.byteBuffer().limit());
    }
    second.release();
  }

  @Test
  void theBufferReleasedLastIsReadyForUseAgain() {
    var buffer = pool.acquire(100);
    buffer.byteBuffer().position(50).limit(60);
    buffer.release();

    var again = pool.acquire(200);

    assertSame(buffer, again);
    assertEquals(0, again.byteBuffer().position());
    assertEquals(200, again.byteBuffer().limit());
    again.release();
  }

  @Test
  void releasingTwiceIsRefused() {
    var buffer = pool.acquire(100);
    buffer.release();

    var failure = assertThrows(IllegalStateException.class, buffer::release);

    assertTrue(failure.getMessage().contains("released"), failure::getMessage);
    assertThrows(IllegalStateException.class, buffer::close);
  }

  @Test
  void aBufferReleasedWhilePinnedIsLentToNobodyUntilTheOperationEnds() {
    var buffer = pool.acquire(100);
    int generation = buffer.pin();
    assertEquals(generation, buffer.pin());
    buffer.release();
    assertThrows(IllegalStateException.class, buffer::release);
    var other = pool.acquire(100);
    assertNotSame(buffer, other);

    buffer.unpin(generation);
    var third = pool.acquire(100);
    assertNotSame(buffer, third);

    buffer.unpin(generation);
    var fourth = pool.acquire(100);
    assertSame(buffer, fourth);
    other.release();
    third.release();
    fourth.release();
  }

  @Test
  void aBufferThatIsStillLentStaysSoWhenItsOperationEnds() {
    var buffer = pool.acquire(100);
    buffer.unpin(buffer.pin());

    var other = pool.acquire(100);
    assertNotSame(buffer, other);
    other.release();
    buffer.release();
  }

  @Test
  void aReleasedBufferCanNotBePinned() {
    var buffer = pool.acquire(100);
    buffer.release();

    var failure = assertThrows(IllegalStateException.class, buffer::pin);

    assertTrue(failure.getMessage().contains("released"), failure::getMessage);
    var again = pool.acquire(100);
    assertSame(buffer, again, "the refused pin has left no trace");
    again.release();
  }

  @Test
  void aStaleLeaseIsToldFromTheNewHoldersByItsGeneration() {
    var buffer = pool.acquire(100);
    int generation = buffer.generation();
    buffer.release(generation);
    assertThrows(IllegalStateException.class, () -> buffer.release(generation));
    var again = pool.acquire(100);
    assertSame(buffer, again);

    assertThrows(IllegalStateException.class, () -> buffer.release(generation));

    again.byteBuffer().put(0, (byte) 1); // still lent
    again.release(again.generation());
  }

  @Test
  void theContentOfAReleasedBufferIsRefused() {
    var buffer = pool.acquire(100);
    int generation = buffer.pin();
    buffer.release();
    buffer.byteBuffer(); // an operation is under way: the dispatcher may look
    buffer.unpin(generation);

    var failure = assertThrows(IllegalStateException.class, buffer::byteBuffer);

    assertTrue(failure.getMessage().contains("released"), failure::getMessage);
  }

  @Test
  void anUnpinTooManyIsRefusedAndLeavesTheBufferAlone() {
    var buffer = pool.acquire(100);
    int generation = buffer.pin();
    assertThrows(IllegalStateException.class, () -> buffer.unpin(generation + 1));
    buffer.unpin(generation);
    assertThrows(IllegalStateException.class, () -> buffer.unpin(generation));
    assertEquals(MIN_BUFFER_BYTES, pool.lentBytes(), "still lent");
    buffer.release();
  }

  @Test
  void theGenerationGoesRoundAndTheCountsStayWhole() {
    var buffer = pool.acquire(100);
    int first = buffer.generation();
    for (int i = 1; i <= 1000; i++) {
      buffer.pin();
      buffer.release();
      buffer.unpin(buffer.generation());
      assertSame(buffer, pool.acquire(100));
      assertEquals(first + i, buffer.generation());
    }
    buffer.release();
  }

  @Test
  void smallBuffersAreJoinedWhenALargeOneIsWanted() {
    for (int round = 0; round < 3; round++) {
      var small = new ArrayList<Buffer>();
      for (int i = 0; i < 2 * MIB / 4096; i++) {
        small.add(pool.acquire(4096));
      }
      Collections.shuffle(small, Seeds.random(round));
      small.forEach(Buffer::release);

      var first = pool.acquire(MIB);
      var second = pool.acquire(MIB);

      assertNull(pool.tryAcquire(1));
      first.release();
      second.release();
    }
  }

  @Test
  void aBufferWhoseMemoryWasJoinedIsRefusedForEver() {
    var small = pool.acquire(4096);
    small.release();
    try (var first = pool.acquire(MIB);
        var second = pool.acquire(MIB)) {
      assertEquals(first.capacity(), second.capacity());
      assertThrows(IllegalStateException.class, small::release);
      assertThrows(IllegalStateException.class, small::byteBuffer);
      assertThrows(IllegalStateException.class, small::pin);
    }
  }

  @Test
  void concurrentAcquireAndReleaseNeverLendsOneBufferTwice() {
    var pattern = new Pattern(Seeds.SEED);
    var failure = new AtomicReference<Throwable>();
    var refused = new AtomicInteger();
    var workers = new ArrayList<Thread>();
    for (int t = 0; t < 6; t++) {
      int salt = t;
      workers.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      churn(pattern, salt, refused);
                    } catch (Throwable e) {
                      failure.compareAndSet(null, e);
                    }
                  }));
    }
    workers.forEach(Waits::join);
    assertNull(failure.get(), () -> "seed " + Seeds.SEED + ": " + failure.get());
    assertFalse(refused.get() == 0, "the pool was never exhausted: the test is too gentle");
  }

  private void churn(Pattern pattern, int salt, AtomicInteger refused) {
    var random = Seeds.random(salt);
    var held = new ArrayDeque<Buffer>();
    var marks = new ArrayDeque<Long>();
    for (int i = 0; i < 4_000; i++) {
      var buffer = held.size() > 5 ? null : pool.tryAcquire(1 + random.nextInt(200_000));
      if (buffer == null) {
        refused.incrementAndGet();
      } else {
        long mark = random.nextLong();
        buffer.byteBuffer().limit(Math.min(buffer.capacity(), 64));
        pattern.fill(buffer.byteBuffer(), mark);
        held.add(buffer);
        marks.add(mark);
      }
      if (!held.isEmpty() && random.nextInt(3) == 0) {
        giveBack(pattern, held.poll(), marks.poll(), random.nextBoolean());
      }
    }
    while (!held.isEmpty()) {
      giveBack(pattern, held.poll(), marks.poll(), false);
    }
  }

  private static void giveBack(Pattern pattern, Buffer buffer, long mark, boolean pinned) {
    pattern.check(buffer.byteBuffer(), 0, 64, mark);
    if (pinned) {
      int generation = buffer.pin();
      buffer.release();
      pattern.check(buffer.byteBuffer(), 0, 64, mark);
      buffer.unpin(generation);
    } else {
      buffer.release();
    }
  }

  @Test
  void aReleaseThatRacesTheEndOfAnOperationGivesBackOnce() throws Exception {
    var recycled = new AtomicInteger();
    var buffer =
        new Buffer(
            b -> recycled.incrementAndGet(),
            MemorySegment.ofBuffer(java.nio.ByteBuffer.allocateDirect(64)),
            1);
    for (int i = 1; i <= 5_000; i++) {
      buffer.lease();
      int generation = buffer.pin();
      var start = new AtomicInteger(2);
      var other =
          Thread.ofVirtual()
              .start(
                  () -> {
                    start.decrementAndGet();
                    while (start.get() > 0) {
                      Thread.onSpinWait();
                    }
                    buffer.unpin(generation);
                  });
      start.decrementAndGet();
      while (start.get() > 0) {
        Thread.onSpinWait();
      }
      buffer.release();
      Waits.join(other);
      assertEquals(i, recycled.get());
    }
  }
}
