package io.gyre.benchmarks.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.gyre.IoRuntime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code read}, {@code nop} and {@code doctor} print. */
final class MeasuringCommandsTest {
  private static final String NUMBER = "[0-9]+(\\.[0-9]+)?";

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "uring, callback, 4096, 32, 1000000",
    "uring, future, 512, 3, 5000",
    "uring, task, 4096, 32, 1000000",
    "uring, task, 2097152, 2, 5000000",
    "uring, callback, 4096, 4, 100",
    "uring, callback, 2097152, 2, 5000000",
    "uring, callback, 1048577, 2, 5000000",
    "nio, callback, 4096, 32, 1000000",
    "nio, future, 512, 3, 5000",
    "nio, task, 4096, 4, 100",
    "nio, callback, 4096, 4, 100",
    "nio, callback, 2097152, 2, 5000000"
  })
  void readEndsWithItsResult(String driver, String style, String block, String depth, int bytes)
      throws IOException {
    Drivers.assumeAvailable(driver);
    var file = Files.write(folder.resolve("data"), new byte[bytes]);
    var run =
        Cli.run(
            "read",
            file.toString(),
            "--driver",
            driver,
            "--style",
            style,
            "--block",
            block,
            "--depth",
            depth,
            "--warmup",
            "0.05",
            "--seconds",
            "0.1");
    assertEquals(0, run.status(), run.err());
    assertEquals("", run.err());
    assertMatches(
        "reads/s=[1-9][0-9]* cpu_us/read=N p50_us=N p99_us=N enters/read=N alloc_bytes/read=N"
            + " errors=0 driver="
            + driver,
        run.lastLine());
  }

  @Test
  void doctorSaysWhyAnUnknownDriverIsNone() {
    var before = System.setProperty(IoRuntime.DRIVER_PROPERTY, "foo");
    try {
      var run = Cli.run("doctor");
      assertEquals(1, run.status());
      assertTrue(run.lastLine().contains("-Dgyre.driver=foo"), run::out);
    } finally {
      if (before == null) {
        System.clearProperty(IoRuntime.DRIVER_PROPERTY);
      } else {
        System.setProperty(IoRuntime.DRIVER_PROPERTY, before);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "uring, callback, none", "uring, future, data", "uring, task, all",
    "nio, callback, all", "nio, future, none", "nio, task, data"
  })
  void readWritesWhenAskedTo(String driver, String style, String sync) throws IOException {
    Drivers.assumeAvailable(driver);
    var file = Files.write(folder.resolve("data"), new byte[100_000]);
    var run =
        Cli.run(
            "read",
            file.toString(),
            "--write",
            "--sync=" + sync,
            "--driver=" + driver,
            "--style=" + style,
            "--depth=4",
            "--warmup=0",
            "--seconds=0.1");
    assertEquals(0, run.status(), run.err());
    assertMatches(
        "writes/s=N cpu_us/write=N p50_us=N p99_us=N enters/write=N alloc_bytes/write=N errors=0"
            + " driver="
            + driver
            + (sync.equals("none") ? "" : " writes/fsync=N"),
        run.lastLine());
    var content = Files.readAllBytes(file);
    assertEquals(100_000, content.length);
    assertTrue(IntStream.range(0, content.length).anyMatch(i -> content[i] != 0), "it was written");
  }

  @ParameterizedTest
  @ValueSource(strings = {"uring", "nio"})
  void nopEndsWithItsResult(String driver) {
    Drivers.assumeAvailable(driver);
    var run = Cli.run("nop", "--driver", driver, "--warmup", "0.05", "--seconds", "0.1");
    assertEquals(0, run.status(), run.err());
    assertMatches(
        "ops/s=[1-9][0-9]* cpu_us/op=N enters/op=N alloc_bytes/op=N errors=0", run.lastLine());
  }

  @Test
  void doctorTellsWhichDriverAProgramWouldGet() throws IOException {
    var run = Cli.run("doctor");
    assertEquals(0, run.status(), run.err());
    var json = new ObjectMapper().readTree(Cli.run("doctor", "--json").out());
    assertTrue(run.lastLine().endsWith(json.get("driver").asText()), run.out());
    assertEquals(2, json.get("drivers").size());
    for (var fact :
        new String[] {"kernel", "liburing", "memlock", "nofile", "seccomp", "io_uring_disabled"}) {
      assertTrue(run.out().contains(fact + " "), run.out());
      assertTrue(json.get("system").get(fact).isTextual(), fact);
    }
  }

  @Test
  void doctorTellsWhatIsSwitchedOffAndWhatIsDoneInItsPlace() throws IOException {
    Drivers.assumeAvailable("uring");
    var before = System.getProperty("gyre.disable", "");
    System.setProperty("gyre.disable", "multishot-accept, buffer-ring");
    try {
      var text = Cli.run("doctor").out();
      assertTrue(text.contains("switched off      an accept is armed again"), text);
      var json = new ObjectMapper().readTree(Cli.run("doctor", "--json").out());
      var features = json.get("drivers").get(0).get("features");
      var found = new HashMap<String, String>();
      features.forEach(f -> found.put(f.get("name").asText(), f.get("status").asText()));
      assertEquals("switched_off", found.get("multishot-accept"));
      assertEquals("switched_off", found.get("buffer-ring"));
      assertEquals("absent", found.get("multishot-receive"), "it needs buffer-ring");
      assertEquals("used", found.get("queues"));

      System.setProperty("gyre.disable", "everything");
      var refused = Cli.run("doctor");
      assertEquals(1, refused.status());
      assertTrue(refused.err().contains("\"everything\""), refused.err());
      assertTrue(refused.err().contains("multishot-accept, "), refused.err());
    } finally {
      System.setProperty("gyre.disable", before);
    }
  }

  private static void assertMatches(String pattern, String line) {
    assertTrue(line.matches(pattern.replace("N", NUMBER)), line);
  }
}
