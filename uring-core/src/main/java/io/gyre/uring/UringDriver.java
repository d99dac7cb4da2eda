package io.gyre.uring;

import static io.gyre.uring.KernelFeature.BOUNDED_WORKERS;
import static io.gyre.uring.KernelFeature.CANCEL_ALL;
import static io.gyre.uring.KernelFeature.MSG_RING;
import static io.gyre.uring.KernelFeature.MULTISHOT_ACCEPT;
import static io.gyre.uring.KernelFeature.MULTISHOT_POLL;
import static io.gyre.uring.KernelFeature.REGISTERED_RING;
import static io.gyre.uring.KernelFeature.UDP_SEGMENT;
import static io.gyre.uring.KernelFeature.ZERO_COPY_SEND;

import io.gyre.BufferPool;
import io.gyre.PollSource;
import io.gyre.bindings.Libc;
import io.gyre.bindings.Liburing;
import io.gyre.bindings.statx;
import io.gyre.driver.AcceptFlags;
import io.gyre.driver.BlockingPool;
import io.gyre.driver.BlockingWork;
import io.gyre.driver.BufferAccess;
import io.gyre.driver.Capabilities;
import io.gyre.driver.DatagramSockets;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Driver;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.DriverCounters;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.Errno;
import io.gyre.driver.Errors;
import io.gyre.driver.ListenRequest;
import io.gyre.driver.LoopTelemetry;
import io.gyre.driver.MovingSocket;
import io.gyre.driver.OpCode;
import io.gyre.driver.OpenRequest;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import io.gyre.driver.SendFlags;
import io.gyre.driver.SleepFlag;
import io.gyre.driver.TransferFlags;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.file.FileSystemException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.LockSupport;

/**
 * Carries operations through a {@link Ring}.
 *
 * <p>A turn is: give back buffers, write entries, one {@code io_uring_enter} that submits them and waits, take the
 * completions, run what waits for them. An operation that finds no room, in the submission queue or in the credit that
 * keeps the completion queue from overflowing, waits in a list and keeps its order; cancellations have a list of their
 * own that goes first, and credit that operations cannot use.
 *
 * <p>What the kernel ends early is gone on with here, unseen: a multishot that stops without an error, a receive that
 * found no buffer, a send of which only a part went out.
 */
final class UringDriver implements Driver {
  // Tokens of entries that are not operations: the lower half, an operation's index, is -1. The
  // upper half is -1 for the read on the eventfd, -2 for a message of another loop, which leaves
  // that read armed, and not negative for cancellations.
  static final long WAKE = -1L;
  static final long MESSAGE = 0xFFFF_FFFE_FFFF_FFFFL;

  /**
   * The driver state of operations whose completion is more than a number and that need nothing kept reachable. Without
   * any driver state a completion goes straight to the dispatcher.
   */
  static final Object MORE_TO_DO = new Object();

  /** In {@link Operation#transferred()} of an open: a thread of the kernel's is to do it. */
  static final int MAY_BLOCK = 1;

  /** In the flags of a zero-copy send, beside {@link SendFlags}: the kernel can't do it for this socket, or not now. */
  static final int COPY_AFTER_ALL = 1 << 8;

  private static final BufferAccess BUFFERS = BufferAccess.get();
  private static final int BATCH = 1024;
  static final int IO_WORKERS = 32;
  private static final int SMALLEST_QUEUE = 16;
  private static final long RETRY_NANOS = 1_000_000;

  /** Memory that a kernel that never answered may still write to. Reachable for ever, on purpose. */
  private static final Set<Object> QUARANTINE = ConcurrentHashMap.newKeySet();

  /** Keeps reachable for ever what the kernel may still write to. */
  static void quarantine(Object memory) {
    QUARANTINE.add(memory);
  }

  private final OperationDispatcher dispatcher;
  private final Ring ring;
  private final WakeUp wakeUp;
  private final RingMessages messages; // null where they are not used
  private final BufferRing bufferRing;
  private final FileTable files;
  private final Sockets sockets;
  private final CapabilityReport report;
  private final LoopTelemetry telemetry;
  private final DriverCounters counters;
  private final SleepFlag sleepFlag;
  private final int credit;
  private final OperationMemory memory = new OperationMemory();
  private final Receives receives;
  private final ResetGuards resetGuards;
  private final Messages messagesInFlight;
  private final DatagramReceives datagramReceives;
  private final Datagrams datagrams;
  private final boolean multishotAccept;
  private final boolean multishotPoll;
  private final boolean zeroCopySend;

  private int inKernel;

  // How many more entries may be written before anything has to be looked at again: one counter for
  // what the credit, the submission queue and the waiting list say. What was used of it is added to
  // inKernel when it is settled.
  private int room;
  private int roomGranted;
  private boolean wakeArmed;

  /** Whether the first that waits is a chain that had no room beside cancellations the last time. */
  private boolean chainGoesFirst;

  // Operations that wait for room, and those that ended without the kernel: each a list in order,
  // linked through the operations.
  private final OperationList waiting = new OperationList();
  private final OperationList ended = new OperationList();
  private final Cancellations cancels;
  private final RawEntries rawEntries = new RawEntries();
  private final RawInFlight rawInFlight;

  /** What the kernel has no operation for. */
  private final BlockingWork<FileCall> calls;

  private UringDriver(
      OperationDispatcher dispatcher,
      Ring ring,
      WakeUp wakeUp,
      RingMessages messages,
      BufferRing bufferRing,
      FileTable files,
      Sockets sockets,
      CapabilityReport report) {
    this.dispatcher = dispatcher;
    this.cancels = new Cancellations(dispatcher, report.uses(CANCEL_ALL));
    this.telemetry = dispatcher.telemetry();
    this.sleepFlag = dispatcher.sleepFlag();
    this.counters = telemetry.counters();
    this.ring = ring;
    this.rawInFlight = new RawInFlight(ring::nanoTime);
    this.wakeUp = wakeUp;
    this.messages = messages;
    this.bufferRing = bufferRing;
    bufferRing.countIn(counters);
    this.files = files;
    this.sockets = sockets;
    this.multishotAccept = report.uses(MULTISHOT_ACCEPT);
    this.multishotPoll = report.uses(MULTISHOT_POLL);
    this.zeroCopySend = report.uses(ZERO_COPY_SEND);
    this.receives = new Receives(dispatcher, ring, bufferRing, waiting, this::goOn, report);
    this.resetGuards = new ResetGuards(dispatcher, cancels, this::start);
    this.messagesInFlight = new Messages(report.uses(UDP_SEGMENT));
    this.datagramReceives =
        new DatagramReceives(
            dispatcher, ring, wakeUp, messagesInFlight, waiting, this::goOn, report);
    this.datagrams = new Datagrams(sockets, this::newDescriptor, report);
    this.report = report;
    // Nothing that ends late has brought anything that would have to be given back.
    this.calls =
        new BlockingWork<>(BlockingPool.acquireShared(), wakeUp::wakeIfSleeping, call -> {});
    // A quarter stays free for cancellations, the wake-up and what multishots post meanwhile.
    this.credit = Math.max(1, ring.cqEntries() - Math.max(2, ring.cqEntries() / 4));
    counters.set(Counter.FREE_RECEIVE_BUFFERS_LOW, bufferRing.count());
  }

