package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Recorder;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

class GatheredWriteTest {
  private final Pattern pattern = new Pattern(Seeds.SEED);

  private ByteBuffer[] buffers(Random random, int count, int largest, long position) {
    var buffers = new ByteBuffer[count];
    long at = position;
    for (int i = 0; i < count; i++) {
      int size = i % 7 == 6 ? 0 : 1 + random.nextInt(largest);
      var buffer =
          switch (i % 4) {
            case 0 -> ByteBuffer.allocate(size + 7).position(7);
            case 1 -> ByteBuffer.allocateDirect(size + 7).position(7);
            case 2 -> ByteBuffer.allocateDirect(size + 20).slice(9, size);
            default -> ByteBuffer.allocate(size + 3).slice(3, size);
          };
      pattern.fill(buffer, at);
      buffers[i] = i % 5 == 0 ? buffer.asReadOnlyBuffer() : buffer;
      at += size;
    }
    return buffers;
  }

  private static int remaining(ByteBuffer[] buffers) {
    return Arrays.stream(buffers).mapToInt(ByteBuffer::remaining).sum();
  }

  @DriverTest
  void gatheredAndSingleWritesKeepTheirOrderUnderATinySendBuffer(TestRuntime driver)
      throws Exception {
    var runtime = driver.start();
    try (var pair = StreamPair.openTiny(runtime)) {
      var random = Seeds.random(41);
      var recorder = new Recorder<Integer>();
      var sizes = new ArrayList<Integer>();
      var written = new ArrayList<ByteBuffer>();
      long position = 0;
      for (int i = 0; i < 30; i++) {
        int size;
        if (i % 3 == 2) {
          size = 1 + random.nextInt(5_000);
          var buffer = pattern.fill(ByteBuffer.allocateDirect(size), position);
          pair.stream().write(buffer, i, recorder);
          written.add(buffer);
        } else {
          var buffers =
              buffers(random, 1 + random.nextInt(20), i % 10 == 0 ? 40_000 : 900, position);
          size = remaining(buffers);
          pair.stream().write(buffers, i, recorder);
          written.addAll(Arrays.asList(buffers));
          Arrays.fill(buffers, null); // which are not looked at again
        }
        sizes.add(size);
        position += size;
      }
      pair.stream().shutdownOutput(30, recorder);
      assertEquals(position, Peers.checkToEnd(pair.peer().getInputStream(), pattern));
      recorder.await(31);
      recorder.checkExactlyOnce(31);
      for (int i = 0; i < 30; i++) {
        assertEquals(i, recorder.outcomes().get(i).attachment(), "writes end in order");
        assertEquals(sizes.get(i), recorder.outcomes().get(i).result(), "all of it is written");
      }
      assertTrue(written.stream().noneMatch(ByteBuffer::hasRemaining), "positions moved");
      assertEquals(0, pair.stream().queuedBytes());
    }
  }

