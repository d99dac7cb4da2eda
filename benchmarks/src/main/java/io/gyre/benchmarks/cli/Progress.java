package io.gyre.benchmarks.cli;

import java.io.PrintWriter;

/** A line that is written over again and again; only where somebody sees it. */
final class Progress {
  private static final String TO_LINE_START_AND_CLEAR = "\r\033[K";

  private final PrintWriter out;
  private final boolean live;

  Progress(PrintWriter out) {
    this.out = out;
    // Console.isTerminal() is about both input and output; a redirected run has no live line.
    this.live = isTerminal();
  }

  @SuppressWarnings(
      "SystemConsoleNull") // it is null where there is no terminal, with the JDK's own console
  private static boolean isTerminal() {
    var console = System.console();
    return console != null && console.isTerminal();
  }

  boolean isLive() {
    return live;
  }

  void show(String line) {
    if (live) {
      out.print(TO_LINE_START_AND_CLEAR + line);
      out.flush();
    }
  }

  void clear() {
    show("");
  }
}