  /**
   * Opens a driver, a smaller one where the limit of locked memory is too low for what was asked for.
   */
  static UringDriver open(DriverConfig config, OperationDispatcher dispatcher) throws IOException {
    var disabled = KernelFeature.named(config.disabled());
    return open(Kernel.NATIVE, SelfTests.with(disabled), config, dispatcher);
  }

  /** The same on another kernel than the real one: for tests. */
  static UringDriver open(Kernel kernel, DriverConfig config, OperationDispatcher dispatcher)
      throws IOException {
    return open(kernel, SelfTests.NONE, config, dispatcher);
  }

  /** The same, knowing what came of self-tests. */
  static UringDriver open(
      Kernel kernel, SelfTests selfTests, DriverConfig config, OperationDispatcher dispatcher)
      throws IOException {
    var size = config;
    while (true) {
      try {
        return openAsAsked(kernel, selfTests, size, dispatcher);
      } catch (Ring.SetupException e) {
        int completions = Math.max(SMALLEST_QUEUE, size.completionEntries() / 2);
        int buffers = Math.max(SMALLEST_QUEUE, size.receiveBufferCount() / 2);
        boolean canShrink =
            completions < size.completionEntries() || buffers < size.receiveBufferCount();
        if (e.errno() != Errno.ENOMEM.number() || !canShrink) {
          throw e;
        }
        size =
            new DriverConfig(
                size.loopIndex(),
                Math.min(size.ringEntries(), completions),
                Math.min(size.completionEntries(), completions),
                Math.min(size.receiveBufferCount(), buffers),
                size.receiveBufferBytes(),
                size.fixedFiles(),
                size.disabled(),
                size.waiting());
      }
    }
  }

  /** Sets up everything on the calling thread, which is from then on the only one that may enter the ring. */
  private static UringDriver openAsAsked(
      Kernel kernel, SelfTests selfTests, DriverConfig config, OperationDispatcher dispatcher)
      throws IOException {
    var report = new CapabilityReport(KernelFeature.named(config.disabled()), selfTests);
    var ring =
        Ring.open(
            kernel,
            config.ringEntries(),
            config.completionEntries(),
            config.waiting(),
            report::allows);
    WakeUp wakeUp = null;
    try {
      var syscalls = new Syscalls();
      wakeUp = new WakeUp(syscalls, ring, dispatcher.sleepFlag(), dispatcher.telemetry());
      report.ring(ring);
      report.waiting(ring, config.waiting());
      if (report.allows(REGISTERED_RING)) {
        report.registered(REGISTERED_RING, ring.registerRingFd(), "");
      }
      if (report.allows(BOUNDED_WORKERS)) {
        int result =
            ring.registerInts(Liburing.IORING_REGISTER_IOWQ_MAX_WORKERS(), IO_WORKERS, IO_WORKERS);
        report.registered(BOUNDED_WORKERS, result, IO_WORKERS + " of each kind");
      }
      var files = FileTable.register(ring, config.fixedFiles(), report);
      var bufferRing =
          BufferRing.open(
              ring, config.receiveBufferCount(), config.receiveBufferBytes(), wakeUp, report);
      RingMessages messages = null;
      if (report.allows(MSG_RING)) {
        messages = new RingMessages(kernel, MESSAGE);
        report.used(MSG_RING);
      }
      return new UringDriver(
          dispatcher, ring, wakeUp, messages, bufferRing, files, new Sockets(syscalls), report);
    } catch (IOException | RuntimeException | Error e) {
      if (wakeUp != null) {
        wakeUp.closeWithRing();
      } else {
        ring.close();
      }
      throw e;
    }
  }

  // ---- submitting

  @Override
  public void submit(Operation operation) {
    if (operation.code() == OpCode.NOP) { // nothing to prepare, and nothing to be even about
      if (room > 0 || grantRoom()) {
        room--;
        writeSqe(operation);
      } else {
        waiting.add(operation);
      }
      return;
    }
    prepareAndStart(operation);
  }

  /** Whether nobody is before an operation; else it waits in line. */
  private boolean mayStart(Operation operation) {
    if (operation.code() == OpCode.SEND) {
      return ((UringDescriptor) operation.descriptor()).takesTurn(operation);
    }
    if (operation.code() == OpCode.RECEIVE_MULTISHOT) {
      return receives.mayStart(operation);
    }
    if (operation.driverState() instanceof FileCall call) {
      startCall(call);
      return false;
    }
    if (operation.code() == OpCode.RECEIVE_MESSAGE_MULTISHOT) {
      return datagramReceives.mayStart(operation);
    }
    return operation.code() != OpCode.POLL_MULTISHOT || multishotPoll || !endsAtOnce(operation);
  }

  /** A poll that is armed again and again must be of what can be waited for, or it would keep the loop busy. */
  private boolean endsAtOnce(Operation poll) {
    var descriptor = (UringDescriptor) poll.descriptor();
    int fd = descriptor == null ? ((PollSource) poll.argument()).fd() : descriptor.fd;
    boolean always = sockets.isAlwaysReady(fd);
    if (always) {
      poll.setFailure(alwaysReady(poll));
      ended.add(poll);
    }
    return always;
  }

  // ---- what runs on threads

  static boolean isOnThread(Operation operation) {
    return operation.driverState() instanceof FileCall;
  }

  private void startCall(FileCall call) {
    counters.add(Counter.SUBMITTED, 1);
    try {
      calls.submit(call);
    } catch (RejectedExecutionException e) {
      call.operation().setFailure(e);
      ended.add(call.operation());
    }
  }

