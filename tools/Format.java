import com.google.googlejavaformat.java.Main;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Runs google-java-format over the project's own sources: {@code Format check|apply STAMP PATH...}.
 *
 * <p>A program of its own because the formatter parses with the javac of the JDK that it runs on: inside Maven that may
 * be too old for the sources. A check looks only at files changed since the last one that passed, which STAMP remembers.
 * Comments are left as they are written.
 */
final class Format {
  private static final Set<String> SKIPPED = Set.of("target", "generated", ".git");

  private Format() {}

  static void main(String[] args) throws Exception {
    boolean apply =
        switch (args[0]) {
          case "apply" -> true;
          case "check" -> false;
          default -> throw new IllegalArgumentException("format is check or apply, not " + args[0]);
        };
    Path stamp = Path.of(args[1]);
    Instant started = Instant.now();
    Instant passed =
        Files.exists(stamp) ? Files.getLastModifiedTime(stamp).toInstant() : Instant.MIN;

    List<String> command = new ArrayList<>(List.of("--skip-javadoc-formatting"));
    command.addAll(apply ? List.of("--replace") : List.of("--dry-run", "--set-exit-if-changed"));
    int options = command.size();
    boolean everything = false;
    for (int i = 2; i < args.length; i++) {
      everything |= args[i].equals(".");
      collect(Path.of(args[i]), passed, command);
    }

    if (command.size() > options) {
      PrintWriter out = new PrintWriter(System.out, true);
      PrintWriter err = new PrintWriter(System.err, true);
      int exit = new Main(out, err, System.in).format(command.toArray(String[]::new));
      if (exit != 0) {
        System.out.println(
            apply
                ? "format: the files above could not be parsed"
                : "format: the files above are not formatted: run ./gyre format");
        System.exit(1);
      }
    }
    if (everything) {
      Files.createDirectories(stamp.toAbsolutePath().getParent());
      Files.writeString(stamp, "");
      Files.setLastModifiedTime(stamp, FileTime.from(started));
    }
  }

  private static void collect(Path path, Instant since, List<String> files) throws IOException {
    if (SKIPPED.contains(String.valueOf(path.getFileName()))) {
      return;
    }
    if (Files.isDirectory(path)) {
      try (Stream<Path> children = Files.list(path)) {
        for (Path child : (Iterable<Path>) children.sorted()::iterator) {
          collect(child, since, files);
        }
      }
    } else if (path.toString().endsWith(".java")
        && !Files.getLastModifiedTime(path).toInstant().isBefore(since)) {
      files.add(path.toString());
    }
  }
}
