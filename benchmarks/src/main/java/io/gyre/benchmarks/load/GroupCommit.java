package io.gyre.benchmarks.load;

import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.fs.AsyncFile;
import java.io.IOException;
import java.util.ArrayDeque;

/**
 * A log that many append to and that one fsync makes durable for all who wait. Writes go to increasing offsets and may
 * be in flight together; one fsync is in flight at a time. It covers what was written, without a hole, when it began:
 * a write that ended later, or behind one that has not ended, waits for the next. Confined to the file's loop.
 *
 * <p>After a failure nothing is durable any more: what follows would lie behind a hole, and an fsync that failed may
 * have dropped what it should have written.
 */
public class GroupCommit {
  /** One append at a time, and who wants to know; used again after its outcome. */
  public abstract static class Append {
    private final Buffer data;
    private long position;
    private boolean ended; // the write has

    /**
     * Makes one.
     *
     * @param data what is appended: what remains when {@link GroupCommit#append} is called, the log's until the outcome
     */
    protected Append(Buffer data) {
      this.data = data;
    }

    /** It will be there after a crash. */
    protected abstract void durable();

    /**
     * It may be there after a crash or not.
     *
     * @param cause why
     */
    protected abstract void failed(Throwable cause);
  }

  private final AsyncFile file;
  private final ArrayDeque<Append> waiting = new ArrayDeque<>(); // in the order of their offsets
  private final ArrayDeque<Append> covered = new ArrayDeque<>(); // by the fsync in flight
  private final Runnable sync = this::sync;
  private long end;
  private long syncs;
  private boolean syncing; // one is in flight, or will be at the end of this turn
  private Throwable failure;

  /**
   * Makes a log.
   *
   * @param file open for writing
   * @param end where to append
   */
  public GroupCommit(AsyncFile file, long end) {
    this.file = file;
    this.end = end;
  }

  /**
   * Appends. The outcome comes later, never from inside this call.
   *
   * @param append not in use
   */
  public final void append(Append append) {
    waiting.add(append);
    append.ended = failure != null;
    if (append.ended) {
      syncSoon(); // which says so
      return;
    }
    append.position = end;
    end += append.data.byteBuffer().remaining();
    write(append.data, append.position, append, onWrite);
  }

  /**
   * How many fsyncs there were.
   *
   * @return those that succeeded
   */
  public final long syncs() {
    return syncs;
  }

  private final IoHandler<Append> onWrite =
      new IoHandler<>() {
        @Override
        public void completed(int bytes, Append append) {
          append.position += bytes;
          if (append.data.byteBuffer().hasRemaining()) { // a short write
            write(append.data, append.position, append, this);
          } else {
            append.ended = true;
            syncSoon();
          }
        }

        @Override
        public void failed(Throwable cause, Append append) {
          append.ended = true;
          fail(cause);
          syncSoon();
        }
      };

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
    while (!waiting.isEmpty() && waiting.peek().ended) {
      covered.add(waiting.poll());
    }
    if (covered.isEmpty()) {
      syncing = false;
    } else if (failure == null) {
      force(onSync);
    } else {
      synced();
    }
  }

  private void synced() {
    syncing = false;
    for (var append = covered.poll(); append != null; append = covered.poll()) {
      if (failure == null) {
        append.durable(); // and may append again
      } else {
        append.failed(failure);
      }
    }
    syncSoon();
  }

  private void fail(Throwable cause) {
    if (failure == null) {
      failure = new IOException("the log ends here: " + cause.getMessage(), cause);
    }
  }

  // What is asked of the file and its loop: a test decides itself when it is done.

  void write(Buffer data, long position, Append append, IoHandler<Append> handler) {
    file.write(data, position, append, handler);
  }

  void force(IoHandler<Void> handler) {
    file.force(false, null, handler);
  }

  void execute(Runnable task) {
    file.loop().execute(task);
  }
}