  private int resolveCalls() {
    int count = 0;
    for (var call = calls.poll(); call != null; call = calls.poll()) {
      counters.add(Counter.COMPLETED, 1);
      var operation = call.operation();
      int result = call.result();
      if (call.failure() != null) {
        operation.setFailure(call.failure());
        result = -Errno.EIO.number();
      }
      operation.setLongResult(call.longResult());
      operation.setValue(call.value());
      dispatcher.resolve(operation, result);
      count++;
    }
    return count;
  }

  private void start(Operation operation) {
    if (room > 0 || grantRoom()) {
      room--;
      if (operation.driverState() != null && !takesCredit(operation.code())) {
        inKernel--; // evens out what settling will add for it
      }
      writeSqe(operation);
    } else {
      waiting.add(operation);
    }
  }

  /**
   * Whether an operation counts against the completion queue. What may wait for a peer for ever must not: a thousand
   * idle connections would keep everything else from starting. Should their outcomes come all at once, the kernel keeps
   * those that do not fit (IORING_FEAT_NODROP). Operations that take none have a driver state.
   */
  private static boolean takesCredit(OpCode code) {
    return switch (code) {
      case ACCEPT, ACCEPT_MULTISHOT, CONNECT, RECEIVE, RECEIVE_MULTISHOT, SEND -> false;
      case RECEIVE_MESSAGE, RECEIVE_MESSAGE_MULTISHOT, SEND_MESSAGE -> false;
      case POLL, POLL_MULTISHOT, RAW -> false;
      case AWAIT_WRITABLE, SEND_FILE -> throw new AssertionError("no driver sees them");
      case NOP, OPEN, READ, WRITE, READV, WRITEV, FSYNC, SIZE, CLOSE, SHUTDOWN -> true;
      case TRUNCATE, ALLOCATE, ADVISE, SYNC_RANGE, ATTRIBUTES -> true;
      case MAKE_DIRECTORY, REMOVE, RENAME, SYMBOLIC_LINK, LINK -> true;
      case SPLICE -> false; // of a pipe, which may be empty for ever
      case SET_ATTRIBUTES, LOCK, UNLOCK, COPY_RANGE, SEEK, READ_LINK, LIST -> false; // on threads
    };
  }

  /** Counts what was written since the last grant, and grants what the queues have room for now. */
  private boolean grantRoom() {
    settleRoom();
    noteTaken();
    if (waiting.isEmpty() && !hasPrecedence()) {
      room = Math.max(0, Math.min(credit - inKernel, ring.free()));
      roomGranted = room;
    }
    return room > 0;
  }

  /**
   * Whether what goes before operations waits for room. Where a thread of the kernel's takes entries, room comes at any
   * time: handlers that answer each outcome with an operation would take all of it before the turn writes anything.
   */
  private boolean hasPrecedence() {
    return ring.isPolled() && !(wakeArmed && cancels.isEmpty());
  }

  /** What a thread of the kernel's has taken meanwhile makes room. Without such a thread only {@link #enter} does. */
  private void noteTaken() {
    if (ring.isPolled()) {
      ring.noteTaken();
      cleanTaken();
    }
  }

  /** Before its place in the queue is written again. */
  private void cleanTaken() {
    if (rawEntries.areDirty()) {
      rawEntries.clean(ring);
    }
  }

  private void settleRoom() {
    inKernel += roomGranted - room;
    room = 0;
    roomGranted = 0;
  }

  /**
   * Finds where the kernel is to read or write and what has to stay reachable for that, then starts.
   *
   * <p>One method, and a large one, for the compiler's sake: it inlines no more than fifteen calls deep, and an entry is
   * written with ten. At the end of a handler that has just been inlined into the loop, an operation's entry would be
   * written by calls. This is beyond what it inlines (325 bytes), so that it begins to count anew here.
   */
  private void prepareAndStart(Operation operation) {
    try {
      if (operation.memory() != null) {
        if (operation.flags() != 0 || !takesCredit(operation.code())) {
          operation.setDriverState(MORE_TO_DO);
          if (!zeroCopySend && operation.flags() != 0 && operation.code() == OpCode.SEND) {
            operation.flags(0);
          }
        }
        memory.prepare(operation);
        if (Messages.areOf(operation.code())) {
          messagesInFlight.prepare(operation);
        }
      } else {
        switch (operation.code()) {
          case OPEN ->
              operation.setDriverState(
                  PathBytes.encode(Arena.ofAuto(), ((OpenRequest) operation.argument()).path()));
          case READV, WRITEV -> {
            operation.setDriverState(MORE_TO_DO);
            Vectors.prepare(operation, memory);
          }
          case SEND -> {
            operation.flags(0); // a gathered one is copied
            operation.setDriverState(MORE_TO_DO);
            Vectors.prepareSend(operation, memory);
          }
          case TRUNCATE, SPLICE -> operation.setDriverState(MORE_TO_DO);
          case ATTRIBUTES -> operation.setDriverState(KernelPaths.ofStatus(operation));
          case MAKE_DIRECTORY, REMOVE, RENAME, SYMBOLIC_LINK, LINK ->
              operation.setDriverState(KernelPaths.of(operation));
          case SET_ATTRIBUTES, LOCK, UNLOCK, COPY_RANGE, SEEK, READ_LINK, LIST ->
              operation.setDriverState(new FileCall(operation));
          case SIZE -> operation.setDriverState(Arena.ofAuto().allocate(statx.layout()));
          case CONNECT ->
              operation.setDriverState(
                  SocketAddresses.encode(Arena.ofAuto(), (InetSocketAddress) operation.argument()));
          case CLOSE -> {
            var closing = (UringDescriptor) operation.descriptor();
            // Nothing is in flight on it any more. A cancellation that still waits would hit
            // whoever gets the number next.
            cancels.forget(closing);
            files.remove(closing.fixedIndex);
            if (closing.datagrams != null) {
              datagramReceives.closing(closing);
            }
            // One that lingers would keep whoever lets go of it last waiting for its peer.
            operation.setDriverState(closing.lingers ? new FileCall(operation) : MORE_TO_DO);
            closing.closeBegun = true;
          }
          case RECEIVE_MULTISHOT -> {
            operation.setDriverState(MORE_TO_DO);
            if (receives.areMultishot()) {
              resetGuards.watch(operation);
            }
          }
          case RECEIVE_MESSAGE_MULTISHOT -> datagramReceives.prepare(operation);
          case ACCEPT, ACCEPT_MULTISHOT, RAW -> operation.setDriverState(MORE_TO_DO);
          case POLL, POLL_MULTISHOT -> preparePoll(operation);
          default -> {}
        }
      }
    } catch (RuntimeException | OutOfMemoryError e) {
      // For instance memory of another thread's confined arena, or none left to copy to.
      operation.setFailure(e);
      ended.add(operation);
      return;
    }
    if (operation.driverState() == null || mayStart(operation)) {
      start(operation);
    }
  }

