package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.Socket;
import java.util.concurrent.CompletableFuture;

/** What goes out by callbacks and from pooled buffers allocates nothing, one buffer or several, waited for or not. */
class WriteAllocationTest {
  /** A write of one buffer, one of several, and a wait, in turns: each outcome starts the next. */
  private static final class Counting implements IoHandler<Buffer[]> {
    private static final int WARM_UP = 30_000;
    private static final int MEASURED = 10_000;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    final CompletableFuture<Long> bytes = new CompletableFuture<>();
    private final TcpStream stream;
    private int count;
    private long before;

    Counting(TcpStream stream) {
      this.stream = stream;
    }

    @Override
    public void completed(int result, Buffer[] buffers) {
      if (count == WARM_UP) {
        before = THREADS.getCurrentThreadAllocatedBytes();
      } else if (count == WARM_UP + MEASURED) {
        bytes.complete(THREADS.getCurrentThreadAllocatedBytes() - before);
        return;
      }
      switch (count++ % 3) {
        case 0 -> {
          buffers[0].byteBuffer().clear().limit(64);
          stream.write(buffers[0], buffers, this);
        }
        case 1 -> {
          for (var buffer : buffers) {
            buffer.byteBuffer().clear().limit(64);
          }
          stream.write(buffers, buffers, this);
        }
        default -> stream.writable(buffers, this);
      }
    }

    @Override
    public void failed(Throwable cause, Buffer[] buffers) {
      bytes.completeExceptionally(cause);
    }
  }

  @DriverTest(drivers = "uring")
  void callbacksAllocateNothing(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = StreamPair.open(runtime)) {
      var drain = Thread.ofPlatform().start(() -> drain(pair.peer()));
      var counting = new Counting(pair.stream());
      var pool = runtime.loop().buffers();
      var buffers = new Buffer[] {pool.acquire(64), pool.acquire(64), pool.acquire(64)};
      pair.stream().loop().execute(() -> counting.completed(0, buffers));
      long bytes = Waits.get(counting.bytes, "the writes");
      // The odd object of the loop's own turns, such as a timer's, is not of a write.
      assertTrue(
          bytes < Counting.MEASURED, () -> bytes + " bytes in " + Counting.MEASURED + " steps");
      for (var buffer : buffers) {
        buffer.release();
      }
      pair.stream().shutdownOutput();
      Waits.join(drain);
      assertEquals(0, pair.stream().queuedBytes());
    }
  }

  private static void drain(Socket peer) {
    try {
      peer.getInputStream().skipNBytes(Long.MAX_VALUE);
    } catch (IOException e) {
      // At the end, which is what it waits for.
    }
  }
}
