package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.BufferPool;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.LeakDetection;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.ref.WeakReference;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Reads into memory that the user has dropped: what the kernel writes must land in that memory, which is nobody else's
 * until then.
 */
class DroppedMemoryTest {
  private static final int BYTES = 1_000;
  private static final byte CANARY = 0x5A;

  private final Pattern pattern = new Pattern(Seeds.SEED);
  private Socket peer;
  private TcpStream stream;

  private void connect(TestRuntime driver, IoRuntime runtime) throws IOException {
    try (var server = new ServerSocket(0, 1, Peers.LOOPBACK)) {
      server.setSoTimeout(Peers.TIMEOUT_MS);
      var connected =
          TcpStream.connectAsync(runtime, (InetSocketAddress) server.getLocalSocketAddress());
      peer = driver.own(server.accept());
      peer.setSoTimeout(Peers.TIMEOUT_MS);
      stream = Waits.get(connected, "a connection");
    }
  }

  /** Starts a read and keeps nothing of its memory but a weak reference. */
  private WeakReference<ByteBuffer> readAndDrop(ByteBuffer memory, CompletableFuture<Integer> end) {
    stream.read(
        memory,
        null,
        new IoHandler<Void>() {
          @Override
          public void completed(int result, Void attachment) {
            end.complete(result);
          }

          @Override
          public void failed(Throwable cause, Void attachment) {
            end.completeExceptionally(cause);
          }
        });
    return new WeakReference<>(memory);
  }

  private static List<ByteBuffer> canaries() {
    var all = new ArrayList<ByteBuffer>();
    for (int i = 0;
        i < 2_000;
        i++) { // of the same size: they come to lie where such memory was freed
      var canary = ByteBuffer.allocateDirect(BYTES);
      while (canary.hasRemaining()) {
        canary.put(CANARY);
      }
      all.add(canary);
    }
    return all;
  }

  private static void check(List<ByteBuffer> canaries) {
    for (var canary : canaries) {
      for (int i = 0; i < BYTES; i++) {
        assertEquals(CANARY, canary.get(i), "the kernel wrote into memory of somebody else");
      }
    }
  }

  private static void collect() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
  }

  @DriverTest
  void directMemoryDroppedDuringItsRead(TestRuntime driver) throws Exception {
    droppedDuringItsRead(driver, ByteBuffer.allocateDirect(BYTES));
  }

  @DriverTest
  void aSliceDroppedDuringItsRead(TestRuntime driver) throws Exception {
    droppedDuringItsRead(driver, ByteBuffer.allocateDirect(BYTES + 24).slice(8, BYTES).slice());
  }

  @DriverTest
  void aSegmentDroppedDuringItsRead(TestRuntime driver) throws Exception {
    droppedDuringItsRead(driver, Arena.ofAuto().allocate(BYTES).asByteBuffer());
  }

  @DriverTest
  void heapMemoryDroppedDuringItsRead(TestRuntime driver) throws Exception {
    droppedDuringItsRead(driver, ByteBuffer.allocate(BYTES));
  }

  private void droppedDuringItsRead(TestRuntime driver, ByteBuffer memory) throws Exception {
    connect(driver, driver.start());
    var end = new CompletableFuture<Integer>();
    var weak = readAndDrop(memory, end);
    memory = null;
    collect();
    var canaries = canaries();
    collect();

    var kept = weak.get();
    assertTrue(kept != null, "dropped, though the kernel is to write to it");
    peer.getOutputStream().write(pattern.bytes(0, BYTES));
    int received = Waits.get(end, "the read");

    pattern.check(kept, 0, received, 0);
    check(canaries);
  }

  @DriverTest
  void aPooledBufferDroppedDuringItsWriteIsWrittenWholeAndThenTakenBack(TestRuntime driver)
      throws Exception {
    var runtime = driver.start(b -> b.bufferPoolBytes(8 << 20).leakDetection(LeakDetection.FULL));
    connect(driver, runtime);
    var pool = runtime.loops().getFirst().buffers();
    int count = 8; // the whole pool, and more than a socket takes at once
    var ends = new ArrayList<CompletableFuture<Integer>>();
    for (int i = 0; i < count; i++) {
      ends.add(writeAndDrop(pool, (long) i << 20));
    }
    collect();
    long leaks = pool.leaks();
    assertTrue(leaks <= finished(ends), "none but those that were written");
    var trampler = Thread.ofPlatform().start(() -> trample(pool));

    pattern.check(peer.getInputStream().readNBytes(count << 20), 0, count << 20, 0);

    for (var end : ends) {
      assertEquals(1 << 20, Waits.get(end, "a write"));
    }
    Waits.join(trampler);
    Waits.until(
        () -> "all is taken back; leaks " + pool.leaks() + ", " + pool,
        () -> {
          System.gc();
          return pool.leaks() == count && pool.lentBytes() == 0;
        });
  }

  private static long finished(List<CompletableFuture<Integer>> ends) {
    return ends.stream().filter(CompletableFuture::isDone).count();
  }

  private CompletableFuture<Integer> writeAndDrop(BufferPool pool, long position) {
    var buffer = pool.acquire(1 << 20);
    pattern.fill(buffer.byteBuffer(), position);
    return write(buffer);
  }

  private CompletableFuture<Integer> write(Buffer buffer) {
    var end = new CompletableFuture<Integer>();
    stream.write(
        buffer,
        null,
        new IoHandler<Void>() {
          @Override
          public void completed(int result, Void attachment) {
            end.complete(result);
          }

          @Override
          public void failed(Throwable cause, Void attachment) {
            end.completeExceptionally(cause);
          }
        });
    return end;
  }

  /** Writes over whatever the pool lends meanwhile. */
  private static void trample(BufferPool pool) {
    for (int i = 0; i < 1_000; i++) {
      var buffer = pool.tryAcquire(1 << 20);
      if (buffer != null) {
        var bytes = buffer.byteBuffer();
        while (bytes.hasRemaining()) {
          bytes.put(CANARY);
        }
        buffer.release();
      }
    }
  }

  @DriverTest
  void aPooledBufferReleasedTwiceDuringItsWriteIsRefusedTheSecondTime(TestRuntime driver)
      throws Exception {
    var runtime = driver.start();
    connect(driver, runtime);
    var pool = runtime.loops().getFirst().buffers();
    var buffer = pool.acquire(1 << 20);
    pattern.fill(buffer.byteBuffer(), 0);
    var writes = new ArrayList<CompletableFuture<Integer>>();
    var begun = new CompletableFuture<Void>();
    // The same memory many times: more than a socket takes at once. On the loop, where no outcome
    // moves the position in between.
    stream
        .loop()
        .execute(
            () -> {
              for (int i = 0; i < 16; i++) {
                buffer.byteBuffer().position(0);
                writes.add(write(buffer));
              }
              begun.complete(null);
            });
    Waits.get(begun, "the writes");
    buffer.release();
    boolean refused = false;
    try {
      buffer.release();
    } catch (IllegalStateException e) {
      refused = true;
    }
    assertTrue(refused);
    assertFalse(writes.getLast().isDone());
    assertEquals(1 << 20, pool.lentBytes(), "not home while it is written");
    for (int i = 0; i < 16; i++) {
      pattern.check(peer.getInputStream().readNBytes(1 << 20), 0, 1 << 20, 0);
    }
    for (var write : writes) {
      assertEquals(1 << 20, Waits.get(write, "a write"));
    }
    Waits.until("it is home", () -> pool.lentBytes() == 0);
  }
}
