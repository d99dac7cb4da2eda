package io.gyre.benchmarks.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Keeps what is measured on one processor, and the load of a server on another, with taskset(1), where that is possible.
 */
final class Pinning {
  private static final String ALLOWED = "Cpus_allowed_list:";
  private static final Pattern COMMA = Pattern.compile(",");

  private final List<Integer> processors;

  Pinning() {
    this.processors = Programs.isOnPath("taskset") ? allowedProcessors() : List.of();
  }

  /** How many there are. */
  int processors() {
    return processors.size();
  }

  /** Whether there are enough of them. */
  boolean isPossible() {
    return processors.size() >= 2;
  }

  /** What is measured: on the first processor. */
  List<String> measured(List<String> command) {
    return pinned(0, command);
  }

  /** What only asks for it: on the second one. */
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
