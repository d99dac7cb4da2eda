package io.gyre.benchmarks.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What dd prints, and what comes of its passes. */
final class DdArmTest {
  private static final Workload WORKLOAD =
      Workload.all().stream()
          .filter(w -> w.id().equals("sequential-cached"))
          .findFirst()
          .orElseThrow();

  @Test
  void aPassIsRead() throws IOException {
    var pass =
        DdArm.parse(
            List.of(
                "1024+0 records in",
                "1024+0 records out",
                "1073741824 bytes (1.1 GB, 1.0 GiB) copied, 0.125 s, 8.6 GB/s",
                "cpu 0.010 0.115"));
    assertEquals(1L << 30, pass.bytes());
    assertEquals(0.125, pass.seconds(), 1e-12);
    assertEquals(0.125, pass.cpuSeconds(), 1e-12);
  }

  @Test
  void secondsMayHaveAnExponent() throws IOException {
    var pass =
        DdArm.parse(
            List.of(
                "4096 bytes (4.1 kB, 4.0 KiB) copied, 5.3e-05 s, 77.1 MB/s", "cpu 0.000 0.001"));
    assertEquals(5.3e-5, pass.seconds(), 1e-12);
  }

  @Test
  void whatIsMissingIsAFailureThatShowsTheOutput() {
    for (var lines :
        List.of(
            List.<String>of(),
            List.of("dd: failed to open 'x': No such file or directory", "cpu 0.000 0.001"),
            List.of("1024 bytes (1.0 kB) copied, 0.1 s, 10 kB/s"))) {
      var e = assertThrows(IOException.class, () -> DdArm.parse(lines));
      assertTrue(lines.isEmpty() || e.getMessage().contains(lines.getFirst()), e.getMessage());
    }
  }

  @Test
  void passesAreAddedUp() {
    var result =
        DdArm.result(List.of(new DdArm.Pass(4000, 1, 0.5), new DdArm.Pass(4000, 3, 0.3)), 1000);
    assertEquals(2, result.perSecond(), 1e-9);
    assertEquals(1e5, result.cpuMicros(), 1e-6);
  }

  @Test
  void thisMachinesDdIsUnderstood(@TempDir Path folder) throws Exception {
    var file = Files.write(folder.resolve("a file"), new byte[3 << 20]);
    try (var processes = new Processes()) {
      var entry = new ProgramArm.Entry("dd", Arm.Family.C, WORKLOAD, null);
      var result =
          new DdArm(processes, entry, DdArm.command(WORKLOAD, file.toString()))
              .run(new Timing(0, 0));
      assertTrue(result.perSecond() > 0 && result.cpuMicros() >= 0, result.toString());
    }
  }
}
