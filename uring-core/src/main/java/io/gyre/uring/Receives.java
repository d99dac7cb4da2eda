package io.gyre.uring;

import static io.gyre.uring.KernelFeature.BUFFER_RING;
import static io.gyre.uring.KernelFeature.INCREMENTAL_BUFFERS;
import static io.gyre.uring.KernelFeature.MULTISHOT_RECEIVE;
import static io.gyre.uring.KernelFeature.RECEIVE_BUNDLES;

import io.gyre.Buffer;
import io.gyre.bindings.Liburing;
import io.gyre.driver.Descriptor;
import io.gyre.driver.DriverCounters;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.Errno;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Receives into buffers of the kernel's choice: what their entries say, how a bundle becomes one outcome for each of its
 * buffers, and who is next when there are too few buffers. The frequent outcome, one buffer of a multishot, is the
 * driver's own.
 */
final class Receives {
  /**
   * How many buffers a bundle has at most: as many as the kernel fills for a multishot without bundles before it lets
   * others have their turn. A bundle of any length would take all that there are for one stream, and a pause would come
   * that much too late.
   */
  private static final int MOST_IN_BUNDLE = 32;

  private final OperationDispatcher dispatcher;
  private final DriverCounters counters;
  private final BufferRing buffers;
  private final OperationList waiting;
  private final Consumer<Operation> goOn;
  private final StarvedReceives starved = new StarvedReceives();
  private final int bundleBytes; // 0 for no bundles
  private boolean multishot;

  /**
   * Makes the receives of a driver.
   *
   * @param waiting takes receives that are to be written
   * @param goOn takes receives that ended without having to: they start again, unless somebody wants them to end
   */
  Receives(
      OperationDispatcher dispatcher,
      Ring ring,
      BufferRing buffers,
      OperationList waiting,
      Consumer<Operation> goOn,
      CapabilityReport report) {
    this.dispatcher = dispatcher;
    this.counters = dispatcher.telemetry().counters();
    this.buffers = buffers;
    this.waiting = waiting;
    this.goOn = goOn;
    this.multishot = usesMultishot(buffers, report);
    if (report.allows(INCREMENTAL_BUFFERS)) {
      report.absent(
          INCREMENTAL_BUFFERS, "each receive would allocate a view of a part of a buffer");
    }
    boolean bundles = usesBundles(multishot, ring, buffers, report);
    int most = Math.min(MOST_IN_BUNDLE, Math.max(2, buffers.count() / 4));
    this.bundleBytes = bundles ? most * buffers.bufferBytes() : 0;
  }

  private static boolean usesMultishot(BufferRing buffers, CapabilityReport report) {
    if (!buffers.isKernels() && report.allows(MULTISHOT_RECEIVE)) {
      report.absent(MULTISHOT_RECEIVE, "it needs " + BUFFER_RING.configurationName());
    }
    return buffers.isKernels() && report.uses(MULTISHOT_RECEIVE);
  }

  private static boolean usesBundles(
      boolean multishot, Ring ring, BufferRing buffers, CapabilityReport report) {
    if (!report.allows(RECEIVE_BUNDLES)) {
      return false;
    }
    if (!ring.has(Liburing.IORING_FEAT_RECVSEND_BUNDLE())) {
      report.refused(RECEIVE_BUNDLES, Errno.EINVAL.number());
    } else if (!multishot) {
      report.absent(RECEIVE_BUNDLES, "it needs " + MULTISHOT_RECEIVE.configurationName());
    } else if (!buffers.canTellBundles()) {
      report.absent(RECEIVE_BUNDLES, "there are more than 16384 receive buffers");
    } else {
      report.used(RECEIVE_BUNDLES);
      return true;
    }
    return false;
  }

  /** Whether one that is asked for once is one for the kernel too, for as long as nothing ends it. */
  boolean areMultishot() {
    return multishot;
  }

  /** Whether nobody is before a receive; else it waits in line. */
  boolean mayStart(Operation operation) {
    if (starved.isEmpty()) {
      return true;
    }
    counters.add(Counter.OUT_OF_BUFFERS, 1);
    starved.addLast(operation);
    return false;
  }

  /** Writes an entry: a multishot, or a receive of one buffer. */
  void write(long sqe, Operation operation) {
    if (!buffers.isKernels()) {
      writeWithoutRing(sqe, operation);
    } else if (!multishot
        || StarvedReceives.takesOne(operation)
        || ResetGuards.isBroken(operation)) {
      Entries.receive(sqe, operation, buffers.bufferBytes(), 0);
    } else if (bundleBytes > 0) {
      int flags = Liburing.IORING_RECV_MULTISHOT() | Liburing.IORING_RECVSEND_BUNDLE();
      Entries.receive(sqe, operation, bundleBytes, flags);
    } else {
      Entries.receive(sqe, operation, 0, Liburing.IORING_RECV_MULTISHOT());
    }
  }

  private void writeWithoutRing(long sqe, Operation operation) {
    if (operation.driverState() instanceof Buffer picked) {
      Entries.receiveInto(sqe, operation, picked.address(), buffers.bufferBytes());
    } else {
      Entries.awaitInput(sqe, operation);
    }
  }

