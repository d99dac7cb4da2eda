package io.gyre.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.BufferPool;
import io.gyre.IoRuntime;
import io.gyre.Runtimes;
import io.gyre.testing.Recorder;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.nio.channels.ShutdownChannelGroupException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** The end of a loop whose driver fails in every way that it can. */
class FailingDriverTest {
  private final Error death = new OutOfMemoryError("the driver's");

  private record Provider(Driver driver) implements DriverProvider {
    @Override
    public String name() {
      return "fake";
    }

    @Override
    public int priority() {
      return 0;
    }

    @Override
    public Availability probe() {
      return new Availability(true, "", "", driver.capabilities());
    }

    @Override
    public Driver open(DriverConfig config, OperationDispatcher dispatcher) {
      return driver;
    }
  }

  /** Takes operations, ends none of them, and fails at each of the calls that end a loop. */
  private static final class Failing extends FakeDriver {
    final CountDownLatch dying = new CountDownLatch(1);
    private final Error death;

    Failing(Error death) {
      this.death = death;
    }

    @Override
    public void register(BufferPool pool) {}

    @Override
    public int turn(long timeoutNanos, int budget) {
      if (dying.getCount() == 0) {
        throw death;
      }
      return 0;
    }

    @Override
    public void wakeUp() {}

    @Override
    public void close(boolean drained) {
      super.close(drained);
      throw death;
    }
  }

  @Test
  void everybodyIsToldThoughHandlersTheirHandlerAndTheEndItselfFail() throws Exception {
    death.setStackTrace(new StackTraceElement[0]); // it is logged, and of no interest
    var driver = new Failing(death);
    var thrown = new Recorder<Integer>();
    var runtime =
        Runtimes.start(
            IoRuntime.builder()
                .exceptionHandler(
                    t -> {
                      thrown.failed(t, 0);
                      throw death;
                    }),
            new Provider(driver));
    var loop = runtime.loop();
    var nops = new Recorder<Integer>();
    var timer = loop.schedule(Duration.ofHours(1), () -> {});
    var closing = new CompletableFuture<Void>();
    Waits.get(
        CompletableFuture.runAsync(
            () -> {
              var descriptor = new FakeDriver.FakeDescriptor("a descriptor");
              descriptor.watchClosing(
                  () -> {
                    closing.complete(null);
                    throw new IllegalStateException("who is told of the close");
                  });
              loop.dispatcher().opened(descriptor);
              for (int i = 0; i < 3; i++) {
                loop.nop(i, new Throwing(nops));
              }
            },
            loop),
        "a task");

    driver.dying.countDown();

    Waits.join(loop.thread());
    Waits.get(runtime.closeAsync(), "the end of the runtime");
    nops.checkExactlyOnce(3);
    nops.outcomes().forEach(o -> assertSame(death, o.cause()));
    Waits.get(closing, "who listens for the close");
    assertEquals(4, thrown.count(), () -> thrown.outcomes().toString());
    assertTrue(timer.isCancelled());
    assertEquals(
        List.of("close false"), driver.calls.stream().filter(c -> c.startsWith("close")).toList());
    assertThrows(ShutdownChannelGroupException.class, () -> loop.execute(() -> {}));
    assertThrows(
        IllegalStateException.class,
        () -> loop.dispatcher().acquire(OpCode.NOP, null, Operation.NOTIFY, nops, 4));
  }

  /** A handler that throws whatever it is told. */
  private record Throwing(Recorder<Integer> recorder) implements io.gyre.IoHandler<Integer> {
    @Override
    public void completed(int result, Integer attachment) {
      recorder.completed(result, attachment);
    }

    @Override
    public void failed(Throwable cause, Integer attachment) {
      recorder.failed(cause, attachment);
      throw new IllegalStateException("a handler");
    }
  }

  @Test
  void aDriverThatFailsAtTheStartFailsTheStart() {
    var registers = new FakeDriver();
    var failure =
        assertThrows(
            UnsupportedOperationException.class,
            () -> Runtimes.start(IoRuntime.builder(), new Provider(registers)));
    assertNull(failure.getMessage());
    assertEquals(List.of("close false"), registers.calls);
  }

  @Test
  void aDriverThatRefusesToOpenFailsTheStart() {
    var refusal = new IOException("no");
    var provider =
        new DriverProvider() {
          @Override
          public String name() {
            return "refusing";
          }

          @Override
          public int priority() {
            return 0;
          }

          @Override
          public Availability probe() {
            throw new UnsupportedOperationException();
          }

          @Override
          public Driver open(DriverConfig config, OperationDispatcher dispatcher)
              throws IOException {
            throw refusal;
          }
        };
    var failure =
        assertThrows(IOException.class, () -> Runtimes.start(IoRuntime.builder(), provider));
    assertEquals(refusal.getMessage(), failure.getMessage());
  }
}
