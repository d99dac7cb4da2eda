package io.gyre.benchmarks.bench;

import java.io.IOException;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What wrk(1) prints with {@code --latency}, in a shell that tells its times.
 *
 * @param requests how many were answered
 * @param seconds how long it took
 * @param p50Micros the median latency
 * @param p99Micros what 99 of 100 stay below
 * @param cpuSeconds user and system time of wrk itself
 * @param errors sockets that failed, and answers with another status than 2xx and 3xx
 */
record WrkOutput(
    long requests,
    double seconds,
    double p50Micros,
    double p99Micros,
    double cpuSeconds,
    long errors) {
  static final String PROGRAM = "wrk";

  private static final Pattern REQUESTS =
      Pattern.compile("(\\d+) requests in ([0-9.]+)(us|ms|s|m|h),.*");
  private static final Pattern PERCENTILE = Pattern.compile("(50|99)% +([0-9.]+)(us|ms|s|m|h)");
  private static final Pattern SOCKET_ERRORS =
      Pattern.compile("Socket errors: connect (\\d+), read (\\d+), write (\\d+), timeout (\\d+)");
  private static final Pattern STATUS_ERRORS = Pattern.compile("Non-2xx or 3xx responses: (\\d+)");
  private static final Pattern TIMES = Pattern.compile("cpu ([0-9.]+) ([0-9.]+)");

  /** One thread that keeps so many connections busy; whole seconds are all that it takes. */
  static List<String> command(int connections, int seconds, String url) {
    return List.of(
        "bash",
        "-c",
        "export LC_ALL=C; TIMEFORMAT='cpu %3U %3S'; time " + PROGRAM + " \"$@\"",
        PROGRAM,
        "--threads",
        "1",
        "--connections",
        String.valueOf(connections),
        "--duration",
        seconds + "s",
        "--timeout",
        "5s",
        "--latency",
        url);
  }

  /** Reads the lines of both outputs. */
  static WrkOutput parse(List<String> lines, List<String> errorLines) throws IOException {
    long requests = 0;
    double seconds = 0;
    double p50 = Double.NaN;
    double p99 = Double.NaN;
    long errors = 0;
    for (var line : lines) {
      var total = REQUESTS.matcher(line);
      var percentile = PERCENTILE.matcher(line);
      var sockets = SOCKET_ERRORS.matcher(line);
      var statuses = STATUS_ERRORS.matcher(line);
      if (total.matches()) {
        requests = Long.parseLong(total.group(1));
        seconds = micros(total, 2) / 1e6;
      } else if (percentile.matches()) {
        if (percentile.group(1).equals("50")) {
          p50 = micros(percentile, 2);
        } else {
          p99 = micros(percentile, 2);
        }
      } else if (sockets.matches()) {
        for (int i = 1; i <= sockets.groupCount(); i++) {
          errors += Long.parseLong(sockets.group(i));
        }
      } else if (statuses.matches()) {
        errors += Long.parseLong(statuses.group(1));
      }
    }
    if (requests == 0 || seconds == 0) {
      throw new IOException("wrk did not tell what it did: " + String.join("; ", lines));
    }
    return new WrkOutput(requests, seconds, p50, p99, cpuSeconds(errorLines), errors);
  }

  private static double cpuSeconds(List<String> errorLines) {
    for (var line : errorLines) {
      var times = TIMES.matcher(line);
      if (times.matches()) {
        return Double.parseDouble(times.group(1)) + Double.parseDouble(times.group(2));
      }
    }
    return Double.NaN;
  }

  /** A number with its unit, in microseconds. */
  private static double micros(Matcher matcher, int group) {
    double scale =
        switch (matcher.group(group + 1)) {
          case "us" -> 1;
          case "ms" -> 1e3;
          case "s" -> 1e6;
          case "m" -> 60e6;
          default -> 3600e6;
        };
    return Double.parseDouble(matcher.group(group)) * scale;
  }
}
