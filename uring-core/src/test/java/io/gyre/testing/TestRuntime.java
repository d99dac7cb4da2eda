package io.gyre.testing;

import io.gyre.EventLoop;
import io.gyre.IoRuntime;
import io.gyre.Runtimes;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.DriverProvider;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.UnaryOperator;

/**
 * Starts runtimes in one {@link DriverConfiguration}, and is the oracle: when the test has ended,
 * JUnit closes this, and that fails unless everything is where it was before: descriptors, ring
 * memory, threads, pooled buffers; and unless no handler threw that was not meant to.
 */
public final class TestRuntime implements AutoCloseable {
  private final DriverConfiguration configuration;
  private final List<IoRuntime> runtimes = new ArrayList<>();
  private final Deque<Closeable> resources = new ArrayDeque<>();
  private final Queue<Throwable> thrown = new ConcurrentLinkedQueue<>();
  private List<String> heldBefore;
  private boolean throwingExpected;
  private boolean leavesSomething;

  /** For programs that are not run by JUnit; who makes one closes it. */
  public TestRuntime(DriverConfiguration configuration) {
    this.configuration = configuration;
  }

  /** Starts a runtime of one loop. */
  public IoRuntime start() throws IOException {
    return start(builder -> builder);
  }

  /** Starts a runtime with other options than the configuration's. */
  public IoRuntime start(UnaryOperator<IoRuntime.Builder> options) throws IOException {
    noteWhatIsHeld();
    var builder =
        IoRuntime.builder()
            .driver(configuration.driver())
            .bufferPoolBytes(4L << 20)
            .exceptionHandler(thrown::add);
    configuration.apply(builder);
    var runtime = options.apply(builder).start();
    runtimes.add(runtime);
    return runtime;
  }

  /**
   * Starts a runtime on a driver of the test's own, which closes the runtime, and whose affair it is
   * what that leaves behind on purpose.
   */
  public IoRuntime startOn(DriverProvider provider, UnaryOperator<IoRuntime.Builder> options)
      throws IOException {
    leavesSomething = true;
    var builder = IoRuntime.builder().bufferPoolBytes(1 << 20).exceptionHandler(thrown::add);
    configuration.apply(builder);
    return Runtimes.start(options.apply(builder), provider);
  }

  private void noteWhatIsHeld() {
    if (heldBefore == null) {
      heldBefore = Leftovers.now();
    }
  }

  /** Which configuration this is. */
  public DriverConfiguration configuration() {
    return configuration;
  }

  /** Whether the driver is io_uring. */
  public boolean isUring() {
    return configuration.driver().equals("uring");
  }

  /** Has something closed before the runtimes are, the latest first. */
  public <T extends Closeable> T own(T resource) {
    noteWhatIsHeld();
    resources.push(resource);
    return resource;
  }

  /** Says that handlers will throw; gives what they throw, as it comes. */
  public Queue<Throwable> expectThrown() {
    throwingExpected = true;
    return thrown;
  }

  /** What is held now beyond what was held when the first runtime was started, ring and all. */
  public List<String> heldSinceStart() {
    return Leftovers.since(heldBefore);
  }

  /** Closes a runtime and waits for that. */
  public void closeAndWait(IoRuntime runtime) {
    Waits.get(runtime.closeAsync(), "the end of " + runtime);
  }

  @Override
  public void close() throws IOException {
    closeResources();
    for (var runtime : runtimes) {
      closeAndWait(runtime);
    }
    for (var runtime : runtimes) {
      runtime.loops().forEach(this::checkLoop);
    }
    if (heldBefore != null && !leavesSomething) {
      Waits.until(
          () -> "descriptors and ring memory given back; left are " + Leftovers.since(heldBefore),
          () -> Leftovers.since(heldBefore).isEmpty());
    }
    if (!throwingExpected && !thrown.isEmpty()) {
      var failure = new AssertionError("handlers or tasks threw: " + thrown);
      thrown.forEach(failure::addSuppressed);
      throw failure;
    }
  }

  private void closeResources() throws IOException {
    while (!resources.isEmpty()) {
      resources.pop().close();
    }
  }

  private void checkLoop(EventLoop loop) {
    Waits.join(loop.thread());
    long stale = loop.counters().get(Counter.STALE);
    if (stale != 0) {
      throw new AssertionError(loop + " dropped " + stale + " stale outcomes");
    }
    long leased = loop.buffers().lentBytes();
    if (leased != 0) {
      throw new AssertionError(loop.buffers() + ": " + leased + " bytes are still lent");
    }
  }

  @Override
  public String toString() {
    return configuration.name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
  }
}
