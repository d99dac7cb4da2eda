package io.gyre.faults;

import io.gyre.testing.ChildJvm;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** No direct memory left. */
class MemoryLimitTest {
  // NIO transfers large heap buffers in parts, and so needs no more than a part of direct memory.
  @ParameterizedTest
  @ValueSource(strings = "URING")
  void aCopyThatFindsNoMemoryFailsItsOperationOnly(String configuration) throws Exception {
    ChildJvm.of(OutOfDirectMemory.class, configuration)
        .options("-XX:MaxDirectMemorySize=32m")
        .run()
        .checkSucceeded()
        .checkSaid("checked");
  }
}
