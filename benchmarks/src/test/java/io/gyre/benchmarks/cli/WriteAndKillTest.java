package io.gyre.benchmarks.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.testing.SeedReport;
import io.gyre.testing.Seeds;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A process that writes is killed at any moment: what it had reported durable is there. */
@Timeout(180)
@ExtendWith(SeedReport.class)
final class WriteAndKillTest {
  private static final int BLOCKS = 256;
  private static final int KILLS = 2;
  private static final int MOST_WRITES = 600; // before a kill

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "uring, callback, data, 4096",
    "uring, future, all, 65536",
    "uring, task, data, 4096",
    "nio, callback, all, 4096",
    "nio, future, data, 4096",
    "nio, task, data, 65536"
  })
  void whatWasReportedDurableIsThereAfterAKill(
      String driver, String style, String sync, int blockBytes) throws Exception {
    var random = Seeds.random((driver + style).hashCode());
    var file = folder.resolve("data");
    try (var made = new RandomAccessFile(file.toFile(), "rw")) {
      made.setLength((long) BLOCKS * blockBytes);
    }
    for (int kill = 0; kill < KILLS; kill++) {
      var reported = writeUntilKilled(random, file, write(file, driver, style, sync, blockBytes));
      assertHolds(file, blockBytes, reported);
      var run = Cli.run("read", file.toString(), "--verify", "--driver", driver, "--style", style);
      assertEquals(0, run.status(), run.toString());
      assertTrue(run.lastLine().endsWith(" bad=0"), run.out());
      assertTrue(run.lastLine().startsWith("verified blocks=" + BLOCKS + " "), run.out());
    }
  }

  private static List<String> write(
      Path file, String driver, String style, String sync, int blockBytes) {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--enable-native-access=ALL-UNNAMED",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-cp",
        System.getProperty("java.class.path"),
        Main.class.getName(),
        "read",
        file.toString(),
        "--write",
        "--verify",
        "--driver=" + driver,
        "--style=" + style,
        "--sync=" + sync,
        "--block=" + blockBytes,
        "--depth=16",
        "--warmup=0",
        "--seconds=3600");
  }

  /** Returns what had been reported some time before the kill. */
  private long[] writeUntilKilled(Random random, Path file, List<String> command)
      throws IOException, InterruptedException {
    var journal = folder.resolve("data.journal");
    var output = folder.resolve("output");
    var reported = new long[BLOCKS];
    long before = Files.exists(journal) ? readReports(journal, reported) : 0;
    long atLeast = before + 1 + random.nextInt(MOST_WRITES);
    var process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      while (!Files.exists(journal) || readReports(journal, reported) < atLeast) {
        assertTrue(process.isAlive(), () -> "the writer has ended: " + read(output));
        Thread.sleep(1);
      }
      var early = Cli.run("read", file.toString(), "--verify");
      assertEquals(1, early.status(), early.out());
      assertTrue(early.err().contains("another process is at work with it"), early.err());
    } finally {
      process.destroyForcibly().waitFor(); // SIGKILL
    }
    assertEquals(128 + 9, process.exitValue());
    return reported;
  }

  /** Reads the journal as its documentation describes it, and returns the sum of all acknowledged versions. */
  private static long readReports(Path journal, long[] reported) throws IOException {
    var content = ByteBuffer.allocate(32 + 16 * BLOCKS).order(ByteOrder.LITTLE_ENDIAN);
    try (var channel = FileChannel.open(journal, StandardOpenOption.READ)) {
      while (content.hasRemaining() && channel.read(content) >= 0) {}
    }
    assertEquals(0, content.remaining(), "the journal is whole");
    long sum = 0;
    for (int block = 0; block < BLOCKS; block++) {
      reported[block] = content.getLong(32 + 16 * block + 8);
      sum += reported[block];
    }
    return sum;
  }

  /** What --verify must find, without --verify: a version that was reported, or a later one. */
  private static void assertHolds(Path file, int blockBytes, long[] reported) throws IOException {
    var content = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    for (int block = 0; block < BLOCKS; block++) {
      if (reported[block] > 0) {
        assertEquals((long) block * blockBytes, content.getLong(block * blockBytes + 16));
        long version = content.getLong(block * blockBytes + 24);
        assertTrue(version >= reported[block], block + ": " + version + " < " + reported[block]);
      }
    }
  }

  private static String read(Path output) {
    try {
      return Files.readString(output);
    } catch (IOException e) {
      return e.toString();
    }
  }
}
