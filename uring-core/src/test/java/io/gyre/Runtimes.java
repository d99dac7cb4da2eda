package io.gyre;

import io.gyre.driver.DriverProvider;
import java.io.IOException;
import java.util.ServiceLoader;

/** Starts runtimes on drivers that are no service: those that a test has its hands in. */
public final class Runtimes {
  private Runtimes() {}

  /** Starts a runtime whose loops open their drivers from this provider. */
  public static IoRuntime start(IoRuntime.Builder builder, DriverProvider provider)
      throws IOException {
    return builder.start(provider);
  }

  /** The provider that a runtime would use. */
  public static DriverProvider provider(String name) {
    return ServiceLoader.load(DriverProvider.class).stream()
        .map(ServiceLoader.Provider::get)
        .filter(provider -> provider.name().equals(name))
        .findFirst()
        .orElseThrow();
  }
}
