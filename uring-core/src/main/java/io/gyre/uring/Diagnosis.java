package io.gyre.uring;

import io.gyre.driver.Errno;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Why the kernel gave no ring, and what to do about it.
 *
 * @param reason one clause
 * @param remedy one clause
 */
record Diagnosis(String reason, String remedy) {
  private static final Path DISABLED = Path.of("/proc/sys/kernel/io_uring_disabled");
  private static final String ALLOW_CALLS =
      "run the container with a seccomp profile that allows io_uring_setup, io_uring_enter and"
          + " io_uring_register";

  static Diagnosis ofSetup(Ring.SetupException e) {
    return of(e.errno(), e.getMessage(), readDisabled(), System.getProperty("os.version"));
  }

  static Diagnosis of(int errno, String message, String disabled, String kernel) {
    return switch (Errno.of(errno)) {
      case EPERM -> notPermitted(disabled);
      case ENOSYS ->
          isOlderThan51(kernel)
              ? new Diagnosis(
                  "Linux " + kernel + " has no io_uring", "use Linux 5.11 or newer, best 6.1")
              : new Diagnosis(
                  "a seccomp filter hides io_uring ("
                      + message
                      + "), or this kernel was built without it",
                  ALLOW_CALLS);
      case ENOMEM ->
          new Diagnosis(
              "the limit of locked memory is too low for a ring (" + message + ")",
              "raise it with `ulimit -l`, or `--ulimit memlock=-1` for a container");
      case EMFILE, ENFILE ->
          new Diagnosis(
              "there is no descriptor left for a ring (" + message + ")",
              "raise the limit with `ulimit -n`");
      case EINVAL ->
          new Diagnosis(
              "Linux " + kernel + " is too old (" + message + ")",
              "use Linux 5.11 or newer, best 6.1");
      case null, default -> new Diagnosis(message, "report this with the kernel's version");
    };
  }

  private static Diagnosis notPermitted(String disabled) {
    return switch (disabled) {
      case "2" ->
          new Diagnosis(
              "io_uring is switched off for everybody (kernel.io_uring_disabled=2)",
              "set it to 0: sysctl -w kernel.io_uring_disabled=0");
      case "1" ->
          new Diagnosis(
              "io_uring is switched off for ordinary users (kernel.io_uring_disabled=1)",
              "set it to 0, or join the group that kernel.io_uring_group names");
      default ->
          new Diagnosis("a seccomp filter forbids io_uring (io_uring_setup: EPERM)", ALLOW_CALLS);
    };
  }

  private static boolean isOlderThan51(String kernel) {
    var parts = kernel.split("[^0-9]+", 3);
    try {
      int major = Integer.parseInt(parts[0]);
      return major < 5 || (major == 5 && Integer.parseInt(parts[1]) < 1);
    } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
      return false;
    }
  }

  private static String readDisabled() {
    try {
      return Files.readString(DISABLED).strip();
    } catch (IOException e) {
      return ""; // kernels before 6.6 have no such switch
    }
  }
}
