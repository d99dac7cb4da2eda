package io.gyre.driver;

import java.nio.channels.ClosedChannelException;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Between those who ask (files, sockets) and the driver that does: hands out slots, counts what is in flight on each
 * descriptor, and brings every operation to exactly one end. One for each loop, confined to its thread.
 *
 * <p>For those who build on the SPI; users hold {@code AsyncFile}, {@code TcpStream} and their like.
 */
public final class OperationDispatcher {
  private static final BufferAccess BUFFERS = BufferAccess.get();
  private static final Completion IGNORE = (operation, result) -> {};

  private final OperationTable table = new OperationTable(1024);
  private final Consumer<Throwable> exceptionHandler;
  private final LoopTelemetry telemetry;
  private final SleepFlag sleepFlag;

  // Who may start operations. Plain, since a thread only compares it with itself, and only it can
  // have been set to that while it may start any.
  private Thread owner = Thread.currentThread();
  private Driver driver;
  private boolean stopping;
  private boolean failed;
  private Descriptor firstOpen;

  /** What operations are started in at this moment, or null. */
  private OperationScope scope;

  /** Whether a submission needs a closer look: shutdown has begun, or a scope is there. */
  private boolean guarded;

  // Operations that failed before they reached the driver: resolved at the next turn, since no
  // operation may resolve inside the call that submitted it.
  private Operation deferredHead;
  private Operation deferredTail;

  /**
   * Makes a dispatcher without a loop, for a driver that is only tried out. It is the calling thread's.
   *
   * @param exceptionHandler takes what handlers throw
   */
  public OperationDispatcher(Consumer<Throwable> exceptionHandler) {
    this(exceptionHandler, new LoopTelemetry("no loop", "unknown"), new SleepFlag(() -> true));
  }

  /**
   * Makes a dispatcher, which is the calling thread's until {@link #setOwner}; the loop does this.
   *
   * @param exceptionHandler takes what handlers throw
   * @param telemetry what the loop and its driver write to
   * @param sleepFlag the loop's
   */
  public OperationDispatcher(
      Consumer<Throwable> exceptionHandler, LoopTelemetry telemetry, SleepFlag sleepFlag) {
    this.exceptionHandler = Objects.requireNonNull(exceptionHandler, "exceptionHandler");
    this.telemetry = Objects.requireNonNull(telemetry, "telemetry");
    this.sleepFlag = Objects.requireNonNull(sleepFlag, "sleepFlag");
  }

  /**
   * What the loop and its driver tell about themselves: drivers count, and mark their waits, here.
   *
   * @return the loop's telemetry
   */
  public LoopTelemetry telemetry() {
    return telemetry;
  }

  /**
   * The flag that says whether the loop sleeps. The driver sets it when it is about to wait, and threads of its own claim
   * wake-ups by it as all others do.
   *
   * @return the loop's flag
   */
  public SleepFlag sleepFlag() {
    return sleepFlag;
  }

  /**
   * Sets whose it is from now on; the loop does this: its own thread's, and once that has ended that of whoever runs what
   * came too late.
   *
   * @param value the only thread that may start, cancel and close; null for none
   */
  public void setOwner(Thread value) {
    owner = value;
  }

  /** Everything here is confined to one thread: another's call would break what it finds in the middle of a change. */
  private void checkOwner() {
    if (Thread.currentThread() != owner) {
      throw notTheOwner();
    }
  }

  private IllegalStateException notTheOwner() {
    var confinedTo = owner;
    return new IllegalStateException(
        "the operations of "
            + telemetry.loop()
            + (confinedTo == null
                ? ", which has ended, cannot be started or cancelled any more, as thread "
                : " are started and cancelled by its own thread, not by thread ")
            + Thread.currentThread().getName()
            + (confinedTo == null ? " tried" : ": hand it a task with EventLoop.execute"));
  }

  /**
   * Sets the driver, once; the loop does this.
   *
   * @param value where operations go
   */
  public void attach(Driver value) {
    if (driver != null) {
      throw new IllegalStateException("a driver is attached already");
    }
    this.driver = Objects.requireNonNull(value, "driver");
  }

  /** Ends the use of the driver, which is about to be closed; the loop does this. */
  public void detach() {
    driver = null;
  }

