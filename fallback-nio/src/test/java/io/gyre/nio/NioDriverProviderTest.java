package io.gyre.nio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.driver.Capabilities.Status;
import io.gyre.driver.DriverProvider;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;

class NioDriverProviderTest {
  @Test
  void isFoundAndAlwaysAvailable() {
    var provider =
        ServiceLoader.load(DriverProvider.class).stream()
            .filter(p -> p.type() == NioDriverProvider.class)
            .findFirst()
            .orElseThrow()
            .get();
    assertEquals("nio", provider.name());
    assertEquals(0, provider.priority());
    var found = provider.probe();
    assertTrue(found.available());
    assertFalse(found.reason().isEmpty());
    assertEquals("", found.remedy());
    assertEquals("nio", found.capabilities().driver());
    var emulated =
        found.capabilities().features().stream()
            .filter(f -> f.status() == Status.EMULATED)
            .map(f -> f.name())
            .toList();
    assertTrue(emulated.contains("multishot-accept") && emulated.contains("multishot-receive"));
  }
}
