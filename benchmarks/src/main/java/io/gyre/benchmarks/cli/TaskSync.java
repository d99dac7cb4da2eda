package io.gyre.benchmarks.cli;

import io.gyre.fs.AsyncFile;
import java.io.IOException;

/**
 * One fsync for many threads that have written, in the blocking style: whoever finds none in flight makes it, for all
 * whose writes had ended by then; the others wait for it.
 */
class TaskSync {
  private final AsyncFile file;
  private final boolean metaData;

  // Under the lock of this.
  private long written;
  private long durable;
  private long syncs;
  private boolean syncing;
  private Exception failure;

  TaskSync(AsyncFile file, boolean metaData) {
    this.file = file;
    this.metaData = metaData;
  }

  /** Returns when what the calling thread has written is durable. */
  final void await() throws IOException, InterruptedException {
    long covers;
    synchronized (this) {
      long mine = ++written;
      while (syncing && durable < mine) {
        wait();
      }
      check();
      if (durable >= mine) {
        return;
      }
      syncing = true;
      covers = written;
    }
    Exception cause = null;
    try {
      force();
    } catch (IOException | RuntimeException e) { // a cancellation, too: the others wait for its end
      cause = e;
    }
    synchronized (this) {
      syncing = false;
      notifyAll();
      if (cause == null) {
        syncs++;
        durable = covers;
      } else if (failure == null) {
        failure =
            cause; // what should have been written may be dropped, and no later fsync would know
      }
      check();
    }
  }

  private void check() throws IOException {
    if (failure != null) {
      throw new IOException("nothing is durable from here on: " + failure.getMessage(), failure);
    }
  }

  final synchronized long syncs() {
    return syncs;
  }

  // What is asked of the file: a test decides itself when it is done.

  void force() throws IOException {
    file.force(metaData);
  }
}
