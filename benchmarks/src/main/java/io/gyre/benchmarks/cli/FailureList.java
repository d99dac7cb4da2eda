package io.gyre.benchmarks.cli;

import java.io.PrintWriter;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What failed of a tree, while the rest goes on: the first of them in words, all of them counted. Any thread. */
final class FailureList {
  private static final int MAX_TOLD = 100; // a disk that is gone fails every file

  private final List<String> told = new ArrayList<>();
  private long count;

  synchronized void add(Path path, Throwable cause) {
    count++;
    if (told.size() < MAX_TOLD) {
      var failure = Failures.unwrap(cause);
      told.add(
          failure instanceof FileSystemException e
              ? Failures.oneLine(path + ": " + Failures.reason(e))
              : path + ": " + Failures.describe(failure));
    }
  }

  synchronized long count() {
    return count;
  }

  /** A line each, when nothing else is on the screen. */
  synchronized void print(PrintWriter err, String command) {
    for (var line : told) {
      err.println(command + ": " + line);
    }
    if (count > told.size()) {
      err.println(command + ": and " + (count - told.size()) + " more");
    }
  }
}
