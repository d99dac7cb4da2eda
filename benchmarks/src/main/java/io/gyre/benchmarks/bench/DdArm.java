package io.gyre.benchmarks.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * dd(1), which reads a file to its end, again and again until the time is over. Each pass is a process, whose whole
 * processor time counts, as bash's {@code time} tells it to the millisecond.
 */
final class DdArm extends ProgramArm {
  static final String PROGRAM = "dd";

  private static final double PASS_SECONDS = 60;
  private static final Pattern COPIED =
      Pattern.compile("(\\d+) bytes .* copied, ([0-9.e-]+) s, .*");
  private static final Pattern TIMES = Pattern.compile("cpu ([0-9.]+) ([0-9.]+)");

  private final List<String> command;

  /**
   * What one pass came to.
   *
   * @param bytes read
   * @param seconds from the first read to the last
   * @param cpuSeconds user and system time of the process
   */
  record Pass(long bytes, double seconds, double cpuSeconds) {}

  /**
   * Makes an arm.
   *
   * @param command how to start {@link #command}, pinned or not
   */
  DdArm(Processes processes, Entry entry, List<String> command) {
    super(processes, entry);
    this.command = command;
  }

  /** One pass, in a shell that tells the times. */
  static List<String> command(Workload workload, String file) {
    var arguments =
        new ArrayList<>(
            List.of(
                "bash",
                "-c",
                "export LC_ALL=C; TIMEFORMAT='cpu %3U %3S'; time " + PROGRAM + " \"$@\"",
                PROGRAM,
                "if=" + file,
                "of=/dev/null",
                "bs=" + workload.bytes()));
    if (workload.direct()) {
      arguments.add("iflag=direct");
    }
    return arguments;
  }

  @Override
  public Result run(Timing timing) throws IOException, InterruptedException {
    passes(timing.warmupSeconds());
    return result(passes(timing.seconds()), workload().bytes());
  }

  private List<Pass> passes(double seconds) throws IOException, InterruptedException {
    var passes = new ArrayList<Pass>();
    long begun = System.nanoTime();
    do {
      var output = processes.run(command, PASS_SECONDS);
      if (output.status() != 0) {
        throw new IOException(output.complaint());
      }
      passes.add(parse(output.errorLines()));
    } while (System.nanoTime() - begun < seconds * 1e9);
    return passes;
  }

  /** Reads what one pass printed. */
  static Pass parse(List<String> lines) throws IOException {
    long bytes = -1;
    double seconds = 0;
    double cpuSeconds = -1;
    for (var line : lines) {
      var copied = COPIED.matcher(line);
      if (copied.matches()) {
        bytes = Long.parseLong(copied.group(1));
        seconds = Double.parseDouble(copied.group(2));
      }
      var times = TIMES.matcher(line);
      if (times.matches()) {
        cpuSeconds = Double.parseDouble(times.group(1)) + Double.parseDouble(times.group(2));
      }
    }
    if (bytes <= 0 || seconds <= 0 || cpuSeconds < 0) {
      throw new IOException("dd did not tell what it did: " + String.join("; ", lines));
    }
    return new Pass(bytes, seconds, cpuSeconds);
  }

  static Result result(List<Pass> passes, int blockBytes) {
    double blocks = passes.stream().mapToLong(Pass::bytes).sum() / (double) blockBytes;
    double seconds = passes.stream().mapToDouble(Pass::seconds).sum();
    double cpuSeconds = passes.stream().mapToDouble(Pass::cpuSeconds).sum();
    return new Result(
        blocks / seconds,
        cpuSeconds * 1e6 / blocks,
        Double.NaN,
        Double.NaN,
        Double.NaN,
        Double.NaN,
        Double.NaN,
        Double.NaN,
        0);
  }
}
