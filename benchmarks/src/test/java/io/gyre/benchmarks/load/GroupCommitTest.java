package io.gyre.benchmarks.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.fs.AsyncFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** When an append may be called durable. */
@Timeout(60)
final class GroupCommitTest {
  private static final int BYTES = 100;

  private final IoRuntime runtime = startRuntime();
  private final Disk disk = new Disk();
  private final List<Writer> durable = new ArrayList<>();
  private final List<Writer> failed = new ArrayList<>();

  @AfterEach
  void stop() {
    runtime.close();
  }

  private static IoRuntime startRuntime() {
    try {
      return IoRuntime.builder().driver("nio").start();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** A log on a file that does what the test says, when it says so; it knows what a crash would leave. */
  private static final class Disk extends GroupCommit {
    final ArrayDeque<Write> writes = new ArrayDeque<>();
    final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
    private final Map<Append, Integer> last = new HashMap<>(); // which append of the log it was
    private final BitSet ended = new BitSet(); // by append of the log
    private BitSet safe = new BitSet();
    private BitSet safeOnceSynced;
    private IoHandler<Void> sync;
    int forces;

    Disk() {
      super(null, 0);
    }

    record Write(Buffer data, long position, Append append, IoHandler<Append> handler) {}

    @Override
    void write(Buffer data, long position, Append append, IoHandler<Append> handler) {
      writes.add(new Write(data, position, append, handler));
    }

    @Override
    void force(IoHandler<Void> handler) {
      assertSame(null, sync, "one fsync at a time");
      sync = handler;
      safeOnceSynced = (BitSet) ended.clone();
      forces++;
    }

    @Override
    void execute(Runnable task) {
      tasks.add(task);
    }

    boolean isSyncing() {
      return sync != null;
    }

    void endWrite(Write write) {
      assertTrue(writes.remove(write));
      int bytes = write.data.byteBuffer().remaining();
      write.data.byteBuffer().position(write.data.byteBuffer().limit());
      int index = (int) (write.position / BYTES);
      last.put(write.append, index);
      ended.set(index);
      write.handler.completed(bytes, write.append);
    }

    void endTurn() {
      for (int left = tasks.size(); left > 0; left--) {
        tasks.poll().run();
      }
    }

    void endSync() {
      safe = safeOnceSynced;
      var handler = sync;
      sync = null;
      handler.completed(0, null);
    }

    void failSync(IOException cause) {
      var handler = sync;
      sync = null;
      handler.failed(cause, null);
    }

    /** Whether a crash now would leave it, and all of the log before it. */
    boolean holds(Append append) {
      return safe.nextClearBit(0) > last.get(append);
    }
  }

  private final class Writer extends GroupCommit.Append {
    private final Buffer data;
    private final GroupCommit log;
    Throwable cause;

    Writer(GroupCommit log) {
      this(log, runtime.loop().buffers().acquire(BYTES));
    }

    private Writer(GroupCommit log, Buffer data) {
      super(data);
      this.data = data;
      this.log = log;
    }

    void append() {
      data.byteBuffer().position(0);
      log.append(this);
    }

    @Override
    public void durable() {
      durable.add(this);
      if (log == disk) {
        assertTrue(disk.holds(this), "a crash would lose what was called durable");
      }
    }

    @Override
    public void failed(Throwable reason) {
      cause = reason;
      failed.add(this);
    }
  }

  private List<Writer> append(int count) {
    var records = new ArrayList<Writer>();
    for (int i = 0; i < count; i++) {
      records.add(new Writer(disk));
    }
    records.forEach(Writer::append);
    return records;
  }

  private void endAllWrites() {
    while (!disk.writes.isEmpty()) {
      disk.endWrite(disk.writes.peek());
    }
    disk.endTurn();
  }

  @Test
  void oneSyncIsForAllThatWait() {
    var records = append(5);
    endAllWrites();
    assertEquals(List.of(), durable);
    disk.endSync();
    assertEquals(records, durable);
    assertEquals(1, disk.forces);
    assertEquals(1, disk.syncs());
  }

  @Test
  void aWriteThatEndsDuringASyncWaitsForTheNext() {
    var first = append(1).getFirst();
    endAllWrites();
    var second = append(1).getFirst();
    endAllWrites();
    assertEquals(1, disk.forces);
    disk.endSync();
    assertEquals(List.of(first), durable);
    disk.endTurn();
    assertEquals(2, disk.forces);
    disk.endSync();
    assertEquals(List.of(first, second), durable);
  }

  @Test
  void nothingIsDurableBehindAHole() {
    var records = append(3);
    var writes = List.copyOf(disk.writes);
    disk.endWrite(writes.get(1));
    disk.endWrite(writes.get(2));
    disk.endTurn();
    assertFalse(disk.isSyncing());
    disk.endWrite(writes.get(0));
    disk.endTurn();
    disk.endSync();
    assertEquals(records, durable);
  }

  @Test
  void aShortWriteIsWrittenOn() {
    var record = append(1).getFirst();
    var write = disk.writes.poll();
    record.data.byteBuffer().position(30);
    write.handler().completed(30, write.append());
    disk.endTurn();
    assertFalse(disk.isSyncing());
    assertEquals(30, disk.writes.peek().position());
    assertEquals(70, disk.writes.peek().data().byteBuffer().remaining());
  }

  @Test
  void aFailedSyncFailsAllThatWaitAndAllThatFollow() {
    append(2);
    endAllWrites();
    append(1);
    disk.failSync(new IOException("EIO"));
    assertEquals(2, failed.size());
    endAllWrites();
    assertEquals(3, failed.size());
    append(1);
    assertEquals(3, failed.size(), "not from inside the call");
    assertTrue(disk.writes.isEmpty());
    disk.endTurn();
    assertEquals(4, failed.size());
    assertTrue(failed.getLast().cause.getMessage().contains("EIO"));
    assertEquals(1, disk.forces);
    assertEquals(List.of(), durable);
  }

  @Test
  void aFailedWriteFailsWhatLiesBehindIt() {
    append(3);
    var writes = List.copyOf(disk.writes);
    disk.writes.remove(writes.get(1));
    writes.get(1).handler().failed(new IOException("ENOSPC"), writes.get(1).append());
    disk.endWrite(writes.get(0));
    disk.endWrite(writes.get(2));
    disk.endTurn();
    assertEquals(3, failed.size());
    assertEquals(0, disk.forces);
  }

  /** Whatever ends first: the disk is asked at each outcome what a crash would leave. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void noOrderOfEventsCallsDurableWhatIsNot(long seed) {
    var random = new SplittableRandom(seed);
    var idle = new ArrayDeque<Writer>();
    for (int i = 0; i < 8; i++) {
      idle.add(new Writer(disk));
    }
    int appended = 0;
    for (int step = 0; step < 20_000; step++) {
      int before = durable.size();
      switch (random.nextInt(4)) {
        case 0 -> {
          if (!idle.isEmpty()) {
            idle.poll().append();
            appended++;
          }
        }
        case 1 -> {
          if (!disk.writes.isEmpty()) {
            var writes = List.copyOf(disk.writes);
            disk.endWrite(writes.get(random.nextInt(writes.size())));
          }
        }
        case 2 -> disk.endTurn();
        default -> {
          if (disk.isSyncing()) {
            disk.endSync();
          }
        }
      }
      idle.addAll(durable.subList(before, durable.size()));
    }
    for (int turn = 0; turn < 3; turn++) {
      endAllWrites();
      if (disk.isSyncing()) {
        disk.endSync();
      }
      disk.endTurn();
    }
    assertTrue(appended > 1000, "the test did something: " + appended);
    assertEquals(appended, durable.size());
    assertTrue(disk.forces < appended, disk.forces + " for " + appended);
  }

  @ParameterizedTest
  @ValueSource(strings = {"uring", "nio"})
  void whatIsDurableIsInTheFile(String driver, @TempDir Path folder) throws Exception {
    var path = folder.resolve("log");
    int count = 200;
    try (var real = IoRuntime.builder().driver(driver).start();
        var file =
            AsyncFile.open(real, path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      var log = new GroupCommit(file, 0);
      var ended = new CountDownLatch(count);
      file.loop()
          .execute(
              () -> {
                for (int i = 0; i < count; i++) {
                  append(log, file, (byte) i, ended);
                }
              });
      assertTrue(ended.await(30, TimeUnit.SECONDS));
    }
    var content = Files.readAllBytes(path);
    assertEquals(count * BYTES, content.length);
    for (int i = 0; i < content.length; i++) {
      assertEquals((byte) (i / BYTES), content[i], "at " + i);
    }
  }

  private static void append(GroupCommit log, AsyncFile file, byte value, CountDownLatch ended) {
    var buffer = file.loop().buffers().acquire(BYTES);
    while (buffer.byteBuffer().hasRemaining()) {
      buffer.byteBuffer().put(value);
    }
    buffer.byteBuffer().position(0);
    log.append(
        new GroupCommit.Append(buffer) {
          @Override
          public void durable() {
            buffer.release();
            ended.countDown();
          }

          @Override
          public void failed(Throwable cause) {
            throw new AssertionError(cause);
          }
        });
  }
}
