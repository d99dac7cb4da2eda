package io.gyre.benchmarks.cli;

import io.gyre.IoRuntime;
import io.gyre.fs.AsyncFiles;
import io.gyre.fs.AttributeChange;
import io.gyre.fs.FileTree;
import io.gyre.fs.TreeOptions;
import java.io.IOException;
import java.nio.file.CopyOption;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code ./gyre cp}. A file's copy is made under another name beside the target and takes its name when it is complete:
 * whatever goes wrong, the target is what it was, or the whole copy. A directory's is made in place.
 */
@Command(
    name = "cp",
    description = {
      "Copies files, and with -r directories, symbolic links as links. Holes stay holes;"
          + " permissions and times are kept, and owner and group where that is permitted.",
      "The copy of a file appears, or is replaced, when it is complete; on a failure what was there"
          + " is left as it was. That of a directory fills up what is there; what fails in it is"
          + " listed, and makes the exit status 1."
    })
final class CpCommand implements Callable<Integer> {
  private static final long PROGRESS_MILLIS = 100;

  @Parameters(
      arity = "2..*",
      paramLabel = "SRC... DST",
      hideParamSyntax = true,
      description =
          "What to copy; and the copy's path, or an existing directory in which the copies get the"
              + " names of their sources.")
  List<Path> paths;

  @Option(
      names = {"-r", "-R", "--recursive"},
      description = "Copy directories and what is in them; do not follow symbolic links.")
  boolean recursive;

  @Option(
      names = "--no-preserve",
      description =
          "Let copies have times and owner of their own, and the permissions of their sources less"
              + " the umask, or of the file that is replaced.")
  boolean noPreserve;

  @Option(
      names = "--resume",
      description =
          "Go on where an interrupted cp --resume of the same has ended: what is there is compared"
              + " with the source, and copied from the first byte on that differs. A file in part"
              + " is kept as .NAME.gyre-part.")
  boolean resume;

  @Option(names = "--sync", description = "Make the copy durable before the end (fsync).")
  boolean sync;

  @Option(
      names = "--depth",
      paramLabel = "N",
      defaultValue = "32",
      description = "How many entries are copied at a time. Default: ${DEFAULT-VALUE}.")
  int depth;

  @Mixin DriverOption driver;
  @Spec CommandSpec spec;

  private final CopyMeter meter = new CopyMeter();

  /** One of the sources, and what shall be its copy. */
  private record Job(Path source, Path target) {
    boolean isDirectory() {
      return Files.isDirectory(source, LinkOption.NOFOLLOW_LINKS);
    }
  }

  @Override
  public Integer call() throws Exception {
    Arguments.range(spec, "--depth", depth, 1, 4096);
    var jobs = jobs();
    try (var runtime = RingSizes.fit(driver.builder(), 4 * depth).start()) {
      var progress = new Progress(spec.commandLine().getOut());
      long content = progress.isLive() ? content(runtime, jobs) : 0;
      long begun = System.nanoTime();
      try {
        for (var job : jobs) {
          try {
            copy(runtime, job, progress, content, begun);
          } catch (IOException | RuntimeException e) {
            if (jobs.size() == 1) {
              throw e;
            }
            meter.failures().add(job.source, e); // the others can do without
          }
        }
      } finally {
        progress.clear();
      }
      tell((System.nanoTime() - begun) / 1e9, runtime.driverName());
    }
    return meter.failures().count() == 0 ? 0 : 1;
  }

  private void tell(double seconds, String driverName) {
    meter.failures().print(spec.commandLine().getErr(), spec.qualifiedName());
    spec.commandLine()
        .getOut()
        .printf(
            Locale.ROOT,
            "files=%d directories=%d links=%d bytes=%d%s errors=%d seconds=%.3f MB/s=%s"
                + " driver=%s%n",
            meter.files(),
            meter.directories(),
            meter.links(),
            meter.copied(),
            resume ? " kept=" + meter.kept() : "",
            meter.failures().count(),
            seconds,
            CopyMeter.rate(meter.copied(), seconds),
            driverName);
  }

