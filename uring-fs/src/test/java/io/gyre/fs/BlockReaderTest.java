package io.gyre.fs;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.gyre.Buffer;
import io.gyre.CancelScope;
import io.gyre.EventLoop;
import io.gyre.LeakDetection;
import io.gyre.fs.BlockReadHandler.Next;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonReadableChannelException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.io.TempDir;

class BlockReaderTest {
  private static final int PAGE = 4096;
  private static final ReadAhead PAGES = ReadAhead.DEFAULT.blockBytes(PAGE);

  @TempDir Path dir;
  private final Pattern pattern = new Pattern(Seeds.SEED);

  private Path write(int length) throws IOException {
    return Files.write(dir.resolve("file"), pattern.bytes(0, length));
  }

  private Path fifo() throws Exception {
    var path = dir.resolve("fifo");
    assertEquals(0, new ProcessBuilder("mkfifo", path.toString()).start().waitFor());
    return path;
  }

  /** Checks blocks against the pattern as they come, and releases them; what to answer is overridden. */
  private class Checking implements BlockReadHandler<Object> {
    final CompletableFuture<Long> end = new CompletableFuture<>();
    final CountDownLatch firstBlock = new CountDownLatch(1);
    final List<Integer> sizes = new ArrayList<>();
    private final long start;
    volatile long bytes;
    volatile int calls;

    Checking(long start) {
      this.start = start;
    }

    Next next(int unusedHere) {
      return Next.CONTINUE;
    }

    @Override
    public Next block(Buffer block, Object attachment) {
      try {
        assertFalse(end.isDone(), "a block after the end");
        var content = block.byteBuffer();
        assertEquals(0, content.position());
        assertTrue(content.hasRemaining());
        long before = bytes;
        pattern.check(content, 0, content.limit(), start + before);
        sizes.add(content.limit());
        bytes = before + content.limit();
      } catch (Throwable t) {
        end.completeExceptionally(t);
      }
      block.release();
      firstBlock.countDown();
      int call = calls + 1;
      calls = call; // the loop's thread only writes it
      return next(call);
    }

    @Override
    public void ended(Object attachment) {
      if (!end.complete(bytes)) {
        throw new AssertionError("told the end twice");
      }
    }

    @Override
    public void failed(Throwable cause, Object attachment) {
      if (!end.completeExceptionally(cause)) {
        throw new AssertionError("told the end twice", cause);
      }
    }

    long awaitEnd() {
      return Waits.get(end, "the end");
    }
  }

  private static void awaitNothingLent(EventLoop loop) {
    Waits.until(() -> loop.buffers() + " gets all back", () -> loop.buffers().lentBytes() == 0);
  }

  /** After this, whatever was under way on the loop has taken its next step. */
  private static void turn(EventLoop loop) {
    for (int i = 0; i < 3; i++) {
      var done = new CompletableFuture<Void>();
      loop.execute(() -> done.complete(null));
      Waits.get(done, "a task");
    }
  }

  @DriverTest
  void blocksComeInOrderAndFullUpToTheEnd(TestRuntime driver) throws Exception {
    int length = 10 * PAGE + 17;
    try (var file = AsyncFile.open(driver.start(), write(length), READ)) {
      for (int depth : new int[] {1, 2, 3, 7, 64}) {
        var handler = new Checking(0);
        file.readBlocks(PAGES.depth(depth), null, handler);
        assertEquals(length, handler.awaitEnd());
        assertEquals(11, handler.sizes.size());
        assertTrue(handler.sizes.subList(0, 10).stream().allMatch(s -> s == PAGE));
      }
    }
  }

