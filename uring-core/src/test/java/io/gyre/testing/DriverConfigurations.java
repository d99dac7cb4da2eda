package io.gyre.testing;

import io.gyre.IoRuntime;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.ArgumentsProvider;
import org.junit.jupiter.params.support.AnnotationConsumer;
import org.junit.jupiter.params.support.ParameterDeclarations;

/** Gives a {@link DriverTest} one {@link TestRuntime} for each configuration. */
final class DriverConfigurations implements ArgumentsProvider, AnnotationConsumer<DriverTest> {
  private Set<String> wanted = Set.of();

  @Override
  public void accept(DriverTest annotation) {
    wanted = Set.of(annotation.drivers());
  }

  @Override
  public Stream<? extends Arguments> provideArguments(
      ParameterDeclarations parameters, ExtensionContext context) {
    Set<String> present =
        IoRuntime.probeDrivers().stream()
            .map(IoRuntime.DriverReport::name)
            .collect(Collectors.toSet());
    return Stream.of(DriverConfiguration.values())
        .filter(c -> wanted.contains(c.driver()) && present.contains(c.driver()))
        .map(c -> Arguments.of(new TestRuntime(c)));
  }
}
