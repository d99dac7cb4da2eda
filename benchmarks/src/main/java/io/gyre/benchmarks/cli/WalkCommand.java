package io.gyre.benchmarks.cli;

import io.gyre.fs.FileTree;
import io.gyre.fs.TreeOptions;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ./gyre walk}. */
@Command(
    name = "walk",
    description = {
      "Counts what is in a directory and all directories in it. Symbolic links are counted, not"
          + " followed.",
      "The last line tells how many files, directories (DIR included), symbolic links and others"
          + " there are; bytes, the sum of the files' sizes; and allocated, the space on the disk"
          + " that everything takes. As du has it, both count a file of several names once. What"
          + " can't be looked at is listed, and makes the exit status 1."
    })
final class WalkCommand implements Callable<Integer> {
  private static final long PROGRESS_MILLIS = 100;

  @Parameters(paramLabel = "DIR", description = "Where to begin.")
  Path root;

  @Option(
      names = "--parallel",
      paramLabel = "N",
      defaultValue = "32",
      description = "How many entries are looked at at a time. Default: ${DEFAULT-VALUE}.")
  int parallel;

  @Mixin DriverOption driver;
  @Spec CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    Arguments.range(spec, "--parallel", parallel, 1, 4096);
    Files.readAttributes(
        root, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS); // is it there?
    var census = new TreeCensus();
    try (var runtime = RingSizes.fit(driver.builder(), 2 * parallel).start()) {
      long begun = System.nanoTime();
      var ended =
          FileTree.on(runtime)
              .walkAsync(root, TreeOptions.DEFAULT.withParallelism(parallel), census);
      var summary = await(ended, census);
      double seconds = (System.nanoTime() - begun) / 1e9;
      census.failures().print(spec.commandLine().getErr(), spec.qualifiedName());
      long entries =
          summary.files() + summary.directories() + summary.symbolicLinks() + summary.others();
      spec.commandLine()
          .getOut()
          .printf(
              Locale.ROOT,
              "files=%d directories=%d links=%d others=%d bytes=%d allocated=%s errors=%d"
                  + " seconds=%.3f entries/s=%.0f driver=%s%n",
              summary.files(),
              summary.directories(),
              summary.symbolicLinks(),
              summary.others(),
              census.bytes(),
              census.allocated() < 0 ? "unknown" : census.allocated(),
              census.failures().count(),
              seconds,
              entries / seconds,
              runtime.driverName());
    }
    return census.failures().count() == 0 ? 0 : 1;
  }

  private <T> T await(CompletableFuture<T> ended, TreeCensus census) throws Exception {
    var progress = new Progress(spec.commandLine().getOut());
    try {
      while (true) {
        try {
          return ended.get(
              progress.isLive() ? PROGRESS_MILLIS : Long.MAX_VALUE, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
          progress.show(String.format(Locale.ROOT, "%,d entries", census.entries()));
        }
      }
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    } finally {
      progress.clear();
    }
  }
}
