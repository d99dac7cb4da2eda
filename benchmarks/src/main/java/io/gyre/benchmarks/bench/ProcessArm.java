package io.gyre.benchmarks.bench;

import io.gyre.benchmarks.load.WarmUp;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A program that measures itself, and tells the result in the last line that it prints. */
final class ProcessArm extends ProgramArm {
  private final List<String> command;

  /**
   * Makes an arm.
   *
   * @param command the program and its arguments, but for {@code --warmup} and {@code --seconds}
   */
  ProcessArm(Processes processes, Entry entry, List<String> command) {
    super(processes, entry);
    this.command = command;
  }

  @Override
  public Result run(Timing timing) throws IOException, InterruptedException {
    var timed = withTiming(command, timing);
    var output = processes.run(timed, WarmUp.LONGEST * timing.warmupSeconds() + timing.seconds());
    var result = Result.parse(output.lastLine());
    if (result == null) {
      throw new IOException(output.complaint());
    }
    return result;
  }

  static List<String> withTiming(List<String> command, Timing timing) {
    var timed = new ArrayList<>(command);
    timed.addAll(
        List.of(
            "--warmup", seconds(timing.warmupSeconds()), "--seconds", seconds(timing.seconds())));
    return timed;
  }

  static String seconds(double seconds) {
    return String.format(Locale.ROOT, "%.2f", seconds);
  }
}
