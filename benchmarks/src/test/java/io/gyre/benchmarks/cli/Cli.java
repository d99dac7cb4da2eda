package io.gyre.benchmarks.cli;

import java.io.PrintWriter;
import java.io.StringWriter;

/** Runs a command in this JVM. */
final class Cli {
  private Cli() {}

  /** What a command came to. */
  record Run(int status, String out, String err) {
    String lastLine() {
      var lines = out.strip().lines().toList();
      return lines.isEmpty() ? "" : lines.getLast();
    }
  }

  static Run run(String... args) {
    var out = new StringWriter();
    var err = new StringWriter();
    int status = Main.run(new PrintWriter(out), new PrintWriter(err), args);
    return new Run(status, out.toString(), err.toString());
  }
}
