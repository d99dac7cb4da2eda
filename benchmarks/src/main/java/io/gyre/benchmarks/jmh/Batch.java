package io.gyre.benchmarks.jmh;

import io.gyre.EventLoop;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A number of operations that a loop starts and finishes while the benchmark's thread spins: no latch, no future,
 * nothing allocated on the way.
 */
abstract class Batch implements Runnable {
  private static final VarHandle FINISHED;

  static {
    try {
      FINISHED = MethodHandles.lookup().findVarHandle(Batch.class, "finished", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final EventLoop loop;
  private long finished; // written by the loop, seen by the benchmark's thread
  private long begun; // the benchmark's thread's own
  private Throwable failure; // written before finished

  Batch(EventLoop loop) {
    this.loop = loop;
  }

  /** Has the loop run the batch, and spins until it is done. */
  final void invoke() {
    begun++;
    loop.execute(this);
    while ((long) FINISHED.getAcquire(this) != begun) {
      Thread.onSpinWait();
    }
    if (failure != null) {
      throw new IllegalStateException("an operation failed", failure);
    }
  }

  /** Called on the loop's thread by the last operation to end. */
  final void finish() {
    FINISHED.setRelease(this, finished + 1);
  }

  /** Called on the loop's thread by an operation that failed, before it is counted as ended. */
  final void fail(Throwable cause) {
    failure = cause;
  }
}
