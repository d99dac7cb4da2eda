package io.gyre.benchmarks.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

/** Keeps a server and its load on processors of their own, with taskset(1), where that is possible. */
final class Pinning {
  private static final String ALLOWED = "Cpus_allowed_list:";
  private static final Pattern COMMA = Pattern.compile(",");

  private final List<Integer> processors;

  Pinning() {
    this.processors = hasTaskset() ? allowedProcessors() : List.of();
  }

  /** Whether server and load are apart. */
  boolean isPossible() {
    return processors.size() >= 2;
  }

  /** On the first processor. */
  List<String> server(List<String> command) {
    return pinned(0, command);
  }

  /** On the second one. */
  List<String> load(List<String> command) {
    return pinned(1, command);
  }

  private List<String> pinned(int which, List<String> command) {
    if (!isPossible()) {
      return command;
    }
    var pinned = new ArrayList<>(List.of("taskset", "-c", processors.get(which).toString()));
    pinned.addAll(command);
    return pinned;
  }

  private static boolean hasTaskset() {
    var path = System.getenv().getOrDefault("PATH", "");
    return Arrays.stream(path.split(java.io.File.pathSeparator, -1))
        .filter(folder -> !folder.isEmpty())
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, "taskset")));
  }

  /** Those that a container leaves us, which are not always 0 and 1: "0-1,4". */
  private static List<Integer> allowedProcessors() {
    var allowed = new ArrayList<Integer>();
    try {
      for (var line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith(ALLOWED)) {
          for (var range : COMMA.splitAsStream(line.substring(ALLOWED.length()).strip()).toList()) {
            int dash = range.indexOf('-');
            int from = Integer.parseInt(dash < 0 ? range : range.substring(0, dash));
            int to = dash < 0 ? from : Integer.parseInt(range.substring(dash + 1));
            for (int i = from; i <= to; i++) {
              allowed.add(i);
            }
          }
        }
      }
    } catch (IOException e) {
      return List.of(); // not Linux
    }
    return allowed;
  }
}
