package io.gyre.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.BufferPools;
import io.gyre.bindings.Liburing;
import io.gyre.bindings.LiburingLibrary;
import io.gyre.bindings.io_uring_params;
import io.gyre.driver.Capabilities.Status;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.Errno;
import io.gyre.driver.FeatureNames;
import io.gyre.driver.OperationDispatcher;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Self-tests on kernels that say that they did what they were asked to, and did not. */
class SelfTestsTest {
  /** What a kernel can be made to forget: each is registered by one call. */
  private static final Map<KernelFeature, Integer> REGISTRATIONS =
      Map.of(
          KernelFeature.REGISTERED_FILES, Liburing.IORING_REGISTER_FILES_UPDATE(),
          KernelFeature.REGISTERED_BUFFERS, Liburing.IORING_REGISTER_BUFFERS(),
          KernelFeature.BOUNDED_WORKERS, Liburing.IORING_REGISTER_IOWQ_MAX_WORKERS(),
          KernelFeature.BUFFER_RING, Liburing.IORING_REGISTER_PBUF_RING(),
          KernelFeature.MSG_RING, Liburing.IORING_REGISTER_SEND_MSG_RING());

  @BeforeAll
  static void loadLiburing() {
    LiburingLibrary.load();
  }

  static Stream<KernelFeature> registered() {
    return REGISTRATIONS.keySet().stream();
  }

  @ParameterizedTest
  @MethodSource("registered")
  void whatTheKernelOnlyPretendsToDoIsNotUsed(KernelFeature feature) throws IOException {
    int forgotten = REGISTRATIONS.get(feature);
    var kernel =
        new OtherKernel() {
          @Override
          public int register(int fd, int opcode, MemorySegment argument, int count) {
            boolean updates = opcode == Liburing.IORING_REGISTER_FILES_UPDATE();
            return opcode == forgotten
                ? updates ? 1 : 0
                : super.register(fd, opcode, argument, count);
          }
        };
    var tests = SelfTests.run(kernel, Set.of());
    assertTrue(tests.isComplete());
    assertSame(Status.FAILED_SELF_TEST, tests.outcome(feature).status());

    var dispatcher = new OperationDispatcher(t -> {});
    var driver = UringDriver.open(kernel, tests, new DriverConfig(0, 8, 16, 4, 64, 16), dispatcher);
    dispatcher.attach(driver);
    driver.register(BufferPools.create(1 << 20));
    driver.close(true);
    var name = feature.configurationName();
    var became = driver.capabilities().feature(name).orElseThrow();
    assertSame(Status.FAILED_SELF_TEST, became.status());
    assertTrue(became.detail().contains(tests.outcome(feature).detail()), became::detail);
    assertTrue(became.detail().endsWith(feature.without()), became::detail);
  }

  @Test
  void setupFlagsThatTheKernelDoesNotKnowAreRefusedAndNothingElseIs() {
    var newer = Liburing.IORING_SETUP_NO_SQARRAY() | Liburing.IORING_SETUP_DEFER_TASKRUN();
    var kernel =
        new OtherKernel() {
          @Override
          public int setup(int entries, MemorySegment params) {
            return (io_uring_params.flags(params) & newer) == 0
                ? super.setup(entries, params)
                : -Errno.EINVAL.number();
          }
        };
    var tests = SelfTests.run(kernel, Set.of());

    assertSame(Status.REFUSED, tests.outcome(KernelFeature.NO_SQARRAY).status());
    assertSame(Status.REFUSED, tests.outcome(KernelFeature.DEFER_TASKRUN).status());
    var detail = tests.outcome(KernelFeature.DEFER_TASKRUN).detail();
    assertTrue(detail.contains("EINVAL") && detail.contains("Linux 6.1"), detail);
    for (var feature : KernelFeature.values()) {
      assertNotSame(Status.FAILED_SELF_TEST, tests.outcome(feature).status(), feature.name());
    }
  }

  @Test
  void whatCouldNotBeTriedForWantOfDescriptorsIsTriedAgain() {
    var kernel =
        new OtherKernel() {
          @Override
          public int setup(int entries, MemorySegment params) {
            return -Errno.EMFILE.number();
          }
        };
    var tests = SelfTests.run(kernel, Set.of());

    assertFalse(tests.isComplete());
    var outcome = tests.outcome(KernelFeature.BUFFER_RING);
    assertFalse(outcome.passed());
    assertTrue(outcome.detail().contains("EMFILE"), outcome::detail);
  }

  @Test
  void anErrorOnTheWayIsNotTakenForASuccessAndNotRemembered() {
    var kernel =
        new OtherKernel() {
          @Override
          public int setup(int entries, MemorySegment params) {
            throw new NoClassDefFoundError("of a test");
          }
        };

    var tests = SelfTests.run(kernel, Set.of());

    assertFalse(tests.isComplete());
    assertFalse(tests.outcome(KernelFeature.MSG_RING).passed());
  }

  @Test
  void aRingThatMayNotBeEnteredIsGivenBackAllTheSame() {
    var open = new HashSet<Integer>();
    var kernel =
        new OtherKernel() {
          @Override
          public int setup(int entries, MemorySegment params) {
            int fd = super.setup(entries, params);
            open.add(fd);
            return fd;
          }

          @Override
          public int enter(int fd, int toSubmit, int min, int flags, MemorySegment arg, long size) {
            return -Errno.EPERM.number();
          }

          @Override
          public void close(int fd) {
            open.remove(fd);
            super.close(fd);
          }
        };
    var tests = SelfTests.run(kernel, Set.of());

    assertFalse(tests.isComplete());
    assertEquals(Set.of(), open);
    assertTrue(tests.outcome(KernelFeature.NO_SQARRAY).detail().contains("EPERM"));
  }

  @Test
  void testsRunOnceForEachMask() {
    var all = SelfTests.with(Set.of());
    assertSame(all, SelfTests.with(Set.of()));
    var masked = SelfTests.with(Set.of(KernelFeature.DEFER_TASKRUN));
    assertNotSame(all, masked);
    assertSame(masked, SelfTests.with(Set.of(KernelFeature.DEFER_TASKRUN)));
  }

  @Test
  void aFeatureThatIsSwitchedOffIsNotEvenTried() {
    var kernel =
        new OtherKernel() {
          boolean tried;

          @Override
          public int register(int fd, int opcode, MemorySegment argument, int count) {
            tried |= opcode == Liburing.IORING_REGISTER_BUFFERS();
            return super.register(fd, opcode, argument, count);
          }
        };
    SelfTests.run(kernel, Set.of(KernelFeature.REGISTERED_BUFFERS));
    assertFalse(kernel.tried);
    SelfTests.run(kernel, Set.of());
    assertTrue(kernel.tried);
  }

  @Test
  void namesAreThoseOfTheConstants() {
    var names = FeatureNames.in(" Multishot-Receive,,buffer-ring ,");
    assertEquals(
        Set.of(KernelFeature.MULTISHOT_RECEIVE, KernelFeature.BUFFER_RING),
        KernelFeature.named(names));
  }
}
