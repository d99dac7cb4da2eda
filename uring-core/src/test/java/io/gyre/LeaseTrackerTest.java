package io.gyre;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.driver.PoolMemory;
import io.gyre.testing.Waits;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class LeaseTrackerTest {
  /** Reachable through JUnit, whatever the compiler finds out about local variables. */
  private Object kept;

  private static BufferPool pool(LeakDetection detection) {
    return new BufferPool(
        "the test's pool",
        PoolMemory.plain(1 << 20),
        new LeaseTracker(detection, "the test's pool"),
        Thread.currentThread(),
        Runnable::run);
  }

  @Test
  void aWatchedLeaseIsRefusedForEverAfterItsRelease() {
    var pool = pool(LeakDetection.FULL);
    var stale = pool.acquire(100);
    stale.release();
    var next = pool.acquire(100);
    assertNotSame(stale, next);
    assertEquals(stale.address(), next.address(), "the same memory");

    assertThrows(IllegalStateException.class, stale::release);
    assertThrows(IllegalStateException.class, stale::close);
    assertThrows(IllegalStateException.class, stale::byteBuffer);
    assertThrows(IllegalStateException.class, stale::pin);

    assertEquals(4096, pool.lentBytes(), "the new holder's lease is untouched");
    next.byteBuffer().put(0, (byte) 1);
    next.release();
    assertEquals(0, pool.lentBytes());
    assertEquals(0, pool.leaks());
  }

  @Test
  void offGivesTheBuffersThemselvesAndSampledNowAndThenAnotherOne() {
    var off = pool(LeakDetection.OFF);
    var only = off.acquire(100);
    only.release();
    for (int i = 0; i < 1000; i++) {
      var again = off.acquire(100);
      assertSame(only, again);
      again.release();
    }
    var sampled = pool(LeakDetection.SAMPLED);
    var seen = new HashSet<Buffer>();
    for (int i = 0; i < 128_000; i++) {
      var buffer = sampled.acquire(100);
      seen.add(buffer);
      buffer.release();
    }
    // The mean is 1,001 with the one at home; ten standard deviations are 183.
    assertTrue(seen.size() > 800 && seen.size() < 1_200, () -> seen.size() + " objects");
  }

  @Test
  @ResourceLock(Resources.SYSTEM_ERR)
  void aDroppedLeaseIsTakenBackAndItsPlaceIsLogged() {
    var pool = pool(LeakDetection.FULL);
    var log = new ByteArrayOutputStream();
    var before = System.err;
    System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    try {
      acquireAndForget(pool);
      acquireAndForget(pool);
      acquireAndForget(pool);
      untilLeaks(pool, 3);
      Waits.until("the memory is back", () -> pool.lentBytes() == 0);
      Waits.until("a line in the log", () -> text(log).contains("leaked"));
    } finally {
      System.setErr(before);
    }
    var first = text(log).lines().filter(line -> line.contains("leaked")).toList();
    assertEquals(1, first.size(), () -> "one line for all: " + text(log));
    assertTrue(first.getFirst().contains("LeaseTrackerTest.acquireAndForget"), first::getFirst);
    assertTrue(first.getFirst().contains("the test's pool"), first::getFirst);
    assertTrue(
        text(log).contains("aDroppedLeaseIsTakenBackAndItsPlaceIsLogged"), "the stack follows");
  }

  private static String text(ByteArrayOutputStream log) {
    return log.toString(StandardCharsets.UTF_8);
  }

  private static void acquireAndForget(BufferPool pool) {
    assertEquals(100, pool.acquire(100).byteBuffer().limit());
  }

  private static void untilLeaks(BufferPool pool, long expected) {
    Waits.until(
        () -> expected + " leaks, noticed " + pool.leaks(),
        () -> {
          System.gc();
          return pool.leaks() >= expected;
        });
    assertEquals(expected, pool.leaks());
  }

  static Stream<Arguments> waysToTheMemory() {
    return Stream.of(
        way("the view", b -> b),
        way("a slice", ByteBuffer::slice),
        way("a slice of a duplicate", b -> b.duplicate().slice(3, 9)),
        way("a read-only view", ByteBuffer::asReadOnlyBuffer),
        way("a view as longs", ByteBuffer::asLongBuffer),
        way("a segment", MemorySegment::ofBuffer),
        way("a part of a segment", b -> MemorySegment.ofBuffer(b).asSlice(8, 8)),
        way("a view of a segment", b -> MemorySegment.ofBuffer(b.slice()).asByteBuffer()));
  }

  private static Arguments way(String name, Function<ByteBuffer, Object> way) {
    return Arguments.of(name, way);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("waysToTheMemory")
  void memoryThatCanBeReachedIsNotTakenBack(String name, Function<ByteBuffer, Object> way) {
    var pool = pool(LeakDetection.FULL);
    kept = way.apply(pool.acquire(100).byteBuffer());
    acquireAndForget(pool);
    untilLeaks(pool, 1); // the other one: both had the same chance
    for (int i = 0; i < 5; i++) {
      System.gc();
    }
    assertEquals(1, pool.leaks(), name);
    assertEquals(4096, pool.lentBytes());
    assertTrue(kept != null);
    kept = null;
    untilLeaks(pool, 2);
  }

  @Test
  void aReleasedViewStaysValidWhenThePoolIsGone() {
    var view = viewOfAReleasedLease();
    for (int i = 0; i < 5; i++) {
      System.gc();
    }
    var segment = MemorySegment.ofBuffer(view);
    segment.fill((byte) 7); // freed memory would be somebody else's by now, or a fault
    assertEquals(7, segment.get(ValueLayout.JAVA_BYTE, 99));
  }

  private static ByteBuffer viewOfAReleasedLease() {
    var buffer = pool(LeakDetection.FULL).acquire(100);
    var view = buffer.byteBuffer();
    buffer.release();
    return view;
  }

  @Test
  void anOperationUnderWayKeepsADroppedLease() {
    var pool = pool(LeakDetection.FULL);
    var pinned = new Buffer[] {pool.acquire(100)}; // as an operation holds it
    int generation = pinned[0].pin();
    acquireAndForget(pool);
    untilLeaks(pool, 1);
    assertEquals(4096, pool.lentBytes());
    pinned[0].unpin(generation);
    pinned[0] = null;
    untilLeaks(pool, 2);
    Waits.until("the memory is back", () -> pool.lentBytes() == 0);
  }

  @Test
  void theConfigurationNamesWhatItKnows() {
    System.setProperty(LeakDetection.PROPERTY, "Full");
    try {
      assertEquals(LeakDetection.FULL, LeakDetection.configured());
      System.setProperty(LeakDetection.PROPERTY, "perhaps");
      var failure = assertThrows(IllegalArgumentException.class, LeakDetection::configured);
      assertTrue(failure.getMessage().contains("perhaps"), failure::getMessage);
      assertTrue(failure.getMessage().contains("sampled"), failure::getMessage);
    } finally {
      System.clearProperty(LeakDetection.PROPERTY);
    }
    assertEquals(LeakDetection.OFF, LeakDetection.configured());
  }
}
