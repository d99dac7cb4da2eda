package io.gyre.testing;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * A program of its own on this JVM and class path: for faults that would hit the whole process,
 * such as limits, seccomp filters and system calls that strace lets fail.
 */
public final class ChildJvm {
  private static final String NOBODY = "65534";

  private final String main;
  private final List<String> arguments;
  private final List<String> wrapper = new ArrayList<>();
  private final List<String> options = new ArrayList<>();
  private File folder = new File("/");
  private Duration timeout = Duration.ofSeconds(60);

  private ChildJvm(String main, List<String> arguments) {
    this.main = main;
    this.arguments = arguments;
  }

  /** A program to be started. */
  public static ChildJvm of(Class<?> main, String... arguments) {
    return new ChildJvm(main.getName(), List.of(arguments));
  }

  /** Options for its JVM. */
  public ChildJvm options(String... values) {
    options.addAll(List.of(values));
    return this;
  }

  /** Where it runs, instead of in the root folder. */
  public ChildJvm in(Path value) {
    folder = value.toFile();
    return this;
  }

  /** How long it may take, instead of a minute. */
  public ChildJvm within(Duration value) {
    timeout = value;
    return this;
  }

  /**
   * Starts it by way of a command that ends in calling its own last arguments; several nest, the
   * first outermost.
   */
  public ChildJvm under(String... command) {
    requireTool(command[0]);
    wrapper.addAll(List.of(command));
    return this;
  }

  /** Runs it as a user without privileges, if this user has any. */
  public ChildJvm asOrdinaryUser() {
    if (!isRoot()) {
      return this;
    }
    return under(
        "setpriv",
        "--reuid=" + NOBODY,
        "--regid=" + NOBODY,
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
        "--");
  }

  /**
   * Lets system calls fail.
   *
   * @param log where strace writes what it did: {@code (INJECTED)} marks each that failed
   * @param injections as for strace's {@code --inject}; {@code when} counts for each thread
   */
  public ChildJvm injecting(Path log, String... injections) {
    under("strace", "--follow-forks", "--seccomp-bpf", "--quiet=all", "--output=" + log);
    var calls = new ArrayList<String>();
    for (var injection : injections) {
      calls.add(injection.substring(0, injection.indexOf(':')));
    }
    wrapper.add("--trace=" + String.join(",", calls));
    for (var injection : injections) {
      wrapper.add("--inject=" + injection);
    }
    return this;
  }

  /** How it ended. */
  public record Result(int status, String output) {
    /** Fails unless it ended with 0. */
    public Result checkSucceeded() {
      if (status != 0) {
        throw new AssertionError("exit status " + status + "; it said:\n" + output);
      }
      return this;
    }

    /** Fails unless it said something. */
    public Result checkSaid(String expected) {
      if (!output.contains(expected)) {
        throw new AssertionError("it should have said '" + expected + "', but said:\n" + output);
      }
      return this;
    }
  }

  /** Runs it to its end. */
  public Result run() throws IOException, InterruptedException {
    var command = new ArrayList<>(wrapper);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-cp",
            ClassPath.READABLE_BY_ALL,
            "--enable-native-access=ALL-UNNAMED",
            "-XX:TieredStopAtLevel=1", // short programs, and small machines
            "-XX:+UseSerialGC",
            "-Xmx256m",
            "-Djava.io.tmpdir=/tmp",
            "-D" + Seeds.PROPERTY + "=" + Seeds.SEED));
    command.addAll(options);
    command.add(main);
    command.addAll(arguments);
    var output = Files.createTempFile("child", ".log");
    try {
      var process =
          new ProcessBuilder(command)
              .directory(folder)
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start();
      boolean ended = process.waitFor(timeout);
      if (!ended) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().waitFor();
      }
      var said = Files.readString(output);
      if (!ended) {
        throw new AssertionError(command + " did not end in " + timeout + "; it said:\n" + said);
      }
      return new Result(process.exitValue(), said);
    } finally {
      Files.delete(output);
    }
  }

  /** Whether this user may do anything. */
  public static boolean isRoot() {
    try {
      return (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Fails, with what to do, where a tool is missing: a check that can't run has not passed. */
  private static void requireTool(String tool) {
    for (var folder : System.getenv("PATH").split(File.pathSeparator, -1)) {
      if (Files.isExecutable(Path.of(folder, tool))) {
        return;
      }
    }
    var where = tool.equals("strace") ? "strace" : "util-linux";
    throw new AssertionError(tool + " is missing: install it with `apt-get install " + where + "`");
  }

  /**
   * The class path as archives that any user may read: a home folder is often closed to others, and
   * classes in a folder can't be loaded once no descriptor is left, while archives stay open.
   */
  private static final class ClassPath {
    static final String READABLE_BY_ALL = copy(System.getProperty("java.class.path"));

    private static String copy(String classPath) {
      try {
        var folder = Files.createTempDirectory(Path.of("/tmp"), "gyre-child-");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        folder.toFile().deleteOnExit();
        var copies = new ArrayList<String>();
        for (var entry : classPath.split(File.pathSeparator, -1)) {
          var source = Path.of(entry);
          if (!entry.isEmpty() && Files.exists(source)) {
            var copy = folder.resolve(copies.size() + ".jar");
            if (Files.isDirectory(source)) {
              archive(source, copy);
            } else {
              Files.copy(source, copy, StandardCopyOption.REPLACE_EXISTING);
            }
            Files.setPosixFilePermissions(copy, PosixFilePermissions.fromString("rw-r--r--"));
            copy.toFile().deleteOnExit();
            copies.add(copy.toString());
          }
        }
        return String.join(File.pathSeparator, copies);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private static void archive(Path folder, Path archive) throws IOException {
      try (var files = Files.walk(folder);
          var out = new ZipOutputStream(Files.newOutputStream(archive))) {
        out.setLevel(0);
        for (var file : files.filter(Files::isRegularFile).toList()) {
          out.putNextEntry(new ZipEntry(folder.relativize(file).toString()));
          Files.copy(file, out);
        }
      }
    }
  }
}
