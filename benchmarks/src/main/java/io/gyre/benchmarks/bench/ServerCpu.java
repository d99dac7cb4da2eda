package io.gyre.benchmarks.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * What processes have taken of the processors, asked of the kernel: the same for a server that can't be told to count.
 *
 * @see <a href="https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html">proc_pid_stat(5): utime, stime</a>
 */
final class ServerCpu {
  /** Ticks a second in /proc, on every architecture that Linux has today: sysconf(_SC_CLK_TCK). */
  private static final double TICKS = 100;

  // Counted behind the program's name, which may hold anything.
  private static final int USER_TIME = 11;
  private static final int SYSTEM_TIME = 12;

  private ServerCpu() {}

  /** Seconds of all threads of a process and of those that it started, ended threads included. */
  static double seconds(ProcessHandle process) throws IOException {
    double seconds = 0;
    for (var each : Stream.concat(Stream.of(process), process.descendants()).toList()) {
      seconds += seconds(Files.readString(Path.of("/proc", each.pid() + "", "stat")));
    }
    return seconds;
  }

  static double seconds(String stat) {
    var fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    return (Long.parseLong(fields[USER_TIME]) + Long.parseLong(fields[SYSTEM_TIME])) / TICKS;
  }
}
