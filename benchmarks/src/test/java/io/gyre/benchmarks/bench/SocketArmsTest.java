package io.gyre.benchmarks.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.benchmarks.bench.Workload.Kind;
import io.gyre.benchmarks.bench.Workload.Part;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Who is compared on sockets beside echoes, why some can't be, and what is read of what tools and the kernel tell. */
final class SocketArmsTest {
  private static final DataFiles.Sizes TINY = new DataFiles.Sizes(2 << 20, 1000);
  private static final Timing SHORT = new Timing(0.2, 0.6);
  private static final Timing WHOLE_SECONDS = new Timing(2, 2); // all that wrk takes

  @TempDir Path folder;

  private static List<Arm> arms(DataFiles files, String noUring, Workload workload) {
    return SocketArms.of(
        new Place(new Processes(), new Pinning(), Reference.NONE, files, false, noUring), workload);
  }

  private static Arm named(List<Arm> arms, String name) {
    return arms.stream().filter(arm -> arm.name().equals(name)).findFirst().orElseThrow();
  }

  @ParameterizedTest
  @EnumSource(
      value = Kind.class,
      mode = Mode.INCLUDE,
      names = {"OPEN_ECHO", "IDLE", "UDP_ECHO", "UDP_RECEIVE", "SERVE"})
  void whoeverIsMissingSaysWhy(Kind kind) {
    var workloads = Workload.all().stream().filter(w -> w.kind() == kind).toList();
    assertEquals(kind == Kind.SERVE ? 6 : kind == Kind.OPEN_ECHO ? 3 : 1, workloads.size());
    for (var workload : workloads) {
      var arms = arms(null, "the kernel forbids it", workload);
      assertEquals("the kernel forbids it", named(arms, "Gyre on io_uring").unavailableBecause());
      assertEquals(Arm.Family.CEILING, arms.getFirst().family());
      if (kind == Kind.IDLE) {
        assertNull(named(arms, "Gyre on NIO").unavailableBecause());
      } else if (kind != Kind.SERVE) {
        assertNotNull(named(arms, "Gyre on NIO").unavailableBecause(), "its load is in C");
        assertEquals("they were not compiled", arms.getFirst().unavailableBecause());
      }
      var names = arms.stream().map(Arm::name).collect(Collectors.toSet());
      assertEquals(arms.size(), names.size(), "names are unique: " + names);
    }
  }

  /** All that this machine has, for so short a time that what comes of it says nothing. */
  @ParameterizedTest
  @EnumSource(
      value = Kind.class,
      mode = Mode.INCLUDE,
      names = {"OPEN_ECHO", "IDLE", "UDP_ECHO", "UDP_RECEIVE", "SERVE"})
  void everyArmDoesItsWorkload(Kind kind) throws Exception {
    int bytes = kind == Kind.SERVE ? 4096 : 64;
    var workload = new Workload("any", "any", "requests", kind, 20, bytes, false, Part.ASKED, 20);
    var site = Files.createDirectory(folder.resolve("data"));
    try (var processes = new Processes();
        var files = kind == Kind.SERVE ? new DataFiles(site, TINY, List.of(workload)) : null) {
      var reference = Reference.build(processes, folder.resolve("reference"));
      var place = new Place(processes, new Pinning(), reference, files, false);
      var done = new ArrayList<String>();
      for (var arm : SocketArms.of(place, workload)) {
        if (arm.unavailableBecause() != null) {
          // A machine may have no io_uring; a tool that is missing is a fault.
          assertEquals(place.noUringBecause(), arm.unavailableBecause(), arm.id());
          continue;
        }
        var result = arm.run(kind == Kind.SERVE ? WHOLE_SECONDS : SHORT);
        assertTrue(result.perSecond() > 0, arm.id() + ": " + result);
        // Few connections take less than the clock of a process can tell.
        assertTrue(kind == Kind.IDLE || result.cpuMicros() > 0, arm.id() + ": " + result);
        assertEquals(0, result.errors(), arm.id() + ": " + result);
        switch (kind) {
          case OPEN_ECHO -> assertTrue(result.more().get("p99.9 us") >= result.p99Micros());
          case IDLE -> assertTrue(result.more().containsKey("bytes in all"));
          case UDP_RECEIVE -> assertTrue(result.more().get("sent/s") > 0);
          default -> assertTrue(result.p99Micros() >= result.p50Micros(), result.toString());
        }
        done.add(arm.name());
      }
      assertTrue(done.contains("Gyre on NIO") || place.noUringBecause() != null, done.toString());
    }
    assertEquals(List.of(), remaining(site), "what was written is gone");
  }

