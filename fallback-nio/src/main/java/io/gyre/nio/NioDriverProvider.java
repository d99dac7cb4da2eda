package io.gyre.nio;

import io.gyre.driver.Capabilities;
import io.gyre.driver.Capabilities.Feature;
import io.gyre.driver.Capabilities.Status;
import io.gyre.driver.Driver;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.DriverProvider;
import io.gyre.driver.OperationDispatcher;
import java.io.IOException;
import java.util.List;

/** Offers the NIO driver, which works wherever Java does. */
public final class NioDriverProvider implements DriverProvider {
  private static final String NAME = "nio";

  static final Capabilities CAPABILITIES =
      new Capabilities(
          NAME,
          List.of(
              new Feature(
                  "asynchronous files",
                  Status.EMULATED,
                  "blocking calls on at most " + FilePool.configuredThreads() + " threads"),
              new Feature(
                  "multishot-accept", Status.EMULATED, "accepts whenever the selector says so"),
              new Feature(
                  "multishot-receive", Status.EMULATED, "reads whenever the selector says so"),
              new Feature("buffer-ring", Status.EMULATED, "chosen when there is something to read"),
              new Feature(
                  "cancellation", Status.EMULATED, "file work that has begun runs to its end"),
              new Feature(
                  "O_DIRECT",
                  Status.USED,
                  "offset, length and memory must be multiples of the file system's block size"),
              new Feature("poll on channels of java.nio", Status.USED, ""),
              new Feature(
                  "poll on any descriptor",
                  Status.ABSENT,
                  "sockets of the runtime and channels of java.nio only"),
              new Feature("raw operations", Status.ABSENT, ""),
              new Feature("registered-buffers", Status.ABSENT, ""),
              new Feature("registered-files", Status.ABSENT, ""),
              new Feature("zero-copy send", Status.ABSENT, ""),
              new Feature("sqpoll", Status.ABSENT, "")));

  /** For {@link java.util.ServiceLoader}. */
  public NioDriverProvider() {}

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public int priority() {
    return 0;
  }

  @Override
  public Availability probe() {
    return new Availability(true, "java.nio is part of every JDK", "", CAPABILITIES);
  }

  @Override
  public Driver open(DriverConfig config, OperationDispatcher dispatcher) throws IOException {
    var pool = FilePool.acquireShared();
    try {
      return new NioDriver(config, dispatcher, pool);
    } catch (IOException | RuntimeException | Error e) {
      pool.release(false);
      throw e;
    }
  }
}
