package io.gyre.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.EventLoop;
import io.gyre.Interest;
import io.gyre.IoHandler;
import io.gyre.Readiness;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.testing.DriverTest;
import io.gyre.testing.NativeDescriptors;
import io.gyre.testing.Recorder;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.nio.channels.Pipe;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.file.FileSystemException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Polls of descriptors that are the user's own, by number. */
class DescriptorPollTest {
  private static void onLoop(EventLoop loop, Runnable task) {
    Waits.get(CompletableFuture.runAsync(task, loop), "a task");
  }

  @DriverTest(drivers = "uring")
  void oneShotOnAnEventfdFiresOnceWhenItIsSignalled(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    int fd = NativeDescriptors.eventfd();
    driver.own(() -> NativeDescriptors.close(fd));
    var recorder = new Recorder<String>();

    loop.source(fd).poll(Interest.READABLE, "token", recorder);
    var later = loop.source(fd).pollAsync(Interest.WRITABLE.add(Interest.READABLE));
    assertTrue(Readiness.isWritable(Waits.get(later, "room")), "an eventfd of 0 has room");
    assertEquals(0, recorder.count(), "nothing was signalled");
    NativeDescriptors.signal(fd);

    var outcome = recorder.awaitOne();
    assertEquals("token", outcome.attachment());
    assertSame(loop.thread(), outcome.thread());
    assertEquals(Readiness.READABLE, outcome.result());
    NativeDescriptors.signal(fd);
    Waits.get(loop.source(fd).pollAsync(Interest.READABLE), "what is ready already");
    assertEquals(1, recorder.count());
  }

  @DriverTest(drivers = "uring")
  void multishotOnAPipeFiresOnEachArrivalAndTellsThatTheWriterIsGone(TestRuntime driver)
      throws Exception {
    var loop = driver.start().loop();
    var pipe = NativeDescriptors.pipe();
    driver.own(() -> NativeDescriptors.close(pipe.readEnd()));
    var arrived = new ConcurrentLinkedQueue<Byte>();
    var recorder = new Recorder<String>();
    var drained =
        new IoHandler<String>() {
          @Override
          public void completed(int result, String attachment) {
            if (!Readiness.isReadClosed(result)) { // takes all there is, or might be told again
              for (byte b : NativeDescriptors.read(pipe.readEnd(), 10)) {
                arrived.add(b);
              }
            }
            recorder.completed(result, attachment);
          }

          @Override
          public void failed(Throwable cause, String attachment) {
            recorder.failed(cause, attachment);
          }
        };
    var registration =
        loop.source(pipe.readEnd()).pollMultishot(Interest.READABLE, "token", drained);

    for (int i = 1; i <= 100; i++) {
      NativeDescriptors.write(pipe.writeEnd(), (byte) i);
      var outcome = recorder.await(i).getLast();
      assertTrue(outcome.succeeded(), outcome::toString);
      assertTrue(Readiness.isReadable(outcome.result()));
      assertFalse(Readiness.isReadClosed(outcome.result()));
      assertEquals((byte) i, arrived.remove());
    }
    NativeDescriptors.close(pipe.writeEnd());
    assertTrue(Readiness.isReadClosed(recorder.await(101).getLast().result()));

    registration.cancel();
    Waits.until("the end", () -> !recorder.outcomes().getLast().succeeded());
    assertInstanceOf(CancellationException.class, recorder.outcomes().getLast().cause());
    int count = recorder.count();
    registration.cancel();
    onLoop(loop, () -> {});
    assertEquals(count, recorder.count());
    if (loop.capabilities().uses("multishot-poll")) {
      assertEquals(102, count, "one event for each change");
    }
  }

  @DriverTest(drivers = "uring")
  void theReaderOfAPipeBeingGoneIsAClosedWriteSide(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var pipe = NativeDescriptors.pipe();
    driver.own(() -> NativeDescriptors.close(pipe.writeEnd()));
    NativeDescriptors.close(pipe.readEnd());

    int mask = Waits.get(loop.source(pipe.writeEnd()).pollAsync(Interest.WRITABLE), "the hang-up");
    assertTrue(Readiness.isWriteClosed(mask), Integer.toHexString(mask));
    assertTrue(Readiness.isError(mask), Integer.toHexString(mask));
  }

  @DriverTest(drivers = "uring")
  void cancellingTheFutureCancelsThePoll(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    int fd = NativeDescriptors.eventfd();
    driver.own(() -> NativeDescriptors.close(fd));
    var future = loop.source(fd).pollAsync(Interest.READABLE);
    onLoop(loop, () -> assertEquals(1, loop.dispatcher().inFlight()));

    future.cancel(false);

    Waits.until(
        "the poll to end",
        () ->
            Waits.get(CompletableFuture.supplyAsync(() -> loop.dispatcher().inFlight(), loop), "it")
                == 0);
  }

  @DriverTest(drivers = "uring")
  void aHandlerMayCancelItsOwnRegistration(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    int fd = NativeDescriptors.eventfd();
    driver.own(() -> NativeDescriptors.close(fd));
    var recorder = new Recorder<String>();
    var registration = new io.gyre.Registration[1];
    onLoop(
        loop,
        () ->
            registration[0] =
                loop.source(fd)
                    .pollMultishot(
                        Interest.READABLE,
                        "token",
                        new IoHandler<String>() {
                          @Override
                          public void completed(int result, String attachment) {
                            registration[0].cancel();
                            recorder.completed(result, attachment);
                          }

                          @Override
                          public void failed(Throwable cause, String attachment) {
                            recorder.failed(cause, attachment);
                          }
                        }));
    NativeDescriptors.signal(fd);

    var outcomes = recorder.await(2);
    assertTrue(outcomes.get(0).succeeded());
    assertInstanceOf(CancellationException.class, outcomes.get(1).cause());
  }

