package io.gyre.benchmarks.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import org.junit.jupiter.api.Test;

/** What fio prints, as far as it is read. */
final class FioArmTest {
  private static final String SIDE =
      """
      {"io_bytes": 4096000, "iops": 999.0, "runtime": %d, "total_ios": %d, "short_ios": 0,
       "slat_ns": {"min": 0},
       "clat_ns": {"mean": 31000.5, "percentile": {"1.000000": 900, "50.000000": 31000, "99.000000": 98500}},
       "lat_ns": {"mean": 32000}}
      """;

  private static String report(int readMillis, int reads, int writeMillis, int writes) {
    return """
    fio: this is a line of its own
    {"fio version": "fio-3.33", "jobs": [{"jobname": "gyre", "error": 0,
      "read": %s, "write": %s,
      "job_runtime": 2000, "usr_cpu": 10.5, "sys_cpu": 39.5, "ctx": 17}],
     "disk_util": []}
    """
        .formatted(SIDE.formatted(readMillis, reads), SIDE.formatted(writeMillis, writes));
  }

  @Test
  void readsAreReadFromTheReadSide() throws IOException {
    var result = FioArm.parse(report(2000, 100_000, 0, 0), false);
    assertEquals(50_000, result.perSecond(), 1e-9);
    assertEquals(10, result.cpuMicros(), 1e-9); // half of 2 s for 100,000
    assertEquals(31, result.p50Micros(), 1e-9);
    assertEquals(98.5, result.p99Micros(), 1e-9);
    assertEquals(0, result.errors());
    assertTrue(Double.isNaN(result.enters()) && Double.isNaN(result.allocatedBytes()));
  }

  @Test
  void writesAreReadFromTheWriteSide() throws IOException {
    assertEquals(25_000, FioArm.parse(report(0, 0, 2000, 50_000), true).perSecond(), 1e-9);
  }

  @Test
  void aRunThatDidNothingIsAFailure() {
    var e = assertThrows(IOException.class, () -> FioArm.parse(report(2000, 0, 0, 0), false));
    assertTrue(e.getMessage().contains("did nothing"), e.getMessage());
  }

  @Test
  void anythingElseIsAFailureThatSaysSo() {
    for (var text : new String[] {"", "fio: no such engine", "{\"jobs\": [", "{\"jobs\": []}"}) {
      var e = assertThrows(IOException.class, () -> FioArm.parse(text, false), text);
      assertTrue(e.getMessage().startsWith("fio"), e.getMessage());
    }
  }

  @Test
  void aJobSaysWhatTheWorkloadSays() {
    var workload =
        Workload.all().stream()
            .filter(w -> w.id().equals("direct-write-32"))
            .findFirst()
            .orElseThrow();
    var command = FioArm.command(workload, "/a file");
    for (var option :
        new String[] {
          "--rw=randwrite", "--bs=4096", "--iodepth=32", "--direct=1", "--filename=/a file"
        }) {
      assertTrue(command.contains(option), option + " in " + command);
    }
  }
}
