package io.gyre.benchmarks.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.testing.ChildJvm;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code walk} counts what find and du count. */
@Timeout(120)
final class WalkCommandTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"uring, 32", "uring, 1", "nio, 32"})
  void itCountsWhatFindAndDuCount(String driver, String parallel) throws Exception {
    var root = makeTree(folder.resolve("tree"));
    var run = Cli.run("walk", root.toString(), "--driver", driver, "--parallel", parallel);
    assertEquals(0, run.status(), run.toString());
    assertEquals("", run.err());
    assertEquals(output("find", root, "-type", "f", "-printf", "x").length(), told(run, "files"));
    assertEquals(
        output("find", root, "-type", "d", "-printf", "x").length(), told(run, "directories"));
    assertEquals(output("find", root, "-type", "l", "-printf", "x").length(), told(run, "links"));
    assertEquals(1, told(run, "others"));
    // The file of two names once: 300 files of 0 to 299 bytes, 10,000 once, a hole.
    assertEquals(300 * 299 / 2 + 10_000 + (1 << 20), told(run, "bytes"));
    if (driver.equals("uring")) { // java.nio does not tell
      var du = output("du", "-s", "--block-size=1", root).replaceAll("\\s.*\\s*", "");
      assertEquals(Long.parseLong(du), told(run, "allocated"));
    } else {
      assertTrue(run.lastLine().contains(" allocated=unknown "), run.out());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"uring", "nio"})
  void whatCannotBeReadIsListedAndTheRestIsCounted(String driver) throws Exception {
    var root = Files.createTempDirectory(Path.of("/tmp"), "gyre-walk-"); // for every user
    try {
      Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxr-xr-x"));
      Files.createFile(root.resolve("file"));
      var closed = Files.createDirectory(root.resolve("closed"));
      Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("---------"));
      var result =
          ChildJvm.of(Main.class, "walk", root.toString(), "--driver=" + driver)
              .asOrdinaryUser()
              .run();
      assertEquals(1, result.status(), result.output());
      result.checkSaid("gyre walk: " + closed + ": permission denied");
      result.checkSaid("files=1 directories=2 links=0 others=0");
      result.checkSaid(" errors=1 ");
      Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("rwx------"));
      Files.delete(closed);
    } finally {
      Files.deleteIfExists(root.resolve("file"));
      Files.deleteIfExists(root);
    }
  }

  private static Path makeTree(Path root) throws Exception {
    for (int i = 0; i < 300; i++) {
      var directory = Files.createDirectories(root.resolve("d" + i % 7 + "/e" + i % 3));
      Files.write(directory.resolve("f" + i), new byte[i]);
    }
    var file = Files.write(root.resolve("one name"), new byte[10_000]);
    Files.createLink(root.resolve("another name"), file);
    Files.createSymbolicLink(root.resolve("d0/up"), Path.of(".."));
    Files.createSymbolicLink(root.resolve("nowhere"), Path.of("none"));
    try (var sparse = new RandomAccessFile(root.resolve("sparse").toFile(), "rw")) {
      sparse.setLength(1 << 20);
    }
    output("mkfifo", root.resolve("fifo"));
    return root;
  }

  private static long told(Cli.Run run, String name) {
    var field = Pattern.compile("(^| )" + name + "=(\\d+) ").matcher(run.lastLine());
    assertTrue(field.find(), () -> "no " + name + " in " + run.out());
    return Long.parseLong(field.group(2));
  }

  private static String output(Object... command) throws IOException, InterruptedException {
    var words = Arrays.stream(command).map(Object::toString).toList();
    var process = new ProcessBuilder(words).redirectErrorStream(true).start();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
    return output;
  }
}
