package io.gyre.benchmarks.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.gyre.IoHandler;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Whom an fsync speaks for. */
final class GroupSyncTest {
  private final Disk disk = new Disk();
  private final List<String> outcomes = new ArrayList<>();

  /** A file whose fsyncs end when the test says so. */
  private static final class Disk extends GroupSync {
    final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
    IoHandler<Void> sync;

    Disk() {
      super(null, false);
    }

    @Override
    void force(IoHandler<Void> handler) {
      assertNull(sync, "one at a time");
      sync = handler;
    }

    @Override
    void execute(Runnable task) {
      tasks.add(task);
    }

    void endTurn() {
      for (int left = tasks.size(); left > 0; left--) {
        tasks.poll().run();
      }
    }

    void endSync(IOException failure) {
      var handler = sync;
      sync = null;
      if (failure == null) {
        handler.completed(0, null);
      } else {
        handler.failed(failure, null);
      }
    }
  }

  private GroupSync.Waiter waiter(String name) {
    return new GroupSync.Waiter() {
      @Override
      public void durable() {
        outcomes.add(name);
      }

      @Override
      public void failed(Throwable cause) {
        outcomes.add(name + " failed: " + cause.getMessage());
      }
    };
  }

  @Test
  void allWhoseWritesEndInOneTurnShareAnFsync() {
    disk.await(waiter("a"));
    disk.await(waiter("b"));
    disk.endTurn();
    assertEquals(List.of(), outcomes, "never before it has ended");
    disk.endSync(null);
    assertEquals(List.of("a", "b"), outcomes);
    assertEquals(1, disk.syncs());
    disk.endTurn();
    assertNull(disk.sync, "nobody waits");
  }

  @Test
  void aWriteThatEndsDuringAnFsyncWaitsForTheNext() {
    disk.await(waiter("a"));
    disk.endTurn();
    disk.await(waiter("b"));
    disk.endTurn();
    disk.endSync(null);
    assertEquals(List.of("a"), outcomes);
    disk.endTurn();
    disk.endSync(null);
    assertEquals(List.of("a", "b"), outcomes);
    assertEquals(2, disk.syncs());
  }

  @Test
  void whoIsDurableMayBeBackAtOnce() {
    disk.await(
        new GroupSync.Waiter() {
          @Override
          public void durable() {
            outcomes.add("a");
            disk.await(waiter("a again"));
          }

          @Override
          public void failed(Throwable cause) {
            throw new AssertionError(cause);
          }
        });
    disk.endTurn();
    disk.endSync(null);
    assertEquals(List.of("a"), outcomes);
    disk.endTurn();
    disk.endSync(null);
    assertEquals(List.of("a", "a again"), outcomes);
  }

  @Test
  void afterAnFsyncThatFailedNothingIsDurable() {
    disk.await(waiter("a"));
    disk.endTurn();
    disk.await(waiter("b"));
    disk.endSync(new IOException("EIO"));
    disk.endTurn();
    disk.await(waiter("c"));
    disk.endTurn();
    assertNull(disk.sync, "no other is tried");
    var failed = " failed: nothing is durable from here on: EIO";
    assertEquals(List.of("a" + failed, "b" + failed, "c" + failed), outcomes);
    assertEquals(0, disk.syncs());
  }
}
