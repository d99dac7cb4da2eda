package io.gyre.benchmarks.bench;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How to start a class of this program in a JVM of its own, with the options that this JVM was started with. */
final class JavaCommand {
  private JavaCommand() {}

  static List<String> of(String mainClass, String... args) {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(mainClass);
    command.addAll(List.of(args));
    return command;
  }

  /** Such a command with more options for its JVM, which override those that it has. */
  static List<String> with(List<String> options, List<String> command) {
    var more = new ArrayList<>(command);
    more.addAll(more.indexOf("-cp"), options);
    return more;
  }
}
