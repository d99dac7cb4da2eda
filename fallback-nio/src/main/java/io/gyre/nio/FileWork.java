package io.gyre.nio;

import io.gyre.driver.Descriptor;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.jctools.queues.atomic.MpscUnboundedAtomicArrayQueue;

/**
 * A loop's operations on files: hands them to the {@link FilePool} and takes back their outcomes. Confined to the
 * loop's thread, but for {@link #finished}.
 */
final class FileWork {
  private final FilePool pool;
  private final Outcomes outcomes;
  private final Waker waker;
  private final Consumer<NioFile> opened;
  private final List<FileTask> outstanding = new ArrayList<>();
  private final MpscUnboundedAtomicArrayQueue<FileTask> done =
      new MpscUnboundedAtomicArrayQueue<>(256);
  private volatile boolean closed;

  /**
   * Makes file work.
   *
   * @param opened told of each file that was opened, before the operation is resolved
   */
  FileWork(FilePool pool, Outcomes outcomes, Waker waker, Consumer<NioFile> opened) {
    this.pool = pool;
    this.outcomes = outcomes;
    this.waker = waker;
    this.opened = opened;
  }

  /** Gives an operation to the pool. */
  void submit(Operation operation) {
    FileTask task;
    try {
      task = new FileTask(this, operation);
    } catch (RuntimeException | OutOfMemoryError e) {
      // Memory of another thread's confined arena, freed memory, or none left to copy to.
      outcomes.queueFailure(operation, e);
      return;
    }
    task.position = outstanding.size();
    outstanding.add(task);
    try {
      pool.execute(task);
    } catch (RejectedExecutionException e) {
      remove(task);
      outcomes.queueFailure(operation, e);
    }
  }

  /** A task has its outcome. Pool threads call this; it is what publishes the outcome to the loop. */
  void finished(FileTask task) {
    done.offer(task);
    // Begins with a full fence: close() sees the task, or this thread sees closed.
    waker.wakeIfSleeping();
    if (closed) {
      discardDone();
    }
  }

  boolean hasFinished() {
    return !done.isEmpty();
  }

  /** Takes over what pool threads have finished. */
  void collectFinished() {
    for (var task = done.poll(); task != null; task = done.poll()) {
      remove(task);
      settle(task);
    }
  }

  private void settle(FileTask task) {
    var operation = task.operation;
    if (task.failure() != null) {
      outcomes.queueFailure(operation, task.failure());
      return;
    }
    try {
      task.deliver();
    } catch (RuntimeException e) {
      outcomes.queueFailure(operation, e);
      return;
    }
    if (task.opened() != null) {
      opened.accept(task.opened());
      operation.setNewDescriptor(task.opened());
    }
    operation.setLongResult(task.longResult());
    outcomes.queue(operation, task.result());
  }

  /** Cancels what no thread has begun; on one file, or with null everywhere. Files are closed all the same. */
  void cancelAll(Descriptor descriptor) {
    for (int i = outstanding.size() - 1; i >= 0; i--) { // downwards: removing moves the last one
      var task = outstanding.get(i);
      var operation = task.operation;
      if (operation.code() != OpCode.CLOSE
          && (descriptor == null || descriptor.equals(operation.descriptor()))) {
        cancel(task);
      }
    }
  }

  /** Cancels one operation if no thread has begun it. */
  void cancel(Operation operation) {
    for (int i = 0; i < outstanding.size(); i++) {
      var task = outstanding.get(i);
      if (task.operation == operation) {
        cancel(task);
        return;
      }
    }
  }

  private void cancel(FileTask task) {
    if (task.cancel()) {
      remove(task);
      outcomes.queueCancelled(task.operation);
    }
  }

  private void remove(FileTask task) {
    var last = outstanding.removeLast();
    if (last != task) {
      outstanding.set(task.position, last);
      last.position = task.position;
    }
  }

  /** Closes files that nobody else will, on the pool: a close waits for the device, and for calls under way. */
  void closeLater(List<NioFile> files) {
    for (var file : files) {
      try {
        pool.execute(() -> closeQuietly(file));
      } catch (RejectedExecutionException e) {
        closeQuietly(file);
      }
    }
  }

  /**
   * Ends the work. Nothing is resolved any more; a file whose opening ends after this is closed again.
   *
   * @param await whether to wait for the pool's threads
   */
  void close(boolean await) {
    closed = true;
    VarHandle.fullFence();
    discardDone();
    pool.release(await);
  }

  /** From here on several threads may find the queue, which takes one consumer at a time. */
  private synchronized void discardDone() {
    for (var task = done.poll(); task != null; task = done.poll()) {
      if (task.opened() != null) {
        closeQuietly(task.opened());
      }
    }
  }

  private static void closeQuietly(NioFile file) {
    try {
      file.close();
    } catch (IOException | RuntimeException e) {
      // Nobody is left to be told.
    }
  }
}
