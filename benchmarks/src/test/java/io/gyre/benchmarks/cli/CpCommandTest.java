package io.gyre.benchmarks.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code cp} copies to the byte, and leaves nothing else behind. */
final class CpCommandTest {
  private static final Instant LONG_AGO = Instant.parse("2001-02-03T04:05:06.789012345Z");

  @TempDir Path folder;

  @Test
  void helpNamesItsPathsOnce() {
    var help = Cli.run("cp", "--help").out();
    assertTrue(help.contains("SRC... DST" + System.lineSeparator()), help);
    assertFalse(help.contains("DST..."), help);
  }

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
    assertEquals(
        Files.getPosixFilePermissions(source),
        Files.getPosixFilePermissions(target),
        "those of the source");
    assertFiles("link", "source", "target");
  }

  @ParameterizedTest
  @CsvSource({"uring, --sync", "uring, --resume", "nio, --sync"})
  void withoutPreserveThePermissionsOfWhatIsReplacedStay(String driver, String how)
      throws IOException {
    var source = Files.write(folder.resolve("source"), random(1000));
    Files.setLastModifiedTime(source, FileTime.from(LONG_AGO));
    var target = Files.write(folder.resolve("target"), random(10));
    Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rw--w----"));
    assertDone(
        Cli.run(
            "cp", "--no-preserve", how, source.toString(), target.toString(), "--driver", driver));
    assertArrayEquals(random(1000), Files.readAllBytes(target));
    assertEquals("rw--w----", PosixFilePermissions.toString(Files.getPosixFilePermissions(target)));
    assertNotEquals(LONG_AGO, Files.getLastModifiedTime(target).toInstant());
  }

  @ParameterizedTest
  @ValueSource(strings = {"uring", "nio"})
  void aTreeIsCopiedWithLinksAsLinks(String driver) throws IOException {
    var source = makeTree(folder.resolve("source"));
    var run =
        Cli.run("cp", "-r", "--sync", source.toString(), folder + "/copy", "--driver", driver);
    assertDone(run);
    assertSameTree(source, folder.resolve("copy"));
    assertTrue(run.lastLine().startsWith("files=4 directories=3 links=2 bytes=503001"), run.out());
    // Once more fills up what is there: the copy inside the copy has its source's name.
    assertDone(Cli.run("cp", "-r", source.toString(), folder + "/copy", "--driver", driver));
    assertSameTree(source, folder.resolve("copy/source"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"uring", "nio"})
  void severalSourcesGoIntoADirectory(String driver) throws IOException {
    var tree = makeTree(folder.resolve("tree"));
    var file = Files.write(folder.resolve("file"), random(77));
    var into = Files.createDirectory(folder.resolve("into"));
    assertDone(
        Cli.run("cp", "-r", tree.toString(), file.toString(), into.toString(), "--driver", driver));
    assertSameTree(tree, into.resolve("tree"));
    assertArrayEquals(random(77), Files.readAllBytes(into.resolve("file")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"uring", "nio"})
  void whatCannotBeCopiedIsListedAndTheRestIsCopied(String driver) throws Exception {
    var source = makeTree(folder.resolve("source"));
    var fifo = source.resolve("a/fifo");
    assertEquals(0, new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor());
    var run = Cli.run("cp", "-r", source.toString(), folder + "/copy", "--driver", driver);
    assertEquals(1, run.status(), run.toString());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().startsWith("gyre cp: " + fifo + ": "), run.err());
    assertTrue(run.lastLine().contains(" errors=1 "), run.out());
    Files.delete(fifo);
    assertSameTree(source, folder.resolve("copy"));
  }

  @Test
  void holesStayHoles() throws IOException {
    var source = folder.resolve("sparse");
    try (var sparse = new RandomAccessFile(source.toFile(), "rw")) {
      sparse.setLength(50 << 20);
      sparse.seek(20 << 20);
      sparse.write(random(1000));
    }
    for (var how : List.of("--sync", "--resume")) {
      var target = folder.resolve("copy" + how);
      assertDone(Cli.run("cp", how, source.toString(), target.toString(), "--driver", "uring"));
      assertEquals(-1, Files.mismatch(source, target));
      var walk = Cli.run("walk", target.toString(), "--driver", "uring").lastLine();
      var allocated = walk.replaceAll(".* allocated=(\\d+) .*", "$1");
      assertTrue(Long.parseLong(allocated) < 1 << 20, walk);
    }
  }

  @ParameterizedTest
  @CsvSource({
    // bytes of the source that are there, the byte that is wrong or -1, where it goes on
    "uring, 0, -1, 0",
    "uring, 1500000, -1, 1500000",
    "uring, 3000001, -1, 3000001",
    "uring, 2500000, 1048577, 1048577",
    "uring, 3000001, 3000000, 3000000",
    "nio, 1500000, -1, 1500000",
    "nio, 2500000, 5, 5"
  })
  void anInterruptedCopyGoesOnWhereItDiffers(String driver, int there, int wrong, int goesOn)
      throws IOException {
    var content = random(3_000_001);
    var source = Files.write(folder.resolve("source"), content);
    Files.setLastModifiedTime(source, FileTime.from(LONG_AGO));
    var part = Arrays.copyOf(content, there);
    if (wrong >= 0) {
      part[wrong] ^= 1;
    }
    Files.write(folder.resolve(".target.gyre-part"), part);
    var target = Files.write(folder.resolve("target"), random(5));
    var run = Cli.run("cp", "--resume", source.toString(), target.toString(), "--driver", driver);
    assertDone(run);
    assertTrue(run.out().contains("source: went on at byte " + goesOn + ","), run.out());
    assertTrue(
        run.lastLine().contains(" bytes=" + (content.length - goesOn) + " kept=" + goesOn + " "),
        run.out());
    assertArrayEquals(content, Files.readAllBytes(target));
    assertEquals(LONG_AGO, Files.getLastModifiedTime(target).toInstant());
    assertFiles("source", "target");
  }

  @Test
  void aPartThatIsLongerThanTheSourceIsCut() throws IOException {
    var source = Files.write(folder.resolve("source"), random(1000));
    var longer = Arrays.copyOf(random(1000), 5000);
    Files.write(folder.resolve(".target.gyre-part"), longer);
    assertDone(Cli.run("cp", "--resume", source.toString(), folder + "/target"));
    assertArrayEquals(random(1000), Files.readAllBytes(folder.resolve("target")));
  }

  /** What a failure has left is what the next attempt begins with. */
  @Test
  void aFailureKeepsThePartOfAResumedCopy() throws IOException {
    var source = folder.resolve("source");
    Files.createSymbolicLink(source, Path.of("/proc/self/mem")); // can't be read at 0
    var part = Files.write(folder.resolve(".target.gyre-part"), random(100));
    var run = Cli.run("cp", "--resume", source.toString(), folder + "/target");
    assertEquals(1, run.status(), run.out());
    assertArrayEquals(random(100), Files.readAllBytes(part));
  }

  @ParameterizedTest
  @ValueSource(strings = {"uring", "nio"})
  void anInterruptedTreeGoesOn(String driver) throws IOException {
    var source = makeTree(folder.resolve("source"));
    var copy = folder.resolve("copy");
    assertDone(Cli.run("cp", "-r", "--resume", source.toString(), copy.toString()));
    assertSameTree(source, copy);
    // As if it had been interrupted: missing, in part, wrong, not a link yet.
    Files.delete(copy.resolve("a/b/empty"));
    var big = copy.resolve("a/big");
    Files.write(big, Arrays.copyOf(random(500_000), 123_456));
    Files.write(copy.resolve("a/b/small"), new byte[1000]);
    Files.delete(copy.resolve("a/link"));
    Files.move(copy, folder.resolve("other")); // DST exists: the copy would go into it
    Files.createDirectory(copy);
    Files.move(folder.resolve("other"), copy.resolve("source"));
    var run =
        Cli.run("cp", "-r", "--resume", source.toString(), copy.toString(), "--driver", driver);
    assertDone(run);
    assertSameTree(source, copy.resolve("source"));
    // The part of a/big, and all of the file that nothing happened to.
    assertTrue(run.lastLine().contains(" kept=" + (123_456 + 2001) + " "), run.out());
    assertTrue(run.lastLine().contains(" bytes=" + (500_000 - 123_456 + 1000) + " "), run.out());
  }

  @ParameterizedTest
  @ValueSource(strings = {"uring", "nio"})
  void aLinkInADirectorysPlaceLeadsNowhereElse(String driver) throws IOException {
    Drivers.assumeAvailable(driver);
    var source = makeTree(folder.resolve("source"));
    var elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
    var big = Files.writeString(elsewhere.resolve("big"), "somebody's");
    var copy = Files.createDirectories(folder.resolve("copy/source"));
    Files.createSymbolicLink(copy.resolve("a"), elsewhere);
    var run =
        Cli.run(
            "cp",
            "-r",
            "--resume",
            source.toString(),
            copy.getParent().toString(),
            "--driver",
            driver);
    assertEquals(1, run.status(), run.out());
    assertTrue(run.lastLine().contains(" errors=1 "), run.out());
    assertEquals("somebody's", Files.readString(big));
    try (var names = Files.list(elsewhere)) {
      assertEquals(List.of(big), names.toList());
    }
  }

  @Test
  void ratesHaveThreeDigitsHoweverSmall() {
    assertEquals("0", CopyMeter.rate(0, 1));
    assertEquals("0.0003", CopyMeter.rate(300, 1));
    assertEquals("0.333", CopyMeter.rate(1_000_000, 3));
    assertEquals("1230", CopyMeter.rate(1_234_000_000, 1));
  }

  @Test
  void theBarIsFullWhenAllIsCopiedAndNotBefore() {
    assertTrue(CopyMeter.bar(999_999, 0, 1_000_000, 1).contains("#.]  99 %"));
    assertTrue(
        CopyMeter.bar(400_000, 600_000, 1_000_000, 2)
            .contains("#] 100 %  1.0 of 1.0 MB  0.2 MB/s"));
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

  /** 4 files of 503,001 bytes, 3 directories, 2 links. */
  private static Path makeTree(Path root) throws IOException {
    var inner = Files.createDirectories(root.resolve("a/b"));
    Files.write(root.resolve("a/big"), random(500_000));
    Files.write(root.resolve("top"), random(2001));
    Files.write(inner.resolve("small"), random(1000));
    Files.createFile(inner.resolve("empty"));
    Files.createSymbolicLink(root.resolve("a/link"), Path.of("b"));
    Files.createSymbolicLink(root.resolve("nowhere"), Path.of("none"));
    Files.setPosixFilePermissions(
        root.resolve("top"), PosixFilePermissions.fromString("r--r-----"));
    Files.setPosixFilePermissions(inner, PosixFilePermissions.fromString("rwxr-x---"));
    for (var path : List.of(root.resolve("a/big"), root.resolve("top"), inner, root)) {
      Files.setLastModifiedTime(path, FileTime.from(LONG_AGO));
    }
    return root;
  }

  private static void assertSameTree(Path expected, Path found) throws IOException {
    assertEquals(names(expected), names(found));
    try (var paths = Files.walk(expected)) {
      for (var path : paths.toList()) {
        var copy = found.resolve(expected.relativize(path));
        if (Files.isSymbolicLink(path)) {
          assertEquals(Files.readSymbolicLink(path), Files.readSymbolicLink(copy));
        } else {
          assertEquals(Files.getPosixFilePermissions(path), Files.getPosixFilePermissions(copy));
          if (Files.getLastModifiedTime(path).toInstant().equals(LONG_AGO)) {
            assertEquals(LONG_AGO, Files.getLastModifiedTime(copy).toInstant(), copy.toString());
          }
          if (Files.isRegularFile(path)) {
            assertEquals(-1, Files.mismatch(path, copy), copy.toString());
          }
        }
      }
    }
  }

  private static List<String> names(Path root) throws IOException {
    try (var paths = Files.walk(root)) {
      return paths.map(path -> root.relativize(path).toString()).sorted().toList();
    }
  }

  private static void assertDone(Cli.Run run) {
    assertEquals(0, run.status(), run.toString());
    assertEquals("", run.err());
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
