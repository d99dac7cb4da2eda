package io.gyre.uring;

import io.gyre.WaitStrategy;
import io.gyre.bindings.Liburing;
import io.gyre.bindings.io_cqring_offsets;
import io.gyre.bindings.io_sqring_offsets;
import io.gyre.bindings.io_uring_cqe;
import io.gyre.bindings.io_uring_files_update;
import io.gyre.bindings.io_uring_params;
import io.gyre.driver.Errno;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * The two queues that are shared with the kernel.
 *
 * <pre>
 *   word           written by  how we access it
 *   SQ entries     us          plain stores, published by the SQ tail
 *   SQ tail        us          store-release: the entries before it are visible first
 *   SQ head        kernel      not read: it moves only inside io_uring_enter, which says how far
 *                              with SQPOLL load-acquire: the entries before it have been read, and may be overwritten
 *   SQ flags       kernel      opaque load: a hint that there is task work or an overflow to fetch
 *                              with SQPOLL behind a full fence, see below
 *   CQ tail        kernel      load-acquire: the entries before it are visible after
 *   CQ entries     kernel      plain loads, after the CQ tail
 *   CQ head        us          store-release: the entries before it were read first
 * </pre>
 *
 * <p>With SQPOLL a thread of the kernel's takes entries whenever it sees a new SQ tail, and goes to sleep when it has seen
 * none for a while. That is a Dekker pair, since one side stores a word and loads the other's:
 *
 * <pre>
 *   we:      store SQ tail; full fence; load SQ flags; wake the kernel's thread if it says NEED_WAKEUP
 *   kernel:  store NEED_WAKEUP; full fence; load SQ tail; sleep if there is nothing
 * </pre>
 *
 * so at least one side sees the other. A release store alone would let the load of the flags overtake it: both would see
 * nothing, and the entries would lie there until the next wake-up.
 *
 * <p>Belongs to the thread that opened it; only that thread may enter.
 *
 * @see <a href="https://man7.org/linux/man-pages/man7/io_uring.7.html">io_uring(7)</a>
 */
final class Ring {
  private static final long CQE_BYTES = io_uring_cqe.sizeof();
  private static final int CQE_SHIFT = Long.numberOfTrailingZeros(CQE_BYTES);
  private static final int SQE_SHIFT = Long.numberOfTrailingZeros(Sqe.BYTES);
  private static final long USER_DATA = io_uring_cqe.user_data$offset();
  private static final long RES = io_uring_cqe.res$offset();

  private static final int REQUIRED_FLAGS =
      Liburing.IORING_SETUP_CQSIZE()
          | Liburing.IORING_SETUP_CLAMP()
          | Liburing.IORING_SETUP_R_DISABLED();

  /** The newest first: what a kernel refuses is taken away in this order. */
  static final List<SetupFlag> OPTIONAL_FLAGS =
      List.of(
          new SetupFlag(KernelFeature.NO_SQARRAY, Liburing.IORING_SETUP_NO_SQARRAY()),
          new SetupFlag(KernelFeature.DEFER_TASKRUN, Liburing.IORING_SETUP_DEFER_TASKRUN()),
          new SetupFlag(KernelFeature.SINGLE_ISSUER, Liburing.IORING_SETUP_SINGLE_ISSUER()),
          new SetupFlag(KernelFeature.COOP_TASKRUN, Liburing.IORING_SETUP_COOP_TASKRUN()),
          new SetupFlag(KernelFeature.SUBMIT_ALL, Liburing.IORING_SETUP_SUBMIT_ALL()));

  /** A flag of io_uring_setup(2) that a ring can do without. */
  record SetupFlag(KernelFeature feature, int bit) {}

  private final Kernel kernel;
  private final MemorySegment rings;
  private final MemorySegment sqes;
  private final int setupFlags;
  private final int features;
  private final int ringFd;

  // What enter is called with: the plain descriptor, or the index of the registered one.
  private int enterFd;
  private int enterFlags;

  private final boolean polled;
  private final long sqHeadAddress;
  private final long sqTailAddress;
  private final long sqFlagsAddress;
  private final long sqesAddress;
  private final int sqMask;
  private final int sqEntries;
  private final long cqHeadAddress;
  private final long cqTailAddress;
  private final long cqesAddress;
  private final int cqMask;
  private final int cqEntries;

