package io.gyre.driver;

import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.jctools.queues.atomic.MpscUnboundedAtomicArrayQueue;

/**
 * A loop's operations that run on threads: hands them to the {@link BlockingPool} and takes back their outcomes. Confined
 * to the loop's thread, but for {@link #finished}.
 *
 * @param <T> the driver's kind of task
 */
public final class BlockingWork<T extends BlockingTask> {
  private final BlockingPool pool;
  private final Runnable wakeUp;
  private final Consumer<? super T> late;
  private final List<T> outstanding = new ArrayList<>();
  private final MpscUnboundedAtomicArrayQueue<T> done = new MpscUnboundedAtomicArrayQueue<>(64);
  private volatile boolean closed;

  /**
   * Makes work.
   *
   * @param pool released when this is closed
   * @param wakeUp ends the loop's wait; called by pool threads, also when the driver is closed. Begins with a full fence
   * @param late takes what has ended after the driver was closed, on any thread: to give back what it brought
   */
  public BlockingWork(BlockingPool pool, Runnable wakeUp, Consumer<? super T> late) {
    this.pool = pool;
    this.wakeUp = wakeUp;
    this.late = late;
  }

  BlockingPool pool() {
    return pool;
  }

  /**
   * Gives a task to the pool.
   *
   * @param task a new one
   * @throws RejectedExecutionException when no thread can be started
   */
  public void submit(T task) {
    ((BlockingTask) task).work = this;
    ((BlockingTask) task).position = outstanding.size();
    outstanding.add(task);
    try {
      pool.execute(task);
    } catch (RejectedExecutionException e) {
      remove(task);
      throw e;
    }
  }

  /** A task has its outcome. Pool threads call this; it is what publishes the outcome to the loop. */
  @SuppressWarnings("unchecked") // of this work's own tasks
  void finished(BlockingTask task) {
    done.offer((T) task);
    // Begins with a full fence: close() sees the task, or this thread sees closed.
    wakeUp.run();
    if (closed) {
      discardDone();
    }
  }

  /**
   * Whether {@link #poll} has something.
   *
   * @return true if so
   */
  public boolean hasFinished() {
    return !done.isEmpty();
  }

  /**
   * Takes over what a pool thread has finished.
   *
   * @return a task with its outcome, or null
   */
  public T poll() {
    var task = done.poll();
    if (task != null) {
      remove(task);
    }
    return task;
  }

  /**
   * Cancels what no thread has begun, but for closes; what waits to be tried again is tried no more.
   *
   * @param descriptor whose operations, or null for all
   * @param cancelled takes what was cancelled
   */
  @SuppressWarnings("ReferenceEquality") // this very descriptor
  public void cancelAll(Descriptor descriptor, Consumer<Operation> cancelled) {
    for (int i = outstanding.size() - 1; i >= 0; i--) { // downwards: removing moves the last one
      var task = outstanding.get(i);
      var operation = task.operation();
      if (operation.code() != OpCode.CLOSE
          && (descriptor == null
              || descriptor == operation.descriptor()
              || descriptor == operation.otherDescriptor())) {
        cancel(task, cancelled);
      }
    }
  }

  /**
   * Cancels one operation if no thread has begun it.
   *
   * @param operation which
   * @param cancelled takes it, if it was cancelled
   */
  @SuppressWarnings("ReferenceEquality") // this very operation
  public void cancel(Operation operation, Consumer<Operation> cancelled) {
    for (int i = 0; i < outstanding.size(); i++) {
      var task = outstanding.get(i);
      if (task.operation() == operation) {
        cancel(task, cancelled);
        return;
      }
    }
  }

  private void cancel(T task, Consumer<Operation> cancelled) {
    if (task.cancel()) {
      remove(task);
      cancelled.accept(task.operation());
    }
  }

  @SuppressWarnings("ReferenceEquality") // this very task
  private void remove(T task) {
    var last = outstanding.removeLast();
    if (last != task) {
      int position = ((BlockingTask) task).position;
      outstanding.set(position, last);
      ((BlockingTask) last).position = position;
    }
  }

  /**
   * Runs something that is no operation, and that nobody waits for.
   *
   * @param task for instance the close of what nobody else closes
   */
  public void execute(Runnable task) {
    try {
      pool.execute(task);
    } catch (RejectedExecutionException e) {
      task.run();
    }
  }

  /**
   * Ends the work. Nothing is resolved any more.
   *
   * @param await whether to wait for the pool's threads
   */
  public void close(boolean await) {
    closed = true;
    VarHandle.fullFence();
    discardDone();
    pool.release(await);
  }

  /** From here on several threads may find the queue, which takes one consumer at a time. */
  private synchronized void discardDone() {
    for (var task = done.poll(); task != null; task = done.poll()) {
      late.accept(task);
    }
  }
}