  @DriverTest
  void moreBuffersThanTheSystemTakesAtATimeAreAllWritten(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      var buffers = buffers(Seeds.random(42), 3_000, 60, 0);
      int bytes = remaining(buffers);
      var written = pair.stream().writeAsync(buffers);
      Peers.check(pair.peer().getInputStream(), pattern, 0, bytes);
      assertEquals(bytes, Waits.get(written, "a write"));
      assertFalse(Arrays.stream(buffers).anyMatch(ByteBuffer::hasRemaining));
    }
  }

  @DriverTest
  void largeBuffersOnTheHeapAreWrittenWhole(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      var buffers = new ByteBuffer[] {ByteBuffer.allocate(300_000), ByteBuffer.allocate(10)};
      pattern.fill(buffers[0], 0);
      pattern.fill(buffers[1], 300_000);
      var written = pair.stream().writeAsync(buffers);
      Peers.check(pair.peer().getInputStream(), pattern, 0, 300_010);
      assertEquals(300_010, Waits.get(written, "a write"));
    }
  }

  @DriverTest
  void nothingAtAllIsWrittenInItsTurn(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      assertEquals(0, pair.stream().write(new ByteBuffer[0]));
      assertEquals(0, pair.stream().write(new ByteBuffer[] {ByteBuffer.allocate(0)}));
      assertEquals(0, pair.stream().write(new Buffer[0]));
      assertEquals(5, pair.stream().write(ByteBuffer.wrap(pattern.bytes(0, 5))));
      Peers.check(pair.peer().getInputStream(), pattern, 0, 5);
    }
  }

  @DriverTest
  void pooledBuffersMayBeReleasedDuringTheirWriteAndGoHomeAfterIt(TestRuntime driver)
      throws Exception {
    var runtime = driver.start();
    try (var pair = StreamPair.openTiny(runtime)) {
      boolean inLoop = true;
      long position = 0;
      var writes = new ArrayList<CompletableFuture<Integer>>();
      for (int round = 0; round < 6; round++, inLoop = !inLoop) {
        long from = position;
        writes.add(
            inLoop
                ? onLoop(pair.stream(), () -> writeAndRelease(pair.stream(), from))
                : writeAndRelease(pair.stream(), from));
        position += 3 * 20_000;
      }
      Peers.check(pair.peer().getInputStream(), pattern, 0, (int) position);
      for (var write : writes) {
        assertEquals(3 * 20_000, Waits.get(write, "a write"));
      }
      Waits.until("all buffers home", () -> runtime.loop().buffers().lentBytes() == 0);
    }
  }

  private CompletableFuture<Integer> writeAndRelease(TcpStream stream, long position) {
    var pool = stream.loop().buffers();
    var buffers = new Buffer[3];
    for (int i = 0; i < buffers.length; i++) {
      buffers[i] = pool.acquire(20_000);
      pattern.fill(buffers[i].byteBuffer(), position + i * 20_000L);
    }
    var written = stream.writeAsync(buffers);
    for (var buffer : buffers) {
      buffer.release();
    }
    return written;
  }

  @DriverTest
  void aReleasedBufferAmongThemIsRefusedAndNothingIsWritten(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = StreamPair.open(runtime)) {
      var pool = runtime.loop().buffers();
      var good = pool.acquire(100);
      var released = pool.acquire(100);
      released.release();
      var both = new Buffer[] {good, released};
      assertThrows(IllegalStateException.class, () -> pair.stream().writeAsync(both));
      var failure =
          onLoop(
              pair.stream(),
              () ->
                  assertThrows(IllegalStateException.class, () -> pair.stream().writeAsync(both)));
      assertTrue(failure.getMessage().contains("released"), failure::getMessage);
      good.release();
      assertEquals(0, pair.stream().queuedBytes());
      pair.stream().shutdownOutput();
      assertEquals(-1, pair.peer().getInputStream().read());
    }
  }

  @DriverTest
  void aCancelledOneTellsByItsPositionsHowMuchWentOut(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      var buffers = buffers(Seeds.random(43), 40, 60_000, 0);
      int bytes = remaining(buffers);
      var write = pair.stream().writeAsync(buffers);
      pair.awaitInput(); // so a part went out; it can't be all
      write.cancel(true);
      Waits.settled(write, "a cancelled write");
      assertTrue(write.isCompletedExceptionally(), "a megabyte fitted into tiny buffers");
      long left = remaining(buffers);
      pair.stream().shutdownOutput();
      assertEquals(bytes - left, Peers.checkToEnd(pair.peer().getInputStream(), pattern));
      assertEquals(0, pair.stream().queuedBytes());
    }
  }

  @DriverTest
  void closingFailsIt(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      var write = pair.stream().writeAsync(buffers(Seeds.random(44), 40, 60_000, 0));
      pair.awaitInput();
      pair.stream().close();
      Waits.failure(AsynchronousCloseException.class, write, "a write");
      Waits.failure(
          AsynchronousCloseException.class,
          pair.stream().writeAsync(new ByteBuffer[] {ByteBuffer.allocate(1)}),
          "a write on a closed stream");
    }
  }

  @DriverTest
  void moreThanAnIntCanTellIsRefusedAtOnce(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      var megabyte = ByteBuffer.allocate(1 << 20);
      var many = new ByteBuffer[2_049];
      Arrays.setAll(many, i -> megabyte.duplicate());
      var failure =
          assertThrows(IllegalArgumentException.class, () -> pair.stream().writeAsync(many));
      assertTrue(failure.getMessage().contains("2148532224"), failure::getMessage);
    }
  }

  @DriverTest
  void fromTheLoopsThreadNothingComesBetweenItsBuffers(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = StreamPair.openTiny(runtime)) {
      int threads = 3;
      int each = 60;
      var writers = new ArrayList<Thread>();
      var recorder = new Recorder<Integer>();
      for (int t = 0; t < threads; t++) {
        int id = t;
        writers.add(
            Thread.ofPlatform()
                .start(
                    () -> {
                      for (int i = 0; i < each; i++) {
                        var head = ByteBuffer.allocate(8).putInt(0, id).putInt(4, i);
                        var body = pattern.fill(ByteBuffer.allocateDirect(1_000), i);
                        pair.stream().write(new ByteBuffer[] {head, body}, id * each + i, recorder);
                      }
                    }));
      }
      var in = pair.peer().getInputStream();
      var next = new int[threads];
      for (int k = 0; k < threads * each; k++) {
        var record = ByteBuffer.wrap(in.readNBytes(1_008));
        int id = record.getInt(0);
        assertEquals(next[id]++, record.getInt(4), "a record of thread " + id);
        pattern.check(record, 8, 1_008, record.getInt(4));
      }
      writers.forEach(Waits::join);
      recorder.await(threads * each);
      recorder.checkExactlyOnce(threads * each);
    }
  }

  /** A stream that has only what every stream has: what it gathers it writes one by one. */
  @DriverTest
  void aStreamWithoutAWayOfItsOwnWritesOneBufferAfterTheOther(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = StreamPair.open(runtime)) {
      var recorder = new Recorder<Integer>();
      var buffers = buffers(Seeds.random(45), 20, 500, 0);
      int bytes = remaining(buffers);
      onLoop(
          pair.stream(),
          () -> {
            GatheredWrite.start(pair.stream(), buffers, 1, recorder);
            GatheredWrite.start(pair.stream(), new ByteBuffer[0], 2, recorder);
            return null;
          });
      Peers.check(pair.peer().getInputStream(), pattern, 0, bytes);
      var outcomes = recorder.await(2);
      assertEquals(bytes, outcomes.get(0).result());
      assertEquals(0, outcomes.get(1).result());
      assertNull(outcomes.get(1).cause());
    }
  }

  @DriverTest
  void whatIsRefusedOnTheLoopLeavesNothingInFlight(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = StreamPair.open(runtime)) {
      var recorder = new Recorder<Integer>();
      onLoop(
          pair.stream(),
          () -> {
            var missing = new ByteBuffer[] {ByteBuffer.allocate(1), null};
            assertThrows(
                NullPointerException.class, () -> pair.stream().write(missing, 1, recorder));
            return null;
          });
      assertEquals(0, pair.stream().queuedBytes());
      int inFlight = onLoop(pair.stream(), () -> pair.stream().loop().dispatcher().inFlight());
      onLoop(
          pair.stream(),
          () -> {
            pair.stream().write(new ByteBuffer[] {ByteBuffer.allocate(1)}, 2, recorder);
            return null;
          });
      assertEquals(2, recorder.awaitOne().attachment());
      int after = onLoop(pair.stream(), () -> pair.stream().loop().dispatcher().inFlight());
      assertEquals(inFlight, after);
    }
  }

  private static <T> T onLoop(TcpStream stream, Supplier<T> task) {
    var done = new CompletableFuture<T>();
    stream
        .loop()
        .execute(
            () -> {
              try {
                done.complete(task.get());
              } catch (RuntimeException | AssertionError e) {
                done.completeExceptionally(e);
              }
            });
    return Waits.get(done, "a task of the loop");
  }
}
