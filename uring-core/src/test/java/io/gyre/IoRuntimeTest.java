package io.gyre;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.driver.Capabilities;
import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import java.nio.channels.ShutdownChannelGroupException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IoRuntimeTest {
  @Test
  void ioUringWorksOnThisMachine() {
    var report =
        IoRuntime.probeDrivers().stream().filter(r -> r.name().equals("uring")).findFirst();

    assertTrue(report.isPresent(), "no io_uring driver on the class path");
    var found = report.get().availability();
    assertTrue(found.available(), () -> found.reason() + "; " + found.remedy());
    assertFalse(found.reason().isEmpty());
    assertFalse(found.reason().endsWith("."), "one clause without a full stop");
    assertEquals("uring", found.capabilities().driver());
  }

  @DriverTest
  void probingLeavesNothingBehind(TestRuntime driver) throws Exception {
    driver.closeAndWait(driver.start());
    for (int i = 0; i < 50; i++) {
      assertFalse(IoRuntime.probeDrivers().isEmpty());
    }
    assertEquals(List.of(), driver.heldSinceStart());
  }

  @DriverTest
  void aRuntimeThatStartsAndEndsAHundredTimesLeavesNothingBehind(TestRuntime driver)
      throws Exception {
    for (int i = 0; i < 100; i++) {
      driver.closeAndWait(driver.start(b -> b.bufferPoolBytes(1 << 20)));
    }
    assertEquals(List.of(), driver.heldSinceStart());
  }

  @DriverTest
  void capabilitiesSayWhatBecameOfEachFeature(TestRuntime driver) throws Exception {
    var capabilities = driver.start().loop().capabilities();

    assertFalse(capabilities.features().isEmpty());
    var names = capabilities.features().stream().map(Capabilities.Feature::name).toList();
    assertEquals(names.stream().distinct().toList(), names, "each feature is listed once");
  }

  @DriverTest
  void featuresAreSwitchedOffByNameAndOthersAreRefused(TestRuntime driver) throws Exception {
    var loop = driver.start(b -> b.disable("multishot-accept", "sqpoll,msg-ring", "")).loop();
    for (var name : List.of("multishot-accept", "sqpoll")) {
      var status = loop.capabilities().feature(name).orElseThrow().status();
      assertEquals(driver.isUring(), status == Capabilities.Status.SWITCHED_OFF, name);
    }

    var refused =
        assertThrows(
            IllegalArgumentException.class, () -> IoRuntime.builder().disable("warp-drive"));
    assertTrue(refused.getMessage().contains("\"warp-drive\""), refused::getMessage);
    assertTrue(refused.getMessage().contains("multishot-accept, "), refused::getMessage);
  }

  @DriverTest
  void anyDriverIsTakenWhenNoneIsRequired(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.driver("AUTO"));

    assertEquals("uring", runtime.driverName());
  }

  @DriverTest
  void aRuntimeIsStillUsableAsAnObjectAfterItsEnd(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var loop = runtime.loop();
    driver.closeAndWait(runtime);

    assertEquals(1, runtime.loops().size());
    assertTrue(loop.counters().get(io.gyre.driver.DriverCounters.Counter.ENTERS) >= 0);
    assertFalse(loop.capabilities().features().isEmpty());
    loop.buffers().acquire(100).release();
    assertThrows(ShutdownChannelGroupException.class, () -> loop.execute(() -> {}));
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 1, 3, 100, 65_536})
  void ringEntriesOutOfRangeAreRefused(int entries) {
    refused("ringEntries", IoRuntime.builder().ringEntries(entries).completionEntries(65_536));
  }

  @ParameterizedTest
  @ValueSource(ints = {-8, 0, 128, 300, 131_072})
  void completionEntriesOutOfRangeAreRefused(int entries) {
    refused("completionEntries", IoRuntime.builder().ringEntries(256).completionEntries(entries));
  }

  @ParameterizedTest
  @ValueSource(ints = {-2, 0, 1, 1000, 65_536})
  void receiveBufferCountsOutOfRangeAreRefused(int count) {
    refused("receiveBufferCount", IoRuntime.builder().receiveBuffers(count, 4096));
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 63, (1 << 24) + 1})
  void receiveBufferSizesOutOfRangeAreRefused(int bytes) {
    refused("receiveBufferBytes", IoRuntime.builder().receiveBuffers(16, bytes));
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, (1 << 20) + 1})
  void fixedFilesOutOfRangeAreRefused(int count) {
    refused("fixedFiles", IoRuntime.builder().fixedFiles(count));
  }

  private static void refused(String name, IoRuntime.Builder builder) {
    var failure = assertThrows(IllegalArgumentException.class, builder::start);
    assertTrue(failure.getMessage().contains(name), failure::getMessage);
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, 0, 4096, (1 << 20) + 1, (1L << 30) + (1 << 20)})
  void poolSizesOutOfRangeAreRefused(long bytes) {
    var builder = IoRuntime.builder();
    var failure =
        assertThrows(IllegalArgumentException.class, () -> builder.bufferPoolBytes(bytes));
    assertTrue(failure.getMessage().contains(String.valueOf(bytes)), failure::getMessage);
  }

  @Test
  void otherBadArgumentsOfTheBuilderAreRefusedAtOnce() throws Exception {
    var builder = IoRuntime.builder();
    assertThrows(
        IllegalArgumentException.class, () -> builder.shutdownTimeout(Duration.ofNanos(-1)));
    assertThrows(NullPointerException.class, () -> builder.shutdownTimeout(null));
    builder
        .shutdownTimeout(Duration.ofSeconds(Long.MAX_VALUE))
        .stallThreshold(Duration.ofSeconds(Long.MAX_VALUE))
        .start()
        .close();
    assertThrows(NullPointerException.class, () -> builder.driver(null));
    assertThrows(NullPointerException.class, () -> builder.scheduler(null));
    assertThrows(NullPointerException.class, () -> builder.exceptionHandler(null));
    assertThrows(IllegalArgumentException.class, () -> Scheduler.threadPerCore(0));
    assertThrows(IllegalArgumentException.class, () -> Scheduler.threadPerCore(1025));
    assertEquals(1, Scheduler.singleThreaded().loops());
    assertEquals(Runtime.getRuntime().availableProcessors(), Scheduler.threadPerCore().loops());
  }
}
