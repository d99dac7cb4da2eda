package io.gyre.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.WaitStrategy;
import io.gyre.bindings.Liburing;
import io.gyre.bindings.LiburingLibrary;
import io.gyre.driver.Errno;
import io.gyre.testing.SeedReport;
import io.gyre.testing.Seeds;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The words that a ring shares with the kernel, and how its waits are told when to end. */
@ExtendWith(SeedReport.class)
class RingTest {
  private static final WaitStrategy POLLED =
      WaitStrategy.park().withSubmissionPolling(Duration.ofMillis(1));
  private static final long LONG_NANOS = 20_000_000_000L;

  private static SimulatedKernel simulated() {
    return new SimulatedKernel(new SplittableRandom(Seeds.SEED), SimulatedFaults.NONE);
  }

  private static Ring open(Kernel kernel, WaitStrategy strategy) throws IOException {
    return Ring.open(kernel, 4, 8, strategy, RingTest::all);
  }

  private static boolean all(KernelFeature feature) {
    return true;
  }

  private static void writeNop(Ring ring, int number) {
    Sqe.write(ring.nextSqe(), Liburing.IORING_OP_NOP(), number);
  }

  private static void takeAll(Ring ring, int first) {
    int count = ring.ready();
    for (int i = 0; i < count; i++) {
      assertEquals(first + i, Ring.userData(ring.completion(ring.firstCompletion() + i)));
    }
    ring.release(count);
  }

  // ---- SQPOLL, word by word

  @Test
  void entriesOfAPolledRingAreTheKernelsOnceTheyArePublished() throws IOException {
    var kernel = simulated();
    var ring = open(kernel, POLLED);
    writeNop(ring, 0);
    kernel.step(1000);
    assertEquals(0, kernel.waits().takenByPolling, "the tail was not stored");
    assertTrue(ring.needsEnter(), "something is to be published");
    kernel.pollingSleeps(false); // that step may have been its moment to fall asleep

    assertEquals(1, ring.publish());
    assertEquals(0, ring.publish(), "once");
    assertFalse(ring.needsEnter(), "the kernel's thread is awake");
    assertTrue(ring.wasUsed(), "the kernel may hold it by now");
    kernel.step(1000);
    assertEquals(1, kernel.waits().takenByPolling);
    assertEquals(0, kernel.enters());
    assertEquals(1, ring.ready());
    takeAll(ring, 0);
    ring.close();
  }

  @Test
  void whatThePollingThreadTookMakesRoomWhenItIsNoted() throws IOException {
    var kernel = simulated();
    var ring = open(kernel, POLLED);
    for (int i = 0; i < 4; i++) {
      writeNop(ring, i);
    }
    ring.publish();
    while (kernel.waits().takenByPolling < 4) {
      kernel.step(1000);
    }
    assertTrue(ring.isFull(), "not noted yet: who keeps something about an entry looks first");
    assertFalse(ring.isTaken(0));
    ring.noteTaken();
    assertEquals(4, ring.free());
    assertTrue(ring.isTaken(3));
    assertFalse(ring.isTaken(4));
    takeAll(ring, 0);
    ring.close();
  }

  @Test
  void aPollingThreadThatSleepsIsWokenByACallAndOnlyForEntries() throws IOException {
    var kernel = simulated();
    var ring = open(kernel, POLLED);
    kernel.pollingSleeps(true);
    assertFalse(ring.needsEnter(), "it may sleep: there is nothing for it");

    writeNop(ring, 7);
    ring.publish();
    assertTrue(ring.needsEnter());
    ring.enter(1, LONG_NANOS);
    assertEquals(1, kernel.waits().wakeUps);
    takeAll(ring, 7);
    ring.close();
  }

  @Test
  void aFullQueueIsWaitedForInTheKernel() throws IOException {
    var kernel = simulated();
    var ring = open(kernel, POLLED);
    for (int i = 0; i < 4; i++) {
      writeNop(ring, i);
    }
    ring.publish();
    ring.noteTaken();
    assertTrue(ring.isFull());
    ring.enter(0, 0);
    ring.noteTaken();
    assertTrue(ring.free() > 0, "a thread that is awake had the chance to take some");
    ring.close();
  }

  @Test
  void aKernelThatRefusesToPollGivesAPlainRingAndSaysWhy() throws IOException {
    var kernel = simulated().withoutSetupFlags(Liburing.IORING_SETUP_SQPOLL());
    var ring = open(kernel, POLLED);
    assertFalse(ring.isPolled());
    assertEquals(Errno.EINVAL.number(), ring.pollingRefusal());
    assertTrue(ring.uses(Liburing.IORING_SETUP_DEFER_TASKRUN()), "all that goes without polling");
    ring.close();
  }

