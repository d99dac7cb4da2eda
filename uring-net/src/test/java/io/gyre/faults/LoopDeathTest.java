package io.gyre.faults;

import static java.nio.file.StandardOpenOption.READ;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.CancelScope;
import io.gyre.EventLoop;
import io.gyre.Interest;
import io.gyre.Scheduler;
import io.gyre.driver.OpCode;
import io.gyre.net.ListenOptions;
import io.gyre.net.ReceiveHandler;
import io.gyre.net.TcpListener;
import io.gyre.net.TcpStream;
import io.gyre.testing.DriverTest;
import io.gyre.testing.DyingDriver;
import io.gyre.testing.Recorder;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.junit.jupiter.api.io.TempDir;

/** Whatever ends a loop's thread, nobody waits for it any more. */
class LoopDeathTest {
  private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();
  private static final Duration NEVER = Duration.ofHours(1);

  @TempDir Path dir;

  @DriverTest
  void aDriverThatCannotGoOnTellsEveryWaiter(TestRuntime driver) throws Exception {
    tellsEveryWaiter(driver, new IOException("a driver that cannot go on"));
  }

  @DriverTest
  void aBugTellsEveryWaiter(TestRuntime driver) throws Exception {
    tellsEveryWaiter(driver, new NullPointerException("a bug"));
  }

  @DriverTest
  void aStackThatOverflowsTellsEveryWaiter(TestRuntime driver) throws Exception {
    tellsEveryWaiter(driver, new StackOverflowError("too deep"));
  }

  @DriverTest
  void aHeapWithoutRoomTellsEveryWaiter(TestRuntime driver) throws Exception {
    tellsEveryWaiter(driver, new OutOfMemoryError("no room"));
  }

  @DriverTest
  void aClassThatIsMissingTellsEveryWaiter(TestRuntime driver) throws Exception {
    tellsEveryWaiter(driver, new NoClassDefFoundError("a missing class"));
  }

  /** Nothing in production throws this from a turn; but nothing that is thrown may be held to be impossible. */
  @DriverTest
  void anInterruptionTellsEveryWaiter(TestRuntime driver) throws Exception {
    tellsEveryWaiter(driver, new InterruptedException("who did that?"));
  }

  private void tellsEveryWaiter(TestRuntime driver, Throwable death) throws Exception {
    death.setStackTrace(new StackTraceElement[0]); // it is logged, and of no interest
    var provider = new DyingDriver(driver.configuration().driver());
    var runtime = driver.startOn(provider, b -> b.scheduler(Scheduler.threadPerCore(2)));
    var dying = runtime.loops().get(0);
    var living = runtime.loops().get(1);
    var silent = driver.own(ServerSocketChannel.open());
    silent.bind(new InetSocketAddress(LOOPBACK, 0), 64);
    var peer = (InetSocketAddress) silent.getLocalAddress();
    var told = new ArrayList<CompletableFuture<?>>();

    var listener = TcpListener.bind(dying, anyPort(), ListenOptions.DEFAULT);
    told.add(listener.acceptAsync());
    var reads = new Recorder<Integer>();
    connect(dying, peer).read(ByteBuffer.allocateDirect(8), 0, reads);
    var stream = connect(dying, peer);
    told.add(received(stream));
    told.add(connect(dying, peer).pollAsync(Interest.READABLE));
    told.add(blocked(Thread.ofPlatform(), connect(dying, peer)));
    told.add(blocked(Thread.ofVirtual(), connect(dying, peer)));
    var scope = new CancelScope();
    told.add(
        scope.<CompletableFuture<?>, IOException>call(
            () -> connect(dying, peer).readAsync(ByteBuffer.allocate(8))));
    var path = Files.write(Files.createTempFile(dir, "gyre", null), new byte[] {42});
    var file = CheckedWork.openOn(dying, path, READ);
    var timer = dying.schedule(NEVER, () -> {});
    var repeated = dying.scheduleAtFixedRate(NEVER, NEVER, () -> {});
    var lent = new ArrayList<Buffer>();
    var memory = takeAll(dying, lent);
    var closing = connect(dying, peer);
    var closed = new CompletableFuture<CompletableFuture<Void>>();
    dying.execute(
        () -> {
          closed.complete(closing.closeAsync()); // in this very turn
          provider.die(death);
        });

    for (var future : told) {
      var failure = Waits.failure(future, "a waiter of the dead loop");
      assertTrue(hasCause(failure, death), () -> "another cause: " + failure);
    }
    assertTrue(hasCause(reads.awaitOne().cause(), death));
    Waits.settled(Waits.get(closed, "the task"), "a close that was under way");
    assertTrue(
        hasCause(Waits.failure(memory, "memory"), ShutdownChannelGroupException.class),
        "who waits for memory is told");
    Waits.join(dying.thread());
    assertTrue(timer.isCancelled() && repeated.isCancelled(), "timers are dropped");
    assertFalse(provider.awaitClosedDrained(), "the kernel may have something still");

    isRefused(dying, stream);
    Waits.settled(file.closeAsync(), "a close of what is dead");
    Waits.settled(listener.closeAsync(), "a close of what is dead");
    scope.cancel(); // there is nothing left to cancel
    timer.cancel();
    lent.forEach(Buffer::release);
    assertEquals(1, reads.count());

    goesOn(living, path);
    driver.closeAndWait(runtime);
  }

