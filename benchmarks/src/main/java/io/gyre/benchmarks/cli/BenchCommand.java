package io.gyre.benchmarks.cli;

import io.gyre.benchmarks.bench.Comparison;
import io.netty.util.Version;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code ./gyre bench}. */
@Command(
    name = "bench",
    description = {
      "Compares polling with completion: Gyre on io_uring and on NIO, the JDK's channels, Netty,"
          + " and C over liburing as the ceiling, on files that it writes and sockets that it"
          + " opens.",
      "Every arm runs in a process of its own, each once a round. Prints a table, and writes"
          + " report.html and report.json."
    })
final class BenchCommand implements Callable<Integer> {
  @Option(
      names = "--quick",
      description = "Fewer workloads and shorter runs: done in less than two minutes.")
  boolean quick;

  @Option(
      names = "--only",
      paramLabel = "REGEX",
      defaultValue = "",
      description =
          "Only those whose id, WORKLOAD/ARM as --list shows it, contains a match; of all"
              + " workloads, also those that are run only when named.")
  String only;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "How many rounds. Default: 3 with --quick, else 5.")
  Integer rounds;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Where files go. Default: gyre-bench-TIME in the working directory.")
  Path folder;

  @Option(
      names = "--list",
      description = "Show what would be compared, and what can't run here and why.")
  boolean list;

  @Spec CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    if (rounds != null) {
      Arguments.range(spec, "--rounds", rounds, 1, 1000);
    }
    var out = spec.commandLine().getOut();
    var line = new Progress(out);
    var settings =
        new Comparison.Settings(quick, pattern(), rounds == null ? 0 : rounds, command());
    var comparison = new Comparison(settings, step -> show(line, step));
    try {
      if (list) {
        comparison.list(out);
      } else {
        var into = folder();
        comparison.run(into, facts(), out);
        out.printf("%nwrote %s and report.json beside it%n", into.resolve("report.html"));
      }
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
    return 0;
  }

  /** On a terminal one line that changes; elsewhere a line each on standard error, so that a log shows where it is. */
  private void show(Progress line, String step) {
    if (line.isLive()) {
      line.show(step);
    } else if (!step.isEmpty()) {
      spec.commandLine().getErr().println(step);
    }
  }

  private Pattern pattern() {
    try {
      return Pattern.compile(only, Pattern.CASE_INSENSITIVE);
    } catch (PatternSyntaxException e) {
      throw new ParameterException(
          spec.commandLine(), "--only: " + e.getDescription() + ": " + only, e);
    }
  }

  private Path folder() {
    var time =
        DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT)
            .format(LocalDateTime.now(ZoneId.systemDefault()));
    var into = folder == null ? Path.of("gyre-bench-" + time) : folder;
    if (Files.exists(into) && !Files.isDirectory(into)) {
      throw new CommandFailed(into + ": is a file, not a directory");
    }
    return into;
  }

  private String command() {
    return "./gyre " + String.join(" ", spec.root().commandLine().getParseResult().originalArgs());
  }

  private static Map<String, String> facts() {
    var facts = new LinkedHashMap<String, String>();
    facts.put("processor", SystemReport.processor());
    facts.putAll(SystemReport.collect());
    facts.put("Netty", netty());
    return facts;
  }

  private static String netty() {
    var version = Version.identify().get("netty-common");
    return version == null ? "unknown" : version.artifactVersion();
  }
}
