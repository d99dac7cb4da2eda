package io.gyre.benchmarks.peer;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs one read benchmark as a process and prints its result as the last line. */
@Command(name = "read-peer", description = "Reads a file at random as Gyre's peers do.")
public final class ReadPeerMain implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "PEER", description = "file-channel or async-file-channel.")
  private String peer;

  @Parameters(index = "1", paramLabel = "FILE", description = "What to read.")
  private Path file;

  @Option(
      names = "--depth",
      defaultValue = "32",
      description = "Reads in flight (${DEFAULT-VALUE}).")
  private int depth;

  @Option(
      names = "--block",
      defaultValue = "4096",
      description = "Bytes a read (${DEFAULT-VALUE}).")
  private int block;

  @Option(
      names = "--seconds",
      defaultValue = "5",
      description = "How long to measure (${DEFAULT-VALUE}).")
  private double seconds;

  @Option(
      names = "--warmup",
      defaultValue = "1",
      description = "Seconds before that (${DEFAULT-VALUE}).")
  private double warmup;

  @Option(names = "--direct", description = "Past the page cache.")
  private boolean direct;

  @Option(
      names = "--seed",
      defaultValue = "42",
      description = "Where positions come from (${DEFAULT-VALUE}).")
  private long seed;

  private ReadPeerMain() {}

  /** Runs the peer that the arguments name. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new ReadPeerMain()).execute(arguments));
  }

  @Override
  public Integer call() throws InterruptedException {
    if (depth < 1 || block < 1 || !(seconds > 0) || !(warmup >= 0)) {
      throw new ParameterException(
          spec.commandLine(),
          "depth, block and seconds must be positive, and the warm-up not negative");
    }
    ReadPeer chosen;
    try {
      chosen = ReadPeer.of(peer);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
    try {
      var result = chosen.run(new ReadSettings(file, depth, block, seconds, warmup, direct, seed));
      System.out.println(result.line());
      return result.errors() == 0 ? 0 : 1;
    } catch (IOException e) {
      System.err.println(e);
      return 1;
    }
  }
}