  private static InetSocketAddress anyPort() {
    return new InetSocketAddress(LOOPBACK, 0);
  }

  private static TcpStream connect(EventLoop loop, InetSocketAddress peer) {
    var connected =
        CompletableFuture.completedFuture(peer)
            .thenComposeAsync(p -> TcpStream.connectAsync(loop.runtime(), p), loop);
    return Waits.get(connected, "a connection");
  }

  private static CompletableFuture<Void> received(TcpStream stream) {
    var end = new CompletableFuture<Void>();
    stream.receiveEach(
        null,
        new ReceiveHandler<Object>() {
          @Override
          public void received(Buffer buffer, Object attachment) {
            buffer.release();
          }

          @Override
          public void ended(Object attachment) {
            end.complete(null);
          }

          @Override
          public void failed(Throwable cause, Object attachment) {
            if (!end.completeExceptionally(cause)) {
              throw new AssertionError("told twice", cause);
            }
          }
        });
    return end;
  }

  /** A thread that waits for a read, and what it is told. */
  private static CompletableFuture<Integer> blocked(Thread.Builder thread, TcpStream stream) {
    var result = new CompletableFuture<Integer>();
    var started =
        thread.start(
            () -> {
              try {
                result.complete(stream.read(ByteBuffer.allocate(8)));
              } catch (Throwable t) {
                result.completeExceptionally(t);
              }
            });
    Waits.until(
        "the thread to wait",
        () ->
            started.getState() == Thread.State.WAITING
                || started.getState() == Thread.State.TIMED_WAITING);
    return result;
  }

  /** Takes all of the pool; gives one that waits for more. */
  private static CompletableFuture<Buffer> takeAll(EventLoop loop, List<Buffer> taken) {
    var pool = loop.buffers();
    var onLoop =
        CompletableFuture.supplyAsync(
            () -> { // where the last buffer is not in another's hand
              for (var b = pool.tryAcquire(1); b != null; b = pool.tryAcquire(1)) {
                taken.add(b);
              }
              return List.of(pool.acquireAsync(1));
            },
            loop);
    return Waits.get(onLoop, "all memory").getFirst();
  }

  private static void isRefused(EventLoop dead, TcpStream stream) {
    for (Runnable call :
        List.<Runnable>of(
            () -> dead.execute(() -> {}),
            () -> dead.schedule(NEVER, () -> {}),
            () -> dead.nop(null, new Recorder<Object>()),
            () -> stream.read(ByteBuffer.allocate(1), null, new Recorder<Object>()))) {
      assertThrows(ShutdownChannelGroupException.class, call::run);
    }
    assertThrows(ShutdownChannelGroupException.class, () -> stream.read(ByteBuffer.allocate(1)));
    assertThrows(
        IllegalStateException.class,
        () -> dead.dispatcher().acquire(OpCode.NOP, null, (o, r) -> {}, null, null));
  }

  private static void goesOn(EventLoop living, Path path) throws IOException {
    var nop = new Recorder<Integer>();
    living.nop(1, nop);
    assertTrue(nop.awaitOne().succeeded());
    try (var file = CheckedWork.openOn(living, path, READ)) {
      var bytes = ByteBuffer.allocate(1);
      assertEquals(1, Waits.get(file.readAsync(bytes, 0), "a read of the living loop"));
      assertEquals(42, bytes.get(0));
    }
  }

  private static boolean hasCause(Throwable failure, Throwable cause) {
    return hasCause(failure, t -> t.equals(cause));
  }

  private static boolean hasCause(Throwable failure, Class<? extends Throwable> type) {
    return hasCause(failure, type::isInstance);
  }

  private static boolean hasCause(Throwable failure, Function<Throwable, Boolean> matches) {
    for (var t = failure; t != null; t = t.getCause()) {
      if (matches.apply(t)) {
        return true;
      }
    }
    return false;
  }
}
