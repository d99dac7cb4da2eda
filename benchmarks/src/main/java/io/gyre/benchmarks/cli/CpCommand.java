package io.gyre.benchmarks.cli;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import io.gyre.fs.AsyncFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
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
 * {@code ./gyre cp}. The copy is made under another name beside the target and takes its name when it is complete and
 * durable: whatever goes wrong, the target is what it was, or the whole copy.
 */
@Command(
    name = "cp",
    description = {
      "Copies a file, reading and writing a number of blocks at a time.",
      "DST appears, or is replaced, when the copy is complete and on the disk; on a failure it is"
          + " left as it was."
    })
final class CpCommand implements Callable<Integer> {
  private static final int BLOCK_BYTES = 256 << 10;
  private static final long MIB = 1 << 20;
  private static final long PROGRESS_MILLIS = 100;
  private static final int BAR_WIDTH = 32;

  @Parameters(paramLabel = "SRC", index = "0", description = "A regular file.")
  Path source;

  @Parameters(
      paramLabel = "DST",
      index = "1",
      description = "The copy's path. It may exist, as a regular file.")
  Path target;

  @Option(
      names = "--depth",
      paramLabel = "N",
      defaultValue = "32",
      description = "How many blocks of 256 KiB are in flight. Default: ${DEFAULT-VALUE}.")
  int depth;

  @Mixin DriverOption driver;
  @Spec CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    Arguments.range(spec, "--depth", depth, 1, 4096);
    Arguments.requireRegularFile(source);
    var destination = destination();
    var partial =
        destination.resolveSibling(
            ".gyre-"
                + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong())
                + ".part");
    var cleaner = new Thread(() -> deleteQuietly(partial), "gyre-cp-clean");
    Runtime.getRuntime().addShutdownHook(cleaner); // for a signal in the middle
    try {
      create(partial, Files.exists(destination) ? destination : source);
      copyTo(partial);
      Files.move(partial, destination, StandardCopyOption.ATOMIC_MOVE);
      force(destination.getParent());
    } catch (FileSystemException e) {
      throw partial.toString().equals(e.getFile())
          ? new CommandFailed(target + ": " + Failures.reason(e))
          : e;
    } finally {
      deleteQuietly(partial);
      try {
        Runtime.getRuntime().removeShutdownHook(cleaner);
      } catch (IllegalStateException e) {
        // A signal came: the hook runs.
      }
    }
    return 0;
  }

  /** Where the copy goes in the end, symbolic links followed, after what can be refused at once. */
  private Path destination() throws IOException {
    if (Files.isDirectory(target)) {
      throw new CommandFailed(target + ": is a directory, not a file");
    }
    if (Files.exists(target)) {
      if (Files.isSameFile(source, target)) {
        throw new CommandFailed(source + " and " + target + " are the same file");
      }
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
    var absolute = target.toAbsolutePath().normalize();
    if (absolute.getParent() == null || !Files.isDirectory(absolute.getParent())) {
      throw new CommandFailed(target + ": no such directory");
    }
    return absolute;
  }

  /** Creates a file that is no more readable than another, less what the umask takes away. */
  private static void create(Path path, Path like) throws IOException {
    try {
      var permissions = Files.getPosixFilePermissions(like);
      permissions.addAll(PosixFilePermissions.fromString("rw-------"));
      Files.createFile(path, PosixFilePermissions.asFileAttribute(permissions));
    } catch (UnsupportedOperationException e) {
      Files.createFile(path);
    }
  }

  private void copyTo(Path partial) throws Exception {
    long poolBytes = ((long) depth * BLOCK_BYTES + MIB - 1) / MIB * MIB;
    var builder = RingSizes.fit(driver.builder(), depth).bufferPoolBytes(poolBytes);
    long begun = System.nanoTime();
    try (var runtime = builder.start();
        var from = AsyncFile.open(runtime, source, READ);
        var to = AsyncFile.open(runtime, partial, WRITE)) {
      long size = from.size();
      var copy = new FileCopy(from, to, size, BLOCK_BYTES, depth);
      long bytes = await(copy, size);
      if (to.size() > bytes) { // the source has shrunk
        try (var channel = FileChannel.open(partial, WRITE)) {
          channel.truncate(bytes);
        }
      }
      to.force(true);
      copy.releaseBuffers();
      double seconds = (System.nanoTime() - begun) / 1e9;
      spec.commandLine()
          .getOut()
          .printf(
              Locale.ROOT,
              "bytes=%d seconds=%.3f MB/s=%.1f driver=%s%n",
              bytes,
              seconds,
              bytes / 1e6 / seconds,
              runtime.driverName());
    }
  }

  private long await(FileCopy copy, long size) throws Exception {
    var progress = new Progress(spec.commandLine().getOut());
    long begun = System.nanoTime();
    CompletableFuture<Long> ended = copy.start();
    try {
      while (true) {
        try {
          return ended.get(
              progress.isLive() ? PROGRESS_MILLIS : Long.MAX_VALUE, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
          progress.show(bar(copy.copiedBytes(), size, (System.nanoTime() - begun) / 1e9));
        }
      }
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    } finally {
      progress.clear();
    }
  }

  static String bar(long bytes, long of, double seconds) {
    double part = of == 0 ? 1 : Math.min(1, (double) bytes / of);
    int filled = (int) (part * BAR_WIDTH);
    return String.format(
        Locale.ROOT,
        "[%s%s] %3.0f %%  %.1f of %.1f MB  %.1f MB/s",
        "#".repeat(filled),
        ".".repeat(BAR_WIDTH - filled),
        part * 100,
        bytes / 1e6,
        of / 1e6,
        bytes / 1e6 / Math.max(seconds, 1e-3));
  }

  /** The new name is in the folder's own data: without this a crash could lose it. */
  private static void force(Path folder) throws IOException {
    try (var channel = FileChannel.open(folder, READ)) {
      channel.force(true);
    }
  }

  private static void deleteQuietly(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      // It is in the way of nothing, and the failure that led here is what has to be told.
    }
  }
}
