package io.gyre.benchmarks.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever is wrong is said in one line, with the right exit status. */
final class BadArgumentsTest {
  private static final Pattern SPACE = Pattern.compile(" ");

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void makeFile() throws IOException {
    file = Files.write(folder.resolve("data"), new byte[8192]);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--nonsense",
        "frobnicate",
        "read",
        "read FILE extra",
        "read FILE --nonsense",
        "read FILE --depth 0",
        "read FILE --depth -1",
        "read FILE --depth 40000",
        "read FILE --depth many",
        "read FILE --block 0",
        "read FILE --block 1000 --direct",
        "read FILE --block 1048576 --depth 32768",
        "read FILE --seconds 0",
        "read FILE --seconds NaN",
        "read FILE --warmup -1",
        "read FILE --driver urnig",
        "read FILE --style promise",
        "read FILE --sync data",
        "read FILE --write --sync sometimes",
        "read FILE --journal JOURNAL",
        "read FILE --verify --seconds 1",
        "read FILE --write --verify --block 39",
        "nop --depth 0",
        "udp",
        "udp --port 65536",
        "udp --port 0 --receive-room 0",
        "serve DIR --port 0 --busy-send-timeout 0",
        "serve DIR --port 0 --max-connections-per-address 0",
        "nop --seconds -1",
        "nop FILE",
        "echo",
        "echo --port 65536",
        "echo --port -1",
        "echo --port 0 --loops 0",
        "echo --port 0 --buffer 63",
        "serve",
        "serve DIR",
        "serve --port 0",
        "serve DIR --port 65536",
        "serve DIR --port 0 --loops 0",
        "serve DIR --port 0 --max-connections 0",
        "serve DIR --port 0 --head-timeout 0",
        "serve DIR --port 0 --max-request-line 15",
        "serve DIR --port 0 --buffers 2000",
        "echo --port 0 --loops 2 --max-connections 1",
        "echo --port 0 --distribute evenly",
        "cp",
        "cp FILE",
        "cp FILE FILE2 --depth 0",
        "walk",
        "walk DIR --parallel 0",
        "bench --only [",
        "bench --rounds 0",
        "bench --list --only nothing-is-called-that",
        "file-load",
        "file-load nonsense FILE",
        "file-load write FILE --depth 0",
        "file-load write FILE --block 2000000",
        "doctor --xml"
      })
  void usageErrorsExitWithTwo(String line) {
    var run = Cli.run(args(line));
    assertEquals(2, run.status(), run.toString());
    assertOneLine(run);
  }

  @Test
  void noCommandIsAUsageError() {
    var run = Cli.run();
    assertEquals(2, run.status());
    assertOneLine(run);
  }

  @ParameterizedTest
  @CsvSource({
    "read DIR/missing, no such file",
    "read DIR/data/below, data",
    "read DIR, is a directory",
    "read /dev/zero, not a regular file",
    "read DIR/empty, is empty",
    "read DIR/empty --write, is empty",
    "read FILE --write --block 10000, hold no block",
    "read FILE --verify, no such file",
    "read FILE --write --verify, needs from --depth",
    "file-load write DIR/missing, no such file",
    "file-load sequential DIR/empty, hold no block",
    "cp DIR/missing DIR/copy, no such file",
    "cp DIR DIR/copy, is a directory",
    "cp FILE DIR, same file",
    "cp -r DIR DIR/copy, can't be copied into itself",
    "cp -r DIR DIR/sub, can't be copied into itself",
    "cp -r DIR FILE, is not a directory",
    "cp FILE FILE DIR/sub, would be the copy of two sources",
    "cp FILE DIR/empty DIR/copy, must be a directory",
    "cp -r DIR/missing DIR/copy, no such file",
    "walk DIR/missing, no such file",
    "cp FILE FILE, same file",
    "cp FILE DIR/missing/copy, no such directory",
    "cp FILE /dev/null, not a regular file",
    "serve DIR/missing --port 0, no such file",
    "serve FILE --port 0, is not a directory",
    "serve DIR --port 0 --host no.such.host.invalid, unknown host",
    "serve DIR --port 0 --access-log DIR/missing/log, no such file",
    "echo --port 0 --host 203.0.113.77, 203.0.113.77",
    "echo --port 0 --host no.such.host.invalid, unknown host"
  })
  void failuresExitWithOne(String line, String said) throws IOException {
    Files.createFile(folder.resolve("empty"));
    Files.createDirectory(folder.resolve("sub"));
    var run = Cli.run(args(line));
    assertEquals(1, run.status(), run.toString());
    assertOneLine(run);
    assertTrue(run.err().contains(said), run.err());
  }

  @ParameterizedTest
  @ValueSource(strings = {"uring", "nio"})
  void aPortInUseIsSaid(String driver) throws IOException {
    Drivers.assumeAvailable(driver);
    try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      var port = String.valueOf(taken.getLocalPort());
      var run = Cli.run("echo", "--port", port, "--driver", driver);
      assertEquals(1, run.status(), run.toString());
      assertOneLine(run);
      assertTrue(run.err().contains(port) && run.err().contains("EADDRINUSE"), run.err());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "doctor", "read", "nop", "echo", "walk", "cp", "bench"})
  void everyCommandHasHelp(String command) {
    var run = command.isEmpty() ? Cli.run("--help") : Cli.run(command, "--help");
    assertEquals(0, run.status());
    assertTrue(run.out().startsWith("Usage: gyre"), run.out());
    assertEquals("", run.err());
  }

  @Test
  void outputThatCannotBeWrittenIsAFailure() {
    var full =
        new Writer() {
          @Override
          public void write(char[] text, int offset, int length) throws IOException {
            throw new IOException("No space left on device");
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    var err = new StringWriter();
    int status = Main.run(new PrintWriter(full), new PrintWriter(err), "--help");
    assertEquals(1, status);
    assertEquals("gyre: the output could not be written\n", err.toString());
  }

  private String[] args(String line) {
    return SPACE
        .splitAsStream(line)
        .map(a -> a.replace("FILE", file.toString()).replace("DIR", folder.toString()))
        .toArray(String[]::new);
  }

  private static void assertOneLine(Cli.Run run) {
    assertEquals("", run.out());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().startsWith("gyre"), run.err());
  }
}
