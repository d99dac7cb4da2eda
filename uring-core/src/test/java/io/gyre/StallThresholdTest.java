package io.gyre;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StallThresholdTest {
  @ParameterizedTest
  @ValueSource(strings = {"PT-1S", "PT0.000000001S", "PT0.000999999S"})
  void whatIsTooShortToLookForIsRefused(Duration threshold) {
    var builder = IoRuntime.builder();
    var failure =
        assertThrows(IllegalArgumentException.class, () -> builder.stallThreshold(threshold));
    assertTrue(failure.getMessage().contains(threshold.toString()), failure::getMessage);
  }

  @Test
  void noneAtAllIsSaidWithZero() {
    assertThrows(NullPointerException.class, () -> IoRuntime.builder().stallThreshold(null));
    IoRuntime.builder().stallThreshold(Duration.ZERO).stallThreshold(Duration.ofMillis(1));
  }
}
