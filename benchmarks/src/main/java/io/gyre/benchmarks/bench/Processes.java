package io.gyre.benchmarks.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** Starts programs, and leaves none behind: not on a failure, and not when this process is told to end. */
final class Processes implements AutoCloseable {
  private static final long GRACE_SECONDS = 20;
  private static final long END_SECONDS = 10;

  private final Set<Process> running = ConcurrentHashMap.newKeySet();
  private final Thread hook = new Thread(this::destroyAll, "gyre-bench-end");

  Processes() {
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /** What a program wrote, line by line. */
  record Output(int status, List<String> lines, List<String> errorLines) {
    String lastLine() {
      return lines.isEmpty() ? "" : lines.getLast();
    }

    /** The line that most probably says what went wrong. */
    String complaint() {
      return errorLines.isEmpty()
          ? "exit status " + status + (lines.isEmpty() ? "" : ": " + lines.getLast())
          : errorLines.getLast();
    }
  }

  Process start(List<String> command) throws IOException {
    var process = new ProcessBuilder(command).start();
    running.add(process);
    return process;
  }

  /** Runs a program to its end. */
  Output run(List<String> command, double seconds) throws IOException, InterruptedException {
    var process = start(command);
    try {
      return finish(process, command, seconds);
    } finally {
      destroy(process);
    }
  }

  /** Waits for the end of a program that is expected to take so long. */
  Output finish(Process process, List<String> command, double seconds)
      throws IOException, InterruptedException {
    var errorLines = new ArrayList<String>();
    var errorReader = Thread.ofVirtual().start(() -> drain(process.errorReader(), errorLines));
    var lines = new ArrayList<String>();
    var reader = Thread.ofVirtual().start(() -> drain(process.inputReader(), lines));
    if (!process.waitFor((long) (seconds * 1000) + GRACE_SECONDS * 1000, TimeUnit.MILLISECONDS)) {
      throw new IOException(name(command) + " did not end in time");
    }
    reader.join();
    errorReader.join();
    return new Output(process.exitValue(), lines, errorLines);
  }

  private static void drain(BufferedReader reader, List<String> lines) {
    try {
      for (var line = reader.readLine(); line != null; line = reader.readLine()) {
        // The JVM's own warnings say nothing about why a program failed.
        if (!line.isBlank() && !line.startsWith("WARNING: ")) {
          lines.add(line.strip());
        }
      }
    } catch (IOException | UncheckedIOException e) {
      // The process was destroyed.
    }
  }

  /** Asks a server to end with SIGTERM, upon which it drains, and gives it some time for that. */
  void end(Process process) throws InterruptedException {
    try {
      process.destroy();
      var _ = process.waitFor(END_SECONDS, TimeUnit.SECONDS);
    } finally {
      destroy(process);
    }
  }

  /** Why a program that was expected to run has ended. */
  static IOException ended(Process process) throws InterruptedException {
    var complaint =
        process.errorReader().lines().reduce((first, second) -> second).orElse("it said nothing");
    return new IOException("the server ended with " + process.waitFor() + ": " + complaint);
  }

  void destroy(Process process) {
    kill(process);
    running.remove(process);
  }

  private void destroyAll() {
    running.forEach(Processes::kill);
  }

  /** With those that it started, which nobody else would end: a shell's program, a server's workers. */
  private static void kill(Process process) {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }

  static String name(List<String> command) {
    return String.join(" ", command);
  }

  @Override
  public void close() {
    destroyAll();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // This process is ending.
    }
  }
}
