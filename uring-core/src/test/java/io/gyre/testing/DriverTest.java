package io.gyre.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ArgumentsSource;

/**
 * A test of the contract that every driver keeps. The method takes a {@link TestRuntime}, and runs
 * once for each configuration. Where a driver is on the class path but does not work on this
 * machine the test fails, with the driver's own reason: a machine that can't run the suite must not
 * look as if it had.
 */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@ParameterizedTest(name = "{0}")
@ArgumentsSource(DriverConfigurations.class)
@ExtendWith(SeedReport.class)
public @interface DriverTest {
  /** The drivers that it makes sense on; all by default. */
  String[] drivers() default {"uring", "nio"};
}
