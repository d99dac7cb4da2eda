package io.gyre.faults;

import io.gyre.testing.ChildJvm;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Real seccomp filters and limits around an ordinary user's process. */
class ForbiddenCallsTest {
  @ParameterizedTest
  @CsvSource({
    "EPERM, 1, 425-427, a seccomp filter forbids io_uring", // as Docker has it
    "ENOSYS, 38, 425-427, a seccomp filter hides io_uring", // as podman has it
    "EPERM, 1, 426-426, io_uring_enter: EPERM", // a filter that somebody forgot a call in
    "ENOSYS, 38, 427-427, ENOSYS"
  })
  void aFilterIsAFallbackWithTheReason(String name, String errno, String calls, String reason)
      throws Exception {
    ChildJvm.of(Filtered.class, errno, calls, "URING_TINY", "auto", "uring")
        .options("-Dorg.slf4j.simpleLogger.defaultLogLevel=info")
        .asOrdinaryUser()
        .run()
        .checkSucceeded()
        .checkSaid("driver=nio")
        .checkSaid("fell back, uring: ")
        .checkSaid(reason)
        .checkSaid("checked")
        .checkSaid("not started: driver uring was required but can't be used: ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "8192", "65536", "1048576"})
  void littleLockedMemoryIsASmallerRingOrAFallbackWithTheReason(String bytes) throws Exception {
    var result =
        ChildJvm.of(CheckedWork.class, "URING", "auto")
            .options("-Dorg.slf4j.simpleLogger.defaultLogLevel=info")
            .under("prlimit", "--memlock=" + bytes + ":" + bytes)
            .asOrdinaryUser()
            .run()
            .checkSucceeded()
            .checkSaid("checked");
    if (result.output().contains("driver=uring\n")) {
      if (!result.output().contains("name=registered-buffers, status=SWITCHED_OFF")) {
        result.checkSaid("the limit of locked memory (ulimit -l) allows no");
      }
    } else {
      result
          .checkSaid("driver=nio\n")
          .checkSaid("fell back, uring: the limit of locked memory is too low");
    }
  }
}
