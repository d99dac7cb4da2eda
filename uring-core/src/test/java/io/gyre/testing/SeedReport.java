package io.gyre.testing;

import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

/** Says, when a test fails, which seed brings the same random choices again. */
public final class SeedReport implements TestExecutionExceptionHandler {
  /** Made by JUnit. */
  public SeedReport() {}

  @Override
  public void handleTestExecutionException(ExtensionContext context, Throwable failure)
      throws Throwable {
    System.err.println(
        context.getDisplayName() + " failed: -D" + Seeds.PROPERTY + "=" + Seeds.SEED + " repeats");
    throw failure;
  }
}
