package io.gyre.benchmarks.bench;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A server in a process of its own, under the protocol that all here share: it says {@code listening HOST:PORT} once it
 * serves, and prints its counters for each line that it reads; SIGTERM ends it.
 */
final class MeasuredServer implements AutoCloseable {
  private static final Pattern LISTENING = Pattern.compile("listening .*:(\\d+)( .*)?");

  private final Processes processes;
  private final Process process;
  private final BufferedReader lines;
  private final BufferedWriter requests;
  private final String port;

  private MeasuredServer(Processes processes, Process process)
      throws IOException, InterruptedException {
    this.processes = processes;
    this.process = process;
    this.lines = process.inputReader();
    this.requests = process.outputWriter();
    this.port = readPort();
  }

  static MeasuredServer start(Processes processes, List<String> command)
      throws IOException, InterruptedException {
    var process = processes.start(command);
    try {
      return new MeasuredServer(processes, process);
    } catch (IOException | InterruptedException | RuntimeException e) {
      processes.destroy(process);
      throw e;
    }
  }

  private String readPort() throws IOException, InterruptedException {
    for (var line = lines.readLine(); line != null; line = lines.readLine()) {
      var matcher = LISTENING.matcher(line);
      if (matcher.matches()) {
        return matcher.group(1);
      }
    }
    throw Processes.ended(process);
  }

  String port() {
    return port;
  }

  long pid() {
    return process.pid();
  }

  /** Its counters so far. */
  Map<String, Double> counters() throws IOException {
    return ask("");
  }

  /** What it answers to a line. */
  Map<String, Double> ask(String line) throws IOException {
    requests.write(line);
    requests.newLine();
    requests.flush();
    var answer = lines.readLine();
    if (answer == null) {
      throw new IOException("the server ended under load");
    }
    return Result.pairs(answer);
  }

  /** How much a counter has grown; NaN when the server does not have it. */
  static double difference(Map<String, Double> before, Map<String, Double> after, String key) {
    return after.getOrDefault(key, Double.NaN) - before.getOrDefault(key, Double.NaN);
  }

  @Override
  public void close() throws IOException {
    try {
      processes.end(process);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // and the next wait ends at once
    } finally {
      lines.close();
      process.getOutputStream().close();
    }
  }
}