  private void preparePoll(Operation operation) {
    operation.setDriverState(MORE_TO_DO);
    if (operation.descriptor() == null && ((PollSource) operation.argument()).channel() != null) {
      throw new UnsupportedOperationException(
          "poll "
              + operation.subject()
              + ": the io_uring driver can't poll channels of java.nio, which do not tell their"
              + " descriptor; poll a stream or listener of Gyre or a descriptor's number, or use"
              + " the nio driver");
    }
    notePollArmed(operation);
  }

  /**
   * A poll that the kernel ends at its first event, though no completion was lost meanwhile, would end so for ever: what
   * it polls has nothing to wait on. So we remember when it was armed.
   */
  private void notePollArmed(Operation poll) {
    poll.setTransferred((int) counters.get(Counter.OVERFLOWS));
  }

  // Small methods, the frequent ones first: so the compiler inlines the way of each from its
  // submission to its entry, and what is asked of the code there is known.
  @SuppressWarnings("IfChainToSwitch") // a switch would look the code up in a table at run time
  private void writeSqe(Operation operation) {
    long sqe = ring.nextSqe();
    var code = operation.code();
    if (code == OpCode.NOP) {
      Sqe.write(sqe, Liburing.IORING_OP_NOP(), operation.token());
    } else if (code == OpCode.READ) {
      Entries.transfer(
          sqe,
          operation,
          operation.isRegistered() ? Liburing.IORING_OP_READ_FIXED() : Liburing.IORING_OP_READ());
    } else if (code == OpCode.WRITE) {
      Entries.transfer(
          sqe,
          operation,
          operation.isRegistered() ? Liburing.IORING_OP_WRITE_FIXED() : Liburing.IORING_OP_WRITE());
    } else if (code == OpCode.SEND) {
      Entries.send(sqe, operation);
    } else if (code == OpCode.RECEIVE_MULTISHOT) {
      receives.write(sqe, operation);
    } else if (Messages.areOf(code)) {
      messagesInFlight.write(sqe, operation);
    } else if (code == OpCode.RECEIVE_MESSAGE_MULTISHOT) {
      datagramReceives.write(sqe, operation, rawEntries);
    } else if (code == OpCode.RAW) {
      writeRaw(sqe, operation, false);
    } else if (code == OpCode.SPLICE) {
      rawEntries.writeSplice(ring, sqe, operation);
    } else {
      boolean multishot = code == OpCode.ACCEPT_MULTISHOT ? multishotAccept : multishotPoll;
      Entries.rare(sqe, operation, multishot);
    }
  }

  // ---- chains

  @Override
  public void submitChain(Operation first) {
    int length = 0;
    for (var operation = first; operation != null; operation = operation.behind()) {
      operation.setDriverState(MORE_TO_DO);
      length++;
    }
    if (length <= ring.sqEntries()) {
      waiting.add(first); // for the turn, which has as much room as there is
      return;
    }
    var tooLong =
        new IllegalArgumentException(
            "a chain of "
                + length
                + " operations does not fit the submission queue of "
                + ring.sqEntries()
                + ": raise IoRuntime.Builder.ringEntries, or submit it in parts");
    for (var operation = first; operation != null; operation = operation.behind()) {
      operation.setFailure(tooLong);
    }
    ended.add(first);
  }

  /** How many entries must be written together. */
  private static int entries(Operation operation) {
    int count = 1;
    if (operation.code() == OpCode.RAW) {
      // As many as writeChain writes.
      for (var o = operation.behind(); o != null && !o.isCancelRequested(); o = o.behind()) {
        count++;
      }
    }
    return count;
  }

  /** Writes a chain up to what was cancelled while it waited; that and what is behind it end here. */
  private void writeChain(Operation first) {
    var operation = first;
    while (operation != null && !operation.isCancelRequested()) {
      var following = operation.behind();
      operation.setBehind(null);
      boolean linked = following != null && !following.isCancelRequested();
      writeRaw(ring.nextSqe(), operation, linked);
      operation = following;
    }
    if (operation != null) {
      ended.add(operation);
    }
  }

  private void writeRaw(long sqe, Operation operation, boolean linked) {
    rawInFlight.add(operation);
    rawEntries.write(ring, sqe, operation, linked);
  }

  private void rawOutcome(Operation operation, int result, int flags, boolean more) {
    operation.setLongResult(flags);
    if (more) {
      dispatcher.resolveMore(operation, result);
    } else {
      rawInFlight.remove(operation);
      dispatcher.resolve(operation, result);
    }
  }

  // ---- polling

  private void polled(Operation operation, int result, boolean more) {
    if (result < 0 || operation.code() == OpCode.POLL) {
      dispatcher.resolve(operation, result);
      return;
    }
    boolean unasked = multishotPoll && !more;
    if (unasked && operation.transferred() == (int) counters.get(Counter.OVERFLOWS)) {
      operation.setFailure(alwaysReady(operation));
      dispatcher.resolve(operation, -Errno.EPERM.number());
      return;
    }
    operation.setTransferred(-1); // it waits: this is no number of overflows
    dispatcher.resolveMore(operation, result);
    if (!more) {
      notePollArmed(operation);
      goOn(operation);
    }
  }

  private static FileSystemException alwaysReady(Operation poll) {
    return new FileSystemException(
        poll.subject(),
        null,
        "poll: "
            + Errno.describe(Errno.EPERM.number())
            + "; it is always ready, as regular files are: there is nothing to wait for");
  }

  // ---- cancelling

  @Override
  public void cancel(Operation operation) {
    telemetry.cancelRequested(operation.code().name(), operation.subject());
    operation.requestCancel();
    if (isOnThread(operation)) {
      calls.cancel(operation, this::cancelledBeforeTheKernel);
      return;
    }
    if (isRemoval(operation) || operation.hasLeftDescriptor()) {
      return; // it is about to end by itself
    }
    if (waiting.remove(operation) || leavesLine(operation)) {
      cancelledBeforeTheKernel(operation);
      return;
    }
    if (operation.code() == OpCode.RAW) {
      rawInFlight.cancelMarked(); // or it waits in a chain, which is written without it
      return;
    }
    cancels.add(operation);
  }

  private boolean leavesLine(Operation operation) {
    return switch (operation.code()) {
      case SEND -> ((UringDescriptor) operation.descriptor()).leavesLine(operation);
      case RECEIVE_MESSAGE_MULTISHOT -> datagramReceives.leavesLine(operation);
      default -> receives.leavesLine(operation);
    };
  }

