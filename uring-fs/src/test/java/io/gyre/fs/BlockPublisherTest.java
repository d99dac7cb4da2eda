package io.gyre.fs;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Flow;
import org.junit.jupiter.api.io.TempDir;

/** What {@link ReactiveStreamsTckTest} does not ask: bytes, buffers, threads, and the ends of files. */
class BlockPublisherTest {
  private static final int PAGE = 4096;
  private static final ReadAhead PAGES = ReadAhead.DEFAULT.blockBytes(PAGE);

  @TempDir Path dir;
  private final Pattern pattern = new Pattern(Seeds.SEED);

  private Path write(int length) throws IOException {
    return Files.write(dir.resolve("file"), pattern.bytes(0, length));
  }

  /** Checks what comes against the pattern, and asks for more as it is told to. */
  private class Checking implements Flow.Subscriber<Buffer> {
    final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();
    final CompletableFuture<Long> end = new CompletableFuture<>();
    final ConcurrentLinkedQueue<EventLoop> loops = new ConcurrentLinkedQueue<>();
    private boolean busy;
    volatile long bytes;
    volatile int blocks;

    @Override
    public void onSubscribe(Flow.Subscription s) {
      if (EventLoop.current() != null) { // it is null where the runtime has ended
        loops.add(EventLoop.current());
      }
      subscription.complete(s);
    }

    /** How many to request when one has come. */
    int more() {
      return 0;
    }

    @Override
    public void onNext(Buffer block) {
      if (busy || end.isDone()) {
        end.completeExceptionally(new AssertionError("onNext within onNext, or after the end"));
      }
      busy = true;
      loops.add(EventLoop.current());
      long before = bytes;
      int length = block.byteBuffer().remaining();
      try {
        pattern.check(block.byteBuffer(), 0, length, before);
      } catch (Throwable t) {
        end.completeExceptionally(t);
      }
      block.release();
      bytes = before + length;
      int count = blocks + 1;
      blocks = count;
      int more = more();
      if (more > 0) {
        subscription.join().request(more);
      }
      busy = false;
    }

    @Override
    public void onError(Throwable failure) {
      if (!end.completeExceptionally(failure)) {
        throw new AssertionError("told the end twice", failure);
      }
    }

    @Override
    public void onComplete() {
      if (!end.complete(bytes)) {
        throw new AssertionError("told the end twice");
      }
    }

    Flow.Subscription awaitSubscription() {
      return Waits.get(subscription, "the subscription");
    }
  }

  private static void awaitNothingLent(EventLoop loop) {
    Waits.until(() -> loop.buffers() + " gets all back", () -> loop.buffers().lentBytes() == 0);
  }

  private static void turn(EventLoop loop) {
    for (int i = 0; i < 3; i++) {
      var done = new CompletableFuture<Void>();
      loop.execute(() -> done.complete(null));
      Waits.get(done, "a task");
    }
  }

  @DriverTest
  void requestsOfRandomSizesBringExactlyTheBytesInOrder(TestRuntime driver) throws Exception {
    var random = Seeds.random(3);
    var runtime = driver.start();
    for (int round = 0; round < 30; round++) {
      int length = random.nextInt(200_000);
      var how =
          ReadAhead.DEFAULT
              .blockBytes(1 + random.nextInt(random.nextBoolean() ? 300 : 70_000))
              .depth(1 + random.nextInt(9));
      try (var file = AsyncFile.open(runtime, write(length), READ)) {
        var choices = Seeds.random(round);
        var subscriber =
            new Checking() {
              long outstanding = 1;

              @Override
              int more() {
                outstanding--;
                int more = choices.nextInt(4);
                if (outstanding + more == 0) {
                  more = 1;
                }
                outstanding += more;
                return more;
              }
            };
        file.publisher(how).subscribe(subscriber);
        subscriber.awaitSubscription().request(1);
        assertEquals(length, Waits.get(subscriber.end, how.toString()));
        for (var loop : subscriber.loops) {
          assertSame(file.loop(), loop);
        }
      }
    }
  }

