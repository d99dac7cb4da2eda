package io.gyre.nio;

import io.gyre.driver.BlockingPool;
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
                  "blocking calls on at most " + BlockingPool.configuredThreads() + " threads"),
              new Feature(
                  "multishot-accept", Status.EMULATED, "accepts whenever the selector says so"),
              new Feature(
                  "multishot-receive", Status.EMULATED, "reads whenever the selector says so"),
              new Feature(
                  "multishot-receive-message",
                  Status.EMULATED,
                  "receives whenever the selector says so"),
              new Feature("udp-segment", Status.EMULATED, "each segment is a send of its own"),
              new Feature("udp-gro", Status.ABSENT, "each datagram comes by itself"),
              new Feature("buffer-ring", Status.EMULATED, "chosen when there is something to read"),
              new Feature(
                  "cancellation", Status.EMULATED, "file work that has begun runs to its end"),
              new Feature(
                  "O_DIRECT",
                  Status.USED,
                  "offset, length and memory must be multiples of the file system's block size"),
              new Feature(
                  "vectored reads and writes", Status.EMULATED, "one buffer after the other"),
              new Feature("RWF_DSYNC, RWF_SYNC", Status.EMULATED, "fsync(2) after the write"),
              new Feature(
                  "RWF_APPEND",
                  Status.EMULATED,
                  "in one step for those who use the same AsyncFile, not for others"),
              new Feature("RWF_NOWAIT, RWF_ATOMIC", Status.ABSENT, "java.nio has no means"),
              new Feature(
                  "RWF_DONTCACHE, posix_fadvise", Status.EMULATED, "hints that change nothing"),
              new Feature(
                  "fallocate",
                  Status.EMULATED,
                  "lengthens and writes zeros; reserves no space and makes no holes"),
              new Feature("sync_file_range", Status.EMULATED, "fdatasync(2) of the whole file"),
              new Feature(
                  "file locks",
                  Status.EMULATED,
                  "of the process, not of the open file; by polling"),
              new Feature("copy_file_range, splice", Status.EMULATED, "reads and writes"),
              new Feature("SEEK_HOLE, SEEK_DATA", Status.EMULATED, "all is data"),
              new Feature(
                  "pipes as files",
                  Status.EMULATED,
                  "a read that waits keeps writes of the same AsyncFile waiting"),
              new Feature(
                  "paths relative to a directory",
                  Status.EMULATED,
                  "to the path by which it was opened"),
              new Feature(
                  "attributes of an open file", Status.EMULATED, "by the path, if it still is its"),
              new Feature(
                  "RENAME_NOREPLACE", Status.EMULATED, "looks before, in a step of its own"),
              new Feature("RENAME_EXCHANGE", Status.ABSENT, "java.nio has no means"),
              new Feature("O_TMPFILE", Status.EMULATED, "its name is removed once it is open"),
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
    var pool = BlockingPool.acquireShared();
    try {
      return new NioDriver(config, dispatcher, pool);
    } catch (IOException | RuntimeException | Error e) {
      pool.release(false);
      throw e;
    }
  }
}
