package io.gyre.benchmarks.bench;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The C programs of {@code benchmarks/reference}, compiled when the comparison begins.
 *
 * @param folder where the programs are, as far as they could be compiled
 * @param complaint why some or all are missing, or null
 * @param compiler who made them
 */
record Reference(Path folder, String complaint, String compiler) {
  /** No programs at all. */
  static final Reference NONE =
      new Reference(Path.of("reference"), "they were not compiled", "none");

  private static final Path SCRIPT = Path.of("benchmarks", "reference", "build.sh");
  private static final double BUILD_SECONDS = 60;

  /** Compiles them. */
  static Reference build(Processes processes, Path into) throws InterruptedException {
    var script = script();
    if (script == null) {
      return new Reference(
          into, "the sources of the C references are not beside this program", "none");
    }
    try {
      var output = processes.run(List.of(script.toString(), into.toString()), BUILD_SECONDS);
      return new Reference(
          into, output.status() == 0 ? null : output.complaint(), compiler(processes));
    } catch (IOException e) {
      return new Reference(into, e.getMessage(), "none");
    }
  }

  private static String compiler(Processes processes) throws InterruptedException {
    var name = System.getenv().getOrDefault("CC", "gcc");
    try {
      var output = processes.run(List.of(name, "--version"), BUILD_SECONDS);
      return output.lines().isEmpty() ? name : output.lines().getFirst();
    } catch (IOException e) {
      return "none";
    }
  }

  /** The path of a program. */
  String program(String name) {
    return folder.resolve(name).toString();
  }

  /** Why a program is missing, or null when it is there. */
  String missingBecause(String name) {
    if (Files.isExecutable(folder.resolve(name))) {
      return null;
    }
    return complaint == null ? "it was not compiled" : complaint;
  }

  /** Looked for in the folders above this program's jar, and above the working directory. */
  private static Path script() {
    try {
      var source = Reference.class.getProtectionDomain().getCodeSource();
      if (source != null) {
        var found = above(Path.of(source.getLocation().toURI()));
        if (found != null) {
          return found;
        }
      }
    } catch (URISyntaxException e) {
      // Then the working directory has to do.
    }
    return above(Path.of("").toAbsolutePath());
  }

  private static Path above(Path path) {
    for (var folder = path; folder != null; folder = folder.getParent()) {
      if (Files.isExecutable(folder.resolve(SCRIPT))) {
        return folder.resolve(SCRIPT);
      }
    }
    return null;
  }
}