  @Override
  @SuppressWarnings("ReferenceEquality") // this very descriptor
  public void cancelAll(Descriptor descriptor) {
    telemetry.cancelRequested("ALL", descriptor.subject());
    calls.cancelAll(descriptor, this::cancelledBeforeTheKernel);
    receives.leaveLine(descriptor, this::cancelledBeforeTheKernel);
    datagramReceives.leaveLine(descriptor, this::cancelledBeforeTheKernel);
    waiting.removeIf(
        o -> (o.descriptor() == descriptor || o.otherDescriptor() == descriptor) && mayBeDropped(o),
        this::cancelledBeforeTheKernel);
    waiting.forEach(o -> markLinksOf(o, descriptor));
    rawInFlight.cancelAll(descriptor);
    ((UringDescriptor) descriptor).dissolveLine(ended);
    cancels.addAllOn((UringDescriptor) descriptor);
  }

  @Override
  public void cancelAll() {
    telemetry.cancelRequested("ALL", "");
    calls.cancelAll(null, this::cancelledBeforeTheKernel);
    // What the kernel ends otherwise just now is not to be gone on with: nobody would cancel it
    // again.
    dispatcher.forEachInFlight(Operation::requestCancel);
    rawInFlight.cancelAll(null);
    receives.leaveLine(null, this::cancelledBeforeTheKernel);
    datagramReceives.leaveLine(null, this::cancelledBeforeTheKernel);
    waiting.removeIf(UringDriver::mayBeDropped, this::cancelledBeforeTheKernel);
    cancels.addAll();
  }

  /** Whether it may end without the kernel: not what somebody counts on after its cancellation, too. */
  private static boolean mayBeDropped(Operation operation) {
    return operation.code() != OpCode.CLOSE && !isRemoval(operation);
  }

  /** The second half of an open: the file is there, and its name is to go. */
  private static boolean isRemoval(Operation operation) {
    return operation.code() == OpCode.OPEN && operation.newDescriptor() != null;
  }

  /** A chain that waits is written up to its first link that is of a descriptor that is being closed. */
  @SuppressWarnings("ReferenceEquality") // this very descriptor
  private static void markLinksOf(Operation first, Descriptor descriptor) {
    if (first.code() == OpCode.RAW) {
      for (var o = first.behind(); o != null; o = o.behind()) {
        if (o.descriptor() == descriptor) {
          o.requestCancel();
        }
      }
    }
  }

  private void cancelledBeforeTheKernel(Operation operation) {
    ended.add(operation);
  }

  // ---- a turn

  @Override
  public int turn(long timeoutNanos, int budget) throws IOException {
    bufferRing.publish();
    counters.lower(Counter.FREE_RECEIVE_BUFFERS_LOW, bufferRing.available());
    boolean buffersCame = receives.rearmStarved();
    datagramReceives.turn();
    if (rawInFlight.isCancelling()) {
      rawInFlight.cancelDue(cancels::add);
    }
    writeWaiting();
    int resolved = resolveEnded();
    if (calls.hasFinished()) {
      resolved += resolveCalls();
    }
    if (ring.isPolled()) {
      counters.add(Counter.SUBMITTED, ring.publish());
      noteTaken();
    }
    if (timeoutNanos != 0 && resolved == 0 && !buffersCame && isIdle() && beginSleep()) {
      telemetry.beginWait();
      enter(1, rawInFlight.isCancelling() ? rawInFlight.limit(timeoutNanos) : timeoutNanos);
      sleepFlag.endSleep();
      telemetry.endWait();
    } else if (ring.needsEnter() || waitsForPolling()) {
      enter(0, 0);
    }
    return resolved + reap(budget);
  }

  /** Whether nothing is to be done before the kernel has something. */
  private boolean isIdle() {
    return ended.isEmpty()
        && (waiting.isEmpty() || waitsForCredit())
        && cancels.isEmpty()
        && wakeArmed
        && ring.ready() == 0;
  }

  /** Whether nothing can be done before the thread of the kernel's has taken an entry. */
  private boolean waitsForPolling() {
    return ring.isFull() && ring.ready() == 0 && !isIdle();
  }

  @Override
  public boolean poll() {
    return ring.needsEnter()
        || !isIdle()
        || calls.hasFinished()
        || rawInFlight.isCancelling()
        || receives.canRearm()
        || datagramReceives.canRearm();
  }

  /** From here on others wake the loop. What they left before is seen here, and then it does not sleep. */
  private boolean beginSleep() {
    if (!sleepFlag.beginSleep()) {
      return false;
    }
    if (bufferRing.hasReturned() || calls.hasFinished() || datagramReceives.hasReturned()) {
      sleepFlag.endSleep();
      return false;
    }
    return true;
  }

  /** Writes entries for what waits, as far as there is room: cancellations, the wake-up, then operations in order. */
  private void writeWaiting() {
    settleRoom();
    noteTaken();
    boolean wentFirst = chainGoesFirst;
    if (wentFirst) {
      writeInOrder();
    }
    cancels.write(ring);
    if (!wakeArmed && ring.free() > 0) {
      wakeArmed = true;
      Sqe.write(
          ring.nextSqe(),
          Liburing.IORING_OP_READ(),
          0,
          wakeUp.eventFd(),
          0,
          wakeUp.count().address(),
          (int) wakeUp.count().byteSize(),
          0,
          WAKE);
    }
    writeInOrder();
    // A cancellation that is asked for again and again, of what stands behind a chain, may leave it
    // less than it needs each time. So they take turns.
    chainGoesFirst =
        !wentFirst
            && !waiting.isEmpty()
            && waiting.first().code() == OpCode.RAW
            && ring.free() < entries(waiting.first());
  }

  private void writeInOrder() {
    while (!waiting.isEmpty() && !waitsForCredit() && ring.free() >= entries(waiting.first())) {
      if (takesCredit(waiting.first().code())) {
        inKernel++;
      }
      var operation = waiting.removeFirst();
      if (operation.code() == OpCode.RAW) {
        writeChain(operation);
      } else {
        writeSqe(operation);
      }
    }
  }

  /** Whether the first that waits may go when an outcome came; else it waits for room, which may come at any time. */
  private boolean waitsForCredit() {
    return inKernel >= credit && takesCredit(waiting.first().code());
  }

  private int resolveEnded() {
    int count = 0;
    for (int i = ended.size(); i > 0; i--) {
      finish(ended.removeFirst(), -Errno.ECANCELED.number());
      count++;
    }
    return count;
  }

