package io.gyre.benchmarks.peer;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs one file benchmark as a process and prints its result as the last line. */
@Command(name = "file-peer", description = "Uses files as Gyre's peers do.")
public final class FilePeerMain implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "PEER",
      description =
          "file-channel, async-file-channel, group-commit, read-all-bytes or"
              + " read-all-bytes-virtual.")
  private String peer;

  @Parameters(
      index = "1",
      paramLabel = "PATH",
      description = "The file; for read-all-bytes the folder of small files.")
  private Path path;

  @Option(
      names = "--depth",
      defaultValue = "32",
      description = "In flight, or threads (${DEFAULT-VALUE}).")
  private int depth;

  @Option(
      names = "--block",
      defaultValue = "4096",
      description = "Bytes a read, write or append (${DEFAULT-VALUE}).")
  private int block;

  @Option(names = "--write", description = "Write instead of read.")
  private boolean write;

  @Option(names = "--sequential", description = "One block after the other, not at random.")
  private boolean sequential;

  @Option(names = "--direct", description = "Past the page cache.")
  private boolean direct;

  @Option(
      names = "--files",
      defaultValue = "100000",
      description = "Files in the folder (${DEFAULT-VALUE}).")
  private int files;

  @Option(
      names = "--seed",
      defaultValue = "42",
      description = "Where positions come from (${DEFAULT-VALUE}).")
  private long seed;

  @Mixin private WindowOptions window;

  private FilePeerMain() {}

  /** Runs the peer that the arguments name. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new FilePeerMain()).execute(arguments));
  }

  @Override
  public Integer call() throws InterruptedException {
    window.check(spec);
    if (depth < 1 || block < 1 || files < 1) {
      throw new ParameterException(spec.commandLine(), "depth, block and files must be positive");
    }
    var chosen = Labels.peer(spec, peer, FilePeer::of);
    try {
      var result =
          chosen.run(
              new FileSettings(
                  path,
                  depth,
                  block,
                  write,
                  sequential,
                  direct,
                  files,
                  window.seconds(),
                  window.warmupSeconds(),
                  seed));
      System.out.println(result.line());
      return result.errors() == 0 ? 0 : 1;
    } catch (IOException e) {
      System.err.println(e);
      return 1;
    }
  }
}