  // ---- what goes where

  private List<Job> jobs() throws IOException {
    var sources = paths.subList(0, paths.size() - 1);
    var target = paths.getLast();
    boolean into = Files.isDirectory(target);
    if (sources.size() > 1 && !into) {
      throw new CommandFailed(target + ": must be a directory, there are several sources");
    }
    var jobs = new ArrayList<Job>();
    var targets = new HashSet<Path>();
    for (var source : sources) {
      var job = job(source, into ? within(target, source) : target);
      if (!targets.add(job.target)) {
        throw new CommandFailed(job.target + ": would be the copy of two sources");
      }
      jobs.add(job);
    }
    return jobs;
  }

  /** A copy of . or / has no name of its own: what is in it goes into the directory. */
  private static Path within(Path directory, Path source) {
    var name = source.getFileName();
    return name == null || name.toString().equals(".") || name.toString().equals("..")
        ? directory
        : directory.resolve(name.toString());
  }

  /** Refuses at once what can be. */
  private Job job(Path source, Path target) throws IOException {
    if (!Files.exists(source, links())) {
      throw new NoSuchFileException(source.toString());
    }
    if (Files.isDirectory(source, links()) && !recursive) {
      throw new CommandFailed(source + ": is a directory; -r copies those");
    }
    if (Files.exists(target) && Files.exists(source) && Files.isSameFile(source, target)) {
      throw new CommandFailed(source + " and " + target + " are the same file");
    }
    if (Files.isDirectory(source, links())) {
      return new Job(source, directory(source, target));
    }
    if (Files.isSymbolicLink(source) && recursive) {
      return new Job(source, target);
    }
    Arguments.requireRegularFile(source);
    return new Job(source.toRealPath(), file(target));
  }

  private LinkOption[] links() {
    return recursive ? new LinkOption[] {LinkOption.NOFOLLOW_LINKS} : new LinkOption[0];
  }

  private static Path directory(Path source, Path target) throws IOException {
    if (Files.exists(target, LinkOption.NOFOLLOW_LINKS) && !Files.isDirectory(target)) {
      throw new CommandFailed(target + ": is not a directory");
    }
    var real = Files.exists(target) ? target.toRealPath() : parent(target).resolve(name(target));
    if (real.startsWith(source.toRealPath())) {
      throw new CommandFailed(source + ": can't be copied into itself, " + target);
    }
    return real;
  }

  /** Where a file's copy goes in the end, symbolic links followed. */
  private static Path file(Path target) throws IOException {
    if (Files.isDirectory(target)) {
      throw new CommandFailed(target + ": is a directory, not a file");
    }
    if (Files.exists(target)) {
      if (!Files.isRegularFile(target)) {
        throw new CommandFailed(target + ": is not a regular file");
      }
      if (!Files.isWritable(target)) {
        throw new CommandFailed(target + ": permission denied");
      }
      return target.toRealPath();
    }
    if (Files.isSymbolicLink(target)) {
      throw new CommandFailed(target + ": is a symbolic link to a file that does not exist");
    }
    return parent(target).resolve(name(target));
  }

  private static Path parent(Path target) throws IOException {
    var parent = target.toAbsolutePath().normalize().getParent();
    if (parent == null || !Files.isDirectory(parent)) {
      throw new CommandFailed(target + ": no such directory");
    }
    return parent.toRealPath();
  }

  private static Path name(Path target) {
    return target.toAbsolutePath().normalize().getFileName();
  }

  // ---- how

  private TreeOptions options() {
    var options = TreeOptions.DEFAULT.withParallelism(depth);
    return sync ? options.durably() : options;
  }

  private CopyOption[] how(CopyOption... more) {
    var how = new ArrayList<>(List.of(more));
    if (!noPreserve) {
      how.add(StandardCopyOption.COPY_ATTRIBUTES);
    }
    return how.toArray(CopyOption[]::new);
  }

