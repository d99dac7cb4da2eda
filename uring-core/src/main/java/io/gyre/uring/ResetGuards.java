package io.gyre.uring;

import io.gyre.bindings.Libc;
import io.gyre.driver.Completion;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import java.util.function.Consumer;

/**
 * Tells multishot receives of a reset that they miss. The kernel polls for them edge-triggered: one that a wake brings
 * both data and a reset takes the data and waits for the next edge, which never comes (Linux 6.18; of the end of a
 * stream it is told that there is more, of a reset not).
 *
 * <p>So a one-shot poll without events stands beside the receives of a socket, once for the socket's life: errors and
 * hang-ups are reported unasked. It looks at the socket when it is armed and is woken by itself, and so misses none.
 * When it fires, the receive is cancelled to start again, from then on for one buffer at a time: each of these looks at
 * the socket, and so finds what bytes there are and then the error. A multishot that starts with more in the queue than
 * the kernel takes in one go would miss the reset once more.
 *
 * <p>A guard is an operation on the socket like any other: it waits for room as they do, it is cancelled with them, and
 * a close waits for it, since what polls a socket keeps it open.
 */
final class ResetGuards {
  private static final int BROKEN = Libc.POLLERR() | Libc.POLLHUP();

  private final OperationDispatcher dispatcher;
  private final Cancellations cancels;
  private final Consumer<Operation> start;
  private final Completion completion = this::ended;

  ResetGuards(OperationDispatcher dispatcher, Cancellations cancels, Consumer<Operation> start) {
    this.dispatcher = dispatcher;
    this.cancels = cancels;
    this.start = start;
  }

  /** A multishot receive is about to start on its socket. */
  void watch(Operation receive) {
    var socket = (UringDescriptor) receive.descriptor();
    socket.receiveToken = receive.token();
    var guard = socket.guard;
    if (!socket.guardHasFired && (guard == null || guard.isCancelRequested())) {
      arm(socket);
    }
  }

  private void arm(UringDescriptor socket) {
    var guard = dispatcher.acquireOwn(OpCode.POLL, socket, completion); // flags 0: no events
    guard.setDriverState(UringDriver.MORE_TO_DO);
    socket.guard = guard;
    start.accept(guard);
  }

  @SuppressWarnings("ReferenceEquality") // this very operation
  private void ended(Operation guard, int result) {
    var socket = (UringDescriptor) guard.descriptor();
    if (socket.guard != guard) {
      return; // cancelled, and receives have another since
    }
    socket.guard = null;
    if (socket.isClosing()) {
      return;
    }
    if (result >= 0) {
      socket.guardHasFired = true;
      if ((result & BROKEN) != 0) {
        startAgain(socket);
      }
    } else if (!guard.isCancelRequested() && isWorthAnother(result) && isReceiving(socket)) {
      arm(socket);
    }
  }

  private void startAgain(UringDescriptor socket) {
    socket.isBroken = true;
    var receive = dispatcher.find(socket.receiveToken);
    if (receive != null) {
      cancels.addToStartAgain(receive);
    }
  }

  /** Whether it was cancelled with others, or found no memory; else the kernel can't poll this at all. */
  private static boolean isWorthAnother(int result) {
    return result == -Errno.ECANCELED.number() || result == -Errno.ENOMEM.number();
  }

  private boolean isReceiving(UringDescriptor socket) {
    return dispatcher.find(socket.receiveToken) != null;
  }

  /** Whether a receive is to look at its socket again for each buffer. */
  static boolean isBroken(Operation receive) {
    return ((UringDescriptor) receive.descriptor()).isBroken;
  }

  /** Whether a receive was cancelled only to start again. */
  static boolean startsAgain(Operation receive, int result) {
    return result == -Errno.ECANCELED.number()
        && isBroken(receive)
        && !UringDriver.isToEnd(receive);
  }
}
