package io.gyre.uring;

import io.gyre.bindings.Liburing;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import java.util.ArrayDeque;
import java.util.HashMap;

/**
 * The cancellations of a ring, from the asking to the answer. They go before all other entries, and take none of the
 * credit that operations do: a full queue must not keep anything from being ended.
 *
 * <p>The kernel does not find an operation that is about to be tried again just then, since its poll has fired: a
 * cancellation that missed is repeated in the next turn, or the operation would go on for ever.
 */
final class Cancellations {
  // An entry's token is the cancellation's number, from 0 on, over this: no operation has the index
  // -1.
  private static final long NOT_AN_OPERATION = 0xFFFF_FFFFL;

  private final OperationDispatcher dispatcher;
  private final ArrayDeque<Cancel> toWrite = new ArrayDeque<>();

  /** Those that the kernel has, by their numbers. */
  private final HashMap<Integer, Cancel> inKernel = new HashMap<>();

  /** Those that the kernel answered as if they had found nothing, or perhaps not all. */
  private final ArrayDeque<Cancel> toCheck = new ArrayDeque<>();

  private final boolean allAtOnce;
  private int nextNumber;

  /** Where the kernel can't cancel all at once, each operation is by itself. */
  Cancellations(OperationDispatcher dispatcher, boolean allAtOnce) {
    this.dispatcher = dispatcher;
    this.allAtOnce = allAtOnce;
  }

  /**
   * Of one operation, without flags; of all on a descriptor; or of all that there are.
   *
   * @param isRepeated whether it is asked for again when it missed
   */
  private record Cancel(UringDescriptor descriptor, long token, int flags, boolean isRepeated) {
    static Cancel one(Operation operation) {
      return new Cancel(null, operation.token(), 0, true);
    }

    int fd() {
      return descriptor == null ? -1 : descriptor.fd;
    }
  }

  void add(Operation operation) {
    if (!UringDriver.isOnThread(operation)) { // the kernel has not got it
      toWrite.add(Cancel.one(operation));
    }
  }

  /**
   * Of a receive that is to start again, if it has not ended when the outcomes of this turn were taken. Not repeated:
   * what the kernel does not have, or is about to try, looks at the socket by itself.
   */
  void addToStartAgain(Operation receive) {
    toCheck.add(new Cancel(null, receive.token(), 0, false));
  }

  void addAllOn(UringDescriptor descriptor) {
    if (!allAtOnce) {
      dispatcher.forEachInFlight(descriptor, this::add);
      return;
    }
    int flags = Liburing.IORING_ASYNC_CANCEL_FD() | Liburing.IORING_ASYNC_CANCEL_ALL();
    toWrite.add(new Cancel(descriptor, 0, flags, true));
  }

  void addAll() {
    if (!allAtOnce) {
      dispatcher.forEachInFlight(this::add);
      return;
    }
    int flags = Liburing.IORING_ASYNC_CANCEL_ANY() | Liburing.IORING_ASYNC_CANCEL_ALL();
    toWrite.add(new Cancel(null, 0, flags, true));
  }

  /** Whether none waits to be written, or to be looked at first. */
  boolean isEmpty() {
    return toWrite.isEmpty() && toCheck.isEmpty();
  }

  /** Drops what waits for a descriptor whose number may soon be somebody else's. Nothing is in flight on it. */
  void forget(UringDescriptor closing) {
    if (!toWrite.isEmpty()) {
      toWrite.removeIf(c -> c.fd() == closing.fd);
    }
  }

  /** Writes entries as far as there is room; once a turn, after all outcomes of the turn before were taken. */
  void write(Ring ring) {
    while (!toCheck.isEmpty()) {
      repeatIfMissed(toCheck.removeFirst());
    }
    while (!toWrite.isEmpty() && ring.free() > 0) {
      var cancel = toWrite.removeFirst();
      int number = nextNumber++ & Integer.MAX_VALUE;
      inKernel.put(number, cancel);
      Sqe.write(
          ring.nextSqe(),
          Liburing.IORING_OP_ASYNC_CANCEL(),
          0,
          cancel.fd(),
          0,
          cancel.token,
          0,
          cancel.flags,
          (long) number << 32 | NOT_AN_OPERATION);
    }
  }

  /** Takes the kernel's answer. */
  void answered(long token, int result) {
    var cancel = inKernel.remove((int) (token >>> 32));
    // 0: found. EALREADY: found, and it runs on a thread of the kernel's, which was told.
    boolean ofOne = cancel.flags == 0;
    boolean missed = ofOne ? result == -Errno.ENOENT.number() : cancel.descriptor != null;
    if (missed && cancel.isRepeated) {
      toCheck.add(cancel);
    }
  }

  /** What is still there when all outcomes of that turn were taken was not found, and is asked for by itself. */
  private void repeatIfMissed(Cancel cancel) {
    if (cancel.descriptor == null) {
      var operation = dispatcher.find(cancel.token);
      if (operation != null
          && !UringDriver.isOnThread(operation)
          && !operation.hasLeftDescriptor()) {
        toWrite.add(cancel);
      }
    } else if (cancel.descriptor.isInUse()) {
      dispatcher.forEachInFlight(
          cancel.descriptor,
          operation -> {
            // Raw ones are asked for again elsewhere. One that waits in a chain would be asked for
            // in each turn, and so take the place that its chain waits for.
            if (UringDriver.isToEnd(operation)
                && operation.code() != OpCode.RAW
                && !operation.hasLeftDescriptor()) {
              add(operation);
            }
          });
    }
  }
}