  @DriverTest
  void anEndAtTheEndOfABlockIsAnEndAndNoEmptyBlock(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(4 * PAGE), READ)) {
      var handler = new Checking(0);
      file.readBlocks(PAGES, null, handler);
      assertEquals(4 * PAGE, handler.awaitEnd());
      assertEquals(4, handler.sizes.size());
    }
  }

  @DriverTest
  void aPartIsReadAndNothingBesideIt(TestRuntime driver) throws Exception {
    int length = 20_000;
    try (var file = AsyncFile.open(driver.start(), write(length), READ)) {
      for (long from : new long[] {0, 1, 4095, 4096, 19_999, 20_000, 30_000}) {
        for (long part : new long[] {0, 1, 4096, 5000, 15_904, 40_000, Long.MAX_VALUE}) {
          var handler = new Checking(from);
          file.readBlocks(PAGES.from(from).length(part), null, handler);
          assertEquals(Math.clamp(length - from, 0, part), handler.awaitEnd(), from + " " + part);
        }
      }
    }
  }

  @DriverTest
  void anEmptyFileEndsAtOnceAndSoDoesOneReadFromTheFarthestOffset(TestRuntime driver)
      throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(0), READ)) {
      var handler = new Checking(0);
      file.readBlocks(ReadAhead.DEFAULT, null, handler);
      assertEquals(0, handler.awaitEnd());
      var last = new Checking(0);
      file.readBlocks(ReadAhead.DEFAULT.from(Long.MAX_VALUE), null, last);
      assertEquals(0, last.awaitEnd());
    }
  }

  @DriverTest
  void filesOfProcAreReadThoughTheyHaveNoSize(TestRuntime driver) throws Exception {
    var path = Path.of("/proc/cpuinfo");
    var read = new CompletableFuture<byte[]>();
    var bytes = new java.io.ByteArrayOutputStream();
    try (var file = AsyncFile.open(driver.start(), path, READ)) {
      file.readBlocks(
          ReadAhead.DEFAULT.blockBytes(100),
          null,
          new BlockReadHandler<Object>() {
            @Override
            public Next block(Buffer block, Object attachment) {
              while (block.byteBuffer().hasRemaining()) {
                bytes.write(block.byteBuffer().get());
              }
              block.release();
              return Next.CONTINUE;
            }

            @Override
            public void ended(Object attachment) {
              read.complete(bytes.toByteArray());
            }

            @Override
            public void failed(Throwable cause, Object attachment) {
              read.completeExceptionally(cause);
            }
          });
      // Frequencies change from read to read.
      assertEquals(
          countProcessors(Files.readAllBytes(path)),
          countProcessors(Waits.get(read, "what /proc says")));
    }
  }

  private static long countProcessors(byte[] cpuinfo) {
    var text = new String(cpuinfo, java.nio.charset.StandardCharsets.UTF_8);
    long count = text.lines().filter(l -> l.startsWith("processor")).count();
    assertTrue(count > 0, text);
    return count;
  }

  @DriverTest
  void aPipeIsReadInOrderAndWhatIsThereIsDeliveredAtOnce(TestRuntime driver) throws Exception {
    var path = fifo();
    var writer =
        CompletableFuture.supplyAsync(() -> openToWrite(path), r -> Thread.ofPlatform().start(r));
    try (var file = AsyncFile.open(driver.start(), path, READ)) {
      var handler = new Checking(0);
      file.readBlocks(PAGES.depth(8), null, handler);
      try (var out = Waits.get(writer, "the writer")) {
        out.write(ByteBuffer.wrap(pattern.bytes(0, 10)));
        Waits.until("10 bytes though a block is larger", () -> handler.bytes == 10);
        out.write(ByteBuffer.wrap(pattern.bytes(10, 100_000)));
      }
      assertEquals(100_010, handler.awaitEnd());
    }
  }

  private static java.nio.channels.FileChannel openToWrite(Path path) {
    try {
      return java.nio.channels.FileChannel.open(path, WRITE);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @DriverTest
  void aDirectoryFailsWithItsName(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), dir, READ)) {
      var handler = new Checking(0);
      file.readBlocks(ReadAhead.DEFAULT, null, handler);
      var failure = Waits.failure(FileSystemException.class, handler.end, "reading a directory");
      assertTrue(failure.getMessage().contains("EISDIR"), failure::getMessage);
      assertEquals(dir.toString(), failure.getFile());
    }
  }

  @DriverTest
  void aHandlerThatPausesGetsNothingUntilItResumes(TestRuntime driver) throws Exception {
    int blocks = 20;
    try (var file = AsyncFile.open(driver.start(), write(blocks * PAGE), READ)) {
      var handler =
          new Checking(0) {
            @Override
            Next next(int call) {
              return Next.PAUSE;
            }
          };
      var reader = file.readBlocks(PAGES, null, handler);
      for (int i = 1; i <= blocks; i++) {
        int expected = i;
        Waits.until("block " + i, () -> handler.calls == expected);
        turn(file.loop());
        assertEquals(i, handler.calls, "a block while paused");
        assertTrue(file.loop().buffers().lentBytes() <= PAGES.depth() * (long) PAGE);
        if (i < blocks) {
          assertFalse(handler.end.isDone());
        }
        reader.resume();
      }
      assertEquals(blocks * (long) PAGE, handler.awaitEnd());
    }
  }

  @DriverTest
  void theEndIsToldToAHandlerThatIsPausedBehindTheLastBlock(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(PAGE), READ)) {
      var handler =
          new Checking(0) {
            @Override
            Next next(int call) {
              return Next.PAUSE;
            }
          };
      file.readBlocks(PAGES, null, handler);
      assertEquals(PAGE, handler.awaitEnd());
    }
  }

  @DriverTest
  void aResumeFromInsideTheHandlerIsNotLostAndDoesNotRecurse(TestRuntime driver) throws Exception {
    int blocks = 3000;
    try (var file = AsyncFile.open(driver.start(), write(blocks), READ)) {
      var reader = new CompletableFuture<BlockReader<?>>();
      var handler =
          new Checking(0) {
            int depth;

            @Override
            Next next(int call) {
              assertEquals(1, ++depth, "recursion");
              reader.join().resume();
              depth--;
              return Next.PAUSE;
            }
          };
      reader.complete(file.readBlocks(ReadAhead.DEFAULT.blockBytes(1).depth(64), null, handler));
      assertEquals(blocks, handler.awaitEnd());
    }
  }

  @DriverTest
  void aHandlerThatStopsIsCalledNoMoreAndEverythingIsGivenBack(TestRuntime driver)
      throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(50 * PAGE), READ)) {
      for (int stopAt : new int[] {1, 2, 10}) {
        var handler =
            new Checking(0) {
              @Override
              Next next(int call) {
                return call == stopAt ? Next.STOP : Next.CONTINUE;
              }
            };
        var reader = file.readBlocks(PAGES.depth(8), null, handler);
        Waits.until("block " + stopAt, () -> handler.calls == stopAt);
        awaitNothingLent(file.loop());
        reader.resume();
        reader.stop();
        turn(file.loop());
        assertEquals(stopAt, handler.calls);
        assertFalse(handler.end.isDone());
      }
    }
  }

  @DriverTest
  void aStopAtAnyMomentGivesEverythingBack(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(50 * PAGE), READ)) {
      for (int i = 0; i < 50; i++) {
        var handler = new Checking(0);
        var reader = file.readBlocks(PAGES.depth(4), null, handler);
        for (int spin = ThreadLocalRandom.current().nextInt(3000); spin > 0; spin--) {
          Thread.onSpinWait();
        }
        reader.stop();
        awaitNothingLent(file.loop());
        turn(file.loop());
        int calls = handler.calls;
        turn(file.loop());
        assertEquals(calls, handler.calls);
      }
    }
  }

  @DriverTest
  void aHandlerThatThrowsStopsTheReadingAndNotTheLoop(TestRuntime driver) throws Exception {
    var thrown = driver.expectThrown();
    try (var file = AsyncFile.open(driver.start(), write(50 * PAGE), READ)) {
      var handler =
          new Checking(0) {
            @Override
            Next next(int call) {
              throw new IllegalArgumentException("meant");
            }
          };
      file.readBlocks(PAGES, null, handler);
      Waits.until("the exception", () -> !thrown.isEmpty());
      awaitNothingLent(file.loop());
      assertEquals("meant", thrown.poll().getMessage());
      assertEquals(1, handler.calls);
      var next = new Checking(0);
      file.readBlocks(PAGES, null, next);
      assertEquals(50 * PAGE, next.awaitEnd());
      assertNull(thrown.poll());
    }
  }

  @DriverTest
  void whatIsAppendedBehindAPausedReaderIsReadToo(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(2 * PAGE), READ, WRITE)) {
      var handler =
          new Checking(0) {
            @Override
            Next next(int call) {
              return call == 1 ? Next.PAUSE : Next.CONTINUE;
            }
          };
      // One block ahead, so that the end has not been seen when it moves.
      var reader = file.readBlocks(PAGES.depth(1), null, handler);
      Waits.await(handler.firstBlock, "the first block");
      file.write(pattern.fill(ByteBuffer.allocate(10 * PAGE + 5), 2L * PAGE), 2L * PAGE);
      reader.resume();
      assertEquals(12 * PAGE + 5, handler.awaitEnd());
    }
  }

  @DriverTest
  void aFileTruncatedUnderTheReaderEndsWhereItEndsNow(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(100 * PAGE), READ, WRITE)) {
      var handler =
          new Checking(0) {
            @Override
            Next next(int call) {
              return call == 1 ? Next.PAUSE : Next.CONTINUE;
            }
          };
      var reader = file.readBlocks(PAGES.depth(4), null, handler);
      Waits.await(handler.firstBlock, "the first block");
      Waits.until("the rest of what is ahead", () -> file.loop().stats().inFlight() == 0);
      file.truncate(50L * PAGE + 100);
      reader.resume();
      assertEquals(50 * PAGE + 100, handler.awaitEnd());
    }
  }

  @DriverTest
  void offsetsBeyondFourGibibytesAreExact(TestRuntime driver) throws Exception {
    long far = (5L << 30) + 123;
    try (var file = AsyncFile.open(driver.start(), dir.resolve("sparse"), READ, WRITE, CREATE)) {
      file.write(pattern.fill(ByteBuffer.allocate(100_000), far), far);
      var handler = new Checking(far);
      file.readBlocks(ReadAhead.DEFAULT.from(far).blockBytes(PAGE), null, handler);
      assertEquals(100_000, handler.awaitEnd());
    }
  }

  @DriverTest
  void moreThanTwoGibibytesAreReadThrough(TestRuntime driver) throws Exception {
    long size = (2L << 30) + 4097;
    try (var file = AsyncFile.open(driver.start(), dir.resolve("sparse"), READ, WRITE, CREATE)) {
      file.truncate(size);
      var total = new CompletableFuture<Long>();
      file.readBlocks(
          ReadAhead.DEFAULT.blockBytes(1 << 20).depth(2),
          null,
          new BlockReadHandler<Object>() {
            long bytes;

            @Override
            public Next block(Buffer block, Object attachment) {
              bytes += block.byteBuffer().remaining();
              block.release();
              return Next.CONTINUE;
            }

            @Override
            public void ended(Object attachment) {
              total.complete(bytes);
            }

            @Override
            public void failed(Throwable cause, Object attachment) {
              total.completeExceptionally(cause);
            }
          });
      Waits.until("all of it", total::isDone);
      assertEquals(size, total.join());
    }
  }

  @DriverTest
  void aPoolThatIsEmptyIsWaitedFor(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.bufferPoolBytes(1 << 20));
    var pool = runtime.loop().buffers();
    try (var file = AsyncFile.open(runtime, write(10 * PAGE), READ)) {
      var all = pool.acquire(1 << 20);
      var handler = new Checking(0);
      file.readBlocks(PAGES, null, handler);
      turn(file.loop());
      assertEquals(0, handler.calls);
      all.release();
      assertEquals(10 * PAGE, handler.awaitEnd());
    }
  }

  @DriverTest
  void aReaderThatIsStoppedOrClosedWhileItWaitsForABufferLeavesTheLine(TestRuntime driver)
      throws Exception {
    var runtime = driver.start(b -> b.bufferPoolBytes(1 << 20));
    var pool = runtime.loop().buffers();
    var file = AsyncFile.open(runtime, write(10 * PAGE), READ);
    var all = pool.acquire(1 << 20);
    var stopped = new Checking(0);
    var reader = file.readBlocks(PAGES, null, stopped);
    var closed = new Checking(0);
    file.readBlocks(PAGES, null, closed);
    turn(file.loop());
    reader.stop();
    file.close();
    Waits.failure(ClosedChannelException.class, closed.end, "a file that was closed");
    all.release();
    awaitNothingLent(runtime.loop());
    assertEquals(0, stopped.calls + closed.calls);
    assertFalse(stopped.end.isDone());
  }

  @DriverTest
  void manyReadersShareASmallPoolAndOneFile(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.bufferPoolBytes(1 << 20));
    try (var file = AsyncFile.open(runtime, write(300_000), READ)) {
      var handlers = new ArrayList<Checking>();
      for (int i = 0; i < 40; i++) {
        var handler = new Checking(i * 100L);
        handlers.add(handler);
        file.readBlocks(ReadAhead.DEFAULT.from(i * 100L).blockBytes(100_000), null, handler);
      }
      for (int i = 0; i < 40; i++) {
        assertEquals(300_000 - i * 100L, handlers.get(i).awaitEnd());
      }
    }
  }

  @DriverTest
  void aCloseOfTheFileIsToldOnceToAReaderThatIsPausedAndToOneThatIsNot(TestRuntime driver)
      throws Exception {
    var file = AsyncFile.open(driver.start(), write(100 * PAGE), READ);
    var paused =
        new Checking(0) {
          @Override
          Next next(int call) {
            return Next.PAUSE;
          }
        };
    var reader = file.readBlocks(PAGES, null, paused);
    Waits.await(paused.firstBlock, "the first block");
    var other = new Checking(0);
    file.readBlocks(PAGES.blockBytes(1), null, other);
    Waits.await(other.firstBlock, "the first block");
    file.close();
    Waits.failure(ClosedChannelException.class, paused.end, "a file that was closed");
    Waits.failure(ClosedChannelException.class, other.end, "a file that was closed");
    awaitNothingLent(file.loop());
    reader.resume();
    turn(file.loop());
    assertEquals(1, paused.calls);

    var late = new Checking(0);
    file.readBlocks(PAGES, null, late);
    Waits.failure(ClosedChannelException.class, late.end, "a file that was closed");
  }

  @DriverTest
  void theEndOfTheRuntimeIsToldOnceAndNothingIsLeft(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var file = AsyncFile.open(runtime, write(100 * PAGE), READ);
    var paused =
        new Checking(0) {
          @Override
          Next next(int call) {
            return Next.PAUSE;
          }
        };
    var reader = file.readBlocks(PAGES, null, paused);
    Waits.await(paused.firstBlock, "the first block");
    var other = new Checking(0);
    file.readBlocks(PAGES.blockBytes(1), null, other);
    driver.closeAndWait(runtime);
    Waits.failure(paused.end, "the runtime that has ended");
    Waits.until("an outcome", other.end::isDone);
    assertTrue(other.end.isCompletedExceptionally() || other.bytes == 100 * PAGE);
    assertEquals(0, runtime.loop().buffers().lentBytes());
    reader.resume();
    reader.stop();
  }

  @DriverTest(drivers = "uring") // on NIO a read that has begun runs to its end
  void aCloseDoesNotWaitForAPipeThatStaysEmpty(TestRuntime driver) throws Exception {
    var file = AsyncFile.open(driver.start(), fifo(), READ, WRITE);
    var handler = new Checking(0);
    file.readBlocks(PAGES, null, handler);
    turn(file.loop());
    file.close();
    Waits.failure(ClosedChannelException.class, handler.end, "a file that was closed");
    awaitNothingLent(file.loop());
  }

  @DriverTest
  void aScopeCoversAllReadsOfTheReaderThatWasBegunInIt(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(100 * PAGE), READ)) {
      var handler =
          new Checking(0) {
            @Override
            Next next(int call) {
              return call == 5 ? Next.PAUSE : Next.CONTINUE;
            }
          };
      var scope = new CancelScope();
      var reader = new CompletableFuture<BlockReader<?>>();
      scope.run(() -> reader.complete(file.readBlocks(PAGES, null, handler)));
      Waits.until("the pause", () -> handler.calls == 5);
      scope.cancel();
      reader.join().resume();
      Waits.settled(handler.end, "a reader that was cancelled");
      var cause = handler.end.handle((bytes, failure) -> failure).join();
      assertInstanceOf(CancellationException.class, cause);
      assertTrue(handler.calls < 100);
      awaitNothingLent(file.loop());
    }
  }

  @DriverTest
  void badArgumentsAreThrownAtOnce(TestRuntime driver) throws Exception {
    var whole = ReadAhead.DEFAULT;
    assertThrows(IllegalArgumentException.class, () -> whole.from(-1));
    assertThrows(IllegalArgumentException.class, () -> whole.length(-1));
    assertThrows(IllegalArgumentException.class, () -> whole.blockBytes(0));
    assertThrows(IllegalArgumentException.class, () -> whole.blockBytes((1 << 20) + 1));
    assertThrows(IllegalArgumentException.class, () -> whole.depth(0));
    assertThrows(IllegalArgumentException.class, () -> whole.depth(ReadAhead.MAX_DEPTH + 1));
    var runtime = driver.start();
    try (var file = AsyncFile.open(runtime, write(1), WRITE)) {
      assertThrows(
          NonReadableChannelException.class, () -> file.readBlocks(whole, null, new Checking(0)));
    }
    try (var file = AsyncFile.open(runtime, write(1), READ)) {
      assertThrows(NullPointerException.class, () -> file.readBlocks(whole, null, null));
    }
  }

  @DriverTest
  void theHandlerIsCalledOnTheLoopWithItsAttachment(TestRuntime driver) throws Exception {
    try (var file = AsyncFile.open(driver.start(), write(10), READ)) {
      var seen = new CompletableFuture<Object[]>();
      var mine = new Object();
      file.readBlocks(
          PAGES,
          mine,
          new BlockReadHandler<Object>() {
            Object first;

            @Override
            public Next block(Buffer block, Object attachment) {
              first = attachment;
              block.release();
              return Next.CONTINUE;
            }

            @Override
            public void ended(Object attachment) {
              seen.complete(new Object[] {first, attachment, EventLoop.current()});
            }

            @Override
            public void failed(Throwable cause, Object attachment) {
              seen.completeExceptionally(cause);
            }
          });
      var what = Waits.get(seen, "the end");
      assertSame(mine, what[0]);
      assertSame(mine, what[1]);
      assertSame(file.loop(), what[2], () -> Arrays.toString(what));
    }
  }

  @DriverTest
  void blocksAndPausesOfRandomSizesBringExactlyTheBytes(TestRuntime driver) throws Exception {
    var random = Seeds.random(7);
    var runtime = driver.start();
    for (int round = 0; round < 30; round++) {
      int length = random.nextInt(200_000);
      int from = random.nextInt(length + 1);
      var how =
          ReadAhead.DEFAULT
              .from(from)
              .blockBytes(1 + random.nextInt(random.nextBoolean() ? 300 : 70_000))
              .depth(1 + random.nextInt(9));
      try (var file = AsyncFile.open(runtime, write(length), READ)) {
        var reader = new CompletableFuture<BlockReader<?>>();
        var pauses = Seeds.random(round);
        var handler =
            new Checking(from) {
              @Override
              Next next(int call) {
                switch (pauses.nextInt(3)) {
                  case 0 -> reader.join().resume(); // before the pause
                  case 1 -> file.loop().execute(() -> reader.join().resume()); // behind it
                  default -> {
                    return Next.CONTINUE;
                  }
                }
                return Next.PAUSE;
              }
            };
        reader.complete(file.readBlocks(how, null, handler));
        assertEquals(length - from, handler.awaitEnd(), () -> how.toString());
      }
    }
  }

  /** Takes blocks, and looks at what the loop's thread has allocated. */
  private static final class Measuring implements BlockReadHandler<Object> {
    private static final int WARM_UP = 30_000;
    private static final int MEASURED = 10_000;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    final CompletableFuture<Long> allocated = new CompletableFuture<>();
    private int count;
    private long before;

    @Override
    public Next block(Buffer block, Object attachment) {
      block.release();
      count++;
      if (count == WARM_UP) {
        before = THREADS.getCurrentThreadAllocatedBytes();
      } else if (count == WARM_UP + MEASURED) {
        allocated.complete(THREADS.getCurrentThreadAllocatedBytes() - before);
        return Next.STOP;
      }
      return Next.CONTINUE;
    }

    @Override
    public void ended(Object attachment) {
      allocated.completeExceptionally(new AssertionError("the file is too small"));
    }

    @Override
    public void failed(Throwable cause, Object attachment) {
      allocated.completeExceptionally(cause);
    }
  }

  @DriverTest(drivers = "uring")
  void blocksAllocateNothing(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.leakDetection(LeakDetection.OFF));
    try (var file = AsyncFile.open(runtime, write(50_000), READ)) {
      var measuring = new Measuring();
      file.readBlocks(ReadAhead.DEFAULT.blockBytes(1), null, measuring);
      long bytes = Waits.get(measuring.allocated, "many blocks");
      // Not a byte for each; the JVM itself may take some now and then.
      assertTrue(bytes < Measuring.MEASURED, bytes + " bytes for " + Measuring.MEASURED);
    }
  }
}
