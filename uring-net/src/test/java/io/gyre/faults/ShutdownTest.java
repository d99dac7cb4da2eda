package io.gyre.faults;

import static java.nio.file.StandardOpenOption.READ;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.Scheduler;
import io.gyre.fs.AsyncFile;
import io.gyre.net.ListenOptions;
import io.gyre.net.TcpListener;
import io.gyre.net.TcpStream;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Recorder;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.io.TempDir;

/**
 * The end of a runtime that has thousands of operations of every kind in flight, among them sends
 * to a peer that takes nothing. Descriptors, ring memory and pooled buffers are {@link
 * TestRuntime}'s to check.
 */
class ShutdownTest {
  private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();
  private static final int STREAMS = 100;
  private static final int STUCK = 10;
  private static final int STUCK_BYTES = 16 << 20; // more than both sockets' buffers hold
  private static final int READS = 2000;
  private static final int TIMERS = 1000;
  private static final int OPERATIONS = STREAMS + STUCK + READS + 1;

  @TempDir Path dir;
  private final Recorder<Integer> outcomes = new Recorder<>();

  /** Rings that tests before this one had to quarantine keep their threads for as long as the process lives. */
  private final Set<Path> othersTasks = tasks();

  /** Puts everything in flight. None of the peers ever answers. */
  private void load(TestRuntime driver, IoRuntime runtime) throws IOException {
    var silent = driver.own(ServerSocketChannel.open());
    silent.bind(new InetSocketAddress(LOOPBACK, 0), STREAMS);
    var address = (InetSocketAddress) silent.getLocalAddress();
    var stuck = ByteBuffer.allocateDirect(STUCK_BYTES);
    int id = 0;
    for (int i = 0; i < STREAMS; i++) {
      var stream = TcpStream.connect(runtime, address);
      stream.read(ByteBuffer.allocateDirect(100), id++, outcomes);
      if (i < STUCK) {
        stream.write(stuck.duplicate(), id++, outcomes);
      }
    }
    var listener = TcpListener.bind(runtime, new InetSocketAddress(LOOPBACK, 0));
    int accept = id++;
    var _ =
        listener
            .acceptAsync()
            .whenComplete(
                (stream, cause) -> {
                  if (cause == null) {
                    outcomes.completed(0, accept);
                  } else {
                    outcomes.failed(cause, accept);
                  }
                });
    for (int i = 0; i < TIMERS; i++) {
      runtime.loop().schedule(Duration.ofHours(1), () -> {});
    }
    var path = Files.write(dir.resolve("file"), new byte[4096]);
    var file = AsyncFile.open(runtime, path, READ);
    for (int i = 0; i < READS; i++) {
      file.read(ByteBuffer.allocate(4096), 0, id++, outcomes);
    }
  }

  private void checkEnded(TestRuntime driver, IoRuntime runtime) {
    driver.closeAndWait(runtime);
    outcomes.checkExactlyOnce(OPERATIONS);
    Waits.until(() -> "the end of every thread; there are " + threads(), () -> threads().isEmpty());
  }

  /** This process's threads, as the kernel has them. */
  private static Set<Path> tasks() {
    var found = new HashSet<Path>();
    try (var tasks = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
      tasks.forEach(found::add);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return found;
  }

  /** The names of those that are Gyre's, and that were not there before. */
  private String threads() {
    var names = new StringBuilder();
    var since = tasks();
    since.removeAll(othersTasks);
    for (var task : since) {
      try {
        var name = Files.readString(task.resolve("comm"));
        if (name.startsWith("gyre") || name.startsWith("iou-")) {
          names.append(name);
        }
      } catch (NoSuchFileException e) {
        // ended meanwhile
      } catch (IOException e) {
        if (!String.valueOf(e.getMessage()).contains("No such process")) {
          throw new UncheckedIOException(e);
        }
      }
    }
    return names.toString();
  }

  @DriverTest
  void closingTwiceEndsThousandsOfOperationsOnceEach(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.scheduler(Scheduler.threadPerCore(2)));
    load(driver, runtime);
    long start = System.nanoTime();

    runtime.close();
    runtime.close();

    var took = Duration.ofNanos(System.nanoTime() - start);
    assertTrue(took.compareTo(Duration.ofSeconds(10)) < 0, () -> "not at the deadline: " + took);
    checkEnded(driver, runtime);
  }

