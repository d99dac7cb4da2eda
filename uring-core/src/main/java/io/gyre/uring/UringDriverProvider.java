package io.gyre.uring;

import io.gyre.IoRuntime;
import io.gyre.WaitStrategy;
import io.gyre.bindings.LiburingLibrary;
import io.gyre.driver.Capabilities;
import io.gyre.driver.Completion;
import io.gyre.driver.Driver;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.DriverProvider;
import io.gyre.driver.FeatureNames;
import io.gyre.driver.OpCode;
import io.gyre.driver.OperationDispatcher;
import io.gyre.driver.PoolMemory;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Finds out whether io_uring works here, and opens its driver. */
public final class UringDriverProvider implements DriverProvider {
  static final String NAME = "uring";

  private static final Capabilities NONE = new Capabilities(NAME, List.of());

  /** For {@link java.util.ServiceLoader}. */
  public UringDriverProvider() {}

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public int priority() {
    return 100;
  }

  @Override
  public Availability probe() {
    LiburingLibrary.Loaded library;
    try {
      library = LiburingLibrary.load();
    } catch (UnsatisfiedLinkError e) {
      return new Availability(false, e.getMessage(), "", NONE);
    }
    var outcome = new Availability[1];
    // On a thread of its own: a ring belongs to the thread that enables it, and the caller's may be
    // virtual.
    ProbeThread.run(() -> outcome[0] = probe(library));
    return outcome[0];
  }

  private static Availability probe(LiburingLibrary.Loaded library) {
    try {
      var dispatcher = new OperationDispatcher(t -> {});
      var disabled = FeatureNames.in(System.getProperty(IoRuntime.DISABLE_PROPERTY, ""));
      var config =
          new DriverConfig(0, 8, 16, 4, 256, 16, Set.copyOf(disabled), WaitStrategy.park());
      var driver = UringDriver.open(config, dispatcher);
      dispatcher.attach(driver);
      boolean answered;
      try {
        answered = answersNop(driver, dispatcher);
      } finally {
        driver.close(dispatcher.inFlight() == 0);
      }
      return answered
          ? new Availability(
              true,
              "io_uring works here, Linux "
                  + System.getProperty("os.version")
                  + ", liburing "
                  + library.version(),
              "",
              driver.capabilities())
          : new Availability(
              false,
              "the ring did not answer a NOP",
              "report this with the kernel's version",
              NONE);
    } catch (Ring.SetupException e) {
      var diagnosis = Diagnosis.ofSetup(e);
      return new Availability(false, diagnosis.reason(), diagnosis.remedy(), NONE);
    } catch (IOException | RuntimeException | LinkageError | OutOfMemoryError e) {
      return new Availability(false, String.valueOf(e.getMessage()), "", NONE);
    }
  }

  private static boolean answersNop(Driver driver, OperationDispatcher dispatcher)
      throws IOException {
    var results = new int[] {-1};
    Completion keep = (operation, result) -> results[0] = result;
    dispatcher.submit(dispatcher.acquire(OpCode.NOP, null, keep, null, null));
    for (int turn = 0; turn < 3 && results[0] != 0; turn++) {
      driver.turn(1_000_000_000, 16);
    }
    return results[0] == 0;
  }

  @Override
  public Set<String> optionalFeatures() {
    return Arrays.stream(KernelFeature.values())
        .map(KernelFeature::configurationName)
        .collect(Collectors.toUnmodifiableSet());
  }

  @Override
  public PoolMemory poolMemory(long bytes, boolean hugePages) {
    return hugePages ? HugePages.allocate(bytes) : PoolMemory.plain(bytes);
  }

  @Override
  public Driver open(DriverConfig config, OperationDispatcher dispatcher) throws IOException {
    LiburingLibrary.load();
    try {
      return UringDriver.open(config, dispatcher);
    } catch (Ring.SetupException e) {
      var diagnosis = Diagnosis.ofSetup(e);
      throw new IOException(diagnosis.reason() + "; " + diagnosis.remedy(), e);
    }
  }
}
