package io.gyre.fs;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.IoRuntime;
import io.gyre.fs.WriteBehind.Sync;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.io.TempDir;

class BlockSubscriberTest {
  private static final int PAGE = 4096;
  private static final List<Sync> SYNCS = List.of(Sync.values());

  @TempDir Path dir;
  private final Pattern pattern = new Pattern(Seeds.SEED);

  private AsyncFile create(IoRuntime runtime) throws IOException {
    return AsyncFile.open(runtime, dir.resolve("file"), READ, WRITE, CREATE);
  }

  private void check(int length) throws IOException {
    var bytes = Files.readAllBytes(dir.resolve("file"));
    assertEquals(length, bytes.length);
    pattern.check(bytes, 0, bytes.length, 0);
  }

  private static void awaitNothingLent(EventLoop loop) {
    Waits.until(() -> loop.buffers() + " gets all back", () -> loop.buffers().lentBytes() == 0);
  }

  /** A subscription that counts. */
  private static final class Counting implements Flow.Subscription {
    final AtomicLong requested = new AtomicLong();
    volatile boolean cancelled;

    @Override
    public void request(long n) {
      requested.addAndGet(n);
    }

    @Override
    public void cancel() {
      cancelled = true;
    }
  }

  private Buffer block(EventLoop loop, long position) {
    var block = Waits.get(loop.buffers().acquireAsync(PAGE), "a buffer");
    pattern.fill(block.byteBuffer(), position);
    return block;
  }

  @DriverTest
  void aPublisherOfOneFileFillsAnother(TestRuntime driver) throws Exception {
    var random = Seeds.random(17);
    var runtime = driver.start();
    for (int round = 0; round < 20; round++) {
      int length = random.nextInt(300_000);
      var source = Files.write(dir.resolve("source"), pattern.bytes(0, length));
      Files.deleteIfExists(dir.resolve("file"));
      var reading =
          ReadAhead.DEFAULT.blockBytes(1 + random.nextInt(30_000)).depth(1 + random.nextInt(6));
      var writing =
          WriteBehind.DEFAULT
              .depth(1 + random.nextInt(6))
              .sync(SYNCS.get(random.nextInt(SYNCS.size())));
      try (var from = AsyncFile.open(runtime, source, READ);
          var to = create(runtime)) {
        var subscriber = to.subscriber(writing);
        from.publisher(reading).subscribe(subscriber);
        assertEquals(length, Waits.get(subscriber.completion(), reading + " " + writing));
        assertEquals(length, subscriber.written());
        check(length);
        awaitNothingLent(to.loop());
      }
    }
  }

  @DriverTest
  void asManyAreRequestedAsMayBeInFlight(TestRuntime driver) throws Exception {
    try (var file = create(driver.start())) {
      var subscription = new Counting();
      var subscriber = file.subscriber(WriteBehind.DEFAULT.depth(3));
      subscriber.onSubscribe(subscription);
      assertEquals(3, subscription.requested.get());
      for (int i = 0; i < 10; i++) {
        subscriber.onNext(block(file.loop(), (long) i * PAGE));
        int expected = 3 + i + 1;
        Waits.until(expected + " requested", () -> subscription.requested.get() == expected);
      }
      subscriber.onComplete();
      assertEquals(10L * PAGE, Waits.get(subscriber.completion(), "the end"));
      check(10 * PAGE);
    }
  }

  @DriverTest
  void aSecondSubscriptionIsCancelledAndTheFirstGoesOn(TestRuntime driver) throws Exception {
    try (var file = create(driver.start())) {
      var first = new Counting();
      var second = new Counting();
      var subscriber = file.subscriber(WriteBehind.DEFAULT);
      subscriber.onSubscribe(first);
      subscriber.onSubscribe(second);
      assertTrue(second.cancelled);
      assertEquals(0, second.requested.get());
      subscriber.onComplete();
      assertEquals(0, Waits.get(subscriber.completion(), "the end"));
      assertThrows(NullPointerException.class, () -> subscriber.onNext(null));
      assertThrows(NullPointerException.class, () -> subscriber.onError(null));
      assertThrows(NullPointerException.class, () -> subscriber.onSubscribe(null));
    }
  }