  @DriverTest
  void nothingIsDeliveredThatWasNotRequested(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(10 * PAGE), READ)) {
      var subscriber = new Checking();
      file.publisher(PAGES).subscribe(subscriber);
      var subscription = subscriber.awaitSubscription();
      for (int i = 0; i < 5; i++) {
        turn(file.loop());
        assertEquals(2 * i, subscriber.blocks);
        subscription.request(2);
        int expected = 2 * (i + 1);
        Waits.until(expected + " blocks", () -> subscriber.blocks >= expected);
      }
      assertEquals(10L * PAGE, Waits.get(subscriber.end, "the end"));
    }
  }

  @DriverTest
  void eachSubscriptionReadsForItself(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(10 * PAGE + 1), READ)) {
      var publisher = file.publisher(PAGES);
      var first = new Checking();
      var second = new Checking();
      publisher.subscribe(first);
      first.awaitSubscription().request(3);
      Waits.until("3 blocks", () -> first.blocks == 3);
      publisher.subscribe(second);
      second.awaitSubscription().request(Long.MAX_VALUE);
      first.awaitSubscription().request(Long.MAX_VALUE);
      assertEquals(10L * PAGE + 1, Waits.get(first.end, "the first's end"));
      assertEquals(10L * PAGE + 1, Waits.get(second.end, "the second's end"));
    }
  }

  @DriverTest
  void aRequestOfNothingEndsTheSubscriptionAndGivesEverythingBack(TestRuntime driver)
      throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(10 * PAGE), READ)) {
      for (long n : new long[] {0, -1, Long.MIN_VALUE}) {
        var subscriber = new Checking();
        file.publisher(PAGES).subscribe(subscriber);
        subscriber.awaitSubscription().request(n);
        var failure =
            Waits.failure(IllegalArgumentException.class, subscriber.end, "a bad request");
        assertTrue(failure.getMessage().contains("3.9"), failure::getMessage);
        awaitNothingLent(file.loop());
      }
    }
  }

  @DriverTest
  void aCancellationGivesEverythingBack(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(100 * PAGE), READ)) {
      for (int blocks : new int[] {0, 1, 5}) {
        var subscriber = new Checking();
        file.publisher(PAGES.depth(8)).subscribe(subscriber);
        var subscription = subscriber.awaitSubscription();
        if (blocks > 0) {
          subscription.request(blocks);
          Waits.until(blocks + " blocks", () -> subscriber.blocks == blocks);
        }
        subscription.cancel();
        awaitNothingLent(file.loop());
        subscription.request(10);
        subscription.request(-1);
        turn(file.loop());
        assertEquals(blocks, subscriber.blocks);
        assertFalse(subscriber.end.isDone());
      }
    }
  }

  @DriverTest
  void aSubscriberThatThrowsIsTakenForOneThatCancels(TestRuntime driver) throws Exception {
    var thrown = driver.expectThrown();
    try (var file = AsyncFile.open(driver.start(), write(100 * PAGE), READ)) {
      var subscriber =
          new Checking() {
            @Override
            int more() {
              throw new IllegalStateException("meant");
            }
          };
      file.publisher(PAGES).subscribe(subscriber);
      subscriber.awaitSubscription().request(5);
      Waits.until("the exception", () -> !thrown.isEmpty());
      assertEquals("meant", thrown.poll().getMessage());
      awaitNothingLent(file.loop());
      assertEquals(1, subscriber.blocks);
    }
  }

  @DriverTest
  void aCloseOfTheFileIsAnErrorThoughNothingWasRequested(TestRuntime driver) throws Exception {
    var file = AsyncFile.open(driver.start(), write(100 * PAGE), READ);
    var idle = new Checking();
    file.publisher(PAGES).subscribe(idle);
    var busy = new Checking();
    file.publisher(PAGES).subscribe(busy);
    idle.awaitSubscription();
    busy.awaitSubscription().request(1);
    Waits.until("a block", () -> busy.blocks == 1);
    file.close();
    Waits.failure(ClosedChannelException.class, idle.end, "a file that was closed");
    Waits.failure(ClosedChannelException.class, busy.end, "a file that was closed");
    awaitNothingLent(file.loop());
  }

  @DriverTest
  void theEndOfTheRuntimeIsAnErrorBeforeAndAfter(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var file = AsyncFile.open(runtime, write(100 * PAGE), READ);
    var idle = new Checking();
    file.publisher(PAGES).subscribe(idle);
    idle.awaitSubscription();
    driver.closeAndWait(runtime);
    Waits.failure(idle.end, "the runtime that has ended");
    assertEquals(0, runtime.loop().buffers().lentBytes());
    idle.awaitSubscription().request(1);
    idle.awaitSubscription().cancel();

    var late = new Checking();
    file.publisher(PAGES).subscribe(late);
    late.awaitSubscription();
    Waits.failure(ShutdownChannelGroupException.class, late.end, "the runtime that has ended");
  }

  @DriverTest
  void failuresAreTold(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var file = AsyncFile.open(runtime, dir, READ)) {
      var subscriber = new Checking();
      file.publisher(PAGES).subscribe(subscriber);
      Waits.failure(FileSystemException.class, subscriber.end, "reading a directory");
      assertThrows(NullPointerException.class, () -> file.publisher(PAGES).subscribe(null));
      assertThrows(NullPointerException.class, () -> file.publisher(null));
    }
    try (var file = AsyncFile.open(runtime, write(1), WRITE)) {
      assertThrows(NonReadableChannelException.class, () -> file.publisher(PAGES));
    }
  }
}