  private void enter(int minComplete, long timeoutNanos) throws IOException {
    counters.add(Counter.ENTERS, 1);
    if (ring.hasOverflow()) {
      counters.add(Counter.OVERFLOWS, 1);
    }
    int result = ring.enter(minComplete, timeoutNanos);
    if (result >= 0) {
      counters.add(Counter.SUBMITTED, result);
      cleanTaken();
      return;
    }
    switch (Errno.of(-result)) {
      case EINTR, ETIME -> {}
      case EAGAIN, EBUSY -> {
        // Out of memory for requests, or completions to be taken first. If there are none to take,
        // the kernel needs a moment.
        if (ring.ready() == 0) {
          LockSupport.parkNanos(RETRY_NANOS);
        }
      }
      case EBADR ->
          throw new IOException(
              "io_uring_enter: the kernel lost completions: " + Errno.describe(-result));
      case null, default -> throw new IOException("io_uring_enter: " + Errno.describe(-result));
    }
  }

  /**
   * Takes completions and gives each to its operation.
   *
   * <p>Large on purpose, with the frequent outcomes written out. HotSpot inlines no method of more
   * than 325 bytecodes, so this one is compiled by itself, and what it calls, down through a user's
   * handler to the next entry, has the whole of the compiler's inlining depth.
   */
  private int reap(int budget) {
    int count = Math.min(ring.ready(), Math.min(budget, BATCH));
    if (count == 0) {
      return 0;
    }
    int ended = 0;
    int beyond = 0; // buffers of bundles that count against the budget beyond their completions
    // Each operation is looked up one completion ahead, so that its slot is on the way to the cache
    // while the handler before it runs. No handler can give it back: only its completion does.
    int position = ring.firstCompletion();
    int last = position + count - 1;
    long cqe = ring.completion(position);
    long following = Ring.userData(cqe);
    var ahead = dispatcher.find(following);
    for (int i = 0; i < count; i++) {
      long resultAndFlags = Ring.resultAndFlags(cqe);
      int result = (int) resultAndFlags;
      int flags = (int) (resultAndFlags >>> 32);
      long token = following;
      var operation = ahead;
      if (position != last) {
        cqe = ring.completion(++position);
        following = Ring.userData(cqe);
        ahead = dispatcher.find(following);
      }
      if ((int) token == -1) {
        notAnOperation(token, result);
        continue;
      }
      if (operation == null) {
        counters.add(Counter.STALE, 1); // an outcome for nobody
        receives.putBack(result, flags);
      } else if (operation.driverState() == null) {
        ended++;
        dispatcher.resolve(operation, result);
      } else {
        boolean more = (flags & Liburing.IORING_CQE_F_MORE()) != 0;
        var code = operation.code();
        if (code == OpCode.RECEIVE_MULTISHOT) {
          int buffer = flags >>> Liburing.IORING_CQE_BUFFER_SHIFT();
          if (more && result > 0 && result <= bufferRing.length(buffer)) {
            operation.setReceived(bufferRing.take(buffer, result, operation));
            dispatcher.resolveMore(operation, result);
          } else {
            beyond += receives.received(operation, result, flags, more);
            count = Math.min(count, Math.max(i + 1, budget - beyond));
          }
        } else if (code == OpCode.SEND
            && result == operation.memoryLength()
            && operation.flags() == 0) {
          sendEnded(operation, result);
        } else {
          ended += takesCredit(code) ? 1 : 0;
          dispatchFurther(operation, result, flags, more);
        }
      }
    }
    counters.add(Counter.COMPLETED, count);
    inKernel -= ended;
    // Given back all at once, behind the handlers: credit has kept room for what they started.
    ring.release(count);
    return count + beyond;
  }

  private void notAnOperation(long token, int result) {
    if (token == WAKE || token == MESSAGE) {
      wakeArmed &= token != WAKE;
      counters.add(Counter.WAKE_UPS, 1);
      return;
    }
    cancels.answered(token, result);
  }

  private void dispatchFurther(Operation operation, int result, int flags, boolean more) {
    switch (operation.code()) {
      case SEND -> {
        if (operation.flags() == 0) {
          sent(operation, result);
        } else {
          sentFromMemory(operation, result, flags, more);
        }
      }
      case RECEIVE_MESSAGE_MULTISHOT -> datagramReceives.received(operation, result, flags, more);
      case SEND_MESSAGE -> messageSent(operation, result);
      case ACCEPT, ACCEPT_MULTISHOT -> accepted(operation, result, more);
      case POLL, POLL_MULTISHOT -> polled(operation, result, more);
      case RAW -> rawOutcome(operation, result, flags, more);
      case CLOSE -> closeEnded(operation, result);
      default -> finish(operation, result);
    }
  }

  /**
   * A close that has to flush waits for a worker, and shutdown's cancellation of everything may
   * find it there: then the descriptor is open still.
   */
  private void closeEnded(Operation operation, int result) {
    if (result == -Errno.ECANCELED.number()) {
      start(operation);
    } else {
      dispatcher.resolve(operation, result);
    }
  }

  /** There was no thread for it, or not the memory: the descriptor is closed all the same, and lingers no more. */
  private void closeAnyhow(Operation operation) {
    var closing = (UringDescriptor) operation.descriptor();
    if (closing.lingers) {
      closing.lingers = false;
      try {
        sockets.setOption(closing.fd, closing.subject(), StandardSocketOptions.SO_LINGER, -1);
      } catch (IOException e) {
        // Then it may be that the loop waits for the peer, which is better than a lost descriptor.
      }
    }
    closing.closeBegun = true;
    operation.setFailure(null);
    operation.setDriverState(MORE_TO_DO);
    start(operation);
  }

