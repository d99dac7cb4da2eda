package io.gyre.benchmarks.bench;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Programs that the machine may have. */
final class Programs {
  private Programs() {}

  static boolean isOnPath(String program) {
    return isOn(System.getenv().getOrDefault("PATH", ""), program);
  }

  /** Whether one of the folders of such a list holds it. */
  static boolean isOn(String path, String program) {
    return Arrays.stream(path.split(File.pathSeparator, -1))
        .filter(folder -> !folder.isEmpty())
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
  }

  /** Why an arm that needs it can't run, or null. */
  static String missingBecause(String program, String aptPackage) {
    return isOnPath(program)
        ? null
        : program + " is not on the PATH: apt-get install " + aptPackage;
  }
}
