package io.gyre.driver;

import java.io.IOException;
import java.util.Set;

/** Finds out whether a kind of driver works here, and opens it. Found by {@link java.util.ServiceLoader}. */
public interface DriverProvider {
  /**
   * The name that configuration uses.
   *
   * @return {@code uring}, {@code nio} ...
   */
  String name();

  /**
   * Which provider is tried first.
   *
   * @return a number; the highest is tried first
   */
  int priority();

  /**
   * Tells whether the driver would work on this machine, by trying and not by guessing. Never throws and never crashes
   * the JVM.
   *
   * @return what was found
   */
  Availability probe();

  /**
   * Opens a driver. Called on the thread that will own it.
   *
   * @param config the sizes
   * @param dispatcher where outcomes go
   * @return an open driver
   * @throws IOException when the system refuses, with the reason and the remedy in the message
   */
  Driver open(DriverConfig config, OperationDispatcher dispatcher) throws IOException;

  /**
   * The features that the driver can do without when configuration asks for that.
   *
   * @return their names, as {@link Capabilities} has them
   */
  default Set<String> optionalFeatures() {
    return Set.of();
  }

  /**
   * Brings in the memory of a loop's pool. Any thread.
   *
   * @param bytes how much, a multiple of 1 MiB
   * @param hugePages whether huge pages are wanted, where the driver knows how to get them
   * @return memory of other pages when there are no huge ones
   * @throws OutOfMemoryError when there is none at all
   */
  default PoolMemory poolMemory(long bytes, boolean hugePages) {
    return PoolMemory.plain(bytes);
  }

  /**
   * What a probe found.
   *
   * @param available whether the driver works here
   * @param reason why not, or what speaks for it: one clause without a full stop
   * @param remedy what to do about it; empty when available
   * @param capabilities what was found; may be empty when not available
   */
  record Availability(boolean available, String reason, String remedy, Capabilities capabilities) {}
}