  /**
   * The loop's driver, for what is done at once: opening sockets, options, addresses.
   *
   * @return the driver
   * @throws IllegalStateException when the caller is not the loop's thread
   * @throws ShutdownChannelGroupException when the loop has ended
   */
  public Driver driver() {
    checkOwner();
    if (driver == null) {
      throw new ShutdownChannelGroupException();
    }
    return driver;
  }

  /**
   * Takes a slot, to be filled in and submitted.
   *
   * @param code what is asked for
   * @param descriptor of what, or null
   * @param completion takes the outcome
   * @param handler whom the completion tells, or null
   * @param attachment what the user gave along, or null
   * @return a slot that must be submitted
   * @throws IllegalStateException when the caller is not the loop's thread
   */
  public Operation acquire(
      OpCode code,
      Descriptor descriptor,
      Completion completion,
      Object handler,
      Object attachment) {
    checkOwner();
    var operation = table.acquire();
    operation.code = code;
    if (descriptor != null) {
      operation.setDescriptor(descriptor);
    }
    operation.completion = completion;
    operation.handler = handler;
    operation.attachment = attachment;
    return operation;
  }

  /**
   * For drivers: takes a slot for what a driver does on an open descriptor for itself. It is counted there, so that a
   * close waits for it, and cancelled together with what is in flight there; it belongs to no scope. Starting it is the
   * driver's affair.
   *
   * @param code what the driver is about to do
   * @param descriptor of what
   * @param completion takes the outcome
   * @return a slot that the driver must bring to its end by {@link #resolve}
   */
  public Operation acquireOwn(OpCode code, Descriptor descriptor, Completion completion) {
    var operation = acquire(code, descriptor, completion, null, null);
    descriptor.inFlight++;
    return operation;
  }

  /**
   * Starts an operation. It resolves at a later turn, whatever happens: an operation on a closed descriptor fails with
   * {@link ClosedChannelException}, one on a stopping loop is cancelled.
   *
   * @param operation from {@link #acquire}
   * @throws IllegalStateException when the operation's pooled buffer was released already, and the slot is given back;
   *     or when the caller is not the loop's thread
   */
  public void submit(Operation operation) {
    checkOwner();
    if (operation.touched && !admit(operation)) {
      return;
    }
    if (guarded && !mayStart(operation)) {
      return;
    }
    driver.submit(operation);
  }

  /**
   * Submits an operation in the scope of what it goes on with, wherever this is called from.
   *
   * @param operation as for {@link #submit}
   * @param value the scope, or null for none
   */
  public void submitIn(Operation operation, OperationScope value) {
    var outer = scope;
    setScope(value);
    try {
      submit(operation);
    } finally {
      setScope(outer);
    }
  }

  /** Puts the operation into the scope; false if it was refused. */
  private boolean mayStart(Operation operation) {
    if (operation.code == OpCode.CLOSE) {
      return true;
    }
    if (stopping) {
      fail(
          operation,
          Errors.of(operation.code, Errno.ECANCELED.number(), operation.subject(), false));
      return false;
    }
    var refusal = scope.refusal(operation);
    if (refusal != null) {
      fail(operation, refusal);
      return false;
    }
    operation.setScope(scope);
    scope.began(operation);
    return true;
  }

  /**
   * What operations are started in at this moment.
   *
   * @return the scope, or null
   */
  public OperationScope scope() {
    return scope;
  }

  /**
   * Sets what operations are started in from now on. Whoever sets it sets it back, before the handler or task ends:
   * {@link OperationScope#call} does.
   *
   * @param value the scope, or null for none
   */
  public void setScope(OperationScope value) {
    scope = value;
    guarded = stopping || value != null;
  }

  /**
   * Starts an operation that no driver carries out, since it waits for something that its starter knows of: until {@link
   * #unpark}, a cancellation or the close of its descriptor. Like any other it is counted there and belongs to the scope.
   *
   * <p>One that a driver is to carry out later, but in its turn, waits here as well, until {@link #submitParked}.
   *
   * @param operation from {@link #acquire}, with a descriptor
   * @return whether it is parked; false if it was refused, and fails at the next turn
   * @throws IllegalStateException as for {@link #submit}
   */
  public boolean park(Operation operation) {
    checkOwner();
    if (!admit(operation) || (guarded && !mayStart(operation))) {
      return false;
    }
    operation.parked = true;
    operation.descriptor.parked++;
    return true;
  }