  private int sqTail;
  private int sqPublished;
  private int sqHead;
  private int cqHead;
  private boolean used;

  private WaitArgument waitArgument = WaitArgument.of(WaitStrategy.park(), false, false);
  private int registeredWait;
  private int pollingRefusal;

  private Ring(
      Kernel kernel, int ringFd, MemorySegment params, MemorySegment rings, MemorySegment sqes) {
    this.kernel = kernel;
    this.rings = rings;
    this.sqes = sqes;
    this.setupFlags = io_uring_params.flags(params);
    this.features = io_uring_params.features(params);
    this.ringFd = ringFd;
    this.enterFd = ringFd;
    long base = rings.address();
    var sq = io_uring_params.sq_off(params);
    polled = uses(Liburing.IORING_SETUP_SQPOLL());
    sqHeadAddress = base + io_sqring_offsets.head(sq);
    sqTailAddress = base + io_sqring_offsets.tail(sq);
    sqFlagsAddress = base + io_sqring_offsets.flags(sq);
    sqesAddress = sqes.address();
    sqEntries = io_uring_params.sq_entries(params);
    sqMask = sqEntries - 1;
    var cq = io_uring_params.cq_off(params);
    cqHeadAddress = base + io_cqring_offsets.head(cq);
    cqTailAddress = base + io_cqring_offsets.tail(cq);
    cqesAddress = base + io_cqring_offsets.cqes(cq);
    cqEntries = io_uring_params.cq_entries(params);
    cqMask = cqEntries - 1;
    if (!uses(Liburing.IORING_SETUP_NO_SQARRAY())) {
      // The kernel reads entries through an array of indexes, which is the identity for ever.
      long array = base + io_sqring_offsets.array(sq);
      for (int i = 0; i < sqEntries; i++) {
        Memory.putInt(array + 4L * i, i);
      }
    }
  }

  /**
   * Sets up a ring and enables it for the calling thread. Flags that the kernel does not know are left out, and a ring
   * for which there is not enough memory is halved.
   *
   * @param strategy how the ring's owner waits; where it is refused that the kernel polls for submissions, the ring is one
   *     without that, as {@link #pollingRefusal} says
   * @param allowed which optional flags may be set, and which other features used
   * @throws SetupException when the kernel gives none at all
   */
  static Ring open(
      Kernel kernel,
      int sqEntries,
      int cqEntries,
      WaitStrategy strategy,
      Predicate<KernelFeature> allowed)
      throws SetupException {
    int refusal = 0;
    if (strategy.pollingIdleMillis() > 0 && allowed.test(KernelFeature.SQPOLL)) {
      try {
        return open(kernel, sqEntries, cqEntries, strategy, true, allowed);
      } catch (SetupException e) {
        refusal = e.errno();
      }
    }
    var ring = open(kernel, sqEntries, cqEntries, strategy, false, allowed);
    ring.pollingRefusal = refusal;
    return ring;
  }

  private static Ring open(
      Kernel kernel,
      int sqEntries,
      int cqEntries,
      WaitStrategy strategy,
      boolean polled,
      Predicate<KernelFeature> allowed)
      throws SetupException {
    var optional = new ArrayList<>(OPTIONAL_FLAGS);
    optional.removeIf(flag -> !allowed.test(flag.feature));
    int sq = sqEntries;
    int cq = cqEntries;
    while (true) {
      var params = Arena.ofAuto().allocate(io_uring_params.layout());
      io_uring_params.flags(params, setupFlags(optional));
      io_uring_params.cq_entries(params, cq);
      if (polled) {
        askForPolling(params, strategy);
      }
      int result = kernel.setup(sq, params);
      if (result >= 0) {
        var opened = map(kernel, result, params);
        opened.require(Liburing.IORING_FEAT_NODROP(), "IORING_FEAT_NODROP");
        opened.require(Liburing.IORING_FEAT_EXT_ARG(), "IORING_FEAT_EXT_ARG");
        opened.prepareWaits(strategy, allowed);
        opened.enable();
        return opened;
      }
      if (result == -Errno.EINVAL.number() && !optional.isEmpty()) {
        optional.removeFirst();
      } else if (result == -Errno.ENOMEM.number() && cq > 16) {
        cq /= 2;
        sq = Math.min(sq, cq);
      } else {
        throw new SetupException("io_uring_setup", -result);
      }
    }
  }