  @DriverTest(drivers = "uring")
  void manyPollsTakeNoCreditAndAllAreToldAtOnce(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    int fd = NativeDescriptors.eventfd();
    driver.own(() -> NativeDescriptors.close(fd));
    var recorder = new Recorder<Integer>();
    var source = loop.source(fd);
    int many = 500;
    for (int i = 0; i < many; i++) {
      source.poll(Interest.READABLE, i, recorder);
    }
    var nops = new Recorder<Integer>();
    for (int i = 0; i < many; i++) {
      loop.nop(i, nops);
    }
    nops.await(many);
    assertEquals(0, recorder.count());

    NativeDescriptors.signal(fd);

    recorder.await(many);
    recorder.checkExactlyOnce(many);
    assertTrue(recorder.outcomes().stream().allMatch(o -> o.succeeded()));
  }

  @DriverTest(drivers = "uring")
  void aMultishotThatTheQueueHadNoRoomForGoesOn(TestRuntime driver) throws Exception {
    // Completions that overflow end multishots; here they do so for certain.
    var loop = driver.start(b -> b.ringEntries(4).completionEntries(4)).loop();
    int fd = NativeDescriptors.eventfd();
    driver.own(() -> NativeDescriptors.close(fd));
    int many = 50;
    var recorders = new java.util.ArrayList<Recorder<Integer>>();
    for (int i = 0; i < many; i++) {
      var recorder = new Recorder<Integer>();
      recorders.add(recorder);
      var _ = loop.source(fd).pollMultishot(Interest.READABLE, i, recorder);
    }
    onLoop(loop, () -> {});
    for (int round = 0; round < 20; round++) {
      var before = recorders.stream().map(Recorder::count).toList();
      NativeDescriptors.signal(fd);
      for (int i = 0; i < many; i++) {
        recorders.get(i).await(before.get(i) + 1);
      }
      NativeDescriptors.read(fd, 8);
    }
    var capabilities = loop.capabilities();
    if (capabilities.uses("multishot-poll") && capabilities.uses("defer-taskrun")) {
      // Else completions come one by one, and there may be room for each.
      assertTrue(loop.counters().get(Counter.OVERFLOWS) > 0, "the test wants overflows");
    }
    for (var recorder : recorders) {
      assertTrue(recorder.outcomes().stream().allMatch(o -> o.succeeded()));
    }
  }

  @DriverTest(drivers = "uring")
  void aRegularFileIsAlwaysReadyAndHasNothingToWaitFor(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    int fd = NativeDescriptors.open("/proc/self/exe");
    driver.own(() -> NativeDescriptors.close(fd));

    int mask = Waits.get(loop.source(fd).pollAsync(Interest.READABLE), "readiness");
    assertTrue(Readiness.isReadable(mask));

    var recorder = new Recorder<String>();
    var _ = loop.source(fd).pollMultishot(Interest.READABLE, "token", recorder);
    var failure = assertInstanceOf(FileSystemException.class, recorder.awaitOne().cause());
    assertTrue(failure.getMessage().contains("EPERM"), failure::getMessage);
    assertTrue(failure.getMessage().contains("descriptor " + fd), failure::getMessage);
  }

  @DriverTest(drivers = "uring")
  void aNumberThatIsNotOpenIsNamed(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var failure =
        Waits.failure(loop.source(999_999).pollAsync(Interest.READABLE), "a poll of nothing");
    assertInstanceOf(FileSystemException.class, failure);
    assertTrue(failure.getMessage().contains("EBADF"), failure::getMessage);
    assertTrue(failure.getMessage().contains("descriptor 999999"), failure::getMessage);
    assertThrows(IllegalArgumentException.class, () -> loop.source(-1));
    assertThrows(IllegalArgumentException.class, () -> new Interest(0));
    assertThrows(IllegalArgumentException.class, () -> new Interest(Readiness.HANG_UP));
  }

  @DriverTest(drivers = "uring")
  void aDescriptorThatIsClosedWhilePolledHangsNothing(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var loop = runtime.loop();
    var cancelled = new Recorder<String>();
    int first = NativeDescriptors.eventfd();
    var registration = loop.source(first).pollMultishot(Interest.READABLE, "first", cancelled);
    int second = NativeDescriptors.eventfd();
    var ended = new Recorder<String>();
    loop.source(second).poll(Interest.READABLE, "second", ended);
    var later = new Recorder<String>();
    loop.nop("behind the polls", later);
    later.await(1); // so the kernel has them
    NativeDescriptors.close(first);
    NativeDescriptors.close(second);

    registration.cancel();
    assertInstanceOf(CancellationException.class, cancelled.awaitOne().cause());
    driver.closeAndWait(runtime);
    assertInstanceOf(CancellationException.class, ended.awaitOne().cause());
    assertThrows(
        ShutdownChannelGroupException.class,
        () -> loop.source(second).poll(Interest.READABLE, "late", ended));
    registration.cancel();
  }

  @DriverTest(drivers = "uring")
  void aChannelOfJavaNioIsRefusedWithTheRemedy(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var pipe = Pipe.open();
    driver.own(pipe.source());
    driver.own(pipe.sink());
    var failure =
        assertInstanceOf(
            UnsupportedOperationException.class,
            Waits.failure(
                loop.source(pipe.source()).pollAsync(Interest.READABLE), "a poll of a channel"));
    assertTrue(failure.getMessage().contains("io_uring driver"), failure::getMessage);
    assertTrue(failure.getMessage().contains("nio driver"), failure::getMessage);
    assertTrue(loop.capabilities().uses("poll on any descriptor"));
  }
}
