package io.gyre.nio;

import io.gyre.driver.BlockingPool;
import io.gyre.driver.BlockingWork;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Operation;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;

/** A loop's operations on files: java.nio blocks in them, so they run on threads. Confined to the loop's thread. */
final class FileWork {
  private final Outcomes outcomes;
  private final Consumer<NioFile> opened;
  private final BlockingWork<NioTask> work;

  /**
   * Makes file work.
   *
   * @param opened told of each file that was opened, before the operation is resolved
   */
  FileWork(BlockingPool pool, Outcomes outcomes, Waker waker, Consumer<NioFile> opened) {
    this.outcomes = outcomes;
    this.opened = opened;
    this.work =
        new BlockingWork<>(
            pool,
            waker::wakeIfSleeping,
            task -> {
              if (task.opened() != null) {
                closeQuietly(task.opened());
              }
            });
  }

  /** Gives an operation to the pool. */
  void submit(Operation operation) {
    try {
      work.submit(task(operation));
    } catch (RejectedExecutionException e) {
      outcomes.queueFailure(operation, e);
    } catch (RuntimeException | OutOfMemoryError e) {
      // Memory of another thread's confined arena, freed memory, or none left to copy to.
      outcomes.queueFailure(operation, e);
    }
  }

  private static NioTask task(Operation operation) {
    return switch (operation.code()) {
      case OPEN, ATTRIBUTES, SET_ATTRIBUTES, LIST -> new PathTask(operation);
      case MAKE_DIRECTORY, REMOVE, RENAME, SYMBOLIC_LINK, LINK, READ_LINK ->
          new PathTask(operation);
      default -> new FileTask(operation);
    };
  }

  boolean hasFinished() {
    return work.hasFinished();
  }

  /** Takes over what pool threads have finished. */
  void collectFinished() {
    for (var task = work.poll(); task != null; task = work.poll()) {
      settle(task);
    }
  }

  private void settle(NioTask task) {
    var operation = task.operation();
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
    operation.setValue(task.value());
    outcomes.queue(operation, task.result());
  }

  /** Cancels what no thread has begun; on one file, or with null everywhere. Files are closed all the same. */
  void cancelAll(Descriptor descriptor) {
    work.cancelAll(descriptor, outcomes::queueCancelled);
  }

  /** Cancels one operation if no thread has begun it. */
  void cancel(Operation operation) {
    work.cancel(operation, outcomes::queueCancelled);
  }

  /** Closes files that nobody else will, on the pool: a close waits for the device, and for calls under way. */
  void closeLater(List<NioFile> files) {
    for (var file : files) {
      work.execute(() -> closeQuietly(file));
    }
  }

  /**
   * Ends the work. Nothing is resolved any more; a file whose opening ends after this is closed again.
   *
   * @param await whether to wait for the pool's threads
   */
  void close(boolean await) {
    work.close(await);
  }

  private static void closeQuietly(NioFile file) {
    try {
      file.close();
    } catch (IOException | RuntimeException e) {
      // Nobody is left to be told.
    }
  }
}