  /** Those that go together: DEFER_TASKRUN needs SINGLE_ISSUER, and COOP_TASKRUN is what comes closest to it. */
  private static int setupFlags(List<SetupFlag> optional) {
    int flags = REQUIRED_FLAGS;
    for (var flag : optional) {
      flags |= flag.bit;
    }
    if ((flags & Liburing.IORING_SETUP_SINGLE_ISSUER()) == 0) {
      flags &= ~Liburing.IORING_SETUP_DEFER_TASKRUN();
    }
    if ((flags & Liburing.IORING_SETUP_DEFER_TASKRUN()) != 0) {
      flags &= ~Liburing.IORING_SETUP_COOP_TASKRUN();
    }
    int cooperative = Liburing.IORING_SETUP_DEFER_TASKRUN() | Liburing.IORING_SETUP_COOP_TASKRUN();
    return (flags & cooperative) == 0 ? flags : flags | Liburing.IORING_SETUP_TASKRUN_FLAG();
  }

  /** A kernel that polls needs nothing done in our thread's name: what says when to do it is refused beside it. */
  private static void askForPolling(MemorySegment params, WaitStrategy strategy) {
    int flags = io_uring_params.flags(params);
    flags &=
        ~(Liburing.IORING_SETUP_DEFER_TASKRUN()
            | Liburing.IORING_SETUP_COOP_TASKRUN()
            | Liburing.IORING_SETUP_TASKRUN_FLAG());
    flags |= Liburing.IORING_SETUP_SQPOLL();
    io_uring_params.sq_thread_idle(params, strategy.pollingIdleMillis());
    if (strategy.pollingCpu() >= 0) {
      flags |= Liburing.IORING_SETUP_SQ_AFF();
      io_uring_params.sq_thread_cpu(params, strategy.pollingCpu());
    }
    io_uring_params.flags(params, flags);
  }

  /** Before the ring is enabled: memory for the argument of waits is not taken later. */
  private void prepareWaits(WaitStrategy strategy, Predicate<KernelFeature> allowed) {
    waitArgument =
        WaitArgument.of(
            strategy,
            has(Liburing.IORING_FEAT_MIN_TIMEOUT()) && allowed.test(KernelFeature.MIN_WAIT),
            has(Liburing.IORING_FEAT_NO_IOWAIT()) && allowed.test(KernelFeature.NO_IOWAIT));
    if (allowed.test(KernelFeature.REGISTERED_WAIT)) {
      registeredWait = waitArgument.register(this);
    }
  }

  /**
   * Maps the queues. Not left to io_uring_queue_init_params: liburing 2.3, which is in wide use, writes its index array
   * over the head of a ring that was set up without one.
   */
  private static Ring map(Kernel kernel, int ringFd, MemorySegment params) throws SetupException {
    // One mapping holds both queues since Linux 5.4.
    var sqOffsets = io_uring_params.sq_off(params);
    var cqOffsets = io_uring_params.cq_off(params);
    long sqBytes =
        (io_sqring_offsets.array(sqOffsets) & 0xFFFF_FFFFL)
            + 4L * io_uring_params.sq_entries(params);
    long cqBytes =
        (io_cqring_offsets.cqes(cqOffsets) & 0xFFFF_FFFFL)
            + CQE_BYTES * io_uring_params.cq_entries(params);
    var rings = kernel.map(ringFd, Math.max(sqBytes, cqBytes), Liburing.IORING_OFF_SQ_RING());
    if (rings != null) {
      var sqes =
          kernel.map(
              ringFd, Sqe.BYTES * io_uring_params.sq_entries(params), Liburing.IORING_OFF_SQES());
      if (sqes != null) {
        return new Ring(kernel, ringFd, params, rings, sqes);
      }
      kernel.unmap(rings);
    }
    kernel.close(ringFd);
    throw new SetupException("mmap of the ring", Errno.ENOMEM.number());
  }

  /** The kernel gave no ring. */
  static final class SetupException extends IOException {
    private static final long serialVersionUID = 1L;
    private final int errno;

    SetupException(String call, int errno) {
      super(call + ": " + Errno.describe(errno));
      this.errno = errno;
    }

