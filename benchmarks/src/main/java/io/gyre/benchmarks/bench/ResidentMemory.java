package io.gyre.benchmarks.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * How much memory a process has touched.
 *
 * @see <a href="https://man7.org/linux/man-pages/man5/proc_pid_smaps.5.html">proc_pid_smaps(5): smaps_rollup, Linux 4.14</a>
 */
final class ResidentMemory {
  private static final String RESIDENT = "Rss:";

  private ResidentMemory() {}

  static long bytes(long pid) throws IOException {
    return bytes(Files.readAllLines(Path.of("/proc", pid + "", "smaps_rollup")));
  }

  static long bytes(List<String> rollup) throws IOException {
    for (var line : rollup) {
      if (line.startsWith(RESIDENT)) {
        var number = line.substring(RESIDENT.length()).strip();
        return Long.parseLong(number.substring(0, number.indexOf(' '))) << 10; // in kB
      }
    }
    throw new IOException("smaps_rollup has no line " + RESIDENT);
  }
}
