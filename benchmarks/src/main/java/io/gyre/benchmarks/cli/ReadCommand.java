package io.gyre.benchmarks.cli;

import io.gyre.BufferPool;
import io.gyre.IoRuntime;
import io.gyre.benchmarks.cli.TransferLoad.Access;
import io.gyre.benchmarks.load.GroupSync;
import io.gyre.driver.OpenRequest;
import io.gyre.fs.AsyncFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
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
      "Measures random reads of a file, or writes over what it holds, a number of them in flight at"
          + " a time.",
      "The last line tells reads a second, processor time a read (all threads, user and system),"
          + " latency, calls into the kernel a read, and bytes allocated a read, all of the window"
          + " that follows the warm-up.",
      "With --write --verify each block says where it belongs and which version it is, and a"
          + " journal beside the file what was reported written. Whatever happened then, a kill -9"
          + " for instance, --verify alone reads the whole file and names each block that is lost,"
          + " stale, damaged or misdirected; the exit status is 0 when there is none."
    })
final class ReadCommand implements Callable<Integer> {
  private static final int SECTOR = 512;
  private static final long MIB = 1 << 20;
  private static final long MAX_MEMORY = 1 << 30;

  /** The largest block that can be asked for. */
  static final long MAX_BLOCK_BYTES = MAX_MEMORY / 2;

  /** How to be told. */
  enum Style {
    CALLBACK,
    FUTURE,
    TASK;

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

  /** What is made durable before a write counts. */
  enum Sync {
    NONE,
    DATA,
    ALL;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Reads what to make durable. */
  static final class SyncConverter extends Choices<Sync> {
    SyncConverter() {
      super(Sync.class);
    }
  }

  @Parameters(
      paramLabel = "FILE",
      description = "What to read; it is changed by --write alone, which keeps its size.")
  Path path;

  @Option(
      names = "--depth",
      paramLabel = "N",
      defaultValue = "32",
      description = "How many are in flight. Default: ${DEFAULT-VALUE}.")
  int depth;

  @Option(
      names = "--block",
      paramLabel = "BYTES",
      defaultValue = "4096",
      description =
          "How much each reads or writes, at a multiple of that. Default: ${DEFAULT-VALUE}; with"
              + " --verify alone what the journal says.")
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
      description =
          "${COMPLETION-CANDIDATES}: task is a virtual thread for each in flight, which waits in"
              + " plain calls. Default: ${DEFAULT-VALUE}.")
  Style style;

  @Option(names = "--write", description = "Write over what the file holds.")
  boolean write;

  @Option(
      names = "--sync",
      paramLabel = "WHAT",
      defaultValue = "none",
      converter = SyncConverter.class,
      description =
          "With --write, ${COMPLETION-CANDIDATES}: a write ends when it is durable, its data"
              + " (fdatasync) or all (fsync); one call serves all writes that have ended before it."
              + " Default: ${DEFAULT-VALUE}.")
  Sync sync;

  @Option(
      names = "--verify",
      description =
          "With --write, write blocks that can be verified, and verify them in the end; without,"
              + " verify a file that was written so.")
  boolean verify;

  @Option(
      names = "--journal",
      paramLabel = "PATH",
      description = "With --verify, the journal. Default: FILE.journal.")
  Path journalPath;

  @Mixin WindowOptions window;
  @Mixin DriverOption driver;
  @Spec CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    checkOptions();
    Arguments.requireRegularFile(path);
    if (!verify) {
      run(null);
    } else if (write) {
      try (var journal = journalToWrite()) {
        run(journal);
      }
    } else {
      try (var journal = WriteJournal.openToRead(journalPath())) {
        if (isGiven("--block") && block != journal.blockBytes()) {
          throw new CommandFailed(
              journal + ": is about blocks of " + journal.blockBytes() + " bytes, not " + block);
        }
        block = journal.blockBytes();
        checkMemory();
        verify(journal);
      }
    }
    return 0;
  }

  private void checkOptions() {
    Arguments.range(spec, "--depth", depth, 1, 32_768);
    Arguments.range(spec, "--block", block, 1, MAX_BLOCK_BYTES);
    window.check(spec);
    refuseUnless(write || !isGiven("--sync"), "--sync needs --write");
    refuseUnless(verify || !isGiven("--journal"), "--journal needs --verify");
    if (verify && !write) {
      for (var option : new String[] {"--seconds", "--warmup"}) {
        refuseUnless(
            !isGiven(option),
            option + " means nothing to --verify alone: all blocks are read once");
      }
    }
    refuseUnless(
        !verify || block >= StampedBlock.HEADER_BYTES,
        "--verify needs a --block of " + StampedBlock.HEADER_BYTES + " bytes or more: " + block);
    refuseUnless(
        !direct || block % SECTOR == 0,
        "--direct needs a --block that is a multiple of " + SECTOR + ": " + block);
    checkMemory();
  }

  private void checkMemory() {
    refuseUnless(
        memory() <= MAX_MEMORY,
        "--depth %d times --block %d is more memory than the 1 GiB that is allowed"
            .formatted(depth, block));
  }