    int errno() {
      return errno;
    }
  }

  /** What a ring can't be used without. */
  private void require(int feature, String name) throws SetupException {
    if (!has(feature)) {
      unmap();
      throw new SetupException("io_uring_setup without " + name, Errno.EINVAL.number());
    }
  }

  private void enable() throws SetupException {
    int result = register(Liburing.IORING_REGISTER_ENABLE_RINGS(), MemorySegment.NULL, 0);
    if (result < 0) {
      unmap();
      throw new SetupException("io_uring_register(ENABLE_RINGS)", -result);
    }
  }

  /**
   * Lets enter find the ring without looking up and counting its descriptor (kernel 5.18).
   *
   * @return 0, or the negated errno
   */
  int registerRingFd() {
    var update =
        Arena.ofAuto().allocate(io_uring_files_update.layout()); // io_uring_rsrc_update's shape
    io_uring_files_update.offset(update, -1);
    io_uring_files_update.fds(update, ringFd);
    int result = register(Liburing.IORING_REGISTER_RING_FDS(), update, 1);
    if (result < 0) {
      return result;
    }
    enterFd = io_uring_files_update.offset(update);
    enterFlags = Liburing.IORING_ENTER_REGISTERED_RING();
    return 0;
  }

  /** The generic registration call; returns what the kernel does, or the negated errno. */
  int register(int opcode, MemorySegment argument, int count) {
    return kernel.register(ringFd, opcode, argument, count);
  }

  /** The descriptor, for messages to the ring. */
  int fd() {
    return ringFd;
  }

  boolean uses(int setupFlag) {
    return (setupFlags & setupFlag) != 0;
  }

  boolean has(int feature) {
    return (features & feature) != 0;
  }

  /** Whether a thread of the kernel's takes entries. */
  boolean isPolled() {
    return polled;
  }

  /** Why no thread of the kernel's takes entries though that was asked for, an errno; else 0. */
  int pollingRefusal() {
    return pollingRefusal;
  }

  /** What became of the memory for the argument of waits: 0, or the negated errno. */
  int registeredWait() {
    return registeredWait;
  }

  int sqEntries() {
    return sqEntries;
  }

  int cqEntries() {
    return cqEntries;
  }

  /** How many more entries there is room for. */
  int free() {
    return sqEntries - (sqTail - sqHead);
  }

  /** The address of the next free entry, which the caller writes whole. Only while there are {@link #free()} ones. */
  long nextSqe() {
    return sqesAddress + ((long) (sqTail++ & sqMask) << SQE_SHIFT);
  }

  /** The position of the next free entry, for {@link #isTaken}. */
  int nextPosition() {
    return sqTail;
  }

  /** Whether the kernel has taken the entry at a position, so that it reads it no more. */
  boolean isTaken(int position) {
    return position - sqHead < 0;
  }

  /** Entries that the kernel has not taken yet. */
  int unsubmitted() {
    return sqTail - sqHead;
  }

  /** Whether the kernel ever took an entry: if not, it holds nothing of ours but the ring itself. */
  boolean wasUsed() {
    return used;
  }

  /**
   * Looks how many entries the kernel's own thread has taken. Only this gives room in the queue of a polled ring: who keeps
   * something about an entry looks at {@link #isTaken} before the next one is written.
   */
  void noteTaken() {
    sqHead = Memory.getIntAcquire(sqHeadAddress);
  }

  boolean isFull() {
    return unsubmitted() == sqEntries;
  }

  /**
   * Lets the kernel see what was written. A polled ring's kernel may begin with it at once.
   *
   * @return how many entries those are
   */
  int publish() {
    int count = sqTail - sqPublished;
    if (count != 0) {
      Memory.putIntRelease(sqTailAddress, sqTail);
      sqPublished = sqTail;
      if (polled) {
        used = true;
        VarHandle.fullFence(); // between the tail and the flags: see the class
      }
    }
    return count;
  }

  /** Whether the kernel is to be called for what was written, or for what it has to do in this thread's name. */
  boolean needsEnter() {
    return kernelNeedsEnter()
        || (polled ? sqTail != sqPublished || needsWakeUp() : sqTail != sqHead);
  }

  /** Whether the kernel's thread sleeps. */
  boolean pollingSleeps() {
    return (Memory.getIntOpaque(sqFlagsAddress) & Liburing.IORING_SQ_NEED_WAKEUP()) != 0;
  }

