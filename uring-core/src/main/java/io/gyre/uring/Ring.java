package io.gyre.uring;

import io.gyre.bindings.Liburing;
import io.gyre.bindings.__kernel_timespec;
import io.gyre.bindings.io_cqring_offsets;
import io.gyre.bindings.io_sqring_offsets;
import io.gyre.bindings.io_uring_cqe;
import io.gyre.bindings.io_uring_files_update;
import io.gyre.bindings.io_uring_getevents_arg;
import io.gyre.bindings.io_uring_params;
import io.gyre.driver.Errno;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * The two queues that are shared with the kernel.
 *
 * <pre>
 *   word           written by  how we access it
 *   SQ entries     us          plain stores, published by the SQ tail
 *   SQ tail        us          store-release: the entries before it are visible first
 *   SQ head        kernel      not read: without SQPOLL it moves only inside io_uring_enter, which says how far
 *   SQ flags       kernel      opaque load: a hint that there is task work or an overflow to fetch
 *   CQ tail        kernel      load-acquire: the entries before it are visible after
 *   CQ entries     kernel      plain loads, after the CQ tail
 *   CQ head        us          store-release: the entries before it were read first
 * </pre>
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
  private static final int NANOS_PER_SECOND = 1_000_000_000;

  // Least needed first: what a kernel refuses is taken away in this order. DEFER_TASKRUN needs
  // SINGLE_ISSUER, and COOP_TASKRUN is what comes closest to it.
  private static final List<Integer> OPTIONAL_FLAGS =
      List.of(
          Liburing.IORING_SETUP_NO_SQARRAY(),
          Liburing.IORING_SETUP_DEFER_TASKRUN(),
          Liburing.IORING_SETUP_SINGLE_ISSUER());

  private final Kernel kernel;
  private final MemorySegment rings;
  private final MemorySegment sqes;
  private final int setupFlags;
  private final int features;
  private final int ringFd;

  // What enter is called with: the plain descriptor, or the index of the registered one.
  private int enterFd;
  private int enterFlags;

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

  private final MemorySegment timeout = Arena.ofAuto().allocate(__kernel_timespec.layout());
  private final MemorySegment waitArgument =
      Arena.ofAuto().allocate(io_uring_getevents_arg.layout());

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
    io_uring_getevents_arg.ts(waitArgument, timeout.address());
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
   * @throws SetupException when the kernel gives none at all
   */
  static Ring open(Kernel kernel, int sqEntries, int cqEntries) throws SetupException {
    int flags =
        Liburing.IORING_SETUP_CQSIZE()
            | Liburing.IORING_SETUP_CLAMP()
            | Liburing.IORING_SETUP_SUBMIT_ALL()
            | Liburing.IORING_SETUP_R_DISABLED()
            | Liburing.IORING_SETUP_TASKRUN_FLAG();
    for (int optional : OPTIONAL_FLAGS) {
      flags |= optional;
    }
    var candidates = new ArrayList<>(OPTIONAL_FLAGS);
    int sq = sqEntries;
    int cq = cqEntries;
    while (true) {
      var params = Arena.ofAuto().allocate(io_uring_params.layout());
      io_uring_params.flags(params, flags);
      io_uring_params.cq_entries(params, cq);
      int result = kernel.setup(sq, params);
      if (result >= 0) {
        var opened = map(kernel, result, params);
        opened.enable();
        return opened;
      }
      if (result == -Errno.EINVAL.number() && !candidates.isEmpty()) {
        int flag = candidates.removeFirst();
        flags &= ~flag;
        if (flag == Liburing.IORING_SETUP_DEFER_TASKRUN()) {
          flags |= Liburing.IORING_SETUP_COOP_TASKRUN();
        }
      } else if (result == -Errno.ENOMEM.number() && cq > 16) {
        cq /= 2;
        sq = Math.min(sq, cq);
      } else {
        throw new SetupException("io_uring_setup", -result);
      }
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

  boolean uses(int setupFlag) {
    return (setupFlags & setupFlag) != 0;
  }

  boolean has(int feature) {
    return (features & feature) != 0;
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

  /** Completions that can be taken without a call. */
  int ready() {
    return Memory.getIntAcquire(cqTailAddress) - cqHead;
  }

  /** Whether the kernel has something to do in this thread's name before completions appear. */
  boolean kernelNeedsEnter() {
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
   * The one call of a turn: submits all entries, and waits.
   *
   * @param minComplete how many completions to wait for
   * @param timeoutNanos how long at most; negative without limit
   * @return how many entries the kernel took, or the negated errno
   */
  int enter(int minComplete, long timeoutNanos) {
    if (sqPublished != sqTail) {
      Memory.putIntRelease(sqTailAddress, sqTail);
      sqPublished = sqTail;
    }
    int flags = enterFlags | Liburing.IORING_ENTER_GETEVENTS();
    int result;
    if (minComplete > 0 && timeoutNanos > 0) {
      __kernel_timespec.tv_sec(timeout, timeoutNanos / NANOS_PER_SECOND);
      __kernel_timespec.tv_nsec(timeout, timeoutNanos % NANOS_PER_SECOND);
      result =
          kernel.enter(
              enterFd,
              sqTail - sqHead,
              minComplete,
              flags | Liburing.IORING_ENTER_EXT_ARG(),
              waitArgument,
              waitArgument.byteSize());
    } else {
      result = kernel.enter(enterFd, sqTail - sqHead, minComplete, flags, MemorySegment.NULL, 0);
    }
    if (result > 0) {
      sqHead += result;
      used = true;
    }
    return result;
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