  /**
   * The turn of a parked operation has come: the driver starts it. Harmless if it has been ended otherwise, as long as it
   * has not been completed.
   *
   * @param operation what {@link #park} was called with
   */
  public void submitParked(Operation operation) {
    if (operation.parked && !failed) {
      operation.parked = false;
      operation.descriptor.parked--;
      driver.submit(operation);
    }
  }

  /**
   * What a parked operation waited for has come: it resolves with 0 at the next turn. Harmless if it has been ended
   * otherwise, as long as it has not been completed.
   *
   * @param operation what {@link #park} was called with
   */
  public void unpark(Operation operation) {
    if (operation.parked && !failed) { // else failAll brings it to its end
      operation.parked = false;
      operation.descriptor.parked--;
      defer(operation);
    }
  }

  private void cancelParked(Operation operation) {
    operation.parked = false;
    operation.descriptor.parked--;
    fail(
        operation,
        Errors.of(
            operation.code, Errno.ECANCELED.number(), operation.subject(), operation.isClosing()));
  }

  /** Takes as long as the table is large, and so is done for descriptors only on which something is parked. */
  @SuppressWarnings("ReferenceEquality") // this very descriptor
  private void cancelParkedOn(Descriptor descriptor) {
    if (descriptor.parked > 0) {
      table.forEach(
          operation -> {
            if (operation.parked && operation.descriptor == descriptor) {
              cancelParked(operation);
            }
          });
    }
  }

  /**
   * Asks that an operation be cancelled. It resolves with a cancellation, or as it would have.
   *
   * @param token what {@link Operation#token()} gave
   * @return false when it has ended already
   * @throws IllegalStateException when the caller is not the loop's thread
   */
  public boolean cancel(long token) {
    checkOwner();
    var operation = table.find(token);
    if (failed || operation == null || operation.deferred || operation.code == OpCode.CLOSE) {
      return false;
    }
    if (operation.parked) {
      cancelParked(operation);
    } else {
      driver.cancel(operation);
    }
    return true;
  }

  /**
   * Asks that everything in flight on a descriptor be cancelled, but for its close. The descriptor stays open.
   *
   * @param descriptor whose operations to cancel
   * @throws IllegalStateException when the caller is not the loop's thread
   */
  public void cancelAll(Descriptor descriptor) {
    checkOwner();
    if (driver == null || failed || descriptor.inFlight == 0) {
      return;
    }
    cancelParkedOn(descriptor);
    // Each is told, too: one that the kernel has just ended early must not be gone on with.
    forEachInFlight(descriptor, Operation::requestCancel);
    driver.cancelAll(descriptor);
  }

  /**
   * For drivers: looks at all that has not ended on a descriptor, but for its close. Takes as long as the table is
   * large: not for what is done often.
   *
   * @param descriptor whose operations
   * @param action called for each; must not start or end operations
   */
  @SuppressWarnings("ReferenceEquality") // this very descriptor
  public void forEachInFlight(Descriptor descriptor, Consumer<Operation> action) {
    table.forEach(
        operation -> {
          if ((operation.descriptor == descriptor || operation.other == descriptor)
              && operation.code != OpCode.CLOSE
              && !operation.deferred) {
            action.accept(operation);
          }
        });
  }

  /**
   * For drivers, at the end of a loop: looks at all that has not ended, but for closes.
   *
   * @param action called for each; must not start or end operations
   */
  public void forEachInFlight(Consumer<Operation> action) {
    table.forEachLive(
        operation -> {
          if (operation.code != OpCode.CLOSE && !operation.deferred) {
            action.accept(operation);
          }
        });
  }

  /**
   * Starts operations of which each begins only when the one before it has succeeded, all of them {@link OpCode#RAW}. If
   * one is refused, because its descriptor is closed for instance, none starts.
   *
   * @param first of the chain, linked by {@link Operation#setBehind}; pooled buffers are pinned by the caller as well
   * @throws IllegalStateException when the caller is not the loop's thread
   */
  public void submitChain(Operation first) {
    checkOwner();
    boolean admitted = true;
    for (var operation = first; operation != null; operation = operation.behind()) {
      admitted &= admit(operation) && (!guarded || mayStart(operation));
    }
    if (admitted) {
      driver.submitChain(first);
      return;
    }
    for (var operation = first; operation != null; ) {
      var following = operation.behind();
      operation.setBehind(null);
      if (!operation.deferred) { // else it is the one that was refused
        fail(
            operation,
            Errors.of(operation.code, Errno.ECANCELED.number(), operation.subject(), false));
      }
      operation = following;
    }
  }