  /** Whether the thread that polls sleeps, and has taken none of what was published for it. */
  boolean sleepsUnread() {
    return pollingSleeps() && Memory.getIntAcquire(sqHeadAddress) == 0;
  }

  private boolean needsWakeUp() {
    return pollingSleeps() && sqTail != Memory.getIntAcquire(sqHeadAddress);
  }

  /** Completions that can be taken without a call. */
  int ready() {
    return Memory.getIntAcquire(cqTailAddress) - cqHead;
  }

  /** Whether the kernel has something to do in this thread's name before completions appear. */
  private boolean kernelNeedsEnter() {
    int flags = Memory.getIntOpaque(sqFlagsAddress);
    return (flags & (Liburing.IORING_SQ_TASKRUN() | Liburing.IORING_SQ_CQ_OVERFLOW())) != 0;
  }

  /** The clock of the kernel that this is a ring of. */
  long nanoTime() {
    return kernel.nanoTime();
  }

  boolean hasOverflow() {
    return (Memory.getIntOpaque(sqFlagsAddress) & Liburing.IORING_SQ_CQ_OVERFLOW()) != 0;
  }

  /**
   * The one call of a turn: submits all entries, and waits. For a polled ring it wakes the kernel's thread if that sleeps,
   * and waits until there is room for an entry if there is none and nothing else to wait for.
   *
   * @param minComplete how many completions to wait for
   * @param timeoutNanos how long at most; negative without limit
   * @return how many entries the kernel took, or the negated errno
   */
  int enter(int minComplete, long timeoutNanos) {
    int published = publish();
    int flags = enterFlags | Liburing.IORING_ENTER_GETEVENTS();
    if (polled) {
      flags |= pollingFlags(minComplete);
    }
    int toSubmit = polled ? published : sqTail - sqHead;
    int result =
        minComplete > 0
            ? waitArgument.enter(kernel, enterFd, toSubmit, minComplete, flags, timeoutNanos)
            : kernel.enter(enterFd, toSubmit, 0, flags, MemorySegment.NULL, 0);
    if (result > 0 && !polled) {
      sqHead += result;
      used = true;
    }
    return result;
  }

  private int pollingFlags(int minComplete) {
    int flags = needsWakeUp() ? Liburing.IORING_ENTER_SQ_WAKEUP() : 0;
    boolean waitsForRoom =
        minComplete == 0 && sqTail - Memory.getIntAcquire(sqHeadAddress) == sqEntries;
    return waitsForRoom ? flags | Liburing.IORING_ENTER_SQ_WAIT() : flags;
  }

  /** The position of the first completion that is {@link #ready()}. */
  int firstCompletion() {
    return cqHead;
  }

  /** The address of the completion at a position, counted on from {@link #firstCompletion()}. */
  long completion(int position) {
    return cqesAddress + ((long) (position & cqMask) << CQE_SHIFT);
  }

  static long userData(long cqe) {
    return Memory.getLong(cqe + USER_DATA);
  }

  /** Result in the lower half, flags in the upper: they lie side by side. */
  static long resultAndFlags(long cqe) {
    return Memory.getLong(cqe + RES);
  }

  /** Gives the places of the first completions back to the kernel. */
  void release(int count) {
    cqHead += count;
    Memory.putIntRelease(cqHeadAddress, cqHead);
  }

  /** Gives the ring back. Only when nothing is in flight: the kernel may finish this later. */
  void close() {
    if (enterFlags != 0) {
      // The registration holds the ring open for as long as the thread lives.
      var update = Arena.ofAuto().allocate(io_uring_files_update.layout());
      io_uring_files_update.offset(update, enterFd);
      register(Liburing.IORING_UNREGISTER_RING_FDS(), update, 1);
      enterFlags = 0;
      enterFd = ringFd;
    }
    unmap();
  }

  private void unmap() {
    kernel.unmap(sqes);
    kernel.unmap(rings);
    kernel.close(ringFd);
  }

  /** For registrations that take an array of two ints. */
  int registerInts(int opcode, int first, int second) {
    var pair = Arena.ofAuto().allocateFrom(ValueLayout.JAVA_INT, first, second);
    return register(opcode, pair, 2);
  }
}