  /** The end of an operation, from the kernel or without it. */
  private void finish(Operation operation, int result) {
    int outcome = result;
    switch (operation.code()) {
      case READ, WRITE, RECEIVE -> {
        if (isWithoutHint(operation, result)) {
          return;
        }
        outcome = memory.copyOut(operation, result);
      }
      case RECEIVE_MESSAGE -> {
        messagesInFlight.received(operation, result);
        outcome = memory.copyOut(operation, result);
      }
      case SEND_MESSAGE -> {
        messagesInFlight.release(operation);
        OperationMemory.releaseCopy(operation);
      }
      case RECEIVE_MESSAGE_MULTISHOT -> datagramReceives.release(operation);
      case READV, WRITEV -> {
        if (isWithoutHint(operation, result)) {
          return;
        }
        outcome = Vectors.copyOut(operation, result);
      }
      case TRUNCATE -> {
        // An opcode of Linux 6.9; an older kernel says the same of it as of a file that has no
        // length.
        if (result == -Errno.EINVAL.number()) {
          operation.setDriverState(new FileCall(operation));
          startCall((FileCall) operation.driverState());
          return;
        }
      }
      case ATTRIBUTES -> {
        if (result == 0) {
          operation.setValue(((KernelPaths) operation.driverState()).status());
        }
      }
      case SEND -> {
        sendEnded(operation, result);
        return;
      }
      case RAW -> {
        var following = operation.behind();
        operation.setBehind(null);
        if (following != null) {
          ended.add(following); // nothing begins behind what failed
        }
      }
      case RECEIVE_MULTISHOT -> receives.unpick(operation);
      case CLOSE -> {
        closeAnyhow(operation);
        return;
      }
      case OPEN -> {
        if (isRemoval(operation)) {
          // As with a close: cancelling everything may find it in the kernel still.
          if (result == -Errno.ECANCELED.number()) {
            start(operation);
            return;
          }
          outcome = 0; // whether the name could be removed, nobody asks
        } else if (result >= 0) {
          var request = (OpenRequest) operation.argument();
          var opened = newDescriptor(operation.subject(), result);
          opened.direct = request.isDirect();
          operation.setNewDescriptor(opened);
          outcome = 0;
          if (request.isDeleteOnClose()) {
            start(operation);
            return;
          }
        } else if (opensForNobody(operation, result)) {
          operation.setTransferred(MAY_BLOCK);
          start(operation);
          return;
        }
      }
      case SIZE -> {
        if (result == 0) {
          operation.setLongResult(statx.stx_size((MemorySegment) operation.driverState()));
        }
      }
      default -> {}
    }
    dispatcher.resolve(operation, outcome);
  }

  /**
   * Whether it is a pipe that nobody reads, which open(2) waits for and the kernel's first attempt, which must not wait,
   * reports as an error. A thread of the kernel's may wait. For a device that is not there it finds the same error.
   */
  private static boolean opensForNobody(Operation open, int result) {
    return result == -Errno.ENXIO.number() && open.transferred() != MAY_BLOCK && !isToEnd(open);
  }

  /**
   * A hint that the kernel or the file system does not take is none that anybody has to hear of: the transfer begins
   * again without it.
   */
  private boolean isWithoutHint(Operation operation, int result) {
    if (result != -Errno.EOPNOTSUPP.number()
        || (operation.flags() & TransferFlags.DONTCACHE) == 0
        || isToEnd(operation)) {
      return false;
    }
    operation.flags(operation.flags() & ~TransferFlags.DONTCACHE);
    start(operation);
    return true;
  }

  /** Takes a descriptor of the kernel in: what was opened or accepted, or what a test made. */
  UringDescriptor newDescriptor(String subject, int fd) {
    var descriptor = new UringDescriptor(subject, fd, files.add(fd));
    dispatcher.opened(descriptor);
    return descriptor;
  }

  /** The same for one that another ring will have in its table, so that it need not go into this one's. */
  private UringDescriptor newDescriptorToMove(String subject, int fd) {
    var descriptor = new UringDescriptor(subject, fd, UringDescriptor.NOT_FIXED);
    dispatcher.opened(descriptor);
    return descriptor;
  }

  /** Whether somebody wants it to end, so that nothing of it is to start again. */
  static boolean isToEnd(Operation operation) {
    var descriptor = operation.descriptor(); // polls and raw operations may have none
    return operation.isCancelRequested() || (descriptor != null && descriptor.isClosing());
  }

  /** A multishot that the kernel ended without an error starts again, unless somebody wants it to end. */
  private void goOn(Operation operation) {
    if (isToEnd(operation)) {
      ended.add(operation);
    } else {
      waiting.add(operation);
    }
  }

  private void accepted(Operation operation, int result, boolean more) {
    if (result < 0) {
      dispatcher.resolve(operation, result);
      return;
    }
    var remote = sockets.remoteAddress(result);
    var subject =
        remote == null
            ? "a connection to " + operation.descriptor().subject()
            : Errors.format(remote);
    var connection =
        operation.flags() == AcceptFlags.TO_MOVE
            ? newDescriptorToMove(subject, result)
            : newDescriptor(subject, result);
    connection.lingers = ((UringDescriptor) operation.descriptor()).lingers; // it is inherited
    operation.setNewDescriptor(connection);
    if (operation.code() == OpCode.ACCEPT) {
      dispatcher.resolve(operation, 0);
      return;
    }
    dispatcher.resolveMore(operation, 0);
    if (!more) {
      goOn(operation);
    }
  }

  private void sent(Operation operation, int result) {
    if (result > 0) {
      int done = operation.transferred() + result;
      if (done == operation.memoryLength()) {
        sendEnded(operation, done);
        return;
      }
      operation.setTransferred(done);
      if (operation.vector() != null) {
        Vectors.skip(operation, result);
      }
      if (isToEnd(operation)) {
        sendEnded(operation, -Errno.ECANCELED.number());
      } else {
        start(operation);
      }
      return;
    }
    sendEnded(operation, result);
  }

  /**
   * A zero-copy send is told of twice: of its result, and, if that said that there is more, that the kernel does not need
   * the memory any more, when the peer has acknowledged all of it. Errors bring a notification, too. Between the two the
   * next send may go, and the socket be closed, which the kernel goes on sending of; the memory stays the kernel's.
   */
  private void sentFromMemory(Operation operation, int result, int flags, boolean more) {
    if ((flags & Liburing.IORING_CQE_F_NOTIF()) != 0) {
      operation.setNotifications(operation.notifications() - 1);
      if (operation.hasLeftDescriptor() && operation.notifications() == 0) {
        OperationMemory.releaseCopy(operation);
        dispatcher.resolve(operation, operation.result());
      }
      return;
    }
    if (more) {
      operation.setNotifications(operation.notifications() + 1);
    }
    int outcome = result;
    if (result > 0) {
      int done = operation.transferred() + result;
      operation.setTransferred(done);
      boolean all = done == operation.memoryLength();
      if (!all && !isToEnd(operation)) {
        start(operation);
        return;
      }
      outcome = all ? done : -Errno.ECANCELED.number();
    } else if (isOfZeroCopy(result)
        && (operation.flags() & COPY_AFTER_ALL) == 0
        && !isToEnd(operation)) {
      operation.flags(operation.flags() | COPY_AFTER_ALL);
      start(operation);
      return;
    }
    sendEnded(operation, outcome);
  }

