package io.gyre.fs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.EventLoop;
import io.gyre.IoRuntime;
import io.gyre.fs.WriteBehind.Sync;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.io.TempDir;

class BlockOutputStreamTest {
  private static final int PAGE = 4096;
  private static final List<Sync> SYNCS = List.of(Sync.values());
  private static final WriteBehind PAGES = WriteBehind.DEFAULT.blockBytes(PAGE);

  @TempDir Path dir;
  private final Pattern pattern = new Pattern(Seeds.SEED);

  private AsyncFile create(IoRuntime runtime) throws IOException {
    Files.deleteIfExists(dir.resolve("file"));
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

  @DriverTest
  void writesAndFlushesOfRandomLengthsLandInOrder(TestRuntime driver) throws Exception {
    var random = Seeds.random(13);
    var runtime = driver.start();
    for (int round = 0; round < 20; round++) {
      var how =
          WriteBehind.DEFAULT
              .blockBytes(1 + random.nextInt(20_000))
              .depth(1 + random.nextInt(6))
              .sync(SYNCS.get(random.nextInt(SYNCS.size())));
      int at = 0;
      try (var file = create(runtime)) {
        try (var out = file.outputStream(how)) {
          for (int i = random.nextInt(40); i > 0; i--) {
            switch (random.nextInt(3)) {
              case 0 -> out.write(pattern.at(at++));
              case 1 -> {
                int length = random.nextInt(30_000);
                out.write(pattern.bytes(at, length));
                at += length;
              }
              default -> {
                out.flush();
                check(at);
              }
            }
            long lent = file.loop().buffers().lentBytes();
            assertTrue(lent <= (long) how.depth() * classOf(how.blockBytes()), how::toString);
          }
        }
        check(at);
        awaitNothingLent(file.loop());
      }
    }
  }

  private static int classOf(int bytes) {
    return Math.max(PAGE, Integer.highestOneBit(2 * bytes - 1));
  }

  @DriverTest
  void aVirtualThreadCopiesOneFileToAnother(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    int length = 700_000;
    var source = Files.write(dir.resolve("source"), pattern.bytes(0, length));
    try (var from = AsyncFile.open(runtime, source, READ);
        var to = create(runtime)) {
      var copied = new CompletableFuture<Long>();
      Thread.startVirtualThread(
          () -> {
            try (var in = from.inputStream(ReadAhead.DEFAULT.blockBytes(PAGE));
                var out = to.outputStream(PAGES.sync(Sync.ALL))) {
              copied.complete(in.transferTo(out));
            } catch (Throwable t) {
              copied.completeExceptionally(t);
            }
          });
      assertEquals(length, Waits.get(copied, "the copy"));
      Waits.until("all of it is there", () -> size() == length);
      check(length);
      awaitNothingLent(to.loop());
    }
  }

  private long size() {
    return dir.resolve("file").toFile().length();
  }

  @DriverTest
  void aSecondCloseIsHarmlessAndWritesAfterItAreRefused(TestRuntime driver) throws Exception {
    try (var file = create(driver.start())) {
      var out = file.outputStream(PAGES);
      out.write(pattern.bytes(0, 10));
      out.close();
      out.close();
      check(10);
      assertThrows(ClosedChannelException.class, () -> out.write(1));
      assertThrows(ClosedChannelException.class, () -> out.write(new byte[1]));
      assertThrows(ClosedChannelException.class, out::flush);
      awaitNothingLent(file.loop());
    }
  }

  @DriverTest
  void aFailureIsThrownByWhateverComesNext(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), Path.of("/dev/full"), WRITE)) {
      var flushed = file.outputStream(PAGES);
      flushed.write(1);
      var first = assertThrows(FileSystemException.class, flushed::flush);
      assertTrue(first.getMessage().contains("ENOSPC"), first::getMessage);
      var second = assertThrows(IOException.class, flushed::flush);
      assertSame(first, second.getCause());
      assertThrows(IOException.class, flushed::close);
      flushed.close();

      var closed = file.outputStream(PAGES);
      closed.write(1);
      assertThrows(FileSystemException.class, closed::close);
      closed.close();

      var written =
          assertThrows(
              FileSystemException.class,
              () -> {
                try (var out = file.outputStream(PAGES)) {
                  for (int i = 0; i < 1_000_000; i++) {
                    out.write(1);
                  }
                }
              });
      assertEquals(1, written.getSuppressed().length, "the close failed as well");
      awaitNothingLent(file.loop());
    }
  }

  @DriverTest
  void whatIsBeyondTheLargestFileFailsTheStream(TestRuntime driver) throws Exception {
    try (var file = create(driver.start())) {
      var out = file.outputStream(PAGES.at(Long.MAX_VALUE - 10));
      out.write(pattern.bytes(0, 100));
      var failure = assertThrows(IOException.class, out::close);
      assertInstanceOf(IllegalArgumentException.class, failure.getCause());
      awaitNothingLent(file.loop());
    }
  }

  @DriverTest
  void aCloseOfTheFileFailsTheStream(TestRuntime driver) throws Exception {
    var file = create(driver.start());
    var out = file.outputStream(PAGES);
    out.write(1);
    file.close();
    assertThrows(ClosedChannelException.class, out::flush);
    assertThrows(IOException.class, out::close);
    awaitNothingLent(file.loop());
  }

  @DriverTest
  void theEndOfTheRuntimeFailsTheStream(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var file = create(runtime);
    var out = file.outputStream(PAGES);
    out.write(1);
    driver.closeAndWait(runtime);
    assertThrows(IOException.class, out::flush);
    assertThrows(IOException.class, out::close);
    assertEquals(0, runtime.loop().buffers().lentBytes());
  }

  @DriverTest
  void aLoopsThreadIsRefused(TestRuntime driver) throws Exception {
    try (var file = create(driver.start());
        var out = file.outputStream(PAGES)) {
      var tried = new CompletableFuture<Void>();
      file.loop()
          .execute(
              () -> {
                try {
                  out.write(1);
                  tried.complete(null);
                } catch (Throwable t) {
                  tried.completeExceptionally(t);
                }
              });
      assertInstanceOf(IllegalStateException.class, Waits.failure(tried, "a write on the loop"));
    }
  }

  @DriverTest
  void whatAFileCannotHoldFailsTheStream(TestRuntime driver) throws Exception {
    try (var file = create(driver.start())) {
      var out = file.outputStream(PAGES.at(Long.MAX_VALUE - 10));
      out.write(new byte[100]);
      var failure = Waits.failure(IOException.class, onAThread(out::flush), "the flush");
      assertTrue(failure.getMessage().contains("beyond what a file can hold"), failure::getMessage);
      Waits.failure(IOException.class, onAThread(out::close), "the close");
      awaitNothingLent(file.loop());
    }
  }

  @DriverTest
  void flushesThatWereInterruptedOfferNoMoreBlocksThanThereArePlaces(TestRuntime driver)
      throws Exception {
    var path = dir.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", path.toString()).start().waitFor());
    int depth = 2;
    CompletableFuture<byte[]> received = new CompletableFuture<>();
    try (var pipe = AsyncFile.open(driver.start(), path, READ, WRITE)) {
      fill(path);
      var out = pipe.outputStream(PAGES.depth(depth));
      int accepted = 0;
      for (int i = 0; i < 2 * depth; i++) {
        Thread.currentThread().interrupt(); // who is interrupted waits for nothing
        try {
          out.write(pattern.at(accepted));
          accepted++;
          out.flush();
        } catch (InterruptedIOException e) {
          assertTrue(Thread.interrupted(), "the thread stays interrupted");
        }
      }
      assertEquals(depth, accepted, "each flush has made a block of one byte");
      var _ =
          onAThread(
              () -> {
                try (var in = new FileInputStream(path.toFile())) {
                  received.complete(in.readAllBytes());
                }
              });
      Waits.get(onAThread(out::close), "the close");
      awaitNothingLent(pipe.loop());
    }
    var bytes = Waits.get(received, "the reader");
    pattern.check(bytes, bytes.length - depth, bytes.length, 0);
  }

  /** So that nothing more goes in until something is taken out. */
  private static void fill(Path pipe) throws IOException, InterruptedException {
    var dd =
        new ProcessBuilder("dd", "if=/dev/zero", "oflag=nonblock", "bs=4096", "of=" + pipe)
            .redirectErrorStream(true)
            .start();
    var said = new String(dd.getInputStream().readAllBytes(), UTF_8);
    assertEquals(1, dd.waitFor(), said);
    assertTrue(said.contains("temporarily unavailable"), said);
  }

  private interface Action {
    void run() throws Exception;
  }

  private static CompletableFuture<Void> onAThread(Action action) {
    var ended = new CompletableFuture<Void>();
    Thread.ofPlatform()
        .start(
            () -> {
              try {
                action.run();
                ended.complete(null);
              } catch (Throwable t) {
                ended.completeExceptionally(t);
              }
            });
    return ended;
  }
}
