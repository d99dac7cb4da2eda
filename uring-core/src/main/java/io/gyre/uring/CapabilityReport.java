package io.gyre.uring;

import io.gyre.bindings.Liburing;
import io.gyre.driver.BlockingPool;
import io.gyre.driver.Capabilities;
import io.gyre.driver.Capabilities.Feature;
import io.gyre.driver.Capabilities.Status;
import io.gyre.driver.Errno;
import java.util.ArrayList;
import java.util.List;

/** Collects what became of each feature while a ring is set up. */
final class CapabilityReport {
  private final List<Feature> features = new ArrayList<>();

  CapabilityReport(Ring ring) {
    setupFlag(ring, "IORING_SETUP_SINGLE_ISSUER", Liburing.IORING_SETUP_SINGLE_ISSUER(), "6.0");
    setupFlag(ring, "IORING_SETUP_DEFER_TASKRUN", Liburing.IORING_SETUP_DEFER_TASKRUN(), "6.1");
    setupFlag(ring, "IORING_SETUP_NO_SQARRAY", Liburing.IORING_SETUP_NO_SQARRAY(), "6.6");
    feature(ring, "IORING_FEAT_EXT_ARG", Liburing.IORING_FEAT_EXT_ARG(), "5.11");
    feature(ring, "IORING_FEAT_NODROP", Liburing.IORING_FEAT_NODROP(), "5.5");
    features.add(
        new Feature(
            "queues",
            Status.USED,
            ring.sqEntries() + " submissions, " + ring.cqEntries() + " completions"));
  }

  private void setupFlag(Ring ring, String name, int bit, String since) {
    if (ring.uses(bit)) {
      features.add(new Feature(name, Status.USED, ""));
    } else {
      features.add(
          new Feature(name, Status.ABSENT, "the kernel refuses it; it came with Linux " + since));
    }
  }

  private void feature(Ring ring, String name, int bit, String since) {
    features.add(
        ring.has(bit)
            ? new Feature(name, Status.USED, "")
            : new Feature(name, Status.ABSENT, "it came with Linux " + since));
  }

  /** The outcome of a registration: 0 or more, or a negated errno. */
  void registered(String name, int result) {
    features.add(
        result >= 0
            ? new Feature(name, Status.USED, "")
            : new Feature(name, Status.REFUSED, Errno.describe(-result)));
  }

  void fileTable(int size, int wanted) {
    if (size > 0) {
      features.add(new Feature("registered files", Status.USED, size + " places"));
    } else if (wanted == 0) {
      features.add(new Feature("registered files", Status.ABSENT, "switched off by configuration"));
    } else {
      features.add(
          new Feature("registered files", Status.REFUSED, "the limit of open files is too low"));
    }
  }

  void bufferRing(int count, int bytes) {
    features.add(
        new Feature("buffer ring", Status.USED, count + " buffers of " + bytes + " bytes"));
  }

  void multishotReceive(boolean used) {
    features.add(new Feature("poll on any descriptor", Status.USED, ""));
    features.add(new Feature("poll on channels of java.nio", Status.ABSENT, "they hide theirs"));
    features.add(new Feature("raw operations", Status.USED, ""));
    features.add(new Feature("multishot accept", Status.USED, ""));
    files();
    features.add(
        used
            ? new Feature("multishot receive", Status.USED, "")
            : new Feature(
                "multishot receive",
                Status.EMULATED,
                "armed again after each; it came with Linux 6.0"));
  }

  private void files() {
    features.add(
        new Feature(
            "locks, attributes, links, lists and copies of files",
            Status.EMULATED,
            "the kernel's calls on at most "
                + BlockingPool.configuredThreads()
                + " threads: io_uring has no operations for them"));
  }

  void registeredBuffers(long bytes, long wanted, int result) {
    if (bytes == wanted) {
      features.add(new Feature("registered buffers", Status.USED, bytes + " bytes"));
    } else if (bytes > 0) {
      features.add(
          new Feature(
              "registered buffers",
              Status.USED,
              bytes
                  + " of "
                  + wanted
                  + " bytes: the limit of locked memory (ulimit -l) allows no more"));
    } else {
      features.add(new Feature("registered buffers", Status.REFUSED, Errno.describe(-result)));
    }
  }

  Capabilities build() {
    return new Capabilities(UringDriverProvider.NAME, features);
  }
}
