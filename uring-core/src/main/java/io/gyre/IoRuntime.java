package io.gyre;

import io.gyre.driver.BlockingPool;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.DriverProvider;
import io.gyre.driver.FeatureNames;
import io.gyre.driver.LoopFuture;
import io.gyre.telemetry.FlightEvents;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A set of {@link EventLoop}s on one driver: io_uring where the kernel has it and allows it, NIO elsewhere.
 *
 * <p>{@link #close()} cancels what is in flight, waits for it, closes every file and socket, and ends the threads.
 */
public final class IoRuntime implements AutoCloseable {
  /** System property that chooses the driver when {@link Builder#driver} does not: {@code auto}, {@code uring}, {@code nio}. */
  public static final String DRIVER_PROPERTY = "gyre.driver";

  /** System property that names features of the kernel not to be used, separated by commas, as {@link Builder#disable} does. */
  public static final String DISABLE_PROPERTY = "gyre.disable";

  private static final Logger LOG = LoggerFactory.getLogger(IoRuntime.class);

  private final List<EventLoop> loops;
  private final String driverName;
  private final BlockingPool blocking;
  private final int blockingQueue;
  private final Duration shutdownTimeout;
  private final AtomicInteger next = new AtomicInteger();

  private IoRuntime(Builder options, DriverProvider provider) throws IOException {
    this.driverName = provider.name();
    this.blocking = new BlockingPool("gyre-" + driverName + "-blocking", options.blockingThreads);
    this.blockingQueue = options.blockingQueue;
    this.shutdownTimeout = options.shutdownTimeout;
    var made = new ArrayList<EventLoop>();
    for (int i = 0; i < options.scheduler.loops(); i++) {
      made.add(new EventLoop(this, i, provider, options));
    }
    this.loops = List.copyOf(made);
    FlightEvents.register();
    loops.forEach(EventLoop::start);
    try {
      for (var loop : loops) {
        await(loop.started());
      }
      if (!options.stallThreshold.isZero()) {
        watch(options.stallThreshold);
      }
    } catch (IOException | RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /** Starts a watchdog that ends with the last loop. */
  private void watch(Duration threshold) {
    var watchdog = new StallWatchdog("gyre-" + driverName + "-watchdog", loops, threshold);
    watchdog.start();
    var _ = allTerminated().thenRun(watchdog::stop);
  }

  /**
   * Begins to describe a runtime.
   *
   * @return a builder with defaults that suit most programs
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * What each driver on the class or module path says of this machine, the preferred one first.
   *
   * @return one line a driver
   */
  public static List<DriverReport> probeDrivers() {
    return providers().stream().map(p -> new DriverReport(p.name(), p.probe())).toList();
  }

  /**
   * What a driver says of this machine.
   *
   * @param name the driver's name
   * @param availability whether it works here, and if not, why and what to do
   */
  public record DriverReport(String name, DriverProvider.Availability availability) {}

  /**
   * The driver in use.
   *
   * @return {@code uring} or {@code nio}
   */
  public String driverName() {
    return driverName;
  }

  /**
   * All loops.
   *
   * @return an unmodifiable list, in the order of their indexes
   */
  public List<EventLoop> loops() {
    return loops;
  }

  /**
   * What the loops have done so far, and how they stand. Any thread, also after the runtime's end.
   *
   * @return a snapshot of each loop, and their sum
   */
  public RuntimeStats stats() {
    return RuntimeStats.of(loops.stream().map(EventLoop::stats).toList());
  }

  /**
   * The loop for something new: the caller's own if it is one of this runtime's, else each in turn.
   *
   * @return a loop
   */
  public EventLoop loop() {
    var current = EventLoop.current();
    if (current != null && current.runtime() == this) {
      return current;
    }
    return loops.get(Math.floorMod(next.getAndIncrement(), loops.size()));
  }

  /**
   * Runs a task that has to block (a lookup of a name, a call into somebody else's library) on a thread where that harms
   * no loop. There are {@linkplain Builder#blocking so many} threads, named {@code gyre-DRIVER-blocking-N}; what they
   * have no time for waits in order.
   *
   * <p>The future completes on the loop that this was called on, so that what depends on it runs there; asked from any
   * other thread, on the thread that ran the task. Cancelling it keeps a task that was not begun from running; one that
   * was runs to its end, its result is dropped, and closed if it is an {@link AutoCloseable}. The runtime's end drops
   * what was not begun, interrupts what was, and waits for it up to the {@linkplain Builder#shutdownTimeout deadline}.
   *
   * @param task may block, and wait for operations of this runtime
   * @param <T> the result's type
   * @return completes with the task's result, or with what it threw
   * @throws RejectedExecutionException when all threads are busy and the queue is full, or the runtime has ended
   */
  public <T> CompletableFuture<T> blocking(Callable<? extends T> task) {
    var current = EventLoop.current();
    var call =
        new BlockingCall<T>(task, current != null && current.runtime() == this ? current : null);
    blocking.execute(call, blockingQueue);
    return call;
  }

  private void endBlocking() {
    for (var task : blocking.closeNow()) {
      ((BlockingCall<?>) task).drop();
    }
  }

  /**
   * Ends the runtime: no new operation is taken, those in flight are cancelled and waited for, files and sockets are
   * closed, threads end. What the kernel does not give back before the {@linkplain Builder#shutdownTimeout deadline} is
   * logged, and its memory kept for ever. Closing twice is harmless. On a loop's thread, and in a task of {@link #blocking},
   * this only begins the shutdown.
   */
  @Override
  public void close() {
    boolean mayWait = EventLoop.current() == null && !blocking.isOnThread();
    var done = closeAsync();
    if (mayWait) {
      done.join();
    }
  }

  /**
   * Begins to end the runtime, as {@link #close()} does.
   *
   * @return completes when all threads are about to end
   */
  public CompletableFuture<Void> closeAsync() {
    loops.forEach(EventLoop::stop);
    endBlocking();
    // A task that does not heed its interrupt must not keep the runtime from ending.
    var noMoreTasks =
        blocking
            .terminated()
            .copy()
            .orTimeout(TimeUnit.NANOSECONDS.convert(shutdownTimeout), TimeUnit.NANOSECONDS)
            .exceptionally(
                late -> {
                  LOG.warn(
                      "{} ends while blocking tasks go on that do not heed their interrupt", this);
                  return null;
                });
    return LoopFuture.<Void>completed(null)
        .thenCompose(_ -> CompletableFuture.allOf(allTerminated(), noMoreTasks));
  }

  private CompletableFuture<Void> allTerminated() {
    return CompletableFuture.allOf(
        loops.stream().map(EventLoop::terminated).toArray(CompletableFuture<?>[]::new));
  }

  @Override
  public String toString() {
    return "runtime on " + driverName + ", " + loops.size() + " loops";
  }

  private static List<DriverProvider> providers() {
    return ServiceLoader.load(DriverProvider.class, DriverProvider.class.getClassLoader()).stream()
        .map(ServiceLoader.Provider::get)
        .sorted(Comparator.comparingInt(DriverProvider::priority).reversed())
        .toList();
  }

  private static void await(CompletableFuture<Void> future) throws IOException {
    try {
      future.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw (IOException)
          new InterruptedIOException("interrupted while the runtime was starting").initCause(e);
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException io -> throw io;
        case RuntimeException r -> throw r;
        case Error error -> throw error;
        case Throwable t -> throw new IOException("the runtime could not start", t);
      }
    }
  }

  /** Describes a runtime. Not thread-safe. */
  public static final class Builder {
    private String driver = System.getProperty(DRIVER_PROPERTY, "auto");
    private Scheduler scheduler = Scheduler.singleThreaded();
    private int ringEntries = 256;
    private int completionEntries = 4096;
    private int receiveBufferCount = 1024;
    private int receiveBufferBytes = 4096;
    private int fixedFiles = 16_384;
    private final Set<String> disabled = new TreeSet<>();
    private long bufferPoolBytes = 16L << 20;
    private int blockingThreads = 32;
    private int blockingQueue = 4096;
    private boolean hugePages;
    private LeakDetection leakDetection = LeakDetection.configured();
    private IntFunction<WaitStrategy> waitStrategy = loop -> WaitStrategy.park();
    private Duration shutdownTimeout = Duration.ofSeconds(10);
    private Duration stallThreshold = Duration.ofMillis(500);
    private Consumer<Throwable> exceptionHandler =
        t -> LOG.error("a handler or task threw; the loop goes on", t);

    private Builder() {
      try {
        disable(System.getProperty(DISABLE_PROPERTY, "").split(",", -1));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(DISABLE_PROPERTY + ": " + e.getMessage(), e);
      }
    }

    /**
     * Which driver: {@code auto} takes the best that works here, {@code uring} and {@code nio} require that one. The
     * default is the system property {@value IoRuntime#DRIVER_PROPERTY}, else {@code auto}.
     *
     * @param name {@code auto}, or a driver's name
     * @return this
     */
    public Builder driver(String name) {
      this.driver = Objects.requireNonNull(name, "driver").toLowerCase(Locale.ROOT);
      return this;
    }

    /**
     * How many loops. The default is one.
     *
     * @param value a scheduler
     * @return this
     */
    public Builder scheduler(Scheduler value) {
      this.scheduler = Objects.requireNonNull(value, "scheduler");
      return this;
    }

    /**
     * Size of each loop's submission queue, a power of two from 2 to 32768; 256 by default. More operations than that
     * may be in flight: it bounds how many start with one call into the kernel.
     *
     * @param value entries
     * @return this
     */
    public Builder ringEntries(int value) {
      this.ringEntries = value;
      return this;
    }

    /**
     * Size of each loop's completion queue, a power of two, at least {@link #ringEntries}; 4096 by default. It bounds
     * how many operations the kernel has at a time; more wait their turn.
     *
     * @param value entries
     * @return this
     */
    public Builder completionEntries(int value) {
      this.completionEntries = value;
      return this;
    }

    /**
     * The buffers of each loop that its sockets receive into; 1024 of 4096 bytes by default. They bound how much
     * received data handlers may hold on to; at the bound, receiving pauses.
     *
     * @param count a power of two from 2 to 32768
     * @param bytes size of each, 64 to 16777216
     * @return this
     */
    public Builder receiveBuffers(int count, int bytes) {
      this.receiveBufferCount = count;
      this.receiveBufferBytes = bytes;
      return this;
    }

    /**
     * How many descriptors of each loop may be registered with the kernel; 16384 by default, fewer where the limit of
     * open files is lower. Those beyond it work as well, a little slower.
     *
     * @param value 0 to 1048576
     * @return this
     */
    public Builder fixedFiles(int value) {
      this.fixedFiles = value;
      return this;
    }

    /**
     * Switches features of the kernel off, in addition to those that the system property {@value
     * IoRuntime#DISABLE_PROPERTY} names: where a kernel has one that is broken, or to test without. What is visible stays
     * the same; {@link EventLoop#capabilities} and {@code ./gyre doctor} list the names. On NIO they mean nothing.
     *
     * @param features names such as {@code multishot-receive}; empty ones don't count
     * @return this
     * @throws IllegalArgumentException for a name that is none: the message lists those that are
     */
    public Builder disable(String... features) {
      var known = new TreeSet<String>();
      providers().forEach(p -> known.addAll(p.optionalFeatures()));
      var names = FeatureNames.in(String.join(",", features));
      for (var name : names) {
        if (!known.contains(name)) {
          throw new IllegalArgumentException(
              "no feature named \""
                  + name
                  + "\" that could be switched off; there are "
                  + String.join(", ", known));
        }
      }
      disabled.addAll(names);
      return this;
    }

    /**
     * Size of each loop's {@link BufferPool}; 16 MiB by default.
     *
     * @param value bytes, 1 MiB to 1 GiB, a multiple of 1 MiB
     * @return this
     */
    public Builder bufferPoolBytes(long value) {
      if (value < 1 << 20 || value > 1 << 30 || value % (1 << 20) != 0) {
        throw new IllegalArgumentException(
            "bufferPoolBytes must be a multiple of 1 MiB from 1 MiB to 1 GiB: " + value);
      }
      this.bufferPoolBytes = value;
      return this;
    }

    /**
     * The bounds of {@link IoRuntime#blocking}: 32 threads and 4096 waiting tasks by default. Threads are started when
     * they are needed, and end after five idle seconds.
     *
     * @param threads how many tasks may run at a time, 1 to 4096
     * @param waiting how many more may wait for a thread before the next is refused, not negative
     * @return this
     */
    public Builder blocking(int threads, int waiting) {
      if (threads < 1 || threads > 4096 || waiting < 0) {
        throw new IllegalArgumentException(
            "blocking needs 1 to 4096 threads and a queue that is not negative: "
                + threads
                + ", "
                + waiting);
      }
      this.blockingThreads = threads;
      this.blockingQueue = waiting;
      return this;
    }

    /**
     * Whether the pools shall be of huge pages: those that the administrator reserved, else transparent ones, else usual
     * ones, as {@link BufferPool#pages()} tells. Usual pages by default, and always on NIO.
     *
     * @param value true to ask for them
     * @return this
     */
    public Builder hugePages(boolean value) {
      this.hugePages = value;
      return this;
    }

    /**
     * How many leases of buffers are watched. The default is the system property {@value LeakDetection#PROPERTY}, else
     * {@link LeakDetection#OFF}.
     *
     * @param value none, some or all
     * @return this
     */
    public Builder leakDetection(LeakDetection value) {
      this.leakDetection = Objects.requireNonNull(value, "leakDetection");
      return this;
    }

    /**
     * What each loop does when there is nothing to do; {@link WaitStrategy#park()} by default.
     *
     * @param value for all loops
     * @return this
     */
    public Builder waitStrategy(WaitStrategy value) {
      Objects.requireNonNull(value, "waitStrategy");
      return waitStrategy(loop -> value);
    }

    /**
     * What each loop does when there is nothing to do, loop by loop.
     *
     * @param byLoop called by {@link #start()} with each loop's index, from 0, perhaps more than once; must not return
     *     null
     * @return this
     */
    public Builder waitStrategy(IntFunction<WaitStrategy> byLoop) {
      this.waitStrategy = Objects.requireNonNull(byLoop, "waitStrategy");
      return this;
    }

    /**
     * How long {@link IoRuntime#close()} waits for the kernel; 10 seconds by default.
     *
     * @param value not negative
     * @return this
     */
    public Builder shutdownTimeout(Duration value) {
      if (value.isNegative()) {
        throw new IllegalArgumentException("shutdownTimeout must not be negative: " + value);
      }
      this.shutdownTimeout = value;
      return this;
    }

    /**
     * How long a loop may be busy with one turn's handlers and tasks before it is reported, once, while it lasts: one
     * log line with its stack, and the Flight Recorder event {@code io.gyre.Stall}. 500 milliseconds by default. A
     * thread of the runtime looks for that a few times in this time; the loops are not slowed down.
     *
     * @param value at least a millisecond; zero to look for nothing
     * @return this
     */
    public Builder stallThreshold(Duration value) {
      if (!value.isZero() && value.compareTo(Duration.ofMillis(1)) < 0) {
        throw new IllegalArgumentException(
            "stallThreshold must be zero or at least a millisecond: " + value);
      }
      this.stallThreshold = value;
      return this;
    }

    /**
     * Takes what handlers and tasks throw. By default it is logged. Called on the loop's thread.
     *
     * @param value the handler
     * @return this
     */
    public Builder exceptionHandler(Consumer<Throwable> value) {
      this.exceptionHandler = Objects.requireNonNull(value, "exceptionHandler");
      return this;
    }

    /**
     * Starts the threads and opens the drivers.
     *
     * @return a running runtime
     * @throws IOException when no driver works here, or the required one does not: the message says why and what to do
     * @throws IllegalArgumentException for a driver that does not exist, or sizes out of range
     */
    public IoRuntime start() throws IOException {
      driverConfig(0); // out-of-range sizes are the caller's error on every driver
      var all = providers();
      var names = all.stream().map(DriverProvider::name).toList();
      if (driver.equals("auto")) {
        return startBest(all);
      }
      for (var provider : all) {
        if (provider.name().equals(driver)) {
          var found = provider.probe();
          if (!found.available()) {
            throw new IOException(
                "driver "
                    + driver
                    + " was required but can't be used: "
                    + found.reason()
                    + (found.remedy().isEmpty() ? "" : "; " + found.remedy()));
          }
          var runtime = new IoRuntime(this, provider);
          LOG.info("driver={} loops={}: required by configuration", driver, scheduler.loops());
          return runtime;
        }
      }
      throw new IllegalArgumentException(
          "no driver named "
              + driver
              + " among "
              + names
              + "; is its jar on the class or module path?");
    }

    /** The same on a driver of the caller's own: for tests. */
    IoRuntime start(DriverProvider provider) throws IOException {
      return new IoRuntime(this, provider);
    }

    private IoRuntime startBest(List<DriverProvider> all) throws IOException {
      var refused = new StringBuilder();
      for (var provider : all) {
        var found = provider.probe();
        if (!found.available()) {
          refused
              .append(refused.isEmpty() ? "" : "; ")
              .append(provider.name())
              .append(": ")
              .append(found.reason());
          continue;
        }
        try {
          var runtime = new IoRuntime(this, provider);
          LOG.info(
              "driver={} loops={}: {}",
              provider.name(),
              scheduler.loops(),
              refused.isEmpty() ? found.reason() : "fell back, " + refused);
          return runtime;
        } catch (IOException e) {
          refused
              .append(refused.isEmpty() ? "" : "; ")
              .append(provider.name())
              .append(": ")
              .append(e.getMessage());
        }
      }
      throw new IOException(
          "no driver works here: "
              + (refused.isEmpty() ? "none is on the class or module path" : refused));
    }

    DriverConfig driverConfig(int loopIndex) {
      return new DriverConfig(
          loopIndex,
          ringEntries,
          completionEntries,
          receiveBufferCount,
          receiveBufferBytes,
          fixedFiles,
          disabled,
          waitStrategy(loopIndex));
    }

    long bufferPoolBytes() {
      return bufferPoolBytes;
    }

    boolean hugePages() {
      return hugePages;
    }

    LeakDetection leakDetection() {
      return leakDetection;
    }

    WaitStrategy waitStrategy(int loopIndex) {
      return Objects.requireNonNull(
          waitStrategy.apply(loopIndex), () -> "the wait strategy of loop " + loopIndex);
    }

    Duration shutdownTimeout() {
      return shutdownTimeout;
    }

    Consumer<Throwable> exceptionHandler() {
      return exceptionHandler;
    }
  }
}