  /**
   * Lends the buffers of one completion to the handler, one after the other. Whatever the handler does meanwhile, even if
   * it cancels the receive or closes the socket: these bytes have left the socket, and are delivered.
   *
   * @param first the buffer that the completion names
   * @param bytes how many were received, at least 1
   * @return how many buffers there were beyond the first
   */
  private int deliver(Operation operation, int first, int bytes) {
    int current = first;
    int left = bytes;
    int beyond = 0;
    while (true) {
      int part = Math.min(left, buffers.length(current));
      left -= part;
      // Asked for now: the handler may give the buffer back, and with that to another place.
      int following = left > 0 ? buffers.following(current) : -1;
      operation.setReceived(buffers.take(current, part, operation));
      dispatcher.resolveMore(operation, part);
      if (left == 0) {
        return beyond;
      }
      current = following;
      beyond++;
    }
  }

  /**
   * Takes any outcome of a receive.
   *
   * @return how many buffers it brought beyond the first
   */
  int received(Operation operation, int result, int flags, boolean more) {
    if (!buffers.isKernels()) {
      receivedWithoutRing(operation, result);
      return 0;
    }
    if (result > 0) {
      int beyond = deliver(operation, flags >>> Liburing.IORING_CQE_BUFFER_SHIFT(), result);
      if (!more) {
        receiveOn(operation);
      }
      return beyond;
    }
    putBack(result, flags);
    if (result == -Errno.ENOBUFS.number()) {
      outOfBuffers(operation);
    } else if (result == -Errno.EINVAL.number() && multishot && !UringDriver.isToEnd(operation)) {
      multishot = false; // a kernel that knows the flags but not this; it does without
      goOn.accept(operation);
    } else if (ResetGuards.startsAgain(operation, result)) {
      goOn.accept(operation);
    } else {
      dispatcher.resolve(operation, result);
    }
    return 0;
  }

  private void receivedWithoutRing(Operation operation, int result) {
    if (operation.driverState() instanceof Buffer picked) {
      receivedInto(operation, picked, result);
    } else {
      inputCame(operation, result);
    }
  }

  /** There is something to receive: now it takes a buffer. */
  private void inputCame(Operation operation, int result) {
    if (result < 0 || UringDriver.isToEnd(operation)) {
      dispatcher.resolve(operation, result < 0 ? result : -Errno.ECANCELED.number());
      return;
    }
    var picked = buffers.pick();
    if (picked == null) {
      counters.add(Counter.OUT_OF_BUFFERS, 1);
      starved.add(operation);
    } else {
      operation.setDriverState(picked);
      waiting.add(operation);
    }
  }

  private void receivedInto(Operation operation, Buffer picked, int result) {
    if (result > 0) {
      operation.setReceived(buffers.take(picked.id(), result, operation));
      operation.setDriverState(UringDriver.MORE_TO_DO);
      dispatcher.resolveMore(operation, result);
      receiveOn(operation);
      return;
    }
    buffers.putBack(picked.id());
    operation.setDriverState(UringDriver.MORE_TO_DO);
    if (result == -Errno.EAGAIN.number()) {
      goOn.accept(operation); // another receive on the socket was quicker
    } else {
      dispatcher.resolve(operation, result);
    }
  }

  /** Puts back the buffer that a receive took and did not come to use. */
  void unpick(Operation operation) {
    if (operation.driverState() instanceof Buffer picked) {
      buffers.putBack(picked.id());
    }
  }

  /** Takes back what a completion brought for nobody, if it brought anything. */
  void putBack(int result, int flags) {
    if ((flags & Liburing.IORING_CQE_F_BUFFER()) != 0) {
      buffers.putBack(flags >>> Liburing.IORING_CQE_BUFFER_SHIFT(), result);
    }
  }

  private void outOfBuffers(Operation operation) {
    counters.add(Counter.OUT_OF_BUFFERS, 1);
    if (UringDriver.isToEnd(operation)) {
      dispatcher.resolve(operation, -Errno.ECANCELED.number());
    } else {
      starved.add(operation);
    }
  }

  /** A receive that took buffers and ended: if others wait for one, it is their turn. */
  private void receiveOn(Operation operation) {
    operation.setDriverState(UringDriver.MORE_TO_DO);
    if (starved.isEmpty() || UringDriver.isToEnd(operation)) {
      goOn.accept(operation);
    } else {
      counters.add(Counter.OUT_OF_BUFFERS, 1);
      starved.addLast(operation);
    }
  }

  /**
   * Starts receives again that had no buffer; as many as there are buffers, in the order in which they went without.
   *
   * @return whether the loop must not sleep: there are buffers
   */
  boolean rearmStarved() {
    if (starved.isEmpty()) {
      buffers.starving(false);
      return false;
    }
    for (int i = buffers.available(); i > 0 && !starved.isEmpty(); i--) {
      waiting.add(starved.removeFirst());
    }
    boolean none = buffers.available() == 0 && !starved.isEmpty();
    buffers.starving(none);
    return !starved.isEmpty() && !none;
  }

  /** Whether a receive that had no buffer could have one now. */
  boolean canRearm() {
    return !starved.isEmpty() && (buffers.available() > 0 || buffers.hasReturned());
  }

  /** Takes a receive out of the line, if it is there. */
  boolean leavesLine(Operation operation) {
    return starved.remove(operation);
  }

  /** Takes receives out of the line: those of a socket, or with null all. */
  @SuppressWarnings("ReferenceEquality") // this very descriptor
  void leaveLine(Descriptor socket, Consumer<Operation> removed) {
    Predicate<Operation> matches = o -> socket == null || o.descriptor() == socket;
    starved.removeIf(matches, removed);
  }
}
