package io.gyre.fs;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.io.TempDir;

/** What {@code IoRuntime.blocking} promises. */
class BlockingCallTest {
  @TempDir Path folder;

  @DriverTest
  void aTaskRunsOnANamedThreadAndCompletesOnTheLoopThatAsked(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var outside = Waits.get(runtime.blocking(Thread::currentThread), "a task");
    assertEquals("gyre-" + runtime.driverName() + "-blocking-0", outside.getName());

    var completedOn = new CompletableFuture<Thread>();
    runtime
        .loop()
        .execute(
            () -> {
              var _ =
                  runtime
                      .blocking(() -> 1)
                      .thenRun(() -> completedOn.complete(Thread.currentThread()));
            });
    assertSame(runtime.loop().thread(), Waits.get(completedOn, "a task asked for on the loop"));

    var failure =
        Waits.failure(
            IOException.class,
            runtime.blocking(
                () -> {
                  throw new IOException("on purpose");
                }),
            "a task that throws");
    assertEquals("on purpose", failure.getMessage());
  }

  @DriverTest
  void tasksThatHoldAllThreadsMayWaitForOperations(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var file = AsyncFile.open(runtime, folder.resolve("file"), WRITE, CREATE)) {
      var writes = new ArrayList<CompletableFuture<Integer>>();
      for (int i = 0; i < 100; i++) {
        int at = i;
        writes.add(runtime.blocking(() -> file.write(ByteBuffer.allocate(8), 8L * at)));
      }
      for (var write : writes) {
        assertEquals(8, Waits.get(write, "a write of a blocking task"));
      }
    }
  }

  @DriverTest
  void aTaskMayCloseTheRuntimeAndDoesNotWaitForItself(TestRuntime driver) throws Exception {
    // Longer than the test waits: who waits for itself is still at it then.
    var runtime = driver.start(b -> b.shutdownTimeout(Duration.ofMinutes(10)));
    var returned = new CompletableFuture<Void>();
    var _ =
        runtime.blocking(
            () -> {
              runtime.close();
              returned.complete(null);
              return null;
            });

    Waits.get(returned, "a close by a task of the runtime's own");
  }

  @DriverTest
  void theQueueIsBoundedAndWhatWaitsInItCanBeCancelled(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.blocking(1, 2));
    var begun = new CountDownLatch(1);
    var mayEnd = new CountDownLatch(1);
    var first =
        runtime.blocking(
            () -> {
              begun.countDown();
              Waits.await(mayEnd, "leave to end");
              return "first";
            });
    Waits.await(begun, "the first task");
    var ran = new AtomicBoolean();
    var second = runtime.blocking(() -> ran.getAndSet(true));
    var third = runtime.blocking(() -> "third");
    assertThrows(RejectedExecutionException.class, () -> runtime.blocking(() -> "fourth"));
    assertTrue(second.cancel(true));
    mayEnd.countDown();
    assertEquals("first", Waits.get(first, "the first task"));
    assertEquals("third", Waits.get(third, "the third task"));
    assertFalse(ran.get());
  }

  @DriverTest
  void aResultThatNobodyTakesIsClosed(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var begun = new CountDownLatch(1);
    var mayEnd = new CountDownLatch(1);
    var closed = new CountDownLatch(1);
    CompletableFuture<AutoCloseable> call =
        runtime.blocking(
            () -> {
              begun.countDown();
              Waits.await(mayEnd, "leave to end");
              return closed::countDown;
            });
    Waits.await(begun, "the task");
    assertTrue(call.cancel(false));
    mayEnd.countDown();
    Waits.await(closed, "the close of what was dropped");
  }

  @DriverTest
  void theEndOfTheRuntimeDropsWhatWaitsAndInterruptsWhatRuns(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.blocking(1, 10));
    var begun = new CountDownLatch(1);
    var thread = new CompletableFuture<Thread>();
    var running =
        runtime.blocking(
            () -> {
              thread.complete(Thread.currentThread());
              begun.countDown();
              new CountDownLatch(1).await(); // for ever, but for the interrupt
              return 1;
            });
    Waits.await(begun, "the running task");
    var waiting = runtime.blocking(() -> 2);
    driver.closeAndWait(runtime);
    assertInstanceOf(InterruptedException.class, Waits.failure(running, "the running task"));
    assertThrows(CancellationException.class, waiting::get);
    Waits.join(thread.join());
    assertThrows(RejectedExecutionException.class, () -> runtime.blocking(() -> 3));
  }
}
