package io.gyre.driver;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Threads for calls that block. A thread is started only when all others are busy, and ends when it had nothing to do
 * for a while. ({@link java.util.concurrent.ThreadPoolExecutor} starts one for each task until it has them all.) They
 * are daemons, and platform threads: a blocking call into the kernel would hold on to a virtual thread's carrier.
 *
 * <p>There are two kinds of pools, of this one class. Drivers share {@linkplain #acquireShared() one}: how many blocking
 * calls make sense depends on the machine's disks, not on the number of loops. Each runtime has one for its users' tasks
 * besides: these may wait for operations of a driver, which they could keep from ever running if they took its threads.
 */
public final class BlockingPool {
  /** System property: how many threads the shared pool has at most; 32 by default. */
  public static final String THREADS_PROPERTY = "gyre.fileThreads";

  private static final int DEFAULT_THREADS = 32;
  private static final int MAX_THREADS = 4096;
  private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long END_MILLIS = 1000;

  private static BlockingPool shared;

  private final String name;
  private final int maxThreads;
  private final long idleNanos;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition available = lock.newCondition();
  private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
  private final PriorityQueue<Later> later = new PriorityQueue<>();
  private final List<Thread> threads = new ArrayList<>();
  private final CompletableFuture<Void> terminated = new CompletableFuture<>();
  private int idle;
  private int started;
  private int starting; // of the threads, those that have not looked for a task yet
  private boolean closed;
  private int users = 1;

  /** A task and when it is due. */
  private record Later(long nanoTime, Runnable task) implements Comparable<Later> {
    @Override
    public int compareTo(Later other) {
      return Long.signum(nanoTime - other.nanoTime); // nanoTime wraps around
    }
  }

  /**
   * Makes a pool without threads, which come with the tasks.
   *
   * @param name what the threads' names begin with
   * @param maxThreads how many threads at most
   * @param idleNanos how long a thread waits for something to do
   */
  public BlockingPool(String name, int maxThreads, long idleNanos) {
    this.name = name;
    this.maxThreads = maxThreads;
    this.idleNanos = idleNanos;
  }

  /**
   * Makes a pool whose idle threads end after a few seconds.
   *
   * @param name what the threads' names begin with
   * @param maxThreads how many threads at most
   */
  public BlockingPool(String name, int maxThreads) {
    this(name, maxThreads, IDLE_NANOS);
  }

  /**
   * The number of threads that the system property asks for, brought into range.
   *
   * @return from 1 to 4096
   */
  public static int configuredThreads() {
    return Math.clamp(Integer.getInteger(THREADS_PROPERTY, DEFAULT_THREADS), 1, MAX_THREADS);
  }

  /**
   * The drivers' pool of this JVM, which lives as long as somebody uses it.
   *
   * @return the pool; the caller must {@link #release} it
   */
  public static synchronized BlockingPool acquireShared() {
    if (shared == null) {
      shared = new BlockingPool("gyre-file", configuredThreads());
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
  public void release(boolean await) {
    synchronized (BlockingPool.class) {
      if (--users > 0) {
        return;
      }
      if (shared == this) {
        shared = null;
      }
    }
    var ending = end();
    if (await) {
      join(ending);
    }
  }

  /**
   * Runs a task when a thread has time for it, however many wait already.
   *
   * @param task what it throws goes to the thread's handler of uncaught exceptions
   * @throws RejectedExecutionException when the pool was closed, or there is no thread and none can be started
   */
  public void execute(Runnable task) {
    execute(task, Integer.MAX_VALUE);
  }

  /**
   * Runs a task when a thread has time for it, if not too many wait already.
   *
   * @param task what it throws goes to the thread's handler of uncaught exceptions
   * @param maxWaiting how many may wait for a thread
   * @throws RejectedExecutionException when as many wait, the pool was closed, or there is no thread and none can be
   *     started
   */
  public void execute(Runnable task, int maxWaiting) {
    lock.lock();
    try {
      requireOpen();
      boolean mayStart = threads.size() < maxThreads;
      if (!mayStart && tasks.size() - idle >= maxWaiting) {
        throw new RejectedExecutionException(
            "all "
                + maxThreads
                + " threads of "
                + name
                + " are busy, and "
                + tasks.size()
                + " tasks wait for one");
      }
      tasks.add(task);
      summon(task, mayStart);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Runs a task later. No thread waits for it by itself, so that any number of tasks may be tried again and again; one
   * that is still to come when the pool is closed never runs.
   *
   * @param task as for {@link #execute}
   * @param delayNanos how much later
   * @throws RejectedExecutionException when the pool was closed, or there is no thread and none can be started
   */
  void executeLater(Runnable task, long delayNanos) {
    lock.lock();
    try {
      requireOpen();
      later.add(new Later(System.nanoTime() + delayNanos, task));
      passClock(task);
    } finally {
      lock.unlock();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new RejectedExecutionException(name + ": the pool for blocking work was closed");
    }
  }

  /** Gets a thread for a task that was added. */
  private void summon(Runnable task, boolean mayStart) {
    if (tasks.size() > idle && mayStart) {
      startThread(task);
    } else if (idle > 0) {
      available.signal();
    }
  }

  /**
   * Whether the caller runs a task of this pool.
   *
   * @return true on its threads
   */
  public boolean isOnThread() {
    lock.lock();
    try {
      return threads.contains(Thread.currentThread());
    } finally {
      lock.unlock();
    }
  }

  private void startThread(Runnable task) {
    var thread = Thread.ofPlatform().daemon().name(name + "-" + started).unstarted(this::work);
    threads.add(thread);
    try {
      thread.start();
      started++;
      starting++;
    } catch (OutOfMemoryError e) { // "unable to create native thread"
      threads.remove(thread);
      if (threads.isEmpty()) {
        tasks.remove(task);
        later.removeIf(l -> l.task.equals(task));
        throw new RejectedExecutionException(name + ": no thread can be started", e);
      }
    }
  }

  private void work() {
    begun();
    for (var task = next(); task != null; task = next()) {
      try {
        task.run();
      } catch (Throwable t) { // the thread is counted on
        var self = Thread.currentThread();
        self.getUncaughtExceptionHandler().uncaughtException(self, t);
      }
    }
    lock.lock();
    try {
      if (closed && threads.isEmpty()) {
        terminated.complete(null);
      }
    } finally {
      lock.unlock();
    }
  }

  private void begun() {
    lock.lock();
    try {
      starting--;
    } finally {
      lock.unlock();
    }
  }

  /** Waits for a task; null when the thread is to end. */
  private Runnable next() {
    lock.lock();
    try {
      long remaining = idleNanos;
      while (true) {
        long untilDue = takeDue();
        if (!tasks.isEmpty()) {
          // Pending still, it would close the next FileChannel that is used on this thread.
          Thread.interrupted();
          var task = tasks.poll();
          passClock(task);
          return task;
        }
        boolean needed = !later.isEmpty() && idle == 0;
        if (closed || (remaining <= 0 && !needed)) {
          threads.remove(Thread.currentThread());
          passClock(null);
          return null;
        }
        remaining = await(remaining, untilDue);
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Sees to it that somebody looks at the clock who is not the caller: that thread may be gone for long, and it may have
   * been the only one that knew when the next task is due. With all threads busy, one of them does when it is free.
   */
  private void passClock(Runnable task) {
    if (later.isEmpty()) {
      return;
    }
    if (idle > 0) {
      available.signal();
    } else if (starting == 0 && threads.size() < maxThreads) {
      startThread(task);
    }
  }

  /**
   * Moves the first that is due into line; returns how long it is until then. Those due behind it are for the threads that
   * look at the clock next.
   */
  private long takeDue() {
    if (later.isEmpty()) {
      return Long.MAX_VALUE;
    }
    long untilDue = later.peek().nanoTime - System.nanoTime();
    if (untilDue <= 0) {
      tasks.add(later.poll().task);
    }
    return untilDue;
  }

  /** Waits; returns what is left of the time for which a thread may be idle. */
  @SuppressWarnings("WaitNotInLoop") // the caller has the loop
  private long await(long remaining, long untilDue) {
    long wait = remaining <= 0 ? untilDue : Math.min(remaining, untilDue);
    idle++;
    try {
      return remaining - (wait - available.awaitNanos(wait));
    } catch (InterruptedException e) {
      return remaining; // not by us: it is forgotten
    } finally {
      idle--;
    }
  }

  /**
   * How many threads there are. For tests.
   *
   * @return the number of the moment
   */
  public int threadCount() {
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

  /**
   * Waits until all threads that there are now have ended. For tests.
   *
   * @throws InterruptedException when the caller is interrupted
   */
  public void joinThreads() throws InterruptedException {
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

  /**
   * Takes no more tasks, drops those that no thread has begun, and interrupts those that are under way.
   *
   * @return what was dropped, in order
   */
  public List<Runnable> closeNow() {
    lock.lock();
    try {
      var dropped = List.copyOf(tasks);
      tasks.clear();
      end().forEach(Thread::interrupt);
      return dropped;
    } finally {
      lock.unlock();
    }
  }

  /**
   * The end of a pool that was closed.
   *
   * @return completes when its last thread is about to end
   */
  public CompletableFuture<Void> terminated() {
    return terminated;
  }

  private List<Thread> end() {
    lock.lock();
    try {
      closed = true;
      later.clear();
      available.signalAll();
      if (threads.isEmpty()) {
        terminated.complete(null);
      }
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
