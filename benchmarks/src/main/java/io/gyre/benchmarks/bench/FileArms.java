package io.gyre.benchmarks.bench;

import static io.gyre.benchmarks.bench.Place.first;
import static io.gyre.benchmarks.bench.Place.join;

import io.gyre.benchmarks.bench.Arm.Family;
import io.gyre.benchmarks.bench.ProgramArm.Entry;
import io.gyre.benchmarks.peer.FilePeer;
import java.util.ArrayList;
import java.util.List;

/**
 * Who reads and writes files: each on one processor, but for one arm that shows what threads make of all of them where
 * files are cached.
 */
final class FileArms {
  private static final String PEER = "io.gyre.benchmarks.peer.FilePeerMain";

  private final Place place;
  private final Workload workload;
  private final String path;
  private final String noDirect;
  private final List<Arm> arms = new ArrayList<>();

  private FileArms(Place place, Workload workload) {
    var files = place.files();
    this.place = place;
    this.workload = workload;
    this.path = files == null ? "FILE" : files.path(workload).toString();
    this.noDirect = workload.direct() && files != null ? files.noDirectBecause() : null;
  }

  static List<Arm> of(Place place, Workload workload) {
    var arms = new FileArms(place, workload);
    switch (workload.kind()) {
      case READ -> arms.transfers("read");
      case WRITE -> arms.transfers("file-load", "write");
      case SEQUENTIAL -> arms.transfers("file-load", "sequential");
      case APPEND -> arms.appends();
      case SMALL_FILES -> arms.smallFiles();
      case ECHO, OPEN_ECHO, IDLE, UDP_ECHO, UDP_RECEIVE, SERVE, NOP ->
          throw new IllegalArgumentException(workload.id());
    }
    return arms.arms;
  }

  private void transfers(String... gyreCommand) {
    var options = transferOptions();
    var mode = modeOptions();
    add(
        "C over liburing",
        Family.CEILING,
        place.referenceMissingBecause("file"),
        join(List.of(place.reference().program("file"), path, "--latency"), join(mode, options)));
    addFio();
    if (workload.kind() == Workload.Kind.SEQUENTIAL) {
      addDd();
    }
    addGyre(List.of(gyreCommand), options);
    if (workload.kind() == Workload.Kind.SEQUENTIAL) {
      addGyre(", readBlocks", List.of("file-load", "blocks"), options);
      addGyre(", InputStream", List.of("file-load", "input_stream"), options);
    }
    for (int threads : threads()) {
      add(
          "FileChannel, " + count(threads, "thread"),
          Family.JDK,
          null,
          join(peer(FilePeer.FILE_CHANNEL, threads), join(mode, blockOptions())));
    }
    addFileChannelOnAllProcessors();
    add(
        "AsynchronousFileChannel",
        Family.JDK,
        null,
        join(
            peer(FilePeer.ASYNC_FILE_CHANNEL, workload.concurrency()), join(mode, blockOptions())));
  }

  private void appends() {
    var options =
        List.of(
            "--depth", String.valueOf(workload.concurrency()),
            "--block", String.valueOf(workload.bytes()));
    add(
        "C over liburing",
        Family.CEILING,
        place.referenceMissingBecause("append"),
        List.of(
            place.reference().program("append"),
            path,
            "--writers",
            String.valueOf(workload.concurrency()),
            "--bytes",
            String.valueOf(workload.bytes())));
    addGyre(List.of("file-load", "append"), options);
    add(
        "FileChannel, " + count(workload.concurrency(), "thread"),
        Family.JDK,
        null,
        join(peer(FilePeer.GROUP_COMMIT, workload.concurrency()), blockOptions()));
  }

  private void smallFiles() {
    var files = place.files();
    var number = List.of("--files", files == null ? "N" : "" + files.sizes().smallFiles());
    var options = join(List.of("--depth", String.valueOf(workload.concurrency())), number);
    add(
        "C over liburing",
        Family.CEILING,
        place.referenceMissingBecause("small_files"),
        join(List.of(place.reference().program("small_files"), path), options));
    addGyre(List.of("file-load", "small_files"), options);
    for (int threads : threads()) {
      add(
          "readAllBytes, " + count(threads, "thread"),
          Family.JDK,
          null,
          join(peer(FilePeer.READ_ALL_BYTES, threads), number));
    }
    add(
        "readAllBytes, virtual threads",
        Family.JDK,
        null,
        join(peer(FilePeer.READ_ALL_BYTES_VIRTUAL, workload.concurrency()), number));
  }

  /** As many as there are operations in flight; and one, which is best on one processor where nobody waits. */
  private List<Integer> threads() {
    int depth = workload.concurrency();
    return depth == 1 || workload.direct() || place.quick() ? List.of(depth) : List.of(depth, 1);
  }

  private void addFileChannelOnAllProcessors() {
    int processors = Runtime.getRuntime().availableProcessors();
    if (workload.direct() || place.quick() || processors == 1) {
      return;
    }
    arms.add(
        new ProcessArm(
            place.processes(),
            entry("FileChannel, " + count(processors, "processor"), Family.JDK, null),
            join(peer(FilePeer.FILE_CHANNEL, processors), join(modeOptions(), blockOptions()))));
  }

  private void addFio() {
    if (!place.quick()) {
      arms.add(
          new FioArm(
              place.processes(),
              entry(
                  "fio",
                  Family.C,
                  first(Programs.missingBecause(FioArm.PROGRAM, "fio"), place.noUringBecause())),
              place.pinning().measured(FioArm.command(workload, path))));
    }
  }

  private void addDd() {
    arms.add(
        new DdArm(
            place.processes(),
            entry(
                "dd",
                Family.C,
                first(
                    Programs.missingBecause(DdArm.PROGRAM, "coreutils"),
                    Programs.missingBecause("bash", "bash"))),
            place.pinning().measured(DdArm.command(workload, path))));
  }

  private void addGyre(List<String> command, List<String> options) {
    addGyre("", command, options);
  }

  private void addGyre(String suffix, List<String> command, List<String> options) {
    for (var driver : Place.DRIVERS) {
      var words = new ArrayList<>(command);
      words.addAll(List.of(path, "--driver", driver));
      words.addAll(options);
      add(
          Place.gyreName(driver) + suffix,
          Family.GYRE,
          place.missingBecause(driver),
          Place.gyre(words.toArray(String[]::new)));
    }
  }

  private void add(String name, Family family, String unavailable, List<String> command) {
    arms.add(
        new ProcessArm(
            place.processes(),
            entry(name, family, unavailable),
            place.pinning().measured(command)));
  }

  private Entry entry(String name, Family family, String unavailable) {
    return new Entry(name, family, workload, first(noDirect, unavailable));
  }

  private List<String> peer(FilePeer peer, int depth) {
    return JavaCommand.of(PEER, peer.label(), path, "--depth", String.valueOf(depth));
  }

  private List<String> transferOptions() {
    return join(List.of("--depth", String.valueOf(workload.concurrency())), blockOptions());
  }

  private List<String> blockOptions() {
    var options = List.of("--block", String.valueOf(workload.bytes()));
    return workload.direct() ? join(options, List.of("--direct")) : options;
  }

  /** For programs that do all three. */
  private List<String> modeOptions() {
    return switch (workload.kind()) {
      case WRITE -> List.of("--write");
      case SEQUENTIAL -> List.of("--sequential");
      default -> List.of();
    };
  }

  private static String count(int number, String unit) {
    return number == 1 ? "1 " + unit : number + " " + unit + "s";
  }
}
