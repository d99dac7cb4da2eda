package io.gyre.uring;

import static io.gyre.uring.KernelFeature.COOP_TASKRUN;
import static io.gyre.uring.KernelFeature.DEFER_TASKRUN;
import static io.gyre.uring.KernelFeature.MIN_WAIT;
import static io.gyre.uring.KernelFeature.NO_IOWAIT;
import static io.gyre.uring.KernelFeature.REGISTERED_BUFFERS;
import static io.gyre.uring.KernelFeature.REGISTERED_WAIT;
import static io.gyre.uring.KernelFeature.SINGLE_ISSUER;
import static io.gyre.uring.KernelFeature.SQPOLL;

import io.gyre.WaitStrategy;
import io.gyre.bindings.Liburing;
import io.gyre.driver.BlockingPool;
import io.gyre.driver.Capabilities;
import io.gyre.driver.Capabilities.Feature;
import io.gyre.driver.Capabilities.Status;
import io.gyre.driver.Errno;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Says which features a driver may use, and collects what became of each. The driver asks {@link #allows} before it
 * tries a feature, and when that says yes it reports {@link #used} or {@link #refused}.
 */
final class CapabilityReport {
  private final Set<KernelFeature> disabled;
  private final SelfTests selfTests;
  private final Map<KernelFeature, Feature> optional = new EnumMap<>(KernelFeature.class);
  private final List<Feature> others = new ArrayList<>();

  CapabilityReport(Set<KernelFeature> disabled, SelfTests selfTests) {
    this.disabled = disabled;
    this.selfTests = selfTests;
    for (var feature : KernelFeature.values()) {
      if (disabled.contains(feature)) {
        note(feature, Status.SWITCHED_OFF, feature.without());
      }
    }
  }

  /** Whether a feature is to be tried: it is not switched off, and its self-test found nothing wrong. */
  boolean allows(KernelFeature feature) {
    if (disabled.contains(feature)) {
      return false;
    }
    var outcome = selfTests.outcome(feature);
    if (!outcome.passed()) {
      note(feature, outcome.status(), outcome.detail() + "; " + feature.without());
    }
    return outcome.passed();
  }

  /** Whether a feature that only shows when it is used is to be used: then that is what is reported. */
  boolean uses(KernelFeature feature) {
    boolean allowed = allows(feature);
    if (allowed) {
      used(feature);
    }
    return allowed;
  }

  /** An allowed feature is in use. */
  void used(KernelFeature feature) {
    used(feature, "");
  }

  /** An allowed feature is in use: how much of it. */
  void used(KernelFeature feature, String detail) {
    note(feature, Status.USED, detail);
  }

  /** The kernel refused an allowed feature. */
  void refused(KernelFeature feature, int errno) {
    note(
        feature,
        Status.REFUSED,
        Errno.describe(errno)
            + "; it came with Linux "
            + feature.since()
            + "; "
            + feature.without());
  }

  /** An allowed feature is not used, because of what it needs. */
  void absent(KernelFeature feature, String why) {
    note(feature, Status.ABSENT, why + "; " + feature.without());
  }

  /** The outcome of an allowed feature's registration: 0 or more, or a negated errno. */
  void registered(KernelFeature feature, int result, String detail) {
    if (result >= 0) {
      used(feature, detail);
    } else {
      refused(feature, -result);
    }
  }

  private void note(KernelFeature feature, Status status, String detail) {
    optional.put(feature, new Feature(feature.configurationName(), status, detail));
  }

  /** What a ring was set up with. */
  void ring(Ring ring) {
    for (var flag : Ring.OPTIONAL_FLAGS) {
      setupFlag(ring, flag);
    }
    required(ring, "IORING_FEAT_EXT_ARG", Liburing.IORING_FEAT_EXT_ARG(), "5.11");
    required(ring, "IORING_FEAT_NODROP", Liburing.IORING_FEAT_NODROP(), "5.5");
    others.add(
        new Feature(
            "queues",
            Status.USED,
            ring.sqEntries() + " submissions, " + ring.cqEntries() + " completions"));
    others.add(new Feature("poll on any descriptor", Status.USED, ""));
    others.add(new Feature("poll on channels of java.nio", Status.ABSENT, "they hide theirs"));
    others.add(new Feature("raw operations", Status.USED, ""));
    others.add(
        new Feature(
            "locks, attributes, links, lists and copies of files",
            Status.EMULATED,
            "the kernel's calls on at most "
                + BlockingPool.configuredThreads()
                + " threads: io_uring has no operations for them"));
  }

  private void setupFlag(Ring ring, Ring.SetupFlag flag) {
    var feature = flag.feature();
    if (ring.uses(flag.bit())) {
      used(feature);
    } else if (allows(feature)) {
      if (ring.isPolled() && (feature == COOP_TASKRUN || feature == DEFER_TASKRUN)) {
        note(feature, Status.ABSENT, "not needed beside " + SQPOLL.configurationName());
      } else if (feature == COOP_TASKRUN && ring.uses(Liburing.IORING_SETUP_DEFER_TASKRUN())) {
        note(feature, Status.ABSENT, "not needed beside " + DEFER_TASKRUN.configurationName());
      } else if (feature == DEFER_TASKRUN && !allows(SINGLE_ISSUER)) {
        absent(feature, "it needs " + SINGLE_ISSUER.configurationName());
      } else {
        refused(feature, Errno.EINVAL.number());
      }
    }
  }

  /** How a ring waits. */
  void waiting(Ring ring, WaitStrategy strategy) {
    if (allows(REGISTERED_WAIT)) {
      registered(REGISTERED_WAIT, ring.registeredWait(), "");
    }
    if (allows(NO_IOWAIT)) {
      present(ring, NO_IOWAIT, Liburing.IORING_FEAT_NO_IOWAIT());
    }
    if (allows(MIN_WAIT)) {
      if (strategy.minWaitMicros() == 0) {
        note(MIN_WAIT, Status.SWITCHED_OFF, "WaitStrategy.withMinWait was not asked for");
      } else {
        present(ring, MIN_WAIT, Liburing.IORING_FEAT_MIN_TIMEOUT());
      }
    }
    if (allows(SQPOLL)) {
      if (strategy.pollingIdleMillis() == 0) {
        note(SQPOLL, Status.SWITCHED_OFF, "WaitStrategy.withSubmissionPolling was not asked for");
      } else if (ring.isPolled()) {
        used(SQPOLL, "idle after " + strategy.pollingIdleMillis() + " ms");
      } else {
        refused(SQPOLL, ring.pollingRefusal());
      }
    }
  }

  private void present(Ring ring, KernelFeature feature, int bit) {
    if (ring.has(bit)) {
      used(feature);
    } else {
      absent(feature, "it came with Linux " + feature.since());
    }
  }

  private void required(Ring ring, String name, int bit, String since) {
    others.add(
        ring.has(bit)
            ? new Feature(name, Status.USED, "")
            : new Feature(name, Status.ABSENT, "it came with Linux " + since));
  }

  void registeredBuffers(long bytes, long wanted, int result) {
    if (bytes == wanted) {
      used(REGISTERED_BUFFERS, bytes + " bytes");
    } else if (bytes > 0) {
      used(
          REGISTERED_BUFFERS,
          bytes
              + " of "
              + wanted
              + " bytes: the limit of locked memory (ulimit -l) allows no more");
    } else if (result == -Errno.ENOMEM.number()) {
      note(
          REGISTERED_BUFFERS,
          Status.REFUSED,
          "the limit of locked memory (ulimit -l) allows none; " + REGISTERED_BUFFERS.without());
    } else {
      refused(REGISTERED_BUFFERS, -result);
    }
  }

  Capabilities build() {
    var features = new ArrayList<Feature>();
    for (var feature : KernelFeature.values()) {
      var became = optional.get(feature);
      features.add(
          became != null
              ? became
              : new Feature(
                  feature.configurationName(), Status.ABSENT, "this version does not use it"));
    }
    features.addAll(others);
    return new Capabilities(UringDriverProvider.NAME, features);
  }
}
