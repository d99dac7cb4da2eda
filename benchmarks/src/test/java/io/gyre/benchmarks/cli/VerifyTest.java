package io.gyre.benchmarks.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code read --verify} finds what was done to a file behind the journal's back, and names it. */
@Timeout(60)
final class VerifyTest {
  private static final int BLOCKS = 8;
  private static final int BYTES = 1000; // no multiple of anything

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void makeFile() throws IOException {
    file = Files.write(folder.resolve("data"), new byte[BLOCKS * BYTES + 17]);
  }

  @ParameterizedTest
  @CsvSource({
    "uring, callback, none", "uring, future, data", "uring, task, all",
    "nio, callback, data", "nio, future, all", "nio, task, none"
  })
  void aFileThatNobodyTouchedIsGood(String driver, String style, String sync) throws IOException {
    var written = write(driver, style, sync);
    assertTrue(written.lastLine().startsWith("writes/s="), written.out());
    assertEquals(!sync.equals("none"), written.lastLine().contains(" writes/fsync="));
    assertTrue(written.out().contains("blocks=8 acknowledged=8 interrupted=0 bad=0\n"));
    assertEquals(BLOCKS * BYTES + 17, Files.size(file), "the size is kept");
    var run = verify(driver, style);
    assertEquals(0, run.status(), run.toString());
    assertEquals("verified blocks=8 acknowledged=8 interrupted=0 bad=0", run.lastLine());
  }

  @ParameterizedTest
  @CsvSource({"uring, callback", "uring, task", "nio, future"})
  void aChangedByteIsNamed(String driver, String style) throws IOException {
    write(driver, style, "data");
    var block = readBlock(file, 3);
    block[BYTES - 1] ^= 1; // the last, which only a whole checksum covers
    writeBlock(3, block);
    assertBad(verify(driver, style), "block 3 at offset 3000: expected version", "damaged: found");
  }

  @ParameterizedTest
  @CsvSource({"uring, callback", "uring, task", "nio, future"})
  void halfOfAnotherVersionIsNamed(String driver, String style) throws IOException {
    write(driver, style, "data");
    var before = readBlock(file, 5);
    write(driver, style, "data");
    var torn = readBlock(file, 5);
    System.arraycopy(before, BYTES / 2, torn, BYTES / 2, BYTES - BYTES / 2);
    writeBlock(5, torn);
    assertBad(verify(driver, style), "block 5 at offset 5000: expected version", "damaged: found");
  }

  @ParameterizedTest
  @CsvSource({"uring, callback", "uring, task", "nio, future"})
  void blocksInEachOthersPlacesAreNamed(String driver, String style) throws IOException {
    write(driver, style, "data");
    var second = readBlock(file, 2);
    writeBlock(2, readBlock(file, 6));
    writeBlock(6, second);
    assertBad(
        verify(driver, style),
        "block 2 at offset 2000: expected version",
        "misdirected: found the block of offset 6000",
        "block 6 at offset 6000: expected version",
        "misdirected: found the block of offset 2000");
  }

  @ParameterizedTest
  @CsvSource({"uring, callback", "uring, task", "nio, future"})
  void anOlderVersionIsNamed(String driver, String style) throws IOException {
    write(driver, style, "data");
    var old = readBlock(file, 4);
    long version = ByteBuffer.wrap(old).order(ByteOrder.LITTLE_ENDIAN).getLong(24);
    write(driver, style, "data");
    writeBlock(4, old);
    assertBad(
        verify(driver, style),
        "block 4 at offset 4000: expected version",
        "stale: found version " + version);
  }

  @ParameterizedTest
  @CsvSource({"uring, callback", "uring, task", "nio, future"})
  void blocksThatAreGoneAreNamed(String driver, String style) throws IOException {
    write(driver, style, "data");
    writeBlock(0, new byte[BYTES]);
    try (var truncated = new RandomAccessFile(file.toFile(), "rw")) {
      truncated.setLength(7 * BYTES + 999);
    }
    assertBad(
        verify(driver, style),
        "block 0 at offset 0: expected version",
        "lost: found no block",
        "block 7 at offset 7000: expected version",
        "missing: the file ends before it");
  }

  @Test
  void blocksOfAnotherRunAreNamed() throws IOException {
    write("nio", "callback", "data");
    var other = readBlock(file, 1);
    Files.delete(journal());
    write("nio", "callback", "data");
    writeBlock(1, other);
    assertBad(
        verify("nio", "callback"), "block 1 at offset 1000", "lost: found a block of another run");
  }

  /** Nothing is promised of a write that a kill cut short; of one that was acknowledged since, everything is. */
  @Test
  void aBlockWhoseWriteWasCutShortIsForgivenUntilItIsWrittenAgain() throws IOException {
    write("nio", "callback", "data");
    try (var journal = WriteJournal.openToWrite(journal(), BYTES, BLOCKS)) {
      long version = journal.issue(3);
      var block = readBlock(file, 3);
      block[BYTES / 2] ^= 1;
      writeBlock(3, block);
      var run = verifyAside(journal);
      assertEquals(1, run.interrupted());
      assertEquals(0, run.bad(), run.told().toString());
      journal.acknowledge(3, version);
      assertEquals(1, verifyAside(journal).bad());
    }
  }