  /** Pins and counts what the operation works on; false if it was refused. */
  private boolean admit(Operation operation) {
    if (operation.lease != null) {
      try {
        operation.leaseGeneration = BUFFERS.pin(operation.lease);
      } catch (IllegalStateException e) {
        table.release(operation);
        throw e;
      }
    }
    if (operation.further) {
      pinVector(operation);
      if (operation.other != null) {
        operation.other.inFlight++;
      }
    }
    var descriptor = operation.descriptor;
    if (descriptor != null) {
      descriptor.inFlight++;
      if (descriptor.state != Descriptor.State.OPEN && operation.code != OpCode.CLOSE) {
        fail(operation, Errors.closed(operation.code, descriptor.subject()));
        return false;
      }
    }
    if (operation.further && operation.other != null && operation.other.isClosing()) {
      fail(operation, Errors.closed(operation.code, operation.other.subject()));
      return false;
    }
    return true;
  }

  private void pinVector(Operation operation) {
    if (operation.vectored) {
      try {
        operation.vector().pin();
      } catch (IllegalStateException e) {
        table.release(operation);
        throw e;
      }
    }
  }

  /**
   * Lets an operation fail at the next turn without starting it.
   *
   * @param operation from {@link #acquire}, without pooled memory
   * @param cause why
   */
  public void refuse(Operation operation, Throwable cause) {
    if (operation.descriptor != null) {
      operation.descriptor.inFlight++;
    }
    if (operation.other != null) {
      operation.other.inFlight++;
    }
    fail(operation, cause);
  }

  private void fail(Operation operation, Throwable cause) {
    operation.setFailure(cause);
    defer(operation);
  }

  private void defer(Operation operation) {
    if (operation.deferred) {
      return; // it has been told already, or will be
    }
    operation.deferred = true;
    operation.setNext(null);
    if (deferredTail == null) {
      deferredHead = operation;
    } else {
      deferredTail.setNext(operation);
    }
    deferredTail = operation;
  }

  /**
   * Closes a descriptor as soon as nothing is in flight on it any more, and refuses new operations from now on. Closing
   * twice is harmless.
   *
   * @param descriptor what to close
   * @param cancelInFlight whether to cancel what is in flight (sockets), or to let it end (files)
   * @param completion takes the outcome of the close; 0 if it was closed before, when that close is done
   * @param handler whom the completion tells, or null
   * @param attachment given along
   * @throws IllegalStateException when the caller is not the loop's thread
   */
  public void close(
      Descriptor descriptor,
      boolean cancelInFlight,
      Completion completion,
      Object handler,
      Object attachment) {
    var operation = acquire(OpCode.CLOSE, null, completion, handler, attachment);
    if (driver == null || failed || descriptor.state == Descriptor.State.CLOSED) {
      defer(operation);
      return;
    }
    if (descriptor.state == Descriptor.State.CLOSING) {
      operation.setNext(descriptor.alsoClosing);
      descriptor.alsoClosing = operation;
      return;
    }
    descriptor.beginClosing();
    operation.setDescriptor(descriptor);
    if (descriptor.inFlight == 0) {
      startClose(operation);
      return;
    }
    descriptor.closeWhenIdle = operation;
    cancelParkedOn(descriptor);
    if (cancelInFlight) {
      driver.cancelAll(descriptor);
    }
  }

  /**
   * For drivers: a descriptor was opened. From here on it is closed by {@link #close}, at the latest when the loop ends.
   *
   * @param descriptor a new descriptor
   */
  public void opened(Descriptor descriptor) {
    descriptor.following = firstOpen;
    if (firstOpen != null) {
      firstOpen.preceding = descriptor;
    }
    firstOpen = descriptor;
  }

