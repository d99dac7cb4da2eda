package io.gyre.faults;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.testing.ChildJvm;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** System calls of the ring that strace lets fail, under work of which every byte is checked. */
class InjectedFaultsTest {
  private static final int MANY = 20;

  @TempDir Path dir;

  private Path log() {
    return dir.resolve("strace.log");
  }

  /** Proves that the fault was there at all. */
  private void checkInjected(int atLeast) throws Exception {
    try (var lines = Files.lines(log())) {
      long injected = lines.filter(line -> line.contains("(INJECTED)")).count();
      assertTrue(injected >= atLeast, () -> injected + " calls were made to fail");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"EINTR", "EAGAIN", "EBUSY"})
  void everySecondEnterFailsAndNothingIsLost(String errno) throws Exception {
    ChildJvm.of(CheckedWork.class, "URING_TINY")
        .injecting(log(), "io_uring_enter:error=" + errno + ":when=2+2")
        .run()
        .checkSucceeded()
        .checkSaid("driver=uring")
        .checkSaid("checked");
    checkInjected(MANY);
  }

  @ParameterizedTest
  @ValueSource(strings = {"EBADR", "EFAULT"})
  void aRingThatFailsForGoodFailsItsWaitersAndHarmsNoOther(String errno) throws Exception {
    ChildJvm.of(DyingRing.class, errno)
        .injecting(log(), "io_uring_enter:error=" + errno + ":when=" + DyingRing.FAILING_ENTER)
        .run()
        .checkSucceeded()
        .checkSaid("checked");
    checkInjected(1);
  }

  @ParameterizedTest
  @CsvSource({
    "EPERM, a seccomp filter forbids io_uring",
    "ENOSYS, a seccomp filter hides io_uring",
    "ENOMEM, the limit of locked memory is too low",
    "EMFILE, there is no descriptor left for a ring",
    "ENFILE, there is no descriptor left for a ring",
    "EINVAL, is too old"
  })
  void aRefusedRingIsAFallbackWithItsReasonOrAFailureWithARemedy(String errno, String reason)
      throws Exception {
    var result =
        ChildJvm.of(CheckedWork.class, "URING_TINY", "auto", "uring")
            .options("-Dorg.slf4j.simpleLogger.defaultLogLevel=info")
            .injecting(log(), "io_uring_setup:error=" + errno)
            .run()
            .checkSucceeded()
            .checkSaid("driver=nio")
            .checkSaid("fell back, uring: ")
            .checkSaid("checked")
            .checkSaid("not started: driver uring was required but can't be used: ");
    var failure = result.output().substring(result.output().indexOf("not started: "));
    assertTrue(failure.contains(reason), failure);
    assertTrue(
        failure.lines().findFirst().orElseThrow().matches(".*; [a-z].*"),
        "there is a remedy: " + failure);
    checkInjected(2);
  }

  // Of the loop's thread: the first is the memory that waits are told by, the second enables the
  // ring, and the ones after it are optional parts again.
  @ParameterizedTest
  @CsvSource({"1, 1", "3..5, 3"})
  void registrationsThatFailAreDoneWithout(String which, int count) throws Exception {
    ChildJvm.of(CheckedWork.class, "URING")
        .injecting(log(), "io_uring_register:error=EINVAL:when=" + which)
        .run()
        .checkSucceeded()
        .checkSaid("driver=uring")
        .checkSaid("checked");
    checkInjected(count);
  }

  @ParameterizedTest
  @CsvSource({
    "1, io_uring is switched off for ordinary users (kernel.io_uring_disabled=1)",
    "2, io_uring is switched off for everybody (kernel.io_uring_disabled=2)"
  })
  void theSysctlThatSwitchesIoUringOffIsNamed(int value, String reason) throws Exception {
    // The real switch would hit every process of the machine. So this one sees another file in its
    // place, and gets the answer that the kernel then gives.
    var file = Files.writeString(dir.resolve("io_uring_disabled"), value + "\n");
    var unshare =
        ChildJvm.isRoot()
            ? new String[] {"unshare", "--mount"}
            : new String[] {"unshare", "--mount", "--map-root-user"};
    ChildJvm.of(CheckedWork.class, "URING_TINY", "auto")
        .options("-Dorg.slf4j.simpleLogger.defaultLogLevel=info")
        .under(unshare)
        .under(
            "sh",
            "-c",
            "mount --bind \"$0\" /proc/sys/kernel/io_uring_disabled && exec \"$@\"",
            file.toString())
        .injecting(log(), "io_uring_setup:error=EPERM")
        .run()
        .checkSucceeded()
        .checkSaid("driver=nio")
        .checkSaid(reason)
        .checkSaid("checked");
    checkInjected(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ENFILE", "EMFILE", "ECONNABORTED"})
  void aListenerOnNioGoesOnAfterAcceptFailed(String errno) throws Exception {
    ChildJvm.of(CheckedWork.class, "NIO")
        .injecting(
            log(),
            // Which of the two the JDK calls is its affair. No other thread than the loop's makes
            // three.
            "accept:error=" + errno + ":when=3..5",
            "accept4:error=" + errno + ":when=3..5")
        .run()
        .checkSucceeded()
        .checkSaid("checked");
    checkInjected(3);
  }
}
