package io.gyre;

import io.gyre.driver.Capabilities;
import io.gyre.driver.Driver;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.DriverCounters;
import io.gyre.driver.DriverProvider;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.channels.ShutdownChannelGroupException;
import java.time.Duration;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jctools.queues.atomic.MpscUnboundedAtomicArrayQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A platform thread that owns a driver: it starts operations, waits for outcomes and calls handlers, turn after turn.
 *
 * <p>A turn runs the tasks that other threads left, then makes one call into the kernel that submits what was asked for
 * and waits, and then runs the handlers of what came back. Both have a budget, so that no flood starves the rest.
 *
 * <p>Files and sockets may be used from any thread; from their own loop's thread it costs no hop.
 */
public final class EventLoop implements Executor {
  private static final Logger LOG = LoggerFactory.getLogger(EventLoop.class);
  private static final int TASKS_PER_TURN = 256;
  private static final int OUTCOMES_PER_TURN = 1024;
  private static final int LAST_TURNS = 1000;

  private static final VarHandle SLEEPING;

  static {
    try {
      SLEEPING = MethodHandles.lookup().findVarHandle(EventLoop.class, "sleeping", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private enum State {
    RUNNING,
    STOPPING,
    TERMINATED
  }

  /** A task for later. Ties keep their order. */
  private record Timer(long deadlineNanos, long sequence, Runnable task)
      implements Comparable<Timer> {
    @Override
    public int compareTo(Timer other) {
      int byDeadline =
          Long.compare(deadlineNanos - other.deadlineNanos, 0); // survives nanoTime's wrap
      return byDeadline != 0 ? byDeadline : Long.compare(sequence, other.sequence);
    }
  }

  private final IoRuntime runtime;
  private final int index;
  private final DriverProvider provider;
  private final DriverConfig config;
  private final long shutdownTimeoutNanos;
  private final Consumer<Throwable> exceptionHandler;
  private final BufferPool buffers;
  private final OperationDispatcher dispatcher;
  private final Thread thread;
  private final CompletableFuture<Void> started = new CompletableFuture<>();
  private final CompletableFuture<Void> terminated = new CompletableFuture<>();

  // The hand-off to a sleeping loop, a Dekker pair with full fences between:
  //   loop:   sleeping = true; fence; look at the inbox; sleep if it is empty
  //   others: offer to the inbox; fence; look at sleeping; wake if it is true
  // so at least one side sees the other. Whoever turns sleeping to false wakes: one wake-up a
  // sleep.
  private final MpscUnboundedAtomicArrayQueue<Runnable> inbox =
      new MpscUnboundedAtomicArrayQueue<>(1024);
  private volatile boolean sleeping;

  // Who may touch what is confined to the loop: its thread, and once that has ended whoever runs
  // what came too late. Plain, since a thread only compares it with itself, and only it can have
  // set that.
  private Thread owner;
  private final Object lateTasksLock = new Object();

  private volatile State state = State.RUNNING; // written under this object's monitor
  private volatile Driver driver;

  // The loop's thread only.
  private final PriorityQueue<Timer> timers = new PriorityQueue<>();
  private long timerSequence;

  EventLoop(IoRuntime runtime, int index, DriverProvider provider, IoRuntime.Builder options) {
    this.runtime = runtime;
    this.index = index;
    this.provider = provider;
    this.config = options.driverConfig(index);
    this.shutdownTimeoutNanos = options.shutdownTimeout().toNanos();
    this.exceptionHandler = options.exceptionHandler();
    var name = "gyre-" + provider.name() + "-" + index;
    this.buffers = new BufferPool(name, options.bufferPoolBytes());
    this.dispatcher = new OperationDispatcher(this::handlerThrew);
    this.thread = new LoopThread(this, name, this::run);
    this.owner = thread;
  }

  /** Lets {@link #current()} find the loop without a map. */
  private static final class LoopThread extends Thread {
    final EventLoop loop;

    LoopThread(EventLoop loop, String name, Runnable work) {
      super(work, name);
      this.loop = loop;
    }
  }

  /**
   * The loop that the calling thread is.
   *
   * @return the loop, or null on any other thread
   */
  public static EventLoop current() {
    return Thread.currentThread() instanceof LoopThread t ? t.loop : null;
  }

  /**
   * Whether the caller is this loop's thread.
   *
   * @return true in handlers and tasks of this loop
   */
  public boolean inLoop() {
    return Thread.currentThread() == owner;
  }

  /**
   * Which loop of the runtime this is.
   *
   * @return from 0
   */
  public int index() {
    return index;
  }

  /**
   * The runtime that this loop is part of.
   *
   * @return the runtime
   */
  public IoRuntime runtime() {
    return runtime;
  }

  /**
   * This loop's buffers.
   *
   * @return a pool that any thread may use
   */
  public BufferPool buffers() {
    return buffers;
  }

  /**
   * What this loop's driver found and uses.
   *
   * @return its capabilities
   */
  public Capabilities capabilities() {
    return driver.capabilities();
  }

  /**
   * What this loop's driver counted.
   *
   * @return live counters, for any thread
   */
  public DriverCounters counters() {
    return driver.counters();
  }

  /**
   * The thread, for measuring its time and allocation.
   *
   * @return the loop's platform thread
   */
  public Thread thread() {
    return thread;
  }

  /**
   * For those who build on the SPI: where operations of this loop begin. Confined to the loop's thread.
   *
   * @return the dispatcher
   */
  public OperationDispatcher dispatcher() {
    return dispatcher;
  }

  /**
   * Runs a task on the loop, in the order in which they were given; on a thread of its own if the loop ended just then.
   * Any thread; the loop is woken if it sleeps.
   *
   * @param task must not block; what it throws goes to the runtime's exception handler
   * @throws ShutdownChannelGroupException when the loop has ended
   */
  @Override
  public void execute(Runnable task) {
    Objects.requireNonNull(task, "task");
    if (state == State.TERMINATED) {
      throw new ShutdownChannelGroupException();
    }
    inbox.offer(task);
    if (inLoop()) {
      return; // it is awake
    }
    VarHandle.fullFence();
    if (state == State.TERMINATED) {
      // The loop may have looked for the last time before the offer. Run what is there in its
      // place; on a thread of its own, since no operation resolves inside the call that started
      // it.
      new LoopThread(this, "gyre-late-" + index, this::drainAfterTermination).start();
      return;
    }
    wakeIfSleeping();
  }

  private void wakeIfSleeping() {
    if (sleeping && SLEEPING.compareAndSet(this, true, false)) {
      driver.wakeUp();
    }
  }

  /**
   * Runs a task on the loop later. What is not due when the loop begins to end is dropped.
   *
   * @param delay how much later, by the monotonic clock
   * @param task must not block
   * @throws ShutdownChannelGroupException when the loop has ended
   */
  public void schedule(Duration delay, Runnable task) {
    Objects.requireNonNull(task, "task");
    long deadlineNanos = System.nanoTime() + delay.toNanos();
    if (inLoop()) {
      timers.add(new Timer(deadlineNanos, timerSequence++, task));
    } else {
      execute(() -> timers.add(new Timer(deadlineNanos, timerSequence++, task)));
    }
  }

  /**
   * An operation that does nothing: through the ring and back. Any thread.
   *
   * @param attachment given to the handler
   * @param handler called on the loop's thread with 0
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the loop has ended
   */
  public <A> void nop(A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (inLoop()) {
      dispatcher.submit(
          dispatcher.acquire(OpCode.NOP, null, Operation.NOTIFY, handler, attachment));
    } else {
      execute(() -> nop(attachment, handler));
    }
  }

  void start() {
    thread.start();
  }

  CompletableFuture<Void> started() {
    return started;
  }

  CompletableFuture<Void> terminated() {
    return terminated;
  }

  /** Begins shutdown. Any thread, any number of times. */
  void stop() {
    synchronized (this) {
      if (state == State.RUNNING) {
        state = State.STOPPING;
      }
    }
    VarHandle.fullFence();
    if (!inLoop()) {
      wakeIfSleeping();
    }
  }

  private void run() {
    Driver opened;
    try {
      opened = provider.open(config, dispatcher);
    } catch (Throwable t) {
      setTerminated();
      terminated.complete(null);
      started.completeExceptionally(t);
      return;
    }
    boolean drained = false;
    try {
      dispatcher.attach(opened);
      opened.register(buffers);
      driver = opened;
      started.complete(null);
      while (state == State.RUNNING) {
        turn(opened);
      }
      drained = drain(opened);
    } catch (Throwable t) {
      LOG.error("{} cannot go on: every operation on it fails", thread.getName(), t);
      dispatcher.failAll(t);
      started.completeExceptionally(t);
    } finally {
      terminate(opened, drained);
    }
  }

  private void turn(Driver d) throws IOException {
    runTasks(TASKS_PER_TURN);
    long timeoutNanos = fireTimers();
    dispatcher.resolveDeferred();
    if (!inbox.isEmpty() || dispatcher.hasDeferred()) {
      timeoutNanos = 0;
    }
    if (timeoutNanos == 0) {
      d.turn(0, OUTCOMES_PER_TURN);
      return;
    }
    SLEEPING.setVolatile(this, true);
    VarHandle.fullFence();
    if (!inbox.isEmpty() || state != State.RUNNING) {
      timeoutNanos = 0;
    }
    d.turn(timeoutNanos, OUTCOMES_PER_TURN);
    // A waker that comes from here on would find nobody asleep. One that came before has already
    // turned it; its wake-up ends the next wait early, which is harmless.
    SLEEPING.setOpaque(this, false);
  }

  private void runTasks(int limit) {
    for (int i = 0; i < limit; i++) {
      var task = inbox.poll();
      if (task == null) {
        return;
      }
      runTask(task);
    }
  }

  private void runTask(Runnable task) {
    try {
      task.run();
    } catch (Throwable t) { // whatever a task throws, the loop goes on
      handlerThrew(t);
    }
  }

  /** Runs timers that are due; returns how long until the next, or -1 when there is none. */
  private long fireTimers() {
    if (timers.isEmpty()) {
      return -1;
    }
    long now = System.nanoTime();
    for (int i = 0; i < TASKS_PER_TURN; i++) {
      var timer = timers.peek();
      if (timer == null) {
        return -1;
      }
      long remaining = timer.deadlineNanos() - now;
      if (remaining > 0) {
        return remaining;
      }
      timers.poll();
      runTask(timer.task());
    }
    return 0;
  }

  /** Cancels and reaps until nothing is in flight, or until the deadline. */
  private boolean drain(Driver d) throws IOException {
    long deadline = System.nanoTime() + shutdownTimeoutNanos;
    timers.clear();
    runTasks(inbox.size());
    dispatcher.stop();
    // Not for as long as tasks come: what comes later runs at the very end.
    while (dispatcher.inFlight() > 0 || dispatcher.hasOpen()) {
      runTasks(TASKS_PER_TURN);
      if (dispatcher.inFlight() == 0) {
        dispatcher.stop(); // what was accepted or opened meanwhile
      }
      dispatcher.resolveDeferred();
      long remaining = deadline - System.nanoTime();
      if (remaining <= 0) {
        LOG.warn(
            "{} ends with {} operations that the kernel did not give back in time; their memory is"
                + " kept for ever",
            thread.getName(),
            dispatcher.inFlight());
        return false;
      }
      if (dispatcher.inFlight() > 0) {
        boolean busy = dispatcher.hasDeferred() || !inbox.isEmpty();
        // Tasks of other threads do not wake this wait: they are looked for every 10 ms.
        d.turn(busy ? 0 : Math.min(remaining, 10_000_000), OUTCOMES_PER_TURN);
      }
    }
    // What they start is refused, and told at the very end. That goes for sockets, too, which are
    // opened at once: nobody would close them any more.
    dispatcher.detach();
    runTasks(inbox.size());
    return true;
  }

  private void terminate(Driver d, boolean drained) {
    setTerminated();
    try {
      if (!drained) {
        dispatcher.failAll(new ShutdownChannelGroupException());
      }
      // Handlers may have answered with new operations, which are refused; but not for ever.
      for (int i = 0; i < LAST_TURNS && dispatcher.hasDeferred(); i++) {
        dispatcher.resolveDeferred();
      }
      dispatcher.detach();
      d.close(drained);
    } catch (RuntimeException e) {
      LOG.error("{}: closing its driver failed", thread.getName(), e);
    } finally {
      // First, since a late task may wait for it.
      terminated.complete(null);
      drainAfterTermination();
    }
  }

  private synchronized void setTerminated() {
    state = State.TERMINATED;
  }

  /**
   * What came too late runs all the same: its operations are refused, and their handlers told so.
   */
  private void drainAfterTermination() {
    synchronized (lateTasksLock) {
      owner = Thread.currentThread();
      for (var task = inbox.poll(); task != null; task = inbox.poll()) {
        runTask(task);
        for (int i = 0; i < LAST_TURNS && dispatcher.hasDeferred(); i++) {
          dispatcher.resolveDeferred();
        }
      }
      owner = null;
    }
  }

  private void handlerThrew(Throwable t) {
    try {
      exceptionHandler.accept(t);
    } catch (Throwable second) {
      second.addSuppressed(t);
      LOG.error("the exception handler of {} threw", thread.getName(), second);
    }
  }

  @Override
  public String toString() {
    return thread.getName() + " (" + state + ")";
  }
}
