package io.gyre.uring;

import static io.gyre.uring.SimulatedKernel.require;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * The linked requests of a {@link SimulatedKernel}: each begins some time after the one before it
 * has succeeded, and until then no cancellation finds it. If that fails, or transfers less than it
 * was to, all behind it are cancelled.
 */
final class SimulatedLinks {
  private static final int MOST_DELAYED = 800; // thousandths: some must begin

  // The chain whose entries are being taken.
  private SimulatedRequest first;
  private SimulatedRequest last;

  /** Those whose predecessor has not ended. */
  private final List<SimulatedRequest> waiting = new ArrayList<>();

  /** Those whose predecessor has succeeded, and that have not begun. */
  private final List<SimulatedRequest> due = new ArrayList<>();

  /** Takes an entry. Returns what begins now: it, or the first of the chain that it ends, or null. */
  SimulatedRequest take(SimulatedRequest request) {
    if (last == null) {
      first = request;
    } else {
      last.following = request;
      waiting.add(request);
    }
    last = request.isLinked() ? request : null;
    return last == null ? first : null;
  }

  /** Whether the chain goes on with the next entry. */
  boolean isOpen() {
    return last != null;
  }

  /** A request has ended: what is behind it becomes due, or is cancelled. */
  void ended(SimulatedRequest request, int result, Consumer<SimulatedRequest> cancel) {
    var following = request.following;
    if (following == null) {
      return;
    }
    request.following = null;
    require(waiting.remove(following), "a link that began before its time: " + following);
    if (succeeded(request, result)) {
      due.add(following);
    } else {
      cancel.accept(following); // which ends those behind it in the same way
    }
  }

  static boolean succeeded(SimulatedRequest request, int result) {
    return result >= 0 && (!request.transfers() || result == request.length);
  }

  /** Those that begin now: all, or some of them. */
  List<SimulatedRequest> takeDue(SimulatedKernel kernel) {
    if (due.isEmpty()) {
      return List.of();
    }
    int delay = Math.min(kernel.faults().delay(), MOST_DELAYED);
    var now = new ArrayList<SimulatedRequest>();
    due.removeIf(r -> !kernel.chance(delay) && now.add(r));
    return now;
  }

  boolean hasDue() {
    return !due.isEmpty();
  }

  boolean isEmpty() {
    return last == null && waiting.isEmpty() && due.isEmpty();
  }

  /** Whether one that has not begun names a descriptor. */
  boolean name(int fd) {
    return waiting.stream().anyMatch(r -> r.fd == fd) || due.stream().anyMatch(r -> r.fd == fd);
  }

  @Override
  public String toString() {
    return waiting + " wait, " + due + " are due";
  }
}
