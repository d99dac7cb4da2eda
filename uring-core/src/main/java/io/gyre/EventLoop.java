package io.gyre;

import io.gyre.Inbox.State;
import io.gyre.driver.Capabilities;
import io.gyre.driver.Driver;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.DriverCounters;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.DriverProvider;
import io.gyre.driver.LoopTelemetry;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import io.gyre.driver.OperationScope;
import io.gyre.driver.RawHandler;
import io.gyre.driver.RawOperation;
import io.gyre.driver.TimerWheel;
import java.io.IOException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.ShutdownChannelGroupException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
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
  private static final int TURNS_A_CALL = 8;
  private static final int TASKS_PER_TURN = 256;
  private static final int TIMERS_PER_TURN = 256;
  private static final int OUTCOMES_PER_TURN = 1024;
  private static final int LAST_TURNS = 1000;

  private final IoRuntime runtime;
  private final int index;
  private final DriverProvider provider;
  private final DriverConfig config;
  private final long shutdownTimeoutNanos;
  private final long spinNanos;
  private final Consumer<Throwable> exceptionHandler;
  private final BufferPool buffers;
  private final LoopTelemetry telemetry;
  private final DriverCounters counters;
  private final OperationDispatcher dispatcher;
  private final Thread thread;
  private final CompletableFuture<Void> started = new CompletableFuture<>();
  private final CompletableFuture<Void> terminated = new CompletableFuture<>();

  private final Inbox inbox = new Inbox();

  // Who may touch what is confined to the loop: its thread, and once that has ended whoever runs
  // what came too late. Plain, since a thread only compares it with itself, and only it can have
  // set that.
  private Thread owner;
  private final Object lateTasksLock = new Object();

  private volatile Driver driver;

  private final TimerWheel timers = new TimerWheel(System::nanoTime, this::handlerThrew);

  EventLoop(IoRuntime runtime, int index, DriverProvider provider, IoRuntime.Builder options) {
    this.runtime = runtime;
    this.index = index;
    this.provider = provider;
    this.config = options.driverConfig(index);
    this.shutdownTimeoutNanos = TimeUnit.NANOSECONDS.convert(options.shutdownTimeout());
    this.spinNanos = config.waiting().spinNanos();
    this.exceptionHandler = options.exceptionHandler();
    var name = "gyre-" + provider.name() + "-" + index;
    this.telemetry = new LoopTelemetry(name, provider.name());
    this.counters = telemetry.counters();
    this.dispatcher = new OperationDispatcher(this::handlerThrew, telemetry, inbox.sleepFlag());
    this.thread = new LoopThread(this, name, this::run);
    setOwner(thread);
    this.buffers =
        new BufferPool(
            name,
            provider.poolMemory(options.bufferPoolBytes(), options.hugePages()),
            new LeaseTracker(options.leakDetection(), name),
            thread,
            this);
  }

  private void setOwner(Thread value) {
    owner = value;
    dispatcher.setOwner(value);
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
   * What this loop and its driver count, to be read one by one, without allocating.
   *
   * @return live counters, for any thread
   */
  public DriverCounters counters() {
    return counters;
  }

  /**
   * What this loop has done so far, and how it stands. Any thread, also after the loop's end.
   *
   * @return a snapshot
   */
  public LoopStats stats() {
    return LoopStats.of(telemetry, inbox.size());
  }

  LoopTelemetry telemetry() {
    return telemetry;
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
   * For those who build on the SPI: where operations of this loop begin. Confined to the loop's thread: on any other it
   * throws an {@link IllegalStateException}.
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
    if (inbox.state() == State.TERMINATED) {
      throw new ShutdownChannelGroupException();
    }
    if (inLoop()) {
      inbox.addQuietly(inScopeOfCaller(task)); // it is awake
      return;
    }
    switch (inbox.add(inScopeOfCaller(task))) {
      case NOTHING -> {}
      case WAKE -> wake();
      // On a thread of its own, since no operation resolves inside the call that started it.
      case RUN -> new LoopThread(this, "gyre-late-" + index, this::drainAfterTermination).start();
    }
  }

  /** What the task starts is in the scope that its giver is in. */
  private static Runnable inScopeOfCaller(Runnable task) {
    var scope = OperationScope.current();
    return scope == null
        ? task
        : () ->
            OperationScope.call(
                scope,
                () -> {
                  task.run();
                  return null;
                });
  }

  /** Only whoever claimed the wake-up, of a loop that slept then and so had its driver. */
  private void wake() {
    telemetry.wakeUpSent();
    var caller = current();
    if (caller != null && caller.inLoop() && driver.wakeUpByMessage(caller.driver)) {
      telemetry.wakeUpWasMessage();
    } else {
      driver.wakeUp();
    }
  }

  /**
   * Runs a task on the loop later. Any thread.
   *
   * <p>Times are by the monotonic clock ({@link System#nanoTime}): setting the system's time moves no timer. A task never
   * runs early, and late only by what the loop has to do first and by what the system takes to wake it; the NIO driver,
   * whose selector counts milliseconds, adds up to one. Tasks run in the order of their times, those of the same time in
   * the order in which the loop was given them.
   *
   * <p>Starting and cancelling cost the same however many are pending, and allocate only the handle. What is not due when
   * the loop begins to end is dropped: its handle is then cancelled.
   *
   * @param delay how much later; zero or less is as soon as possible, but never inside this call. Delays beyond 292 years
   *     are cut to that
   * @param task must not block; what it throws goes to the runtime's exception handler
   * @return the handle, with which any thread may cancel it
   * @throws ShutdownChannelGroupException when the loop has ended
   */
  public ScheduledTask schedule(Duration delay, Runnable task) {
    return scheduleNanos(TimeUnit.NANOSECONDS.convert(delay), task);
  }

  /**
   * Runs a task on the loop later, as {@link #schedule} does.
   *
   * @param delayNanos how much later, in nanoseconds
   * @param task must not block
   * @return the handle
   * @throws ShutdownChannelGroupException when the loop has ended
   */
  public ScheduledTask scheduleNanos(long delayNanos, Runnable task) {
    return schedule(new TimedTask(this, delayNanos, 0, task));
  }

  /**
   * Runs a task on the loop later and then again at a fixed rate: after the initial delay, one period more, two more,
   * until it is cancelled or the loop begins to end. Otherwise as {@link #schedule}.
   *
   * <p>Runs that the loop was too busy for do not come in a burst: the task runs once, late, and then at the next time of
   * the same grid that is still to come. One that throws is reported to the runtime's exception handler <em>and goes
   * on</em>, unlike one of a {@link java.util.concurrent.ScheduledExecutorService}, which ends silently.
   *
   * @param initialDelay how much later the first run is
   * @param period from the time of one run to that of the next, at least 1 ns
   * @param task must not block
   * @return the handle
   * @throws IllegalArgumentException when the period is zero or less
   * @throws ShutdownChannelGroupException when the loop has ended
   */
  public ScheduledTask scheduleAtFixedRate(Duration initialDelay, Duration period, Runnable task) {
    return schedule(
        new TimedTask(this, TimeUnit.NANOSECONDS.convert(initialDelay), periodNanos(period), task));
  }

  /**
   * Runs a task on the loop later and then again and again, with the same delay from the end of one run to the next.
   * Otherwise as {@link #scheduleAtFixedRate}.
   *
   * @param initialDelay how much later the first run is
   * @param delay from the end of one run to the next, at least 1 ns
   * @param task must not block
   * @return the handle
   * @throws IllegalArgumentException when the delay is zero or less
   * @throws ShutdownChannelGroupException when the loop has ended
   */
  public ScheduledTask scheduleWithFixedDelay(
      Duration initialDelay, Duration delay, Runnable task) {
    return schedule(
        new TimedTask(this, TimeUnit.NANOSECONDS.convert(initialDelay), -periodNanos(delay), task));
  }

  private static long periodNanos(Duration period) {
    if (!period.isPositive()) {
      throw new IllegalArgumentException("a task cannot run again every " + period);
    }
    return TimeUnit.NANOSECONDS.convert(period);
  }

  private ScheduledTask schedule(TimedTask task) {
    if (inLoop()) {
      start(task);
    } else {
      execute(task);
    }
    return task;
  }

  /** The loop's thread only. */
  void timerRuns() {
    counters.add(Counter.TIMERS, 1);
  }

  /** The loop's thread only. */
  void start(TimedTask task) {
    if (inbox.state() == State.RUNNING) {
      timers.scheduleAt(task, task.deadlineNanos());
    } else {
      task.dropped();
    }
  }

  /** Has the wheel forget a task that was cancelled. Any thread. */
  void forget(TimedTask task) {
    if (inLoop()) {
      timers.cancel(task);
    } else if (inbox.state() != State.TERMINATED) {
      inbox.addQuietly(task); // a loop that sleeps may do so: the handle holds nothing any more
    }
  }

  /**
   * For those who build on the SPI: this loop's timers, on which to put deadlines that allocate nothing. Confined to the
   * loop's thread. Nothing expires once the loop has begun to end; what is pending then is dropped.
   *
   * @return the wheel that bounds this loop's waits
   */
  public TimerWheel timers() {
    return timers;
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

  /**
   * A descriptor of the user's own, such as an eventfd, a pipe or a socket of a native library, to be polled on this
   * loop. It stays the user's and is never closed here. io_uring only: on the NIO driver polls of it fail with an {@link
   * UnsupportedOperationException}.
   *
   * @param fd its number, which must stay open while it is polled
   * @return a source that any thread may poll
   * @throws IllegalArgumentException for a negative number
   */
  public PollSource source(int fd) {
    return PollSource.of(this, fd);
  }

  /**
   * A channel of java.nio to be polled on this loop. It stays the user's, but is registered with the loop's selector
   * from the first poll until it is closed, and so must be non-blocking. NIO only: java.nio does not tell the number that
   * io_uring would need, so on that driver polls of it fail with an {@link UnsupportedOperationException}.
   *
   * @param channel the channel
   * @return a source that any thread may poll
   */
  public PollSource source(SelectableChannel channel) {
    return PollSource.of(this, channel);
  }

  /**
   * For experts: an operation of io_uring that Gyre has no method for. On other drivers it fails with an {@link
   * UnsupportedOperationException}. Any thread.
   *
   * @param operation what to do
   * @param attachment given to the handler
   * @param handler called on the loop's thread
   * @param <A> the attachment's type
   * @return what cancels it
   * @throws IllegalStateException when its pooled buffer was released
   * @throws ShutdownChannelGroupException when the loop has ended
   */
  public <A> Registration submitRaw(
      RawOperation operation, A attachment, RawHandler<? super A> handler) {
    return chain().then(operation, attachment, handler).submit();
  }

  /**
   * For experts: begins a chain of raw operations, of which each starts when the one before it has succeeded.
   *
   * @return an empty chain
   */
  public OperationChain chain() {
    return new OperationChain(this);
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
    if (inbox.stop()) {
      wake();
    }
  }

  private void run() {
    Driver opened;
    try {
      opened = provider.open(config, dispatcher);
    } catch (Throwable t) {
      inbox.terminate();
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
      while (inbox.isRunning()) {
        someTurns(opened);
      }
      drained = drain(opened);
    } catch (Throwable t) {
      logAnyhow("{} cannot go on: every operation on it fails", t);
      attempt(() -> dispatcher.failAll(t));
      started.completeExceptionally(t);
    } finally {
      terminate(opened, drained);
    }
  }

  /** A part of the loop's end. What ended the loop, such as a lack of memory, may well hit that too: not all the rest. */
  private void attempt(Runnable part) {
    try {
      part.run();
    } catch (Throwable t) {
      logAnyhow("a part of the end of {} failed", t);
    }
  }

  /**
   * Called over and over, and so compiled as soon as what it calls. A loop that turns in a method which is called once is
   * interpreted for its first 60,000 turns, and compiled by the way at some later time: when somebody measures.
   */
  private void someTurns(Driver d) throws IOException {
    for (int i = 0; i < TURNS_A_CALL && inbox.isRunning(); i++) {
      turn(d);
    }
  }

  private void turn(Driver d) throws IOException {
    telemetry.beginTurn(dispatcher.inFlight());
    runTasks(TASKS_PER_TURN);
    dispatcher.resolveDeferred();
    // The last before the wait, which is to end when the first is due: handlers above may add some.
    long timeoutNanos = timers.advance(TIMERS_PER_TURN);
    if (!inbox.isEmpty() || dispatcher.hasDeferred()) {
      timeoutNanos = 0;
    }
    if (spinNanos != 0 && timeoutNanos != 0) {
      timeoutNanos = spin(d, timeoutNanos);
      if (timeoutNanos == 0) {
        return;
      }
    }
    d.turn(timeoutNanos, OUTCOMES_PER_TURN);
  }

  /**
   * A turn that does not wait, and if nothing came of it looks for something to do, until there is something or for as
   * long as the strategy says. It does not sleep meanwhile, so nobody has to wake it: what others leave, it looks for.
   *
   * @return for how long to sleep; 0 not at all, since there is something for the next turn
   */
  private long spin(Driver d, long timeoutNanos) throws IOException {
    long begin = System.nanoTime();
    if (d.turn(0, OUTCOMES_PER_TURN) > 0) {
      return 0;
    }
    boolean found = hasWork(d);
    if (found) {
      return 0;
    }
    long limit = timeoutNanos < 0 ? spinNanos : Math.min(spinNanos, timeoutNanos);
    long spun = 0;
    telemetry.beginSpin();
    while (!found && spun < limit) {
      Thread.onSpinWait();
      found = hasWork(d);
      spun = System.nanoTime() - begin;
    }
    boolean paidOff = found || (timeoutNanos > 0 && spun >= timeoutNanos);
    telemetry.endSpin(paidOff);
    if (paidOff) {
      return 0;
    }
    return timeoutNanos < 0 ? timeoutNanos : timeoutNanos - spun;
  }

  private boolean hasWork(Driver d) throws IOException {
    return !inbox.isEmpty() || !inbox.isRunning() || d.poll();
  }

  private void runTasks(int limit) {
    for (int i = 0; i < limit; i++) {
      var task = inbox.poll();
      if (task == null) {
        return;
      }
      counters.add(Counter.TASKS, 1);
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

  /** Cancels and reaps until nothing is in flight, or until the deadline. */
  private boolean drain(Driver d) throws IOException {
    long deadline = System.nanoTime() + shutdownTimeoutNanos;
    inbox.draining();
    timers.clear();
    runTasks(inbox.size());
    dispatcher.stop();
    // Not for as long as tasks come: what comes later runs at the very end.
    while (dispatcher.inFlight() > 0 || dispatcher.hasOpen()) {
      telemetry.beginTurn(dispatcher.inFlight());
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
        d.turn(busy ? 0 : remaining, OUTCOMES_PER_TURN);
      }
    }
    // What they start is refused, and told at the very end. That goes for sockets, too, which are
    // opened at once: nobody would close them any more.
    dispatcher.detach();
    runTasks(inbox.size());
    return true;
  }

  private void terminate(Driver d, boolean drained) {
    // Held to the end: who leaves a task from now on runs it, but not beside this.
    synchronized (lateTasksLock) {
      terminateLocked(d, drained);
    }
  }

  private void terminateLocked(Driver d, boolean drained) {
    inbox.terminate();
    attempt(timers::clear);
    if (!drained) {
      attempt(() -> dispatcher.failAll(new ShutdownChannelGroupException()));
    }
    attempt(this::tellRefused);
    attempt(buffers::close);
    dispatcher.detach();
    attempt(() -> d.close(drained));
    // Tells what there is to tell of the last turn.
    attempt(() -> telemetry.beginTurn(dispatcher.inFlight()));
    // First, since a late task may wait for it.
    attempt(() -> terminated.complete(null));
    drainAfterTermination();
  }

  /** Handlers may have answered their end with new operations, which are refused; but not for ever. */
  private void tellRefused() {
    for (int i = 0; i < LAST_TURNS && dispatcher.hasDeferred(); i++) {
      dispatcher.resolveDeferred();
    }
  }

  /**
   * What came too late runs all the same: its operations are refused, and their handlers told so.
   */
  private void drainAfterTermination() {
    synchronized (lateTasksLock) {
      setOwner(Thread.currentThread());
      for (var task = inbox.poll(); task != null; task = inbox.poll()) {
        runTask(task);
        tellRefused();
      }
      setOwner(null);
    }
  }

  private void handlerThrew(Throwable t) {
    counters.add(Counter.EXCEPTIONS, 1);
    try {
      exceptionHandler.accept(t);
    } catch (Throwable second) {
      logAnyhow("the exception handler of {} was given this, and threw", t);
      logAnyhow("the exception handler of {} threw", second);
    }
  }

  /** Logs, if there is the memory for it: who is told after this must be. */
  private void logAnyhow(String message, Throwable t) {
    try {
      LOG.error(message, thread.getName(), t);
    } catch (Throwable _) { // there is nobody left to tell
    }
  }

  @Override
  public String toString() {
    return thread.getName() + " (" + inbox.state() + ")";
  }
}
