package io.gyre.benchmarks.cli;

import io.gyre.BufferPool;
import io.gyre.IoRuntime;
import io.gyre.benchmarks.cli.TransferLoad.Access;
import io.gyre.benchmarks.peer.SmallFiles;
import io.gyre.driver.OpenRequest;
import io.gyre.fs.AsyncFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ./gyre file-load}: Gyre's side of those rows of the comparison that no command for people measures. */
@Command(
    name = "file-load",
    hidden = true,
    description = {
      "Measures what ./gyre bench compares: random writes over a file, sequential reads, also as a"
          + " stream of blocks or an input stream, appends made durable by group commit (the file"
          + " is made anew), or small files that are opened, read and closed.",
      "The last line tells the same as that of read."
    })
final class FileLoadCommand implements Callable<Integer> {
  private static final long MIB = 1 << 20;
  private static final int MAX_DEPTH = 4096;

  /** What to do. */
  enum Kind {
    WRITE,
    SEQUENTIAL,
    BLOCKS,
    INPUT_STREAM,
    APPEND,
    SMALL_FILES;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** What is counted, in the singular. */
    String unit() {
      return switch (this) {
        case WRITE -> "write";
        case SEQUENTIAL, BLOCKS, INPUT_STREAM -> "read";
        case APPEND -> "append";
        case SMALL_FILES -> "file";
      };
    }
  }

  /** Reads a kind. */
  static final class KindConverter extends Choices<Kind> {
    KindConverter() {
      super(Kind.class);
    }
  }

  @Parameters(
      index = "0",
      paramLabel = "KIND",
      converter = KindConverter.class,
      description = "${COMPLETION-CANDIDATES}.")
  Kind kind;

  @Parameters(
      index = "1",
      paramLabel = "PATH",
      description = "The file, or the folder of small files.")
  Path path;

  @Option(
      names = "--depth",
      paramLabel = "N",
      defaultValue = "32",
      description = "How many are in flight, or writers. Default: ${DEFAULT-VALUE}.")
  int depth;

  @Option(
      names = "--block",
      paramLabel = "BYTES",
      defaultValue = "4096",
      description = "Bytes a read, write or append. Default: ${DEFAULT-VALUE}.")
  int block;

  @Option(names = "--direct", description = "Past the page cache (O_DIRECT).")
  boolean direct;

  @Option(
      names = "--files",
      paramLabel = "N",
      defaultValue = "100000",
      description = "How many small files there are. Default: ${DEFAULT-VALUE}.")
  int files;

  @Mixin WindowOptions window;
  @Mixin DriverOption driver;
  @Spec CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    Arguments.range(spec, "--depth", depth, 1, MAX_DEPTH);
    Arguments.range(spec, "--block", block, 1, BufferPool.MAX_BUFFER_BYTES);
    Arguments.range(spec, "--files", files, 1, 1_000_000);
    window.check(spec);
    try (var runtime = start()) {
      switch (kind) {
        case WRITE -> {
          Arguments.requireRegularFile(path);
          try (var file = open(runtime, StandardOpenOption.WRITE)) {
            transfer(runtime, file, Access.WRITE, new RandomBlocks(blocks()));
          }
        }
        case SEQUENTIAL -> {
          Arguments.requireRegularFile(path);
          try (var file = open(runtime, StandardOpenOption.READ)) {
            transfer(runtime, file, Access.READ, new SequentialBlocks(blocks()));
          }
        }
        case BLOCKS, INPUT_STREAM -> stream(runtime);
        case APPEND -> append(runtime);
        case SMALL_FILES ->
            measure(
                runtime, new SmallFilesLoad(runtime.loop(), SmallFiles.paths(path, files), depth));
      }
    }
    return 0;
  }

  /** One more than are in flight: the fsync beside the appends. */
  private IoRuntime start() throws IOException {
    long each = RingSizes.powerOfTwo(Math.max(block, BufferPool.MIN_BUFFER_BYTES));
    return RingSizes.fit(driver.builder(), depth + 1)
        .bufferPoolBytes((depth * each + MIB - 1) / MIB * MIB)
        .start();
  }

  private AsyncFile open(IoRuntime runtime, OpenOption... options) throws IOException {
    var all = new ArrayList<>(List.of(options));
    if (direct) {
      all.add(OpenRequest.DIRECT);
    }
    return AsyncFile.open(runtime, path, all.toArray(OpenOption[]::new));
  }

  private void transfer(IoRuntime runtime, AsyncFile file, Access access, BlockPlan plan)
      throws Exception {
    measure(runtime, new CallbackLoad(file, access, plan, file.size(), block, depth, null));
  }

  private void stream(IoRuntime runtime) throws Exception {
    Arguments.requireRegularFile(path);
    blocks(); // refuses a file that is too small
    try (var file = open(runtime, StandardOpenOption.READ)) {
      measure(
          runtime,
          kind == Kind.BLOCKS
              ? new BlocksLoad(file, block, depth)
              : new InputStreamLoad(file, block, depth));
    }
  }

  private long blocks() throws IOException {
    return Arguments.requireBlock(path, Files.size(path), block) / block;
  }

  private void append(IoRuntime runtime) throws Exception {
    try (var file =
        open(
            runtime,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      measure(runtime, new AppendLoad(file, block, depth));
    }
  }

  private void measure(IoRuntime runtime, TimedLoad load) throws Exception {
    var out = spec.commandLine().getOut();
    var unit = kind.unit();
    var run = new LoadRun(load, unit + "s", new Progress(out));
    run.run(window.warmupNanos(), window.nanos());
    load.releaseBuffers();
    var line = run.line(load, unit, runtime.driverName());
    out.println(kind == Kind.APPEND ? line + run.perSync(unit) : line);
    if (load.firstFailure() != null) {
      throw new CommandFailed(Failures.describe(load.firstFailure()));
    }
  }
}
