package io.gyre.uring;

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
  private final OperationDispatcher dispatcher;
  private final DriverCounters counters;
  private final BufferRing buffers;
  private final Consumer<Operation> goOn;
  private final StarvedReceives starved = new StarvedReceives();
  private final boolean bundles;
  private boolean multishot;

  /**
   * Makes the receives of a driver.
   *
   * @param multishot whether the kernel may go on after a buffer
   * @param bundles whether it may go on with the next buffer in the same completion; needs multishot
   * @param goOn takes receives that ended without having to: they start again, unless somebody wants them to end
   */
  Receives(
      OperationDispatcher dispatcher,
      BufferRing buffers,
      boolean multishot,
      boolean bundles,
      Consumer<Operation> goOn) {
    this.dispatcher = dispatcher;
    this.counters = dispatcher.telemetry().counters();
    this.buffers = buffers;
    this.multishot = multishot;
    this.bundles = bundles;
    this.goOn = goOn;
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
    if (!multishot || StarvedReceives.takesOne(operation)) {
      Entries.receive(sqe, operation, buffers.bufferBytes(), 0);
    } else if (bundles) {
      int flags = Liburing.IORING_RECV_MULTISHOT() | Liburing.IORING_RECVSEND_BUNDLE();
      Entries.receive(sqe, operation, 0, flags);
    } else {
      Entries.receive(sqe, operation, 0, Liburing.IORING_RECV_MULTISHOT());
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
    } else {
      dispatcher.resolve(operation, result);
    }
    return 0;
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
      starved.addLast(operation);
    }
  }

  /**
   * Starts receives again that had no buffer; as many as there are buffers, in the order in which they went without.
   *
   * @return whether the loop must not sleep: there are buffers, or some just came
   */
  boolean rearmStarved(OperationList waiting) {
    if (starved.isEmpty()) {
      return buffers.awaitBuffers(false);
    }
    for (int i = buffers.available(); i > 0 && !starved.isEmpty(); i--) {
      waiting.add(starved.removeFirst());
    }
    boolean none = buffers.available() == 0 && !starved.isEmpty();
    return buffers.awaitBuffers(none) || (!starved.isEmpty() && !none);
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