  /** How much there is to copy, so that the progress line has an end. */
  private long content(IoRuntime runtime, List<Job> jobs) throws IOException {
    var census = new TreeCensus();
    for (var job : jobs) {
      FileTree.on(runtime).walk(job.source, options(), census);
    }
    return census.content();
  }

  private void copy(IoRuntime runtime, Job job, Progress progress, long content, long begun)
      throws IOException, InterruptedException {
    var work = CompletableFuture.runAsync(() -> copy(runtime, job), Thread::startVirtualThread);
    while (true) {
      try {
        work.get(progress.isLive() ? PROGRESS_MILLIS : Long.MAX_VALUE, TimeUnit.MILLISECONDS);
        return;
      } catch (TimeoutException e) {
        progress.show(meter.bar(content, (System.nanoTime() - begun) / 1e9));
      } catch (ExecutionException e) {
        switch (Failures.unwrap(e.getCause())) {
          case IOException cause -> throw cause;
          case RuntimeException cause -> throw cause;
          case Error cause -> throw cause;
          default -> throw new CompletionException(e.getCause());
        }
      }
    }
  }

  private void copy(IoRuntime runtime, Job job) {
    var trees = FileTree.on(runtime);
    var resumed = new ResumedCopy(AsyncFiles.of(runtime), trees, options(), List.of(how()), meter);
    try {
      if (job.isDirectory() && resume) {
        resumed.tree(job.source, job.target);
      } else if (job.isDirectory() || Files.isSymbolicLink(job.source)) {
        trees.copy(
            job.source,
            job.target,
            options(),
            meter.new Part(true),
            how(StandardCopyOption.REPLACE_EXISTING));
      } else if (resume) {
        resumeFile(runtime, resumed, job);
      } else {
        copyFile(runtime, job);
      }
      if (sync) {
        resumed.force(job.target.toAbsolutePath().getParent()); // its name is in there
      }
    } catch (IOException | InterruptedException e) {
      throw new CompletionException(e);
    }
  }

  /** Keeps what it has copied, whatever happens. */
  private void resumeFile(IoRuntime runtime, ResumedCopy resumed, Job job) throws IOException {
    var partial = job.target.resolveSibling("." + job.target.getFileName() + ".gyre-part");
    long same = resumed.file(job.source, partial);
    spec.commandLine()
        .getOut()
        .printf("%s: went on at byte %d, up to which the copy was the same%n", job.source, same);
    takePlace(runtime, partial, job.target);
  }

  private void copyFile(IoRuntime runtime, Job job) throws IOException {
    var partial =
        job.target.resolveSibling(
            ".gyre-"
                + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong())
                + ".part");
    var cleaner = new Thread(() -> deleteQuietly(partial), "gyre-cp-clean");
    Runtime.getRuntime().addShutdownHook(cleaner); // for a signal in the middle
    try {
      FileTree.on(runtime).copy(job.source, partial, options(), meter.new Part(false), how());
      takePlace(runtime, partial, job.target);
    } catch (FileSystemException e) {
      if (partial.toString().equals(e.getFile())) {
        throw new CommandFailed(job.target + ": " + Failures.reason(e));
      }
      throw e;
    } finally {
      deleteQuietly(partial);
      try {
        Runtime.getRuntime().removeShutdownHook(cleaner);
      } catch (IllegalStateException e) {
        // A signal came: the hook runs.
      }
    }
  }

  private void takePlace(IoRuntime runtime, Path partial, Path target) throws IOException {
    if (noPreserve && Files.exists(target)) {
      var files = AsyncFiles.of(runtime);
      var permissions = files.status(target).permissions();
      files.setAttributes(partial, AttributeChange.NONE.withPermissions(permissions));
    }
    Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
  }

  private static void deleteQuietly(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      // It is in the way of nothing, and the failure that led here is what has to be told.
    }
  }
}
