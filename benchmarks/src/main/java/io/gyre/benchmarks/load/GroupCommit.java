package io.gyre.benchmarks.load;

import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.fs.AsyncFile;
import java.util.ArrayDeque;

/**
 * A log that many append to and that one fsync makes durable for all who wait. Writes go to increasing offsets and may
 * be in flight together. An fsync covers what was written, without a hole, when it began: a write that ended later, or
 * behind one that has not ended, waits for the next. Confined to the file's loop.
 *
 * <p>After a failure nothing is durable any more: what follows would lie behind a hole, and an fsync that failed may
 * have dropped what it should have written.
 */
public class GroupCommit extends GroupSync {
  /** One append at a time, and who wants to know; used again after its outcome. */
  public abstract static class Append implements Waiter {
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
  }

  private final AsyncFile file;
  private final ArrayDeque<Append> inOrder = new ArrayDeque<>(); // of their offsets
  private long end;

  /**
   * Makes a log.
   *
   * @param file open for writing
   * @param end where to append
   */
  public GroupCommit(AsyncFile file, long end) {
    super(file, false);
    this.file = file;
    this.end = end;
  }

  /**
   * Appends. The outcome comes later, never from inside this call.
   *
   * @param append not in use
   */
  public final void append(Append append) {
    inOrder.add(append);
    if (hasFailed()) {
      ended(append); // the wait for an fsync says why
      return;
    }
    append.ended = false;
    append.position = end;
    end += append.data.byteBuffer().remaining();
    write(append.data, append.position, append, onWrite);
  }

  private final IoHandler<Append> onWrite =
      new IoHandler<>() {
        @Override
        public void completed(int bytes, Append append) {
          append.position += bytes;
          if (append.data.byteBuffer().hasRemaining()) { // a short write
            write(append.data, append.position, append, this);
          } else {
            ended(append);
          }
        }

        @Override
        public void failed(Throwable cause, Append append) {
          fail(cause);
          ended(append);
        }
      };

  /** All up to the first whose write has not ended may wait for an fsync. */
  private void ended(Append append) {
    append.ended = true;
    while (!inOrder.isEmpty() && inOrder.peek().ended) {
      await(inOrder.poll());
    }
  }

  // What is asked of the file: a test decides itself when it is done.

  void write(Buffer data, long position, Append append, IoHandler<Append> handler) {
    file.write(data, position, append, handler);
  }
}
