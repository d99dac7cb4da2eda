package io.gyre.benchmarks.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gyre.IoRuntime;
import io.gyre.fs.AsyncFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code cp} copies to the byte, and leaves nothing else behind. */
final class CpCommandTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "uring, 0", "uring, 1", "uring, 262144", "uring, 3000001",
    "nio, 0", "nio, 1", "nio, 262144", "nio, 3000001"
  })
  void theCopyIsTheSameToTheByte(String driver, int bytes) throws IOException {
    Drivers.assumeAvailable(driver);
    var content = random(bytes);
    var source = Files.write(folder.resolve("source"), content);
    var target = folder.resolve("target");
    var run =
        Cli.run("cp", source.toString(), target.toString(), "--driver", driver, "--depth", "3");
    assertEquals(0, run.status(), run.err());
    assertArrayEquals(content, Files.readAllBytes(target));
    assertFiles("source", "target");
  }

  @ParameterizedTest
  @ValueSource(strings = {"uring", "nio"})
  void aLongerTargetIsReplaced(String driver) throws IOException {
    Drivers.assumeAvailable(driver);
    var content = random(1000);
    var source = Files.write(folder.resolve("source"), content);
    var target = Files.write(folder.resolve("target"), random(500_000));
    var link = Files.createSymbolicLink(folder.resolve("link"), target);
    Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rw-------"));
    var run = Cli.run("cp", source.toString(), link.toString(), "--driver", driver);
    assertEquals(0, run.status(), run.err());
    assertArrayEquals(content, Files.readAllBytes(target));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(target)));
    assertFiles("link", "source", "target");
  }

  /** The size that is believed at the start is wrong, as it is when somebody appends or truncates meanwhile. */
  @ParameterizedTest
  @CsvSource({
    "uring, 0",
    "uring, 262144",
    "uring, 9000000",
    "nio, 0",
    "nio, 262144",
    "nio, 9000000"
  })
  void aSourceThatGrowsOrShrinksIsCopiedToItsEnd(String driver, long believed) throws Exception {
    Drivers.assumeAvailable(driver);
    var content = random(1_000_000);
    var source = Files.write(folder.resolve("source"), content);
    var target = folder.resolve("target");
    try (var runtime = IoRuntime.builder().driver(driver).start();
        var from = AsyncFile.open(runtime, source, StandardOpenOption.READ);
        var to =
            AsyncFile.open(
                runtime, target, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      long bytes = new FileCopy(from, to, believed, 262_144, 8).start().get();
      assertEquals(content.length, bytes);
    }
    assertArrayEquals(content, Files.readAllBytes(target));
  }

  @ParameterizedTest
  @ValueSource(strings = {"uring", "nio"})
  void aFailureLeavesTheTargetAsItWas(String driver) throws IOException {
    Drivers.assumeAvailable(driver);
    var target = Files.write(folder.resolve("target"), random(100));
    var before = Files.readAllBytes(target);
    var source = folder.resolve("source");
    // Reads of this one fail with EIO: nothing is mapped at address 0.
    Files.createSymbolicLink(source, Path.of("/proc/self/mem"));
    var run = Cli.run("cp", source.toString(), target.toString(), "--driver", driver);
    assertEquals(1, run.status(), run.out());
    assertEquals(1, run.err().lines().count(), run.err());
    assertArrayEquals(before, Files.readAllBytes(target));
    assertFiles("source", "target");
  }

  private void assertFiles(String... names) throws IOException {
    try (var files = Files.list(folder)) {
      var found = files.map(f -> f.getFileName().toString()).sorted().toArray();
      assertEquals(Arrays.toString(names), Arrays.toString(found));
    }
  }

  private static byte[] random(int bytes) {
    var content = new byte[bytes];
    new SplittableRandom(bytes).nextBytes(content);
    return content;
  }
}
