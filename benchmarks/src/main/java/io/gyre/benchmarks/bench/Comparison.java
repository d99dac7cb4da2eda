package io.gyre.benchmarks.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.gyre.benchmarks.load.WarmUp;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The whole comparison: makes what is needed, runs the arms, and writes what came of it. */
public final class Comparison {
  private static final Timing QUICK = new Timing(0.8, 0.8);
  private static final Timing FULL = new Timing(2, 3);
  private static final int QUICK_ROUNDS = 3;
  private static final int FULL_ROUNDS = 5;
  private static final double QUICK_BUDGET_SECONDS = 100;
  private static final DataFiles.Sizes QUICK_SIZES = new DataFiles.Sizes(256L << 20, 10_000);
  private static final DataFiles.Sizes FULL_SIZES = new DataFiles.Sizes(1L << 30, 100_000);

  private final Settings settings;
  private final Consumer<String> progress;

  /**
   * What to compare.
   *
   * @param quick whether to be done in less than two minutes, unless more is named
   * @param only a part of the id {@code workload/arm} of those that are run
   * @param rounds how many rounds, or 0 for the usual number
   * @param command the command line, for the report
   */
  public record Settings(boolean quick, Pattern only, int rounds, String command) {}

  /**
   * Makes a comparison.
   *
   * @param settings what to compare
   * @param progress told what is being done
   */
  public Comparison(Settings settings, Consumer<String> progress) {
    this.settings = settings;
    this.progress = progress;
  }

  /**
   * Prints what would be compared.
   *
   * @param out where to
   * @throws InterruptedException when the caller was interrupted
   * @throws IOException when a temporary folder can't be made
   */
  public void list(PrintWriter out) throws IOException, InterruptedException {
    var folder = Files.createTempDirectory("gyre-bench-");
    try (var processes = new Processes()) {
      var reference = Reference.build(processes, folder);
      for (var arm : arms(maker(processes, new Pinning(), reference, null))) {
        var reason = arm.unavailableBecause();
        out.println(arm.id() + (reason == null ? "" : ": can't run here: " + reason));
      }
      var unasked = Workload.all().stream().filter(workload -> !isPart(workload)).toList();
      if (!unasked.isEmpty()) {
        out.println(
            unasked.stream()
                .map(Workload::id)
                .collect(Collectors.joining(", ", "run only when --only is given: ", "")));
      }
    } finally {
      deleteAll(folder);
    }
  }

  /**
   * Compares. Prints a table, and writes {@code report.html} and {@code report.json}.
   *
   * @param folder where files go
   * @param facts what is known of the machine
   * @param out takes the table
   * @throws IOException when files can't be written
   * @throws InterruptedException when the caller was interrupted
   * @throws IllegalArgumentException when nothing matches
   */
  public void run(Path folder, Map<String, String> facts, PrintWriter out)
      throws IOException, InterruptedException {
    var binaries = folder.resolve("reference");
    var cleaner = new Thread(() -> deleteQuietly(folder, binaries), "gyre-bench-clean");
    try (var processes = new Processes()) {
      // Before anything is made: whether there is something to do at all.
      var workloads =
          arms(maker(processes, new Pinning(), Reference.NONE, null)).stream()
              .map(Arm::workload)
              .collect(Collectors.toCollection(LinkedHashSet::new));
      Files.createDirectories(folder);
      Runtime.getRuntime().addShutdownHook(cleaner); // for a signal in the middle
      progress.accept("compiling the C references");
      var reference = Reference.build(processes, binaries);
      try (var files = files(folder, workloads)) {
        var pinning = new Pinning();
        var maker = maker(processes, pinning, reference, files);
        var timing = settings.quick() ? QUICK : FULL;
        var runner =
            new Runner(
                timing,
                rounds(),
                settings.quick() ? QUICK_BUDGET_SECONDS : Double.POSITIVE_INFINITY,
                progress);
        var rows = runner.run(arms(maker));
        var about = about(facts, timing, runner.roundsDone(), pinning, reference, maker);
        if (workloads.stream().anyMatch(workload -> workload.kind() == Workload.Kind.SERVE)) {
          about.put("nginx", Nginx.version(processes));
        }
        var report = new Report(rows, about);
        write(folder, report);
        progress.accept("");
        new TerminalTable(out).print(report);
        if (runner.roundsDone() < rounds()) {
          out.printf(
              "%d of %d rounds: another would have taken longer than two minutes in all%n",
              runner.roundsDone(), rounds());
        }
      }
    } finally {
      deleteAll(binaries);
      try {
        Runtime.getRuntime().removeShutdownHook(cleaner);
      } catch (IllegalStateException e) {
        // A signal came: the hook runs.
      }
    }
  }

