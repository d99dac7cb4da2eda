package io.gyre.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.driver.Capabilities.Feature;
import io.gyre.driver.Capabilities.Status;
import io.gyre.driver.DriverCounters.Counter;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class DriverCountersTest {
  @Test
  void eachCounterCountsForItself() {
    var counters = new DriverCounters();
    int value = 0;
    for (var counter : Counter.values()) {
      counters.add(counter, ++value);
      counters.add(counter, 100);
    }
    value = 100;
    for (var counter : Counter.values()) {
      assertEquals(++value, counters.get(counter));
    }
  }

  @Test
  void onlyWhatIsUsedCountsAsUsed() {
    var features = new ArrayList<Feature>();
    for (var status : Status.values()) {
      features.add(new Feature(status.name(), status, ""));
    }
    var capabilities = new Capabilities("uring", features);
    features.clear();

    for (var status : Status.values()) {
      assertEquals(status == Status.USED, capabilities.uses(status.name()));
    }
    assertFalse(capabilities.uses("no such feature"));
    assertTrue(capabilities.uses("USED"));
    assertThrows(NullPointerException.class, () -> new Capabilities(null, List.of()));
    assertThrows(NullPointerException.class, () -> new Feature("x", Status.USED, null));
  }
}