  private static List<Path> remaining(Path folder) throws IOException {
    try (var content = Files.list(folder)) {
      return content.toList();
    }
  }

  @Test
  void whatWrkPrintsIsRead() throws IOException {
    var lines =
        List.of(
            "Running 1s test @ http://127.0.0.1:8080/4096.bin",
            "1 threads and 64 connections",
            "Thread Stats   Avg      Stdev     Max   +/- Stdev",
            "Latency     1.02ms  133.70us   3.26ms   92.11%",
            "Latency Distribution",
            "50%  999.00us",
            "75%    1.06ms",
            "90%    1.10ms",
            "99%    1.60ms",
            "62345 requests in 1.10s, 260.05MB read",
            "Socket errors: connect 0, read 2, write 0, timeout 1",
            "Non-2xx or 3xx responses: 4",
            "Requests/sec:  56677.27",
            "Transfer/sec:    236.41MB");
    assertEquals(
        new WrkOutput(62_345, 1.1, 999, 1600, 0.75, 7),
        WrkOutput.parse(lines, List.of("cpu 0.250 0.500")));
    assertThrows(
        IOException.class,
        () -> WrkOutput.parse(List.of("unable to connect to 127.0.0.1:1"), List.of()));
  }

  @Test
  void theKernelTellsTimesAndMemory() throws IOException {
    var stat = "42 (a (name) S) S 1 42 42 0 -1 4194560 1 0 0 0 250 125 0 0 20 0 9 0 1";
    assertEquals(3.75, ServerCpu.seconds(stat));
    assertEquals(
        12L << 10, ResidentMemory.bytes(List.of("00-ff ---p [rollup]", "Rss:      12 kB")));
    assertThrows(IOException.class, () -> ResidentMemory.bytes(List.of()));
    assertTrue(ResidentMemory.bytes(ProcessHandle.current().pid()) > 0);
    assertTrue(ServerCpu.seconds(ProcessHandle.current()) > 0);
  }

  @Test
  void latenciesAreThoseThatTheLoadCounted() throws IOException {
    var latencies =
        OpenEchoArm.latencies(
            List.of("latency 1000 990", "latency 5000 9", "latency 70000 1", "requests/s=1000"));
    assertEquals(1000, latencies.getTotalCount());
    assertEquals(1000, latencies.getValueAtPercentile(50));
    assertEquals(1000, latencies.getValueAtPercentile(99));
    assertEquals(5, latencies.getValueAtPercentile(99.9) / 1000);
    assertEquals(70, latencies.getMaxValue() / 1000);
    assertThrows(IOException.class, () -> OpenEchoArm.latencies(List.of("requests/s=0")));
  }

  @Test
  void nginxWritesNowhereButInItsFolder() {
    var text = Nginx.configuration(Path.of("/site"), 8080, Path.of("/scratch"));
    assertTrue(text.contains("listen 127.0.0.1:8080 "), text);
    assertTrue(text.contains("sendfile on;") && text.contains("access_log off;"), text);
    assertTrue(text.contains("worker_processes 1;") && text.contains("root \"/site\";"), text);
    assertEquals(7, text.split("/scratch", -1).length - 1, text);
  }
}
