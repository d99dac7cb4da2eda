package io.gyre.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.EventLoop;
import io.gyre.IoRuntime;
import io.gyre.WaitStrategy;
import io.gyre.driver.Capabilities.Status;
import io.gyre.testing.DriverConfiguration;
import io.gyre.testing.Recorder;
import io.gyre.testing.TestRuntime;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a loop's capabilities say of the ways to wait, on this machine's kernel. */
class WaitFeaturesTest {
  private static final WaitStrategy EVERYTHING =
      WaitStrategy.spinThenPark(Duration.ofNanos(10_000))
          .withSubmissionPolling(Duration.ofMillis(1))
          .withMinWait(Duration.ofNanos(50_000), 4);

  private static final List<KernelFeature> FEATURES =
      List.of(
          KernelFeature.REGISTERED_WAIT,
          KernelFeature.MIN_WAIT,
          KernelFeature.NO_IOWAIT,
          KernelFeature.SQPOLL);

  private final TestRuntime driver = new TestRuntime(DriverConfiguration.URING);

  @AfterEach
  void nothingIsLeft() throws Exception {
    driver.close();
  }

  private static Status status(EventLoop loop, KernelFeature feature) {
    return loop.capabilities().feature(feature.configurationName()).orElseThrow().status();
  }

  private static void check(IoRuntime runtime) {
    var recorder = new Recorder<Integer>();
    for (int i = 0; i < 100; i++) {
      runtime.loop().nop(i, recorder);
      assertNull(recorder.await(i + 1).getLast().cause());
    }
    recorder.checkExactlyOnce(100);
  }

  @Test
  void whatIsNotAskedForIsNotUsedAndSaysSo() throws Exception {
    var runtime = driver.start();
    check(runtime);
    assertEquals(Status.SWITCHED_OFF, status(runtime.loop(), KernelFeature.MIN_WAIT));
    assertEquals(Status.SWITCHED_OFF, status(runtime.loop(), KernelFeature.SQPOLL));
    var detail = runtime.loop().capabilities().feature("sqpoll").orElseThrow().detail();
    assertTrue(detail.contains("withSubmissionPolling"), detail);
  }

  @Test
  void whatIsAskedForIsUsedWhereItsSelfTestPasses() throws Exception {
    var runtime = driver.start(b -> b.waitStrategy(EVERYTHING));
    check(runtime);
    var tests = SelfTests.with(Set.of());
    for (var feature : FEATURES) {
      var expected = tests.outcome(feature);
      assertEquals(
          expected.status(), status(runtime.loop(), feature), feature + ": " + expected.detail());
    }
  }

  @Test
  void eachCanBeSwitchedOffByItself() throws Exception {
    for (var off : FEATURES) {
      var runtime = driver.start(b -> b.waitStrategy(EVERYTHING).disable(off.configurationName()));
      check(runtime);
      assertEquals(Status.SWITCHED_OFF, status(runtime.loop(), off), off::toString);
      driver.closeAndWait(runtime);
    }
  }

  @Test
  void aLoopGoesOnWithoutAPollingThreadThatIsRefused() throws Exception {
    int noSuchCpu = 1 << 20;
    var strategy = WaitStrategy.spin().withSubmissionPolling(Duration.ofMillis(1), noSuchCpu);
    var runtime = driver.start(b -> b.waitStrategy(strategy));
    check(runtime);
    assertEquals(Status.REFUSED, status(runtime.loop(), KernelFeature.SQPOLL));
    var detail = runtime.loop().capabilities().feature("sqpoll").orElseThrow().detail();
    assertTrue(detail.contains("EINVAL"), detail);
  }

  @Test
  void aLoopThatSpinsOnAPolledRingMakesNoCallsWhileThePollingThreadIsAwake() throws Exception {
    var strategy = WaitStrategy.spin().withSubmissionPolling(Duration.ofMinutes(1));
    var runtime = driver.start(b -> b.waitStrategy(strategy));
    var loop = runtime.loop();
    check(runtime);
    long before = loop.stats().kernelCalls();
    check(runtime);
    assertEquals(before, loop.stats().kernelCalls());
    assertEquals(0, loop.stats().waits());
  }
}
