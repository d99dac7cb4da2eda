package io.gyre.uring;

import io.gyre.driver.Capabilities.Status;
import io.gyre.uring.SelfTest.Outcome;
import java.io.IOException;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What came of the {@link SelfTest}s: they run once a process for each set of features that is switched off, since one
 * feature may be broken only beside another.
 */
final class SelfTests {
  private static final Logger LOG = LoggerFactory.getLogger(SelfTests.class);
  private static final Map<Set<KernelFeature>, SelfTests> REMEMBERED = new HashMap<>();

  /** For kernels that are trusted: the simulated one is tested by what runs on it. */
  static final SelfTests NONE = new SelfTests(Map.of(), true);

  private final Map<KernelFeature, Outcome> outcomes;

  private final boolean complete;

  private SelfTests(Map<KernelFeature, Outcome> outcomes, boolean complete) {
    this.outcomes = outcomes;
    this.complete = complete;
  }

  /** The test of a feature; null where it has none. */
  private static SelfTest of(KernelFeature feature) {
    return switch (feature) {
      case SINGLE_ISSUER, DEFER_TASKRUN, COOP_TASKRUN, SUBMIT_ALL, NO_SQARRAY ->
          SetupSelfTests.of(feature);
      case REGISTERED_RING -> RegistrationSelfTests::ring;
      case REGISTERED_WAIT -> WaitSelfTests::registeredWait;
      case MIN_WAIT -> WaitSelfTests::minWait;
      case NO_IOWAIT -> WaitSelfTests::noIoWait;
      case SQPOLL -> WaitSelfTests::submissionPolling;
      case BOUNDED_WORKERS -> RegistrationSelfTests::workers;
      case REGISTERED_FILES -> RegistrationSelfTests::files;
      case REGISTERED_BUFFERS -> RegistrationSelfTests::buffers;
      case REGISTERED_VECTORS -> RegistrationSelfTests::vectors;
      case BUFFER_RING -> ReceiveSelfTests::bufferRing;
      case INCREMENTAL_BUFFERS -> null;
      case RECEIVE_BUNDLES -> BundleSelfTest::run;
      case MULTISHOT_ACCEPT -> MultishotSelfTests::accept;
      case MULTISHOT_RECEIVE -> ReceiveSelfTests::multishot;
      case MULTISHOT_POLL -> MultishotSelfTests::poll;
      case CANCEL_ALL -> MultishotSelfTests::cancel;
      case MSG_RING -> MessageSelfTest::run;
      case CQE_SKIP -> null;
      case ZERO_COPY_SEND -> ZeroCopySelfTest::run;
    };
  }

  /** What came of the tests of all that is not switched off. Any thread; the first call for a set takes a moment. */
  static synchronized SelfTests with(Set<KernelFeature> disabled) {
    var known = REMEMBERED.get(disabled);
    if (known != null) {
      return known;
    }
    var found = run(Kernel.NATIVE, disabled);
    if (found.isComplete()) {
      REMEMBERED.put(Set.copyOf(disabled), found);
    }
    return found;
  }

  /** Runs them on a thread of its own: rings belong to threads, and the caller's may be virtual. */
  static SelfTests run(Kernel kernel, Set<KernelFeature> disabled) {
    var run = new Run(kernel, disabled);
    ProbeThread.run(run);
    return new SelfTests(run.outcomes, run.complete);
  }

  /** Whether all could be tried. */
  boolean isComplete() {
    return complete;
  }

  /** What came of a feature's test; also passed when it has none. */
  Outcome outcome(KernelFeature feature) {
    return outcomes.getOrDefault(feature, Outcome.PASSED);
  }

  private static final class Run implements Runnable {
    final Map<KernelFeature, Outcome> outcomes = new EnumMap<>(KernelFeature.class);
    private final Kernel kernel;
    private final Set<KernelFeature> disabled;
    private boolean cutShort;
    boolean complete;

    Run(Kernel kernel, Set<KernelFeature> disabled) {
      this.kernel = kernel;
      this.disabled = disabled;
    }

    @Override
    public void run() {
      for (var feature : KernelFeature.values()) {
        var test = of(feature);
        if (test != null && !disabled.contains(feature)) {
          outcomes.put(feature, outcome(feature, test));
        }
      }
      complete = !cutShort;
    }

    /** What is broken is not used to test the rest with, or that would be found broken, too. */
    private boolean mayUse(KernelFeature feature) {
      return !disabled.contains(feature) && outcomes.getOrDefault(feature, Outcome.PASSED).passed();
    }

    private Outcome outcome(KernelFeature feature, SelfTest test) {
      try {
        var outcome = test.run(kernel, this::mayUse);
        if (outcome.status() == Status.FAILED_SELF_TEST) {
          LOG.warn(
              "{} does not work on this kernel and is not used: {}",
              feature.configurationName(),
              outcome.detail());
        }
        return outcome;
      } catch (IOException | RuntimeException | Error e) { // a JVM without liburing, memory, ...
        cutShort = true;
        LOG.debug("{} could not be tried", feature.configurationName(), e);
        return Outcome.failed("could not be tried: " + e);
      }
    }
  }
}
