package io.gyre.faults;

import static io.gyre.net.ListenOptions.UNLIMITED;

import io.gyre.testing.ChildJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** No descriptors left: at the start, and when a connection comes. */
class DescriptorLimitTest {
  private static ChildJvm limited(Class<?> main, String... arguments) {
    return ChildJvm.of(main, arguments).under("prlimit", "--nofile=256:256");
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
  @CsvSource({
    "URING, " + UNLIMITED,
    "URING, 3",
    "URING_TINY, " + UNLIMITED,
    "URING_BARE, " + UNLIMITED,
    "NIO, " + UNLIMITED,
    "NIO, 3"
  })
  void acceptingPausesWithoutSpinningAndGoesOn(String configuration, String maxConnections)
      throws Exception {
    limited(StarvedAccept.class, configuration, maxConnections)
        .run()
        .checkSucceeded()
        .checkSaid("checked");
  }
}
