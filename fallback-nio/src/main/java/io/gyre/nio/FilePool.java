package io.gyre.nio;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Threads for file work, which in NIO blocks. One pool serves all loops of the JVM: how many blocking calls make sense
 * depends on the machine's disks, not on the number of loops, and with a pool for each loop their numbers would
 * multiply. It lives as long as a driver is open.
 *
 * <p>A thread is started only when all others are busy, and ends when it had nothing to do for a while. ({@link
 * java.util.concurrent.ThreadPoolExecutor} starts one for each task until it has them all.) They are daemons, and
 * platform threads: a blocking file call would hold on to a virtual thread's carrier.
 */
final class FilePool {
  /** System property: how many threads at most. */
  static final String THREADS_PROPERTY = "gyre.nio.fileThreads";

  private static final int DEFAULT_THREADS = 32;
  private static final int MAX_THREADS = 4096;
  private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long END_MILLIS = 1000;

  private static FilePool shared;

  private final int maxThreads;
  private final long idleNanos;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition available = lock.newCondition();
  private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
  private final List<Thread> threads = new ArrayList<>();
  private int idle;
  private int started;
  private boolean closed;
  private int users = 1;

  FilePool(int maxThreads, long idleNanos) {
    this.maxThreads = maxThreads;
    this.idleNanos = idleNanos;
  }

  /** The number of threads that the system property asks for, brought into range. */
  static int configuredThreads() {
    return Math.clamp(Integer.getInteger(THREADS_PROPERTY, DEFAULT_THREADS), 1, MAX_THREADS);
  }

  /** The JVM's pool; the caller must {@link #release} it. */
  static synchronized FilePool acquireShared() {
    if (shared == null) {
      shared = new FilePool(configuredThreads(), IDLE_NANOS);
    } else {
      shared.users++;
    }
    return shared;
  }

  /**
   * One user fewer. The last one ends the threads, once what was left to them is done.
   *
   * @param await whether to wait for that, a second at most
   */
  void release(boolean await) {
    synchronized (FilePool.class) {
      if (--users > 0) {
        return;
      }
      if (shared == this) {
        shared = null;
      }
    }
    var ending = close();
    if (await) {
      join(ending);
    }
  }

  /**
   * Runs a task when a thread has time for it.
   *
   * @throws RejectedExecutionException when there is no thread and none can be started
   */
  void execute(Runnable task) {
    lock.lock();
    try {
      if (closed) {
        throw new RejectedExecutionException("the pool for file work was closed");
      }
      tasks.add(task);
      if (tasks.size() > idle && threads.size() < maxThreads) {
        startThread(task);
      } else if (idle > 0) {
        available.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  private void startThread(Runnable task) {
    var thread =
        Thread.ofPlatform().daemon().name("gyre-nio-file-" + started).unstarted(this::work);
    threads.add(thread);
    try {
      thread.start();
      started++;
    } catch (OutOfMemoryError e) { // "unable to create native thread"
      threads.remove(thread);
      if (threads.isEmpty()) {
        tasks.remove(task);
        throw new RejectedExecutionException("no thread for file work can be started", e);
      }
    }
  }

  private void work() {
    for (var task = next(); task != null; task = next()) {
      try {
        task.run();
      } catch (Throwable t) { // the thread is counted on
        var self = Thread.currentThread();
        self.getUncaughtExceptionHandler().uncaughtException(self, t);
      }
    }
  }

  /** Waits for a task; null when the thread is to end. */
  private Runnable next() {
    lock.lock();
    try {
      long remaining = idleNanos;
      while (tasks.isEmpty()) {
        if (closed || remaining <= 0) {
          threads.remove(Thread.currentThread());
          return null;
        }
        idle++;
        try {
          remaining = available.awaitNanos(remaining);
        } catch (InterruptedException e) {
          // Not by us. It is forgotten: the next FileChannel that is used on an interrupted thread
          // would close itself.
        } finally {
          idle--;
        }
      }
      Thread.interrupted(); // for the same reason
      return tasks.poll();
    } finally {
      lock.unlock();
    }
  }

  /** How many threads there are. For tests. */
  int threadCount() {
    lock.lock();
    try {
      return threads.size();
    } finally {
      lock.unlock();
    }
  }

  /** How many of them wait for something to do. For tests. */
  int idleCount() {
    lock.lock();
    try {
      return idle;
    } finally {
      lock.unlock();
    }
  }

  /** Waits until all threads that there are now have ended. For tests. */
  void joinThreads() throws InterruptedException {
    List<Thread> ending;
    lock.lock();
    try {
      ending = List.copyOf(threads);
    } finally {
      lock.unlock();
    }
    for (var thread : ending) {
      thread.join();
    }
  }

  private List<Thread> close() {
    lock.lock();
    try {
      closed = true;
      available.signalAll();
      return List.copyOf(threads);
    } finally {
      lock.unlock();
    }
  }

  private static void join(List<Thread> ending) {
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(END_MILLIS);
    try {
      for (var thread : ending) {
        long millis = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
        if (millis > 0) {
          thread.join(millis);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
