package io.gyre.testing;

import io.gyre.Runtimes;
import io.gyre.driver.Driver;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.DriverProvider;
import io.gyre.driver.OperationDispatcher;
import java.io.IOException;

/** A real driver's provider, but for what becomes of the drivers that it opens. */
public abstract class ProviderUnderTest implements DriverProvider {
  private final DriverProvider actual;

  /** Of a driver's name. */
  protected ProviderUnderTest(String name) {
    actual = Runtimes.provider(name);
  }

  /** What a loop gets for a driver that was opened. */
  protected abstract Driver wrap(
      Driver opened, DriverConfig config, OperationDispatcher dispatcher);

  @Override
  public final String name() {
    return actual.name();
  }

  @Override
  public final int priority() {
    return actual.priority();
  }

  @Override
  public final Availability probe() {
    return actual.probe();
  }

  @Override
  public final Driver open(DriverConfig config, OperationDispatcher dispatcher) throws IOException {
    return wrap(actual.open(config, dispatcher), config, dispatcher);
  }
}
