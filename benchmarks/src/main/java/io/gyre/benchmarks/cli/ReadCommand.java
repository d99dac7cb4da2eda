package io.gyre.benchmarks.cli;

import io.gyre.BufferPool;
import io.gyre.IoRuntime;
import io.gyre.driver.OpenRequest;
import io.gyre.fs.AsyncFile;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ./gyre read}. */
@Command(
    name = "read",
    description = {
      "Measures random reads of a file, a number of them in flight at a time.",
      "The last line tells reads a second, processor time a read (all threads, user and system),"
          + " latency, calls into the kernel a read, and bytes allocated a read, all of the window"
          + " that follows the warm-up."
    })
final class ReadCommand implements Callable<Integer> {
  private static final int SECTOR = 512;
  private static final long MIB = 1 << 20;
  private static final long MAX_MEMORY = 1 << 30;

  /** How to be told. */
  enum Style {
    CALLBACK,
    FUTURE;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Reads a style. */
  static final class StyleConverter extends Choices<Style> {
    StyleConverter() {
      super(Style.class);
    }
  }

  @Parameters(paramLabel = "FILE", description = "What to read; it is not changed.")
  Path path;

  @Option(
      names = "--depth",
      paramLabel = "N",
      defaultValue = "32",
      description = "How many reads are in flight. Default: ${DEFAULT-VALUE}.")
  int depth;

  @Option(
      names = "--block",
      paramLabel = "BYTES",
      defaultValue = "4096",
      description = "How much each reads, at a multiple of that. Default: ${DEFAULT-VALUE}.")
  int block;

  @Option(
      names = "--direct",
      description = "Past the page cache (O_DIRECT): BYTES must be a multiple of 512.")
  boolean direct;

  @Option(
      names = "--style",
      paramLabel = "STYLE",
      defaultValue = "callback",
      converter = StyleConverter.class,
      description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
  Style style;

  @Mixin WindowOptions window;
  @Mixin DriverOption driver;
  @Spec CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    checkOptions();
    Arguments.requireRegularFile(path);
    try (var runtime = start()) {
      var options =
          direct
              ? new OpenOption[] {StandardOpenOption.READ, OpenRequest.DIRECT}
              : new OpenOption[] {StandardOpenOption.READ};
      try (var file = AsyncFile.open(runtime, path, options)) {
        long size = file.size();
        if (size == 0) {
          throw new CommandFailed(path + ": is empty, there is nothing to read");
        }
        measure(runtime, file, size);
      }
    }
    return 0;
  }

  private void checkOptions() {
    Arguments.range(spec, "--depth", depth, 1, 32_768);
    Arguments.range(spec, "--block", block, 1, MAX_MEMORY / 2);
    window.check(spec);
    if (direct && block % SECTOR != 0) {
      throw new ParameterException(
          spec.commandLine(),
          "--direct needs a --block that is a multiple of " + SECTOR + ": " + block);
    }
    if (memory() > MAX_MEMORY) {
      throw new ParameterException(
          spec.commandLine(),
          "--depth "
              + depth
              + " times --block "
              + block
              + " is more memory than the 1 GiB that is allowed");
    }
  }

  private long memory() {
    return (long) depth * RingSizes.powerOfTwo(Math.max(block, BufferPool.MIN_BUFFER_BYTES));
  }

  private IoRuntime start() throws java.io.IOException {
    var builder = RingSizes.fit(driver.builder(), depth);
    if (block <= BufferPool.MAX_BUFFER_BYTES) {
      // As much as is needed and no more: what is registered counts against a limit.
      builder.bufferPoolBytes((memory() + MIB - 1) / MIB * MIB);
    }
    return builder.start();
  }

  private void measure(IoRuntime runtime, AsyncFile file, long size) throws Exception {
    var out = spec.commandLine().getOut();
    var load =
        switch (style) {
          case CALLBACK -> new CallbackReadLoad(file, size, block, depth);
          case FUTURE -> new FutureReadLoad(file, size, block, depth);
        };
    var run = new LoadRun(load, "reads", new Progress(out));
    run.run(window.warmupNanos(), window.nanos());
    load.releaseBuffers();
    var meter = run.meter();
    long reads = run.operations();
    out.printf(
        Locale.ROOT,
        "reads/s=%.0f cpu_us/read=%.3f p50_us=%.1f p99_us=%.1f enters/read=%.4f"
            + " alloc_bytes/read=%.2f errors=%d driver=%s%n",
        meter.perSecond(reads),
        meter.cpuMicrosPer(reads),
        load.percentileMicros(50),
        load.percentileMicros(99),
        meter.entersPer(reads),
        meter.allocatedBytesPer(reads),
        run.errors(),
        runtime.driverName());
    if (load.firstFailure() != null) {
      throw new CommandFailed(Failures.describe(load.firstFailure()));
    }
  }
}