  @Test
  void aPlainRingPublishesWithTheCall() throws IOException {
    var kernel = simulated();
    var ring = open(kernel, WaitStrategy.park());
    writeNop(ring, 3);
    assertTrue(ring.needsEnter());
    assertFalse(ring.wasUsed());
    assertEquals(1, ring.enter(1, LONG_NANOS));
    assertTrue(ring.wasUsed());
    assertFalse(ring.needsEnter());
    takeAll(ring, 3);
    ring.close();
  }

  // ---- waits

  @Test
  void pagesOfEverySizeCanBeRegistered() throws IOException {
    for (int pageBytes : new int[] {4096, 16_384, 65_536}) {
      var kernel = simulated().pageBytes(pageBytes);
      var ring = open(kernel, WaitStrategy.park());
      assertEquals(0, ring.registeredWait());
      assertEquals(-Errno.ETIME.number(), enterForNothing(ring, kernel));
      assertEquals(1, kernel.waits().registered);
      assertEquals(0, kernel.waits().copied);
      ring.close();
    }
  }

  /** With the kernel's own clock: what the wait took of it. */
  private static int enterForNothing(Ring ring, SimulatedKernel kernel) {
    long before = kernel.nowNanos();
    int result = ring.enter(1, 1_000_000_123);
    long waited = kernel.nowNanos() - before;
    assertTrue(waited >= 1_000_000_123 && waited < 1_001_000_000, "waited " + waited);
    return result;
  }

  @Test
  void whereMemoryCanNotBeRegisteredTheArgumentIsCopied() throws IOException {
    var kernel = simulated().refusing(Liburing.IORING_REGISTER_MEM_REGION(), Errno.ENOMEM);
    var ring = open(kernel, WaitStrategy.park());
    assertEquals(-Errno.ENOMEM.number(), ring.registeredWait());
    assertEquals(-Errno.ETIME.number(), enterForNothing(ring, kernel));
    assertEquals(1, kernel.waits().copied);
    ring.close();
  }

  @Test
  void whatIsNotAllowedIsNotTouched() throws IOException {
    var strategy = POLLED.withMinWait(Duration.ofMillis(1), 8);
    var kernel = simulated();
    var ring = Ring.open(kernel, 4, 8, strategy, feature -> false);
    assertFalse(ring.isPolled());
    assertEquals(-Errno.ETIME.number(), enterForNothing(ring, kernel));
    assertEquals(1, kernel.waits().copied);
    assertEquals(0, kernel.waits().gathering);
    assertEquals(0, kernel.waits().notIo);
    ring.close();
  }

  @Test
  void aMinimumGathersAndNeverGoesBeyondTheTimeout() throws IOException {
    var kernel = simulated();
    var ring = open(kernel, WaitStrategy.park().withMinWait(Duration.ofMillis(500), 3));
    writeNop(ring, 0);
    long before = kernel.nowNanos();
    ring.enter(1, LONG_NANOS);
    long waited = kernel.nowNanos() - before;
    assertTrue(waited >= 500_000_000 && waited < 501_000_000, "one of three, after " + waited);
    takeAll(ring, 0);

    for (int i = 0; i < 3; i++) {
      writeNop(ring, i);
    }
    before = kernel.nowNanos();
    ring.enter(1, LONG_NANOS);
    assertTrue(kernel.nowNanos() - before < 1_000_000, "three are enough");
    takeAll(ring, 0);

    writeNop(ring, 9);
    before = kernel.nowNanos();
    ring.enter(1, 100_000_000);
    waited = kernel.nowNanos() - before;
    assertTrue(waited < 101_000_000, "a timer is due before the minimum is over: " + waited);
    takeAll(ring, 9);
    ring.close();
  }

  // ---- the same on this machine's kernel

  @Test
  void thisKernelsSelfTestsOfWaitingPassOrSayThatTheFeatureIsAbsent() throws IOException {
    LiburingLibrary.load();
    for (SelfTest test :
        new SelfTest[] {
          WaitSelfTests::registeredWait,
          WaitSelfTests::minWait,
          WaitSelfTests::noIoWait,
          WaitSelfTests::submissionPolling
        }) {
      var outcome = test.run(Kernel.NATIVE, RingTest::all);
      assertTrue(
          outcome.passed() || outcome.detail().contains("it came with Linux"), outcome::toString);
    }
  }

  @Test
  void aPollingThreadOfThisKernelTakesEntriesSleepsAndWakes() throws IOException {
    LiburingLibrary.load();
    var ring = open(Kernel.NATIVE, POLLED);
    assertTrue(ring.isPolled(), "refused with " + Errno.describe(ring.pollingRefusal()));
    for (int round = 0; round < 5; round++) {
      writeNop(ring, round);
      ring.publish();
      if (ring.needsEnter()) {
        ring.enter(0, 0);
      }
      // No call here: the thread must come by itself, or have been woken by that one.
      Waits.until("a completion without a call", () -> ring.ready() == 1);
      takeAll(ring, round);
      if (round % 2 == 0) {
        Waits.until("the polling thread asleep", ring::pollingSleeps);
      }
    }
    ring.noteTaken();
    assertEquals(4, ring.free());
    ring.close();
  }
}