  private Arms maker(Processes processes, Pinning pinning, Reference reference, DataFiles files) {
    return new Arms(new Place(processes, pinning, reference, files, settings.quick()));
  }

  private DataFiles files(Path folder, Set<Workload> workloads) throws IOException {
    if (workloads.stream().noneMatch(workload -> workload.kind().isFiles())) {
      return null;
    }
    progress.accept("writing the files that are used");
    return new DataFiles(folder, sizes(), workloads);
  }

  private DataFiles.Sizes sizes() {
    return settings.quick() ? QUICK_SIZES : FULL_SIZES;
  }

  private int rounds() {
    return settings.rounds() > 0
        ? settings.rounds()
        : settings.quick() ? QUICK_ROUNDS : FULL_ROUNDS;
  }

  private List<Arm> arms(Arms maker) {
    var arms = new ArrayList<Arm>();
    for (var workload : Workload.all()) {
      if (isPart(workload)) {
        for (var arm : maker.of(workload)) {
          if (settings.only().matcher(arm.id()).find()) {
            arms.add(arm);
          }
        }
      }
    }
    if (arms.isEmpty()) {
      throw new IllegalArgumentException(
          "--only " + settings.only() + " matches nothing; --list shows what there is");
    }
    return arms;
  }

  /** Whoever names workloads gets all that he names; whoever names none gets those that say most in their time. */
  private boolean isPart(Workload workload) {
    if (!settings.only().pattern().isEmpty()) {
      return true;
    }
    return switch (workload.part()) {
      case QUICK -> true;
      case WHOLE -> !settings.quick();
      case ASKED -> false;
    };
  }

  private Map<String, String> about(
      Map<String, String> facts,
      Timing timing,
      int rounds,
      Pinning pinning,
      Reference reference,
      Arms maker) {
    var about = new LinkedHashMap<String, String>();
    about.put("command", settings.command());
    about.put(
        "date",
        ZonedDateTime.now(ZoneId.systemDefault())
            .truncatedTo(ChronoUnit.SECONDS)
            .format(DateTimeFormatter.ISO_OFFSET_DATE_TIME));
    about.putAll(facts);
    about.put("C compiler", reference.compiler());
    about.put(
        "rounds",
        String.format(
            Locale.ROOT,
            "%d, each arm in a process of its own, warm-up %.1f s (files and NOPs: until the JIT"
                + " rests, at most %d times that), measured %.1f s",
            rounds,
            timing.warmupSeconds(),
            WarmUp.LONGEST,
            timing.seconds()));
    about.put(
        "files",
        String.format(
            Locale.ROOT,
            "large ones of %d MiB, %d small ones; %s",
            sizes().bytes() >> 20,
            sizes().smallFiles(),
            pinning.isPossible() ? "each program on one processor" : "programs are not pinned"));
    about.put(
        "echo",
        (pinning.isPossible()
                ? "server on one processor, load on another"
                : "server and load on the same processors: taskset or a second processor is"
                    + " missing")
            + ", load in "
            + maker.loadName());
    return about;
  }

  private static void write(Path folder, Report report) throws IOException {
    var json =
        new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(report.tree());
    Files.writeString(folder.resolve("report.json"), json + "\n");
    Files.writeString(folder.resolve("report.html"), HtmlPage.of(json));
  }

  private static void deleteQuietly(Path folder, Path binaries) {
    try {
      DataFiles.delete(folder);
      deleteAll(binaries);
    } catch (IOException e) {
      // This process ends, and there is nobody to tell.
    }
  }

  private static void deleteAll(Path folder) throws IOException {
    if (Files.isDirectory(folder)) {
      try (var content = Files.list(folder)) {
        for (var file : content.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(folder);
    }
  }
}
