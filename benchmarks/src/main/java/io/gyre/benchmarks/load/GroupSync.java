package io.gyre.benchmarks.load;

import io.gyre.IoHandler;
import io.gyre.fs.AsyncFile;
import java.io.IOException;
import java.util.ArrayDeque;

/**
 * One fsync that makes durable what many have written. Whoever has seen its write end waits here; one fsync is in flight
 * at a time, and covers those who waited when it began: its end says nothing of a write that ended later. Confined to
 * the file's loop.
 *
 * <p>After a failure nothing is durable any more: an fsync that failed may have dropped what it should have written,
 * and the next one would not know.
 */
public class GroupSync {
  /** Somebody whose write has ended. Exactly one of the two is called, never from inside {@link #await}. */
  public interface Waiter {
    /** It will be there after a crash. */
    void durable();

    /**
     * It may be there after a crash or not.
     *
     * @param cause why
     */
    void failed(Throwable cause);
  }

  private final AsyncFile file;
  private final boolean metaData;
  private final ArrayDeque<Waiter> waiting = new ArrayDeque<>();
  private final ArrayDeque<Waiter> covered = new ArrayDeque<>(); // by the fsync in flight
  private final Runnable sync = this::sync;
  private long syncs;
  private boolean syncing; // one is in flight, or will be at the end of this turn
  private Throwable failure;

  /**
   * Makes one.
   *
   * @param file open for writing
   * @param metaData whether times and the like are made durable as well: fsync, not fdatasync
   */
  public GroupSync(AsyncFile file, boolean metaData) {
    this.file = file;
    this.metaData = metaData;
  }

  /**
   * Waits for the next fsync to begin, and to end.
   *
   * @param waiter its write has ended
   */
  public final void await(Waiter waiter) {
    waiting.add(waiter);
    syncSoon();
  }

  /**
   * How many fsyncs there were.
   *
   * @return those that succeeded
   */
  public final long syncs() {
    return syncs;
  }

  private final IoHandler<Void> onSync =
      new IoHandler<>() {
        @Override
        public void completed(int result, Void none) {
          syncs++;
          synced();
        }

        @Override
        public void failed(Throwable cause, Void none) {
          fail(cause);
          synced();
        }
      };

  /** Once all that this turn of the loop completes is known: the more are written, the more an fsync covers. */
  private void syncSoon() {
    if (!syncing) {
      syncing = true;
      execute(sync);
    }
  }

  private void sync() {
    for (var waiter = waiting.poll(); waiter != null; waiter = waiting.poll()) {
      covered.add(waiter);
    }
    if (failure == null) {
      force(onSync);
    } else {
      synced();
    }
  }

  private void synced() {
    syncing = false;
    for (var waiter = covered.poll(); waiter != null; waiter = covered.poll()) {
      if (failure == null) {
        waiter.durable(); // and may be back at once
      } else {
        waiter.failed(failure);
      }
    }
    if (!waiting.isEmpty()) {
      syncSoon();
    }
  }

  /** Nothing is durable from now on. */
  final void fail(Throwable cause) {
    if (failure == null) {
      failure = new IOException("nothing is durable from here on: " + cause.getMessage(), cause);
    }
  }

  final boolean hasFailed() {
    return failure != null;
  }

  // What is asked of the file and its loop: a test decides itself when it is done.

  void force(IoHandler<Void> handler) {
    file.force(metaData, null, handler);
  }

  void execute(Runnable task) {
    file.loop().execute(task);
  }
}