  /** A misdirected or older block was not made by a write that was cut short, so that is no excuse. */
  @Test
  void aWriteThatWasCutShortExcusesNoBlockFromElsewhere() throws IOException {
    write("nio", "callback", "data");
    try (var journal = WriteJournal.openToWrite(journal(), BYTES, BLOCKS)) {
      journal.issue(3);
      writeBlock(3, readBlock(file, 2));
      assertEquals(1, verifyAside(journal).bad());
    }
  }

  private CheckedBlocks verifyAside(WriteJournal journal) throws IOException {
    var plan = new CheckedBlocks(journal, BLOCKS);
    for (int i = 0; i < BLOCKS; i++) {
      plan.check(i, new StampedBlock(ByteBuffer.wrap(readBlock(file, i))));
    }
    return plan;
  }

  @ParameterizedTest
  @ValueSource(strings = {"uring", "nio"})
  void onlyTheFirstOfManyAreListedAndAllAreCounted(String driver) throws IOException {
    int blocks = 50;
    Files.write(file, new byte[blocks * BYTES]);
    assertEquals(0, run("--write", "--sync=data", "--driver", driver, "--depth=50").status());
    Files.write(file, new byte[blocks * BYTES]);
    var run = run("--driver", driver);
    assertEquals(1, run.status());
    assertEquals(20, run.out().lines().filter(line -> line.startsWith("block ")).count());
    assertTrue(run.lastLine().endsWith("bad=50"), run.out());
  }

  @Test
  void aJournalThatDoesNotFitIsRefused() throws IOException {
    write("nio", "callback", "none");
    assertRefused("is about blocks of 1000 bytes, not 512", "--block", "512");
    assertRefused(
        "is the journal of 8 blocks of 1000 bytes", "--write", "--block", "500", "--depth", "8");
    assertRefused("no such file", "--journal", folder.resolve("none").toString());
    assertRefused("is no journal", "--journal", file.toString());
    assertRefused("needs from --depth (9)", "--write", "--block", "1000", "--depth", "9");
    try (var channel = FileChannel.open(journal(), StandardOpenOption.WRITE)) {
      channel.truncate(40);
    }
    assertRefused("not a whole one");
  }

  private Path journal() {
    return folder.resolve("data.journal");
  }

  private Cli.Run run(String... options) {
    var args = new ArrayList<>(List.of("read", file.toString(), "--verify"));
    args.addAll(List.of(options));
    if (args.contains("--write")) {
      args.addAll(List.of("--warmup", "0", "--seconds", "0.05"));
      if (!args.contains("--block")) {
        args.addAll(List.of("--block", String.valueOf(BYTES)));
      }
    }
    return Cli.run(args.toArray(String[]::new));
  }

  /** As many in flight as there are blocks: each is written at least once. */
  private Cli.Run write(String driver, String style, String sync) {
    var run = run("--write", "--driver", driver, "--style", style, "--sync", sync, "--depth", "8");
    assertEquals(0, run.status(), run.toString());
    return run;
  }

  private Cli.Run verify(String driver, String style) {
    return run("--driver", driver, "--style", style, "--depth", "3");
  }

  /** The findings, each named by two parts of its line, and nothing else. */
  private static void assertBad(Cli.Run run, String... found) {
    assertEquals(1, run.status(), run.toString());
    var lines = run.out().lines().toList();
    assertEquals(found.length / 2 + 1, lines.size(), run.out());
    for (int i = 0; i < found.length; i += 2) {
      var wanted = Arrays.asList(found).subList(i, i + 2);
      assertTrue(
          lines.stream().anyMatch(l -> l.startsWith(wanted.get(0)) && l.contains(wanted.get(1))),
          wanted + " in " + run.out());
    }
    assertTrue(run.lastLine().endsWith(" bad=" + found.length / 2), run.out());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().contains("bad, the first: block "), run.err());
  }

  private void assertRefused(String said, String... options) {
    var run = run(options);
    assertEquals(1, run.status(), run.toString());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().contains(said), run.err());
  }

  private static byte[] readBlock(Path file, int block) throws IOException {
    return Arrays.copyOfRange(Files.readAllBytes(file), block * BYTES, (block + 1) * BYTES);
  }

  private void writeBlock(int block, byte[] content) throws IOException {
    try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      assertEquals(BYTES, channel.write(ByteBuffer.wrap(content), (long) block * BYTES));
    }
  }

  /** Whatever it holds: no number of its own is believed. */
  @ParameterizedTest
  @CsvSource({"16, 1099511627776", "16, 2147483647", "16, -1", "24, 1152921504606846976", "24, -1"})
  void aJournalOfNonsenseIsRefused(int field, long value) throws IOException {
    write("nio", "callback", "none");
    try (var channel = FileChannel.open(journal(), StandardOpenOption.WRITE)) {
      var number = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).flip();
      channel.write(number, field);
      if (field == 24) {
        channel.truncate(32); // of 2^60 records, whose length overflows
      }
    }
    assertRefused("is no journal");
  }
}
