package io.gyre.benchmarks.bench;

import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class DescriptorLimitTest {
  @Test
  void whatDoesNotFitIsNamedWithTheRemedy() {
    assertNull(DescriptorLimit.tooLowFor(64, 1024));
    var why = DescriptorLimit.tooLowFor(1000, 1024);
    assertTrue(why.contains("1024") && why.contains("1200") && why.contains("ulimit -n"), why);
    assertNull(DescriptorLimit.tooLowFor(1000, 1200));
  }

  @Test
  void thisMachineHasRoomForOne() {
    assertNull(DescriptorLimit.tooLowFor(1));
  }
}
