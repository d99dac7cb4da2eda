package io.gyre.uring;

import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What a kernel may have that the driver can do without. Each can be switched off by its name, with the system property
 * {@value io.gyre.IoRuntime#DISABLE_PROPERTY} or {@link io.gyre.IoRuntime.Builder#disable}; what users see stays the
 * same.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/io_uring_setup.2.html">io_uring_setup(2)</a>
 * @see <a href="https://man7.org/linux/man-pages/man2/io_uring_register.2.html">io_uring_register(2)</a>
 */
public enum KernelFeature {
  /** IORING_SETUP_SINGLE_ISSUER. */
  SINGLE_ISSUER("6.0", "the kernel locks the ring for each call"),
  /** IORING_SETUP_DEFER_TASKRUN; needs {@link #SINGLE_ISSUER}. */
  DEFER_TASKRUN("6.1", "completions are posted whenever the thread enters the kernel"),
  /** IORING_SETUP_COOP_TASKRUN and IORING_SETUP_TASKRUN_FLAG, where {@link #DEFER_TASKRUN} can't be had. */
  COOP_TASKRUN("5.19", "the kernel interrupts the thread to post completions"),
  /** IORING_SETUP_SUBMIT_ALL. */
  SUBMIT_ALL("5.18", "what stands behind a refused entry is submitted with the next call"),
  /** IORING_SETUP_NO_SQARRAY. */
  NO_SQARRAY("6.6", "the kernel reads entries through an array of indexes"),
  /** IORING_REGISTER_RING_FDS. */
  REGISTERED_RING("5.18", "the kernel looks the ring's descriptor up at each call"),
  /** IORING_REGISTER_MEM_REGION, with IORING_MEM_REGION_REG_WAIT_ARG. */
  REGISTERED_WAIT("6.13", "the kernel copies the argument of each wait"),
  /** IORING_FEAT_MIN_TIMEOUT. */
  MIN_WAIT("6.12", "a wait ends with its first completion"),
  /** IORING_FEAT_NO_IOWAIT. */
  NO_IOWAIT("6.15", "a loop that waits counts as waiting for a disk"),
  /** IORING_SETUP_SQPOLL. */
  SQPOLL("5.11", "entries are submitted by a call"),
  /** IORING_REGISTER_IOWQ_MAX_WORKERS. */
  BOUNDED_WORKERS("5.15", "the kernel chooses how many workers it starts"),
  /** IORING_REGISTER_FILES2, with IORING_RSRC_REGISTER_SPARSE. */
  REGISTERED_FILES("5.19", "files are used by their descriptors"),
  /** IORING_REGISTER_BUFFERS. */
  REGISTERED_BUFFERS("5.1", "the kernel pins the memory of each operation by itself"),
  /** IORING_OP_READV_FIXED and IORING_OP_WRITEV_FIXED; needs {@link #REGISTERED_BUFFERS}. */
  REGISTERED_VECTORS(
      "6.15", "with O_DIRECT the kernel pins the memory of each operation on several buffers"),
  /** IORING_REGISTER_PBUF_RING. */
  BUFFER_RING("5.19", "a receive waits by a poll, and takes its buffer when something came"),
  /** IOU_PBUF_RING_INC; needs {@link #BUFFER_RING}. */
  INCREMENTAL_BUFFERS("6.12", "each receive uses up a buffer, however little comes"),
  /** IORING_RECVSEND_BUNDLE on receives; needs {@link #BUFFER_RING} and {@link #MULTISHOT_RECEIVE}. */
  RECEIVE_BUNDLES("6.10", "a receive fills one buffer"),
  /** IORING_ACCEPT_MULTISHOT. */
  MULTISHOT_ACCEPT("5.19", "an accept is armed again after each connection"),
  /** IORING_RECV_MULTISHOT; needs {@link #BUFFER_RING}. */
  MULTISHOT_RECEIVE("6.0", "a receive is armed again after each buffer"),
  /** IORING_POLL_ADD_MULTI. */
  MULTISHOT_POLL("5.13", "a poll is armed again after each event"),
  /** IORING_ASYNC_CANCEL_ALL, with IORING_ASYNC_CANCEL_FD or IORING_ASYNC_CANCEL_ANY. */
  CANCEL_ALL("5.19", "what is to end together is cancelled one by one"),
  /** IORING_REGISTER_SEND_MSG_RING. */
  MSG_RING("6.13", "a loop wakes another through its eventfd"),
  /** IOSQE_CQE_SKIP_SUCCESS. */
  CQE_SKIP("5.17", "what has no use for its completion posts one all the same"),
  /** IORING_OP_SEND_ZC, where a stream asks for it. */
  ZERO_COPY_SEND("6.0", "the kernel copies what is sent");

  private final String since;
  private final String without;

  KernelFeature(String since, String without) {
    this.since = since;
    this.without = without;
  }

  /** Its name in configuration and in {@link io.gyre.driver.Capabilities}. */
  public String configurationName() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** The version of Linux that it came with. */
  String since() {
    return since;
  }

  /** What happens in its place: a clause. */
  String without() {
    return without;
  }

  /**
   * Features by their names.
   *
   * @throws IllegalArgumentException for a name that is none, with those that are
   */
  public static Set<KernelFeature> named(Collection<String> names) {
    var found = EnumSet.noneOf(KernelFeature.class);
    for (var name : names) {
      found.add(named(name));
    }
    return found;
  }

  private static KernelFeature named(String name) {
    for (var feature : values()) {
      if (feature.configurationName().equals(name)) {
        return feature;
      }
    }
    throw new IllegalArgumentException(
        "no feature named \""
            + name
            + "\" that could be switched off; there are "
            + Arrays.stream(values())
                .map(KernelFeature::configurationName)
                .collect(Collectors.joining(", ")));
  }
}
