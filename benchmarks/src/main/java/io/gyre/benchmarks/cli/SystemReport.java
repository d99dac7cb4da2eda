package io.gyre.benchmarks.cli;

import io.gyre.IoRuntime;
import io.gyre.bindings.LiburingLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/** What this machine is and allows, as far as it decides whether and how well io_uring works. */
final class SystemReport {
  private static final Path LIMITS = Path.of("/proc/self/limits");
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path DISABLED = Path.of("/proc/sys/kernel/io_uring_disabled");
  private static final Pattern COLUMNS = Pattern.compile("\\s{2,}");

  private SystemReport() {}

  /** Facts by name, in the order in which they are shown. */
  static Map<String, String> collect() {
    var facts = new LinkedHashMap<String, String>();
    facts.put("kernel", kernel());
    facts.put("processors", String.valueOf(Runtime.getRuntime().availableProcessors()));
    facts.put("java", java());
    facts.put("liburing", liburing());
    facts.put(
        "io_uring_disabled",
        firstLine(DISABLED, "not there: the kernel is older than 6.6, or has no io_uring"));
    facts.put("seccomp", seccomp());
    facts.put("memlock", limit("Max locked memory"));
    facts.put("nofile", limit("Max open files"));
    facts.put(
        IoRuntime.DISABLE_PROPERTY,
        System.getProperty(IoRuntime.DISABLE_PROPERTY, "nothing is switched off"));
    return facts;
  }

  static String kernel() {
    return System.getProperty("os.name")
        + " "
        + System.getProperty("os.version")
        + " "
        + System.getProperty("os.arch");
  }

  static String processor() {
    var model = field(Path.of("/proc/cpuinfo"), "model name");
    return model.replaceFirst("^:\\s*", "");
  }

  static String java() {
    return System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version");
  }

  static String liburing() {
    try {
      var loaded = LiburingLibrary.load();
      return loaded.version() + " " + loaded.path();
    } catch (LinkageError e) {
      return "none: " + Failures.oneLine(e.getMessage());
    }
  }

  private static String seccomp() {
    var mode = field(STATUS, "Seccomp:");
    return switch (mode) {
      case "0" -> "0, no filter";
      case "1" -> "1, strict";
      case "2" -> "2, a filter decides which system calls are allowed";
      default -> mode;
    };
  }

  /** Soft and hard limit, in the kernel's own words. */
  private static String limit(String name) {
    var rest = field(LIMITS, name);
    var columns = COLUMNS.split(rest, 3);
    return columns.length < 2 ? rest : "soft " + columns[0] + ", hard " + columns[1];
  }

  private static String field(Path file, String name) {
    try (var lines = Files.lines(file)) {
      return lines
          .filter(line -> line.startsWith(name))
          .map(line -> line.substring(name.length()).strip())
          .findFirst()
          .orElse("unknown");
    } catch (IOException | java.io.UncheckedIOException e) {
      return "unknown";
    }
  }

  private static String firstLine(Path file, String otherwise) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      return otherwise;
    }
  }
}