  @DriverTest
  void aFailureCancelsTheSubscriptionAndReleasesWhatStillComes(TestRuntime driver)
      throws Exception {
    try (var file = AsyncFile.open(driver.start(), Path.of("/dev/full"), WRITE)) {
      var subscription = new Counting();
      var subscriber = file.subscriber(WriteBehind.DEFAULT);
      subscriber.onSubscribe(subscription);
      subscriber.onNext(block(file.loop(), 0));
      subscriber.onNext(block(file.loop(), PAGE));
      Waits.failure(FileSystemException.class, subscriber.completion(), "a full disk");
      Waits.until("the cancellation", () -> subscription.cancelled);
      assertEquals(0, subscriber.written());
      subscriber.onNext(block(file.loop(), 2 * PAGE));
      awaitNothingLent(file.loop());
    }
  }

  @DriverTest
  void theErrorOfThePublisherIsTheFuturesAndWhatWasWrittenIsTold(TestRuntime driver)
      throws Exception {
    try (var file = create(driver.start())) {
      var subscription = new Counting();
      var subscriber = file.subscriber(WriteBehind.DEFAULT.depth(1));
      subscriber.onSubscribe(subscription);
      subscriber.onNext(block(file.loop(), 0));
      Waits.until("the first", () -> subscriber.written() == PAGE);
      var meant = new IOException("meant");
      subscriber.onError(meant);
      assertSame(meant, Waits.failure(subscriber.completion(), "the publisher's error"));
      assertEquals(PAGE, subscriber.written());
      check(PAGE);
      awaitNothingLent(file.loop());
    }
  }

  @DriverTest
  void aPublisherThatSendsMoreThanWasRequestedIsCancelled(TestRuntime driver) throws Exception {
    try (var file = create(driver.start())) {
      var subscription = new Counting();
      var subscriber = file.subscriber(WriteBehind.DEFAULT.depth(1));
      subscriber.onSubscribe(subscription);
      var blocks = new Buffer[] {block(file.loop(), 0), block(file.loop(), PAGE)};
      file.loop()
          .execute(
              () -> {
                for (var block : blocks) {
                  subscriber.onNext(block);
                }
                subscriber.onComplete(); // does not make it a success
              });
      Waits.failure(IllegalStateException.class, subscriber.completion(), "too many blocks");
      Waits.until("the cancellation", () -> subscription.cancelled);
      awaitNothingLent(file.loop());
    }
  }

  @DriverTest
  void aPublisherThatSendsWhatItHasReleasedIsCancelled(TestRuntime driver) throws Exception {
    var thrown = driver.expectThrown();
    try (var file = create(driver.start())) {
      var subscription = new Counting();
      var subscriber = file.subscriber(WriteBehind.DEFAULT);
      subscriber.onSubscribe(subscription);
      var block = block(file.loop(), 0);
      block.release();
      subscriber.onNext(block);
      Waits.failure(IllegalStateException.class, subscriber.completion(), "a released block");
      Waits.until("the second release is reported", () -> thrown.size() == 1);
      Waits.until("the cancellation", () -> subscription.cancelled);
      awaitNothingLent(file.loop());
    }
  }

  @DriverTest
  void cancellingTheFutureCancelsTheSubscription(TestRuntime driver) throws Exception {
    try (var file = create(driver.start())) {
      var subscription = new Counting();
      var subscriber = file.subscriber(WriteBehind.DEFAULT);
      subscriber.onSubscribe(subscription);
      subscriber.onNext(block(file.loop(), 0));
      subscriber.completion().cancel(false);
      Waits.until("the cancellation", () -> subscription.cancelled);
      awaitNothingLent(file.loop());
    }
  }

  @DriverTest
  void closesOfTheFileAndTheRuntimeFailTheFuture(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var file = create(runtime);
    var subscription = new Counting();
    var subscriber = file.subscriber(WriteBehind.DEFAULT);
    subscriber.onSubscribe(subscription);
    file.close();
    Waits.failure(ClosedChannelException.class, subscriber.completion(), "a file that was closed");
    Waits.until("the cancellation", () -> subscription.cancelled);

    var other = create(runtime);
    var running = other.subscriber(WriteBehind.DEFAULT);
    running.onSubscribe(new Counting());
    var last = block(other.loop(), 0);
    driver.closeAndWait(runtime);
    Waits.failure(running.completion(), "the runtime that has ended");
    running.onNext(last);
    assertEquals(0, runtime.loop().buffers().lentBytes());
  }
}