  /** Whether it failed because it was to be one: for this kind of socket, or for want of memory that may be pinned. */
  private static boolean isOfZeroCopy(int result) {
    return switch (Errno.of(-result)) {
      case EOPNOTSUPP, EINVAL, ENOMEM, ENOBUFS -> true;
      case null, default -> false;
    };
  }

  /** Of a send of segments this may be the outcome of some of them only. */
  private void messageSent(Operation operation, int result) {
    if (!messagesInFlight.sentInPart(operation, result)) {
      finish(operation, result < 0 ? result : operation.transferred());
    } else if (isToEnd(operation)) {
      ended.add(operation);
    } else {
      start(operation);
    }
  }

  @SuppressWarnings("ReferenceEquality") // this very operation
  private void sendEnded(Operation operation, int result) {
    if (((UringDescriptor) operation.descriptor()).firstSend == operation) {
      passTurn(operation);
    } else {
      operation.setBehind(null); // it was cancelled while it waited, or could not be prepared
    }
    if (operation.notifications() > 0) { // of what had gone out before: the memory is the kernel's
      operation.setResult(result);
      dispatcher.leaveDescriptor(operation);
      return;
    }
    OperationMemory.releaseCopy(operation);
    dispatcher.resolve(operation, result);
  }

  /** The next send of its socket may go. */
  private void passTurn(Operation operation) {
    var socket = (UringDescriptor) operation.descriptor();
    var following = operation.behind();
    operation.setBehind(null);
    socket.firstSend = following;
    if (following == null) {
      socket.lastSend = null;
    } else if (isToEnd(following)) {
      ended.add(following);
    } else {
      start(following);
    }
  }

  @Override
  public void wakeUp() {
    wakeUp.wake();
  }

  @Override
  public boolean wakeUpByMessage(Driver caller) {
    return messages != null
        && caller instanceof UringDriver other
        && messages.canSendTo(other.messages)
        && wakeUp.wake(other.messages);
  }

  /** For tests, which count them. */
  BufferRing receiveBuffers() {
    return bufferRing;
  }

  // ---- registration, sockets

  @Override
  public void register(BufferPool buffers) {
    bufferRing.track(BUFFERS.tracker(buffers));
    datagramReceives.track(BUFFERS.tracker(buffers));
    memory.register(ring, buffers, report);
  }

  @Override
  public Descriptor listen(ListenRequest request) throws IOException {
    int fd = sockets.listen(request);
    // The system may have chosen the port: messages name the one that it is.
    var subject = Errors.format(request.address());
    var listener = newDescriptor(Errors.format(sockets.localAddress(fd, subject)), fd);
    // Connections inherit it.
    listener.lingers =
        request.options().get(StandardSocketOptions.SO_LINGER) instanceof Integer seconds
            && seconds > 0;
    return listener;
  }

  @Override
  public MovingSocket detach(Descriptor socket) {
    var moving = (UringDescriptor) socket;
    dispatcher.detached(moving);
    cancels.forget(moving);
    files.remove(moving.fixedIndex);
    return new MovingDescriptor(moving.subject(), moving.fd, moving.lingers);
  }

  @Override
  public Descriptor attach(MovingSocket socket) {
    if (socket instanceof MovingDescriptor(var subject, var fd, var lingers)) {
      var descriptor = newDescriptor(subject, fd);
      descriptor.lingers = lingers;
      return descriptor;
    }
    throw new IllegalArgumentException("not a socket of an io_uring driver: " + socket);
  }

  @Override
  public Descriptor socket(InetSocketAddress remote) throws IOException {
    int fd = sockets.open(remote);
    return newDescriptor(Errors.format(remote), fd);
  }

  @Override
  public InetSocketAddress localAddress(Descriptor socket) throws IOException {
    return sockets.localAddress(((UringDescriptor) socket).fd, socket.subject());
  }

  @Override
  public InetSocketAddress remoteAddress(Descriptor socket) throws IOException {
    return sockets.remoteAddress(((UringDescriptor) socket).fd, socket.subject());
  }

  @Override
  public <T> void setOption(Descriptor socket, SocketOption<T> option, T value) throws IOException {
    var descriptor = (UringDescriptor) socket;
    sockets.setOption(descriptor.fd, socket.subject(), option, value);
    if (option.equals(StandardSocketOptions.SO_LINGER)) {
      descriptor.lingers = (Integer) value > 0;
    }
  }

  @Override
  @SuppressWarnings("unchecked") // the option says of which type its values are
  public <T> T getOption(Descriptor socket, SocketOption<T> option) throws IOException {
    var descriptor = (UringDescriptor) socket;
    return (T) sockets.getOption(descriptor.fd, socket.subject(), option);
  }

  @Override
  public void bind(Descriptor socket, InetSocketAddress local) throws IOException {
    sockets.bind(((UringDescriptor) socket).fd, socket.subject(), local);
  }

  @Override
  public DatagramSockets datagrams() {
    return datagrams;
  }

  @Override
  public Capabilities capabilities() {
    return report.build();
  }

  @Override
  public DriverCounters counters() {
    return counters;
  }

  // ---- the end

  @Override
  public void close(boolean drained) {
    calls.close(drained);
    if (!drained) {
      dispatcher.forEachOpen(UringDriver::tellPeer);
      if (ring.wasUsed()) {
        QUARANTINE.add(this);
        if (memory.pool() != null) {
          QUARANTINE.add(memory.pool());
        }
        return; // the ring stays open too: the kernel may still post to it
      }
      wakeArmed = false; // written perhaps, but never submitted: every enter was refused
    }
    try {
      endWakeUp();
    } catch (IOException e) {
      QUARANTINE.add(this);
      return;
    }
    wakeUp.closeWithRing();
  }

  /**
   * The ring keeps its sockets open for as long as it is itself. Who is at their other end must not wait for it: what
   * is connected ends, and what listens refuses. Of a file, or a socket that is neither, this is a harmless failure.
   */
  private static void tellPeer(Descriptor descriptor) {
    var socket = (UringDescriptor) descriptor;
    if (!socket.closeBegun) {
      Libc.shutdown(socket.fd, Libc.SHUT_RDWR());
    }
  }

  /** The read on the eventfd is in flight still; the wake-up that it waits for ends it. */
  private void endWakeUp() throws IOException {
    while (wakeArmed) {
      wakeUp.wake();
      enter(1, RETRY_NANOS);
      reap(BATCH);
    }
  }
}
