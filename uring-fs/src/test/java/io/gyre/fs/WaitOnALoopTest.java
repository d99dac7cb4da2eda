package io.gyre.fs;

import static java.nio.file.FileVisitResult.CONTINUE;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.BufferPool;
import io.gyre.IoRuntime;
import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;

/** Who waits on a loop's thread for a future is told so, instead of waiting for ever. */
class WaitOnALoopTest {
  @TempDir Path dir;

  /** Not done while the loop's thread has not come back: none can end inside of the call that began it. */
  private static void checkRefused(String name, CompletableFuture<?> future) {
    var refusal = assertThrows(IllegalStateException.class, future::join, name);
    assertTrue(refusal.getMessage().contains("whenComplete"), refusal::getMessage);
    assertThrows(IllegalStateException.class, future::get, name);
    assertThrows(IllegalStateException.class, () -> future.get(1, TimeUnit.DAYS), name);
  }

  private static List<CompletableFuture<?>> checkRefused(
      Map<String, CompletableFuture<?>> futures) {
    var all = new ArrayList<CompletableFuture<?>>();
    futures.forEach(
        (name, future) -> {
          checkRefused(name, future);
          var behind = future.handle((result, failure) -> null).thenCompose(nothing -> future);
          checkRefused("a stage behind " + name, behind);
          all.add(future);
        });
    return all;
  }

  private Map<String, CompletableFuture<?>> operations(AsyncFile file) {
    var files = AsyncFiles.of(file.loop());
    var futures = new LinkedHashMap<String, CompletableFuture<?>>();
    futures.put("a read", file.readAsync(ByteBuffer.allocate(10), 0));
    futures.put("a status", file.statusAsync());
    futures.put("a batch", file.readBatchAsync(new ReadBatch().add(ByteBuffer.allocate(1), 0)));
    futures.put("a force", file.forceAsync(true));
    futures.put("a call of several operations", files.existsAsync(dir));
    futures.put(
        "a tree", FileTree.on(file.loop()).walkAsync(dir, TreeOptions.DEFAULT, e -> CONTINUE));
    futures.put(
        "a file",
        AsyncFile.openAsync(file.loop().runtime(), dir.resolve("other"), WRITE, CREATE)
            .thenCompose(AsyncFile::closeAsync));
    futures.put(
        "a directory", files.openDirectoryAsync(dir).thenCompose(AsyncDirectory::closeAsync));
    return futures;
  }

  @DriverTest
  void aHandlerThatWaitsForAnOperationIsRefused(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), dir.resolve("file"), READ, WRITE, CREATE)) {
      for (var future : Waits.onLoop(file.loop(), () -> checkRefused(operations(file)))) {
        Waits.settled(future, "what was begun");
        // It is done, and nobody has to wait.
        Waits.onLoop(file.loop(), () -> future.handle((result, failure) -> null).join());
      }
      var close =
          Waits.onLoop(file.loop(), () -> checkRefused(Map.of("a close", file.closeAsync())));
      Waits.get(close.getFirst(), "the close");
    }
  }

  @DriverTest
  void soIsOneThatWaitsForAnotherLoop(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var file = AsyncFile.open(driver.start(), dir.resolve("file"), READ, WRITE, CREATE)) {
      var held = new CountDownLatch(1);
      file.loop().execute(() -> Waits.await(held, "the check"));
      var size =
          Waits.onLoop(runtime.loop(), () -> checkRefused(Map.of("another's", file.sizeAsync())));
      held.countDown();
      assertEquals(0L, Waits.get(size.getFirst(), "the size"));
    }
  }

  @DriverTest
  void soIsOneThatWaitsForABlockingTaskOrABuffer(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var pool = runtime.loop().buffers();
    var held = new CountDownLatch(1);
    var lent = new ArrayList<Buffer>();
    Waits.onLoop(
        runtime.loop(),
        () -> {
          var behind = pool.acquireAsync(10).thenCompose(b -> reading(runtime, b));
          checkRefused("a stage behind a buffer that was there", behind);
          return null;
        });
    var begun =
        Waits.onLoop(
            runtime.loop(),
            () -> {
              for (var b = pool.tryAcquire(BufferPool.MAX_BUFFER_BYTES);
                  b != null;
                  b = pool.tryAcquire(BufferPool.MAX_BUFFER_BYTES)) {
                lent.add(b);
              }
              var futures = new LinkedHashMap<String, CompletableFuture<?>>();
              futures.put(
                  "a buffer",
                  pool.acquireAsync(BufferPool.MAX_BUFFER_BYTES).thenAccept(b -> b.release()));
              futures.put(
                  "a task",
                  runtime.blocking(
                      () -> {
                        Waits.await(held, "the check");
                        return null;
                      }));
              return checkRefused(futures);
            });
    held.countDown();
    lent.forEach(Buffer::release);
    for (var future : begun) {
      Waits.get(future, "what was begun");
    }
  }

  private static CompletableFuture<Void> reading(IoRuntime runtime, Buffer buffer) {
    buffer.release();
    return AsyncFiles.of(runtime).existsAsync(Path.of("/")).thenAccept(there -> {});
  }

  @DriverTest
  void soIsOneThatWaitsForTheEndOfItsRuntime(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var end =
        Waits.onLoop(runtime.loop(), () -> checkRefused(Map.of("the end", runtime.closeAsync())));
    Waits.get(end.getFirst(), "the end of the runtime");
  }
}
