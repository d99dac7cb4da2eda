package io.gyre.faults;

import io.gyre.testing.ChildJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** No descriptors left: at the start, and when a connection comes. */
class DescriptorLimitTest {
  private static ChildJvm limited(Class<?> main, String argument) {
    return ChildJvm.of(main, argument).under("prlimit", "--nofile=256:256");
  }

  @ParameterizedTest
  @ValueSource(strings = {"auto", "uring", "nio"})
  void aRuntimeStartsOrSaysWhyWithAnyNumberOfDescriptorsLeft(String driver) throws Exception {
    limited(StarvedStart.class, driver).run().checkSucceeded().checkSaid("checked");
  }

  @Test
  void fewerDescriptorsThanPlacesForFilesAreASmallerTable() throws Exception {
    var result = limited(CheckedWork.class, "URING").run().checkSucceeded().checkSaid("checked");
    if (!result.output().contains("name=registered-files, status=SWITCHED_OFF")) {
      result.checkSaid("256 of 16384 places: the limit of open files");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"URING", "URING_TINY", "URING_BARE", "NIO"})
  void acceptingPausesWithoutSpinningAndGoesOn(String configuration) throws Exception {
    limited(StarvedAccept.class, configuration).run().checkSucceeded().checkSaid("checked");
  }
}