  /**
   * For drivers: a descriptor goes to another loop. Here it counts as closed.
   *
   * @param descriptor on which nothing is in flight
   * @throws IllegalStateException when it is in use, or being closed
   */
  public void detached(Descriptor descriptor) {
    if (descriptor.inFlight > 0 || descriptor.state != Descriptor.State.OPEN) {
      throw new IllegalStateException("it is in use, or being closed: " + descriptor);
    }
    closed(descriptor);
  }

  private void closed(Descriptor descriptor) {
    descriptor.state = Descriptor.State.CLOSED;
    if (descriptor.preceding == null) {
      firstOpen = descriptor.following;
    } else {
      descriptor.preceding.following = descriptor.following;
    }
    if (descriptor.following != null) {
      descriptor.following.preceding = descriptor.preceding;
    }
    descriptor.preceding = null;
    descriptor.following = null;
    for (var also = descriptor.alsoClosing; also != null; ) {
      var following = also.next();
      defer(also);
      also = following;
    }
    descriptor.alsoClosing = null;
  }

  /**
   * Closes a descriptor that nobody is interested in, for instance a connection that was accepted too late.
   *
   * @param descriptor what to close
   */
  public void discard(Descriptor descriptor) {
    close(descriptor, true, IGNORE, null, null);
  }

  /**
   * Other threads have used a descriptor while its close began, and the last has said so: goes on with the close.
   *
   * @param descriptor of which {@link Descriptor#endUse()} said that a close waits
   */
  public void usesEnded(Descriptor descriptor) {
    checkOwner();
    if (descriptor.inFlight == 0 && descriptor.closeWhenIdle != null && !failed) {
      startClose(descriptor.closeWhenIdle);
    }
  }

  private void startClose(Operation close) {
    var descriptor = close.descriptor;
    if (descriptor.isUsedByOthers()) {
      descriptor.closeWhenIdle = close; // the last of them will say so
      return;
    }
    descriptor.closeWhenIdle = null;
    descriptor.inFlight++;
    driver.submit(close);
  }

  /**
   * Finds the operation that an outcome belongs to.
   *
   * @param token what {@link Operation#token()} gave
   * @return the operation, or null when its slot was given back: a stale outcome, to be counted and dropped
   */
  public Operation find(long token) {
    return table.find(token);
  }

  /**
   * For drivers: an operation has an outcome that is not its last.
   *
   * @param operation a live operation
   * @param result its result, not negative but for {@link OpCode#RAW}
   */
  public void resolveMore(Operation operation, int result) {
    operation.more = true;
    complete(operation, result);
    operation.more = false;
    operation.received = null;
    operation.newDescriptor = null;
  }

  /**
   * For drivers: what is left of an operation concerns its memory only; its descriptor, which it has none else, may be
   * closed before it is resolved.
   *
   * @param operation a live operation
   */
  public void leaveDescriptor(Operation operation) {
    operation.hasLeft = true;
    leave(operation.descriptor);
  }

  /**
   * For drivers: an operation has come to its end. The kernel no longer touches its memory.
   *
   * @param operation a live operation
   * @param result its result; negative for a failure
   */
  public void resolve(Operation operation, int result) {
    if (operation.touched) {
      settle(operation, result);
    }
    try {
      operation.completion.complete(operation, result);
    } catch (Throwable t) { // whatever a handler throws, the loop goes on
      exceptionHandler.accept(t);
    }
    table.release(operation);
  }

  /** Gives back what {@link #admit} took, and moves the memory's position. */
  private void settle(Operation operation, int result) {
    if (operation.memory != null) {
      if (result > 0) {
        advance(operation, result);
      } else if (operation.transferred() > 0 && mayBeSentInPart(operation.code)) {
        advance(operation, operation.transferred()); // cancelled or failed, but a part went out
      }
    }
    if (operation.scope != null) {
      operation.scope.ended(operation, result);
    }
    var lease = operation.lease;
    if (lease != null) {
      BUFFERS.unpin(lease, operation.leaseGeneration);
    }
    if (operation.further) {
      settleFurther(operation, result);
    }
    var descriptor = operation.descriptor;
    if (descriptor != null) {
      if (operation.code == OpCode.CLOSE) {
        descriptor.inFlight--;
        closed(descriptor); // operations that came too late may still wait to be refused
      } else if (!operation.hasLeft) {
        leave(descriptor);
      }
    }
  }