  private void refuseUnless(boolean sensible, String otherwise) {
    if (!sensible) {
      throw new ParameterException(spec.commandLine(), otherwise);
    }
  }

  private boolean isGiven(String option) {
    return spec.commandLine().getParseResult().hasMatchedOption(option);
  }

  private long memory() {
    return (long) depth * RingSizes.powerOfTwo(Math.max(block, BufferPool.MIN_BUFFER_BYTES));
  }

  private Path journalPath() {
    return journalPath == null ? path.resolveSibling(path.getFileName() + ".journal") : journalPath;
  }

  private WriteJournal journalToWrite() throws IOException {
    long blocks = Arguments.requireBlock(path, Files.size(path), block) / block;
    if (blocks < depth || blocks > Integer.MAX_VALUE) {
      throw new CommandFailed(
          "%s: --verify needs from --depth (%d) to 2^31 - 1 blocks, and it has %d of %d bytes"
              .formatted(path, depth, blocks, block));
    }
    return WriteJournal.openToWrite(journalPath(), block, blocks);
  }

  /** One more than are in flight: the fsync beside the writes. */
  private IoRuntime start() throws IOException {
    var builder = RingSizes.fit(driver.builder(), depth + 1);
    if (block <= BufferPool.MAX_BUFFER_BYTES) {
      // As much as is needed and no more: what is registered counts against a limit.
      builder.bufferPoolBytes((memory() + MIB - 1) / MIB * MIB);
    }
    return builder.start();
  }

  private AsyncFile open(IoRuntime runtime) throws IOException {
    var options = new ArrayList<OpenOption>();
    options.add(StandardOpenOption.READ);
    if (write) {
      options.add(StandardOpenOption.WRITE);
    }
    if (direct) {
      options.add(OpenRequest.DIRECT);
    }
    return AsyncFile.open(runtime, path, options.toArray(OpenOption[]::new));
  }

  /** Measures; then verifies, when there is a journal. */
  private void run(WriteJournal journal) throws Exception {
    try (var runtime = start();
        var file = open(runtime)) {
      long size = file.size();
      if (size == 0) {
        throw new CommandFailed(path + ": is empty, there is nothing to read");
      }
      if (write) {
        Arguments.requireBlock(path, size, block);
      }
      var plan =
          journal == null
              ? new RandomBlocks(TransferLoad.blocks(size, block))
              : new StampedBlocks(journal);
      var line = measure(runtime, load(file, write ? Access.WRITE : Access.READ, plan, size));
      if (journal != null) {
        verify(file, journal);
      }
      spec.commandLine().getOut().println(line);
    }
  }

  private TransferLoad load(AsyncFile file, Access access, BlockPlan plan, long size) {
    boolean syncs = access == Access.WRITE && sync != Sync.NONE;
    boolean metaData = sync == Sync.ALL;
    if (style == Style.TASK) {
      return new TaskLoad(
          file, access, plan, size, block, depth, syncs ? new TaskSync(file, metaData) : null);
    }
    var group = syncs ? new GroupSync(file, metaData) : null;
    return style == Style.CALLBACK
        ? new CallbackLoad(file, access, plan, size, block, depth, group)
        : new FutureLoad(file, access, plan, size, block, depth, group);
  }

  private String measure(IoRuntime runtime, TransferLoad load) throws Exception {
    var unit = write ? "write" : "read";
    var run = new LoadRun(load, unit + "s", new Progress(spec.commandLine().getOut()));
    run.run(window.warmupNanos(), window.nanos());
    load.releaseBuffers();
    var line = run.line(load, unit, runtime.driverName());
    if (sync != Sync.NONE) {
      line += run.perSync(unit);
    }
    if (load.firstFailure() != null) {
      spec.commandLine().getOut().println(line);
      throw new CommandFailed(Failures.describe(load.firstFailure()));
    }
    return line;
  }

  private void verify(WriteJournal journal) throws Exception {
    try (var runtime = start();
        var file = open(runtime)) {
      verify(file, journal);
    }
  }

  private void verify(AsyncFile file, WriteJournal journal) throws Exception {
    var out = spec.commandLine().getOut();
    long size = file.size();
    var plan = new CheckedBlocks(journal, size / block);
    var load = load(file, Access.READ, plan, Math.max(size, block));
    new LoadRun(load, "reads", new Progress(out)).runToEnd(plan.blocks());
    load.releaseBuffers();
    if (load.firstFailure() != null) {
      throw new CommandFailed(Failures.describe(load.firstFailure()));
    }
    plan.told().forEach(out::println);
    out.printf(
        "verified blocks=%d acknowledged=%d interrupted=%d bad=%d%n",
        plan.blocks(), plan.acknowledged(), plan.interrupted(), plan.bad());
    if (plan.bad() > 0) {
      throw new CommandFailed(
          "%s: %d %s, the first: %s"
              .formatted(
                  path,
                  plan.bad(),
                  plan.bad() == 1 ? "block is bad" : "blocks are bad",
                  plan.told().getFirst()));
    }
  }
}
