package io.gyre.uring;

import static io.gyre.uring.SimulatedKernel.require;

import io.gyre.bindings.Libc;
import io.gyre.bindings.Liburing;
import io.gyre.driver.Errno;
import io.gyre.uring.SimulatedFile.Listener;
import io.gyre.uring.SimulatedFile.Regular;
import io.gyre.uring.SimulatedFile.Socket;
import io.gyre.uring.SimulatedFile.WakeUpCounter;
import java.util.Objects;

/**
 * Readiness of what a {@link SimulatedKernel} has open, and the polling of it. A multishot reports
 * each change, and ends by itself in two cases, as the real one does: where there is nothing to wait
 * on, and where an event does not fit the completion queue.
 */
final class SimulatedPolls {
  /** Reported whether asked for or not, as is POLLRDHUP, which only a guard is shown. */
  static final int ALWAYS = Libc.POLLERR() | Libc.POLLHUP();

  /** Told of each event that goes to the driver. */
  @FunctionalInterface
  interface Observer {
    /**
     * An event.
     *
     * @param token whose
     */
    void reported(long token, int mask);
  }

  private final SimulatedKernel kernel;
  private Observer observer = (token, mask) -> {};

  SimulatedPolls(SimulatedKernel kernel) {
    this.kernel = kernel;
  }

  void observe(Observer value) {
    observer = value;
  }

  static void check(SimulatedRequest r) {
    require(r.ioprio == 0 && r.address == 0 && r.offset == 0, "fields of a poll: " + r);
    require((r.length & ~Liburing.IORING_POLL_ADD_MULTI()) == 0, "flags of a poll: " + r);
    require(
        r.opFlags != 0 || (isGuard(r) && r.length == 0 && r.file instanceof Socket),
        "a poll of nothing: " + r);
  }

  /** The driver's own, for what is reported unasked. */
  private static boolean isGuard(SimulatedRequest r) {
    return r.opFlags == 0;
  }

  /** What a poll would report now. */
  static int ready(SimulatedFile file, int interest) {
    return readiness(file) & (interest | ALWAYS);
  }

  private static int readiness(SimulatedFile file) {
    return switch (file) {
      case Regular regular -> Libc.POLLIN() | Libc.POLLOUT();
      case Listener listener -> listener.backlog.isEmpty() ? 0 : Libc.POLLIN();
      case WakeUpCounter counter -> 0;
      case Socket socket -> readiness(socket);
    };
  }

  private static int readiness(Socket socket) {
    if (socket.peer == null) {
      return Libc.POLLOUT() | Libc.POLLHUP(); // never connected
    }
    boolean ended = socket.inputEnded || socket.inputShut;
    return (socket.readable() ? Libc.POLLIN() : 0)
        | (socket.peer.room() > 0 || socket.outputShut ? Libc.POLLOUT() : 0)
        | (ended || socket.reset ? Libc.POLLRDHUP() : 0)
        | ((ended && socket.outputShut) || socket.reset ? Libc.POLLHUP() : 0)
        | (socket.reset ? Libc.POLLERR() : 0);
  }

  /** Differs when something new has come, or only seems to have: events may be spurious. */
  private static int state(SimulatedFile file) {
    return switch (file) {
      case Listener listener -> listener.backlog.size();
      case Socket s ->
          Objects.hash(
              s.inbound.size(),
              s.peer == null ? -1 : s.peer.room(),
              s.reset,
              s.inputEnded,
              s.inputShut,
              s.outputShut);
      default -> 0;
    };
  }

  /** Reports what there is to report. Returns whether that was anything. */
  boolean attempt(SimulatedRequest r) {
    int ready = ready(r.file, isGuard(r) ? Libc.POLLRDHUP() : r.opFlags);
    if (ready == 0) {
      return false;
    }
    if (kernel.chance(kernel.faults().error())) {
      kernel.complete(r, -Errno.ENOMEM.number(), 0);
      return true;
    }
    boolean multishot = r.length != 0 && !(r.file instanceof Regular);
    if (multishot) {
      int state = state(r.file);
      if (r.hasReported && r.reportedState == state) {
        return false;
      }
      r.hasReported = true;
      r.reportedState = state;
    }
    if (!isGuard(r)) {
      observer.reported(r.userData, ready);
    }
    boolean more = multishot && !kernel.isOverflowing();
    kernel.complete(r, ready, more ? Liburing.IORING_CQE_F_MORE() : 0);
    return true;
  }
}
