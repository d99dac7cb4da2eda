package io.gyre.testing;

import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.telemetry.FlightEvents;
import java.util.concurrent.CountDownLatch;

/** A program for a JVM that lacks the module {@code jdk.jfr}: what would look for its classes. */
final class WithoutFlightRecorder {
  static final String DONE = "all went well";

  private WithoutFlightRecorder() {}

  static void main(String[] args) throws Exception {
    if (FlightEvents.PRESENT) {
      throw new AssertionError("this JVM has Flight Recorder");
    }
    var done = new CountDownLatch(1);
    try (var runtime = IoRuntime.builder().driver(args[0]).bufferPoolBytes(1 << 20).start()) {
      var loop = runtime.loop();
      loop.nop(
          done,
          new IoHandler<CountDownLatch>() {
            @Override
            public void completed(int result, CountDownLatch latch) {
              latch.countDown();
            }

            @Override
            public void failed(Throwable cause, CountDownLatch latch) {
              throw new AssertionError("nop", cause);
            }
          });
      Waits.await(done, "a nop");
      var telemetry = loop.dispatcher().telemetry();
      telemetry.cancelRequested("NOP", "");
      telemetry.stalled(loop.thread(), 1, "");
    }
    System.out.println(DONE);
  }
}
