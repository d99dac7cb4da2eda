package io.gyre.benchmarks.cli;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Checks that picocli does not make. */
final class Arguments {
  private Arguments() {}

  /** Refuses a number out of range: a usage error. */
  static void range(CommandSpec spec, String option, long value, long min, long max) {
    if (value < min || value > max) {
      throw new ParameterException(
          spec.commandLine(), option + " must be from " + min + " to " + max + ": " + value);
    }
  }

  /** Refuses a file that has no whole block, and returns its size. */
  static long requireBlock(Path path, long size, int block) {
    if (size < block) {
      throw new CommandFailed(path + ": " + size + " bytes hold no block of " + block);
    }
    return size;
  }

  /**
   * Refuses what is not a regular file before it is opened: opening a FIFO would wait for its other end, and a directory
   * can be opened but not read.
   */
  static void requireRegularFile(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      throw new CommandFailed(path + ": is a directory, not a file");
    }
    if (!Files.exists(path)) {
      // Tells a missing file from a folder on the way that may not be searched.
      Files.readAttributes(path, java.nio.file.attribute.BasicFileAttributes.class);
      throw new NoSuchFileException(path.toString());
    }
    if (!Files.isRegularFile(path)) {
      throw new CommandFailed(path + ": is not a regular file");
    }
  }

  /** Where to listen. */
  static InetSocketAddress address(String host, int port) {
    try {
      return new InetSocketAddress(InetAddress.getByName(host), port);
    } catch (UnknownHostException e) {
      throw new CommandFailed("--host " + host + ": unknown host");
    }
  }
}