  private static boolean mayBeSentInPart(OpCode code) {
    return code == OpCode.SEND || code == OpCode.SEND_MESSAGE;
  }

  private void settleFurther(Operation operation, int result) {
    if (operation.vectored) {
      if (result > 0) {
        operation.vector().advance(result);
      } else if (operation.code == OpCode.SEND) {
        operation.vector().advance(operation.transferred()); // a part may have gone out
      }
      operation.vector().unpin();
    }
    if (operation.other != null) {
      leave(operation.other);
    }
  }

  /** One operation fewer: the last lets a close go ahead. */
  private void leave(Descriptor descriptor) {
    if (--descriptor.inFlight == 0 && descriptor.closeWhenIdle != null && !failed) {
      startClose(descriptor.closeWhenIdle);
    }
  }

  private static void advance(Operation operation, int count) {
    var memory = operation.memory;
    // A user who moved the limit meanwhile must not be able to break the loop.
    memory.position(Math.min(operation.memoryPosition + count, memory.limit()));
  }

  private void complete(Operation operation, int result) {
    try {
      operation.completion.complete(operation, result);
    } catch (Throwable t) { // whatever a handler throws, the loop goes on
      exceptionHandler.accept(t);
    }
  }

  /**
   * Resolves what failed before it reached the driver; the loop calls this once a turn.
   *
   * @return how many there were
   */
  public int resolveDeferred() {
    int count = 0;
    // Only what is there now: handlers may add more, which is the next turn's.
    var last = deferredTail;
    while (last != null) {
      var operation = deferredHead;
      deferredHead = operation.next();
      if (deferredHead == null) {
        deferredTail = null;
      }
      count++;
      boolean done = operation == last;
      operation.deferred = false;
      resolve(operation, operation.failure == null ? 0 : -Errno.ECANCELED.number());
      if (done) {
        break;
      }
    }
    return count;
  }

  /**
   * Whether {@link #resolveDeferred} has something to do.
   *
   * @return true if so
   */
  public boolean hasDeferred() {
    return deferredHead != null;
  }

  /**
   * Whether some descriptor is open still: one that was accepted while shutdown was under way, for instance.
   *
   * @return true if so
   */
  public boolean hasOpen() {
    return firstOpen != null;
  }

  /**
   * For drivers that end without having closed everything: what is open still, or about to be closed.
   *
   * @param action must neither open nor close
   */
  public void forEachOpen(Consumer<? super Descriptor> action) {
    for (var d = firstOpen; d != null; d = d.following) {
      action.accept(d);
    }
  }

  /** Begins shutdown: refuses new operations, cancels what is in flight and closes every descriptor. */
  public void stop() {
    stopping = true;
    guarded = true;
    for (var d = firstOpen; d != null; ) {
      var following = d.following;
      if (d.state == Descriptor.State.OPEN) {
        discard(d);
      } else {
        driver.cancelAll(d); // a file that was to be closed once idle no longer has the time
      }
      d = following;
    }
    driver.cancelAll();
  }

  /**
   * How many operations are not resolved yet.
   *
   * @return live slots
   */
  public int inFlight() {
    return table.liveCount();
  }

  /**
   * Fails everything that is live, because the driver can't go on. Pooled memory that the kernel may still write to
   * stays pinned for ever.
   *
   * @param cause what happened
   */
  public void failAll(Throwable cause) {
    stopping = true;
    guarded = true;
    failed = true;
    for (var d = firstOpen; d != null; d = d.following) {
      if (d.state == Descriptor.State.OPEN) {
        tellClosing(d);
      }
    }
    table.forEachLive(
        operation -> {
          if (!operation.deferred) {
            operation.deferred = true; // its end has come: what is left of it is only its memory
            operation.setFailure(cause);
            operation.more = false;
            complete(operation, -Errno.EIO.number());
            // Neither cleared nor given back: the driver keeps this dispatcher for ever, and
            // with it the memory that the kernel may still write to.
          }
        });
  }

  /** Tells those who have nothing in flight that would; whatever they throw, the others are told too. */
  private void tellClosing(Descriptor descriptor) {
    try {
      descriptor.beginClosing();
    } catch (Throwable t) {
      exceptionHandler.accept(t);
    }
  }
}
