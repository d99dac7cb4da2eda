package io.gyre.benchmarks.cli;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gyre.IoRuntime;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RingSizesTest {
  /** The largest depth of read, and the fsync beside it. */
  @ParameterizedTest
  @ValueSource(ints = {1, 32_768, 32_769, 1 << 30})
  void noDepthAsksForMoreThanARingCanHave(int depth) {
    assertDoesNotThrow(() -> RingSizes.fit(IoRuntime.builder(), depth));
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "2, 2", "3, 4", "4096, 4096", "4097, 8192"})
  void thePowerIsTheNextOne(int value, int power) {
    assertEquals(power, RingSizes.powerOfTwo(value));
  }
}
