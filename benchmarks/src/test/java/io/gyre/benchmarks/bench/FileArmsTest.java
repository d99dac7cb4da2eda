package io.gyre.benchmarks.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.benchmarks.peer.SmallFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who is compared on files, why some can't be, and what they work on. */
final class FileArmsTest {
  private static final DataFiles.Sizes TINY = new DataFiles.Sizes(2 << 20, 1000);
  private static final Timing SHORT = new Timing(0.1, 0.2);

  @TempDir Path folder;

  /** On a machine that has much else to do nothing may be done in a short window: then a longer one is tried. */
  private static Result run(Arm arm) throws IOException, InterruptedException {
    var result = arm.run(SHORT);
    for (double seconds = 1; result.perSecond() == 0 && seconds < 10; seconds *= 3) {
      result = arm.run(new Timing(SHORT.warmupSeconds(), seconds));
    }
    return result;
  }

  private static Workload workload(String id) {
    return Workload.all().stream().filter(w -> w.id().equals(id)).findFirst().orElseThrow();
  }

  private static List<Arm> arms(DataFiles files, String noUring, Workload workload) {
    return FileArms.of(
        new Place(new Processes(), new Pinning(), Reference.NONE, files, false, noUring), workload);
  }

  private static Arm named(List<Arm> arms, String name) {
    return arms.stream().filter(arm -> arm.name().equals(name)).findFirst().orElseThrow();
  }

  @Test
  void whoeverIsMissingSaysWhy() {
    for (var workload : Workload.all()) {
      if (!workload.kind().isFiles() || workload.kind() == Workload.Kind.SERVE) {
        continue;
      }
      var arms = arms(null, "the kernel forbids it", workload);
      assertEquals("they were not compiled", named(arms, "C over liburing").unavailableBecause());
      assertEquals("the kernel forbids it", named(arms, "Gyre on io_uring").unavailableBecause());
      assertNull(named(arms, "Gyre on NIO").unavailableBecause());
      var names = arms.stream().map(Arm::name).collect(Collectors.toSet());
      assertEquals(arms.size(), names.size(), "names are unique: " + arms);
      assertEquals(Arm.Family.CEILING, arms.getFirst().family());
    }
  }

  @Test
  void aProgramThatIsNotOnThePathIsNamedWithItsPackage() throws IOException {
    assertEquals(
        "no-such-program is not on the PATH: apt-get install some-package",
        Programs.missingBecause("no-such-program", "some-package"));
    var program = Files.createFile(folder.resolve("tool"));
    assertFalse(Programs.isOn("::" + folder, "tool")); // it can't be run
    assertTrue(program.toFile().setExecutable(true));
    assertTrue(Programs.isOn("/nowhere:" + folder, "tool"));
  }

  @Test
  void everyTargetHasItsWorkloads() {
    var ids = Workload.all().stream().map(Workload::id).toList();
    assertEquals(ids.size(), new HashSet<>(ids).size());
    for (int depth : new int[] {1, 8, 32, 128}) {
      assertTrue(ids.contains("direct-read-" + depth) && ids.contains("direct-write-" + depth));
    }
    for (var id : List.of("direct-read-32", "direct-write-32", "sequential-direct")) {
      assertNotNull(named(arms(null, null, workload(id)), "fio"));
    }
    assertNotNull(named(arms(null, null, workload("sequential-cached")), "dd"));
  }

  @Test
  void onlyWhatIsNeededIsWrittenAndNothingIsLeft() throws IOException {
    try (var files = new DataFiles(folder, TINY, List.of(workload("read-cached-1")))) {
      assertEquals(List.of("cached.data"), names());
      assertEquals(TINY.bytes(), Files.size(files.path(workload("sequential-cached"))));
    }
    assertEquals(List.of(), names());
    try (var files = new DataFiles(folder, TINY, List.of(workload("small-files")))) {
      var paths = SmallFiles.paths(files.path(workload("small-files")), TINY.smallFiles());
      for (int i = 0; i < paths.length; i++) {
        assertEquals(SmallFiles.bytes(i), Files.size(paths[i]));
      }
    }
    assertEquals(List.of(), names());
  }

  @Test
  void aDiskWithoutRoomIsSaidBeforeAnythingIsWritten() throws IOException {
    var sizes = new DataFiles.Sizes(1L << 60, 10);
    var e =
        assertThrows(
            IOException.class,
            () -> new DataFiles(folder, sizes, List.of(workload("read-cached-1"))).close());
    assertTrue(e.getMessage().contains("name another folder"), e.getMessage());
    assertEquals(List.of(), names());
  }

  private List<String> names() throws IOException {
    try (var content = Files.list(folder)) {
      return content.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void aPassReadsEachSmallFileOnce() {
    for (int count : new int[] {10_000, 100_000}) {
      assertEquals(
          count, IntStream.range(0, count).map(n -> SmallFiles.file(n, count)).distinct().count());
    }
    assertEquals(
        List.of(1024, 4096),
        List.of(
            IntStream.range(0, 10_000).map(SmallFiles::bytes).min().orElseThrow(),
            IntStream.range(0, 10_000).map(SmallFiles::bytes).max().orElseThrow()));
    assertEquals(SmallFiles.LARGEST, 4096);
  }

  /** All that this machine has, on files so small that it takes no time. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "read-cached-1",
        "direct-read-8",
        "direct-write-8",
        "sequential-cached",
        "sequential-direct",
        "append-fsync",
        "small-files"
      })
  void everyArmDoesItsWorkload(String id) throws Exception {
    var workload = workload(id);
    try (var processes = new Processes();
        var files = new DataFiles(folder, TINY, List.of(workload))) {
      var reference = Reference.build(processes, folder.resolve("reference"));
      var place = new Place(processes, new Pinning(), reference, files, false);
      for (var arm : FileArms.of(place, workload)) {
        if (arm.unavailableBecause() != null) {
          // A machine may have no io_uring, and its disk no O_DIRECT; a tool that is missing is a
          // fault.
          assertTrue(
              arm.unavailableBecause().equals(place.noUringBecause())
                  || arm.unavailableBecause().equals(files.noDirectBecause()),
              arm.id() + ": " + arm.unavailableBecause());
          continue;
        }
        var result = run(arm);
        assertTrue(result.perSecond() > 0, arm.id() + ": " + result);
        assertEquals(0, result.errors(), arm.id());
        assertEquals(
            workload.kind() == Workload.Kind.APPEND,
            result.perSync() >= 1,
            arm.id() + ": " + result);
      }
    } finally {
      for (var program : Arrays.asList(folder.resolve("reference").toFile().listFiles())) {
        assertTrue(program.delete());
      }
    }
  }
}