  @DriverTest
  void closingFromAHandlerEndsThousandsOfOperationsOnceEach(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    load(driver, runtime);

    runtime
        .loop()
        .nop(
            runtime,
            new IoHandler<IoRuntime>() {
              @Override
              public void completed(int result, IoRuntime itself) {
                itself.close();
                itself.close();
              }

              @Override
              public void failed(Throwable cause, IoRuntime itself) {
                throw new AssertionError(cause);
              }
            });

    runtime.loops().forEach(loop -> Waits.join(loop.thread()));
    checkEnded(driver, runtime);
  }

  @DriverTest
  void closingFromManyThreadsEndsThousandsOfOperationsOnceEach(TestRuntime driver)
      throws Exception {
    var runtime = driver.start(b -> b.scheduler(Scheduler.threadPerCore(2)));
    load(driver, runtime);
    int closers = 16;
    var go = new CountDownLatch(1);
    var closed = new CompletableFuture<?>[closers];
    for (int i = 0; i < closers; i++) {
      var done = new CompletableFuture<Void>();
      closed[i] = done;
      Thread.ofPlatform()
          .start(
              () -> {
                Waits.await(go, "the signal");
                runtime.close();
                done.complete(null);
              });
    }

    go.countDown();

    Waits.get(CompletableFuture.allOf(closed), "every close");
    checkEnded(driver, runtime);
  }

  @DriverTest
  void aListenerBoundInTheLastMomentIsRefused(TestRuntime driver) throws Exception {
    var silent = driver.own(ServerSocketChannel.open());
    silent.bind(new InetSocketAddress(LOOPBACK, 0));
    var runtime = driver.start();
    var stream = TcpStream.connect(runtime, (InetSocketAddress) silent.getLocalAddress());
    var late = new CompletableFuture<TcpListener>();
    // The end cancels the read. The close that is asked for then is the last thing that the loop
    // waits for, so that the bind is found when everything else is over.
    var _ =
        stream
            .readAsync(ByteBuffer.allocateDirect(1))
            .exceptionallyCompose(cause -> stream.closeAsync().thenApply(closed -> 0))
            .thenCompose(
                closed ->
                    TcpListener.bindAsync(
                        stream.loop(), new InetSocketAddress(LOOPBACK, 0), ListenOptions.DEFAULT))
            .whenComplete(
                (listener, cause) -> {
                  if (cause == null) {
                    late.complete(listener);
                  } else {
                    late.completeExceptionally(cause);
                  }
                });

    driver.closeAndWait(runtime);

    Waits.failure(ShutdownChannelGroupException.class, late, "a bind at the very end");
  }

  @DriverTest
  void noNativeMemoryIsLeftByRuntimesThatCameAndWent(TestRuntime driver) throws Exception {
    work(driver);
    long before = nativeBytes();
    for (int i = 0; i < 5; i++) {
      work(driver);
    }
    // What hangs on objects goes with them: the collector decides when.
    Waits.until(
        () -> nativeBytes() + " bytes of native memory, " + before + " before",
        () -> {
          System.gc();
          return nativeBytes() <= before;
        });
  }

  private static void work(TestRuntime driver) throws IOException {
    try (var runtime = IoRuntime.builder().driver(driver.configuration().driver()).start()) {
      CheckedWork.run(runtime.loop());
    }
  }

  /** Direct buffers and segments of arenas: the JDK counts them together. */
  private static long nativeBytes() {
    return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
        .filter(pool -> pool.getName().equals("direct"))
        .findFirst()
        .orElseThrow()
        .getMemoryUsed();
  }
}
