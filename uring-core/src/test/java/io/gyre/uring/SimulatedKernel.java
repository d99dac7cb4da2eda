package io.gyre.uring;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.gyre.bindings.Liburing;
import io.gyre.bindings.__kernel_timespec;
import io.gyre.bindings.io_cqring_offsets;
import io.gyre.bindings.io_sqring_offsets;
import io.gyre.bindings.io_uring_buf_reg;
import io.gyre.bindings.io_uring_cqe;
import io.gyre.bindings.io_uring_files_update;
import io.gyre.bindings.io_uring_getevents_arg;
import io.gyre.bindings.io_uring_mem_region_reg;
import io.gyre.bindings.io_uring_params;
import io.gyre.bindings.io_uring_reg_wait;
import io.gyre.bindings.io_uring_region_desc;
import io.gyre.bindings.io_uring_rsrc_register;
import io.gyre.bindings.io_uring_sqe;
import io.gyre.bindings.iovec;
import io.gyre.driver.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongPredicate;
import java.util.random.RandomGenerator;

/**
 * The kernel's side of a ring, for tests: production code runs on it, and a seed decides what happens.
 *
 * <p>The queues are real memory in the real layout. What operations do is in {@link SimulatedOperations}; here is how
 * entries come in and completions go out: by task work that is run when asked for, or at once without DEFER_TASKRUN;
 * into a backlog when the queue is full; in an order of the kernel's choice. With SQPOLL it takes entries by itself,
 * whenever it has a chance to, and falls asleep. Time is the kernel's own: a wait with nothing to wait for takes none.
 *
 * <p>It does not trust the driver: an entry that is malformed, a number that is closed, memory that is somebody else's,
 * two sends at once, more in flight than the completion queue is to hold, all end the test.
 */
final class SimulatedKernel implements Kernel {
  private static final int RING_FD = SimulatedOperations.FIRST_FD - 1;
  private static final int REGISTERED_RING = 0;

  // Where things are in the mapping, as the kernel has them.
  private static final int SQ_HEAD = 0;
  private static final int SQ_TAIL = 4;
  private static final int SQ_FLAGS = 8;
  private static final int CQ_HEAD = 64;
  private static final int CQ_TAIL = 68;
  private static final int CQES = 128;

  private static final long NANOS_PER_ENTER = 1000;

  private final Arena arena = Arena.ofShared();
  private final Thread owner = Thread.currentThread();
  private final RandomGenerator random;
  private final Map<Integer, Errno> refusedRegistrations = new HashMap<>();
  private final Deque<Integer> scriptedEnters = new ArrayDeque<>();
  private final SimulatedOperations operations;
  private final SimulatedLinks links = new SimulatedLinks();
  private LongPredicate raw = token -> false;
  private Ended observer = (token, result) -> {};
  private SimulatedFaults faults;
  private int refusedSetupFlags;
  private int missingFeatures;
  private int setupsOutOfMemory;
  private int pageBytes = 4096;
  private boolean waitsForReal;

  // The ring.
  private MemorySegment rings;
  private MemorySegment sqes;
  private int setupFlags;
  private int sqEntries;
  private int cqEntries;
  private int sqArray;
  private boolean enabled;
  private boolean registered;
  private int mappings;
  private MemorySegment waitRegion;
  private boolean pollingAsleep;
  private boolean closed;

  // Completions: posted by task work once it is asked for, then in the queue, or behind it. Last
  // ones may be kept until the kernel has gone through all that it does at a time: others overtake
  // them.
  private final Deque<Completion> ends = new ArrayDeque<>();
  private final Deque<Completion> taskWork = new ArrayDeque<>();
  private final Deque<Completion> overflow = new ArrayDeque<>();
  private boolean[] tookCredit;
  private int cqHeadSeen;
  private int creditUnreaped;
  private int creditInFlight;
  private int credit;

  private final List<SimulatedRequest> inFlight = new ArrayList<>();
  private long nowNanos;
  private long steps;
  private long overflows;
  private long enters;
  private final Waits waits = new Waits();

  /** How many waits there were of each kind. */
  static final class Waits {
    int copied;
    int registered;
    int gathering;
    int notIo;
    int wakeUps;
    int takenByPolling;
  }

  /** Told of the end of each operation, when it comes. */
  @FunctionalInterface
  interface Ended {
    /** An operation has ended. */
    void ended(long token, int result);
  }

  private record Completion(long userData, int result, int flags, boolean tookCredit) {}

  SimulatedKernel(RandomGenerator random, SimulatedFaults faults) {
    this.random = random;
    this.faults = faults;
    this.operations = new SimulatedOperations(this);
  }

  // ---- what tests ask for

  SimulatedOperations operations() {
    return operations;
  }

  SimulatedFaults faults() {
    return faults;
  }

  void faults(SimulatedFaults value) {
    faults = value;
  }

  RandomGenerator random() {
    return random;
  }

  boolean chance(int thousandths) {
    return thousandths > 0 && random.nextInt(1000) < thousandths;
  }

  /** A kernel that does not know some set-up flags. */
  SimulatedKernel withoutSetupFlags(int flags) {
    refusedSetupFlags |= flags;
    return this;
  }

  /** A kernel that does not have some features. */
  SimulatedKernel withoutFeatures(int features) {
    missingFeatures |= features;
    return this;
  }

  /** A kernel with larger pages. */
  SimulatedKernel pageBytes(int value) {
    pageBytes = value;
    return this;
  }

  /** Has so many set-ups fail for want of memory. */
  SimulatedKernel outOfMemoryAtSetup(int times) {
    setupsOutOfMemory = times;
    return this;
  }

  /** Under an event loop: a wait with nothing to wait for takes the time that it takes, and others may end it. */
  SimulatedKernel waitingForReal() {
    waitsForReal = true;
    return this;
  }

  SimulatedKernel refusing(int registration, Errno errno) {
    refusedRegistrations.put(registration, errno);
    return this;
  }

  /** Has the next enter, and for each repetition the one after it, do nothing but fail. */
  void failEnter(Errno errno) {
    scriptedEnters.add(-errno.number());
  }

  /** Which tokens are those of raw operations. */
  void raw(LongPredicate value) {
    raw = value;
  }

  void whenEnded(Ended value) {
    observer = value;
  }

  /** Whether completions wait for room in the queue. */
  boolean isOverflowing() {
    return !overflow.isEmpty();
  }

  SimulatedLinks links() {
    return links;
  }

  /** Entries taken and completions made. */
  long steps() {
    return steps;
  }

  long overflows() {
    return overflows;
  }

  long enters() {
    return enters;
  }

  /** Puts the thread that polls to sleep, as it goes by itself at a seeded moment, or wakes it. */
  void pollingSleeps(boolean value) {
    pollingAsleep = value;
    showFlags();
  }

  Waits waits() {
    return waits;
  }

  @Override
  public long nanoTime() {
    return nowNanos;
  }

  long nowNanos() {
    return nowNanos;
  }

  /** How many completions the driver has not taken, wherever they are. */
  int unreaped() {
    return taskWork.size() + overflow.size() + getInt(CQ_TAIL) - getInt(CQ_HEAD);
  }

  List<SimulatedRequest> inFlight() {
    return inFlight;
  }

  /** Whether everything that belongs to the ring is still there. */
  boolean isWhole() {
    return !closed && mappings == 2 && registered;
  }

  /** Checks that the ring was given back whole. */
  void checkClosed() {
    require(closed && mappings == 0, "the ring is not closed, or mapped still");
    require(!registered, "the ring's descriptor is registered still: that keeps it open");
    require(inFlight.isEmpty(), "closed with requests in flight: " + inFlight);
    require(links.isEmpty(), "closed with links that never began: " + links);
    operations.checkClosed();
    arena.close();
  }

  static void require(boolean condition, String violation) {
    if (!condition) {
      throw new AssertionError("the kernel found: " + violation);
    }
  }

  // ---- set-up

  @Override
  public int setup(int entries, MemorySegment params) {
    int flags = io_uring_params.flags(params);
    if ((flags & refusedSetupFlags) != 0) {
      return -Errno.EINVAL.number();
    }
    if (setupsOutOfMemory > 0) {
      setupsOutOfMemory--;
      return -Errno.ENOMEM.number();
    }
    boolean defer = (flags & Liburing.IORING_SETUP_DEFER_TASKRUN()) != 0;
    boolean coop = (flags & Liburing.IORING_SETUP_COOP_TASKRUN()) != 0;
    boolean single = (flags & Liburing.IORING_SETUP_SINGLE_ISSUER()) != 0;
    boolean taskRunFlag = (flags & Liburing.IORING_SETUP_TASKRUN_FLAG()) != 0;
    boolean polled = (flags & Liburing.IORING_SETUP_SQPOLL()) != 0;
    if ((defer && !single)
        || (taskRunFlag && !defer && !coop)
        || (polled && (defer || coop || taskRunFlag))
        || (!polled && (flags & Liburing.IORING_SETUP_SQ_AFF()) != 0)) {
      return -Errno.EINVAL.number();
    }
    require(closed || rings == null, "a second ring");
    setupFlags = flags;
    sqEntries = roundUp(entries);
    cqEntries =
        (flags & Liburing.IORING_SETUP_CQSIZE()) != 0
            ? roundUp(io_uring_params.cq_entries(params))
            : sqEntries * 2;
    if (cqEntries < sqEntries) {
      return -Errno.EINVAL.number();
    }
    credit = Math.max(1, cqEntries - Math.max(2, cqEntries / 4));
    tookCredit = new boolean[cqEntries];
    sqArray = (int) (CQES + io_uring_cqe.sizeof() * cqEntries);
    rings = arena.allocate(sqArray + 4L * sqEntries, 4096);
    sqes = arena.allocate(Sqe.BYTES * sqEntries, 4096);
    enabled = (flags & Liburing.IORING_SETUP_R_DISABLED()) == 0;
    closed = false;
    fillIn(params);
    return RING_FD;
  }

  private void fillIn(MemorySegment params) {
    io_uring_params.sq_entries(params, sqEntries);
    io_uring_params.cq_entries(params, cqEntries);
    io_uring_params.features(
        params,
        (Liburing.IORING_FEAT_SINGLE_MMAP()
                | Liburing.IORING_FEAT_NODROP()
                | Liburing.IORING_FEAT_EXT_ARG()
                | Liburing.IORING_FEAT_FAST_POLL()
                | (operations.hasBundles() ? Liburing.IORING_FEAT_RECVSEND_BUNDLE() : 0)
                | Liburing.IORING_FEAT_MIN_TIMEOUT()
                | Liburing.IORING_FEAT_NO_IOWAIT())
            & ~missingFeatures);
    var sq = io_uring_params.sq_off(params);
    io_sqring_offsets.head(sq, SQ_HEAD);
    io_sqring_offsets.tail(sq, SQ_TAIL);
    io_sqring_offsets.flags(sq, SQ_FLAGS);
    io_sqring_offsets.array(sq, uses(Liburing.IORING_SETUP_NO_SQARRAY()) ? 0 : sqArray);
    var cq = io_uring_params.cq_off(params);
    io_cqring_offsets.head(cq, CQ_HEAD);
    io_cqring_offsets.tail(cq, CQ_TAIL);
    io_cqring_offsets.cqes(cq, CQES);
  }

  private static int roundUp(int entries) {
    return Integer.highestOneBit(Math.max(1, entries * 2 - 1));
  }

  private boolean uses(int flag) {
    return (setupFlags & flag) != 0;
  }

  @Override
  public MemorySegment map(int fd, long bytes, long offset) {
    require(fd == RING_FD && !closed, "a mapping of no ring");
    mappings++;
    var mapped = offset == Liburing.IORING_OFF_SQES() ? sqes : rings;
    require(bytes <= mapped.byteSize(), "a mapping that is too large");
    return mapped;
  }

  @Override
  public void unmap(MemorySegment mapped) {
    mappings--;
  }

  @Override
  public void close(int fd) {
    require(fd == RING_FD && !closed, "a close of no ring: " + fd);
    closed = true;
  }

  @Override
  public int register(int fd, int opcode, MemorySegment argument, int count) {
    require(fd == RING_FD && !closed, "a registration with no ring");
    require(Thread.currentThread() == owner, "a registration by another thread");
    var refusal = refusedRegistrations.get(opcode);
    if (refusal != null) {
      return -refusal.number();
    }
    if (opcode == Liburing.IORING_REGISTER_ENABLE_RINGS()) {
      require(!enabled, "enabled twice");
      enabled = true;
      return 0;
    }
    if (opcode == Liburing.IORING_REGISTER_MEM_REGION()) {
      return registerRegion(argument);
    }
    if (opcode == Liburing.IORING_REGISTER_RING_FDS()) {
      require(io_uring_files_update.fds(argument) == RING_FD && count == 1, "not the ring");
      io_uring_files_update.offset(argument, REGISTERED_RING);
      registered = true;
      return 1;
    }
    if (opcode == Liburing.IORING_UNREGISTER_RING_FDS()) {
      require(registered, "not registered");
      registered = false;
      return 1;
    }
    if (opcode == Liburing.IORING_REGISTER_IOWQ_MAX_WORKERS()) {
      return 0;
    }
    if (opcode == Liburing.IORING_REGISTER_FILES2()) {
      operations.registerFiles(io_uring_rsrc_register.nr(argument));
      return 0;
    }
    if (opcode == Liburing.IORING_REGISTER_FILES_UPDATE()) {
      int registeredFd = Memory.ALL.get(JAVA_INT, io_uring_files_update.fds(argument));
      return operations.updateFile(io_uring_files_update.offset(argument), registeredFd);
    }
    if (opcode == Liburing.IORING_REGISTER_PBUF_RING()) {
      require(io_uring_buf_reg.bgid(argument) == 0, "another buffer group");
      operations.provide(new SimulatedBufferRing(argument));
      return 0;
    }
    if (opcode == Liburing.IORING_REGISTER_BUFFERS()) {
      operations.registerMemory(iovec.iov_base(argument).address(), iovec.iov_len(argument));
      return 0;
    }
    return -Errno.EINVAL.number();
  }

  private int registerRegion(MemorySegment argument) {
    require(
        io_uring_mem_region_reg.flags(argument) == Liburing.IORING_MEM_REGION_REG_WAIT_ARG()
            && !enabled,
        "a region that waits could be looking at already");
    var region =
        Memory.ALL.asSlice(
            io_uring_mem_region_reg.region_uptr(argument), io_uring_region_desc.layout());
    require(
        io_uring_region_desc.flags(region) == Liburing.IORING_MEM_REGION_TYPE_USER(),
        "a region of the kernel's");
    long address = io_uring_region_desc.user_addr(region);
    long size = io_uring_region_desc.size(region);
    if (address % pageBytes != 0 || size % pageBytes != 0) {
      return -Errno.EINVAL.number();
    }
    waitRegion = Memory.ALL.asSlice(address, size);
    return 0;
  }

  // ---- enter

  @Override
  public int enter(
      int fd, int toSubmit, int minComplete, int flags, MemorySegment argument, long bytes) {
    enters++;
    nowNanos += NANOS_PER_ENTER;
    require(enabled && !closed, "enter without a ring");
    require(Thread.currentThread() == owner, "enter by another thread");
    boolean byIndex = (flags & Liburing.IORING_ENTER_REGISTERED_RING()) != 0;
    require(byIndex ? registered && fd == REGISTERED_RING : fd == RING_FD, "enter of no ring");
    int ready = getInt(SQ_TAIL) - getInt(SQ_HEAD);
    boolean polled = uses(Liburing.IORING_SETUP_SQPOLL());
    require(
        polled ? toSubmit <= ready : toSubmit == ready && ready <= sqEntries,
        "told " + toSubmit + " entries of " + ready);
    noteReaped();
    scribble();
    if (!scriptedEnters.isEmpty()) {
      return failed(scriptedEnters.remove());
    }
    if (chance(faults.enterError())) {
      return failed(-(random.nextBoolean() ? Errno.EAGAIN : Errno.EBUSY).number());
    }
    if (polled) {
      polledEnter(flags);
    }
    int submitted = polled ? toSubmit : submit(toSubmit);
    if (submitted < toSubmit) {
      // As the real one does: neither waits nor fetches anything.
      return submitted == 0 ? failed(-Errno.EAGAIN.number()) : submitted;
    }
    int waited = 0;
    if ((flags & Liburing.IORING_ENTER_GETEVENTS()) != 0) {
      if ((flags & Liburing.IORING_ENTER_NO_IOWAIT()) != 0) {
        require(has(Liburing.IORING_FEAT_NO_IOWAIT()), "a flag that this kernel does not know");
        waits.notIo++;
      }
      waited = waitAsTold(minComplete, flags, argument, bytes);
    }
    return submitted > 0 ? submitted : waited;
  }

  private boolean has(int feature) {
    return (missingFeatures & feature) == 0;
  }

  private int waitAsTold(int minComplete, int flags, MemorySegment argument, long bytes) {
    int enough = Math.min(minComplete, cqEntries);
    if ((flags & Liburing.IORING_ENTER_EXT_ARG()) == 0) {
      return getEvents(enough, 0, -1);
    }
    long timeoutNanos;
    int micros;
    if ((flags & Liburing.IORING_ENTER_EXT_ARG_REG()) != 0) {
      require(bytes == io_uring_reg_wait.sizeof(), "an argument of another size");
      require(waitRegion != null, "a registered wait without a region");
      var wait = waitRegion.asSlice(argument.address(), io_uring_reg_wait.layout());
      require(io_uring_reg_wait.flags(wait) == Liburing.IORING_REG_WAIT_TS(), "no timeout");
      timeoutNanos = nanos(io_uring_reg_wait.ts(wait));
      micros = io_uring_reg_wait.min_wait_usec(wait);
      waits.registered++;
    } else {
      require(bytes == io_uring_getevents_arg.sizeof(), "an argument of another size");
      timeoutNanos = timeout(io_uring_getevents_arg.ts(argument));
      micros = io_uring_getevents_arg.min_wait_usec(argument);
      waits.copied++;
    }
    require(
        micros == 0 || has(Liburing.IORING_FEAT_MIN_TIMEOUT()),
        "a minimum that this kernel does not know");
    require(enough <= 1 || micros != 0, "a wait for several completions without a minimum");
    require(micros * 1000L <= Math.max(0, timeoutNanos), "a minimum beyond the timeout");
    waits.gathering += micros == 0 ? 0 : 1;
    return getEvents(enough, micros * 1000L, timeoutNanos);
  }

  /** What an enter does for the thread that polls. */
  private void polledEnter(int flags) {
    if ((flags & Liburing.IORING_ENTER_SQ_WAKEUP()) != 0 && pollingAsleep) {
      waits.wakeUps++;
      pollingAsleep = false;
      showFlags();
    }
    boolean full = getInt(SQ_TAIL) - getInt(SQ_HEAD) == sqEntries;
    if ((flags & Liburing.IORING_ENTER_SQ_WAIT()) != 0 && full) {
      require(!pollingAsleep, "a wait for room that a thread which sleeps is to make");
      waits.takenByPolling += submit(1 + random.nextInt(sqEntries));
    }
  }

  /** Lets the thread that polls take some entries, or fall asleep when there are none. */
  private boolean pollSubmissions() {
    if (!enabled || !uses(Liburing.IORING_SETUP_SQPOLL()) || pollingAsleep) {
      return false;
    }
    noteReaped();
    int ready = getInt(SQ_TAIL) - getInt(SQ_HEAD);
    if (ready > 0) {
      waits.takenByPolling += submit(1 + random.nextInt(ready));
      return true;
    }
    if (random.nextInt(4) == 0) {
      pollingAsleep = true;
      showFlags();
    }
    return false;
  }

  /** The driver waits a moment after such an answer, by the real clock; not here. */
  private int failed(int result) {
    LockSupport.unpark(Thread.currentThread());
    return result;
  }

  private static long timeout(long address) {
    if (address == 0) {
      return -1;
    }
    return nanos(Memory.ALL.asSlice(address, __kernel_timespec.layout()));
  }

  private static long nanos(MemorySegment ts) {
    long nanos = __kernel_timespec.tv_nsec(ts);
    require(nanos >= 0 && nanos < 1_000_000_000, "nanoseconds out of range: " + nanos);
    return __kernel_timespec.tv_sec(ts) * 1_000_000_000 + nanos;
  }

  private int submit(int toSubmit) {
    int limit =
        toSubmit > 0 && chance(faults.partialSubmit()) ? random.nextInt(toSubmit) : toSubmit;
    int ready = getInt(SQ_TAIL) - getInt(SQ_HEAD);
    int taken = 0;
    while (taken < limit || links.isOpen()) { // what is short of memory takes no half of a chain
      require(taken < ready, "a chain whose end was not submitted");
      int head = getInt(SQ_HEAD);
      int index = head & sqEntries - 1;
      if (!uses(Liburing.IORING_SETUP_NO_SQARRAY())) {
        index = rings.get(JAVA_INT, sqArray + 4L * index);
      }
      var sqe = sqes.asSlice(index * Sqe.BYTES, Sqe.BYTES);
      var request = new SimulatedRequest(sqe, raw);
      checkUnusedFields(sqe, request);
      putInt(SQ_HEAD, head + 1);
      steps++;
      taken++;
      require(request.raw || !request.isLinked(), "a link that is not a raw operation: " + request);
      var first = links.take(request);
      if (first != null) {
        begin(first);
      }
    }
    handEnds();
    return taken;
  }

  private static void checkUnusedFields(MemorySegment sqe, SimulatedRequest request) {
    // NOPs of a length are those of users who set what nobody else does.
    boolean odd = request.raw && request.is(Liburing.IORING_OP_NOP()) && request.length != 0;
    require(
        io_uring_sqe.buf_index(sqe) == 0
            && io_uring_sqe.personality(sqe) == 0
            && io_uring_sqe.file_index(sqe) == (odd ? SimulatedChains.ODD_FILE_INDEX : 0)
            && sqe.get(JAVA_LONG, 48) == (odd ? SimulatedChains.ODD_ADDR3 : 0)
            && sqe.get(JAVA_LONG, 56) == 0,
        "fields that nobody set are not zero: " + request);
  }

  private void begin(SimulatedRequest request) {
    for (var other : inFlight) {
      require(
          request.is(Liburing.IORING_OP_ASYNC_CANCEL()) || other.userData != request.userData,
          "one token twice: " + request + " and " + other);
      require(!request.collidesWith(other), "the same memory: " + request + " and " + other);
    }
    operations.check(request);
    if (request.takesCredit()) {
      creditInFlight++;
      require(
          creditInFlight + creditUnreaped <= credit,
          "more in flight than the completion queue is to hold: " + request);
    }
    inFlight.add(request);
    if (!SimulatedOperations.isInline(request) && chance(faults.delay())) {
      request.readyAtNanos = nowNanos + 1 + random.nextInt(1_000_000);
      request.running = chance(faults.lateCancel());
    } else {
      operations.attempt(request); // ends inline
    }
    removeEnded();
  }

  private int getEvents(int minComplete, long minNanos, long timeoutNanos) {
    long deadline = timeoutNanos < 0 ? Long.MAX_VALUE : nowNanos + timeoutNanos;
    long minimum = nowNanos + minNanos;
    step(700);
    post();
    while (getInt(CQ_TAIL) - getInt(CQ_HEAD)
        < (nowNanos < minimum ? minComplete : Math.min(1, minComplete))) {
      if (chance(faults.enterError())) {
        return -Errno.EINTR.number();
      }
      if (!step(1000) && !operations.attemptWakeUp()) {
        require(
            !pollingAsleep || getInt(SQ_TAIL) == getInt(SQ_HEAD),
            "a wait for entries that a thread which sleeps is to take");
        long next = nextEvent();
        if (minimum > nowNanos) {
          nowNanos = Math.min(next, minimum);
          continue;
        }
        boolean woken = waitsForReal && operations.awaitWakeUp(Math.min(next, deadline) - nowNanos);
        if (!woken && (next > deadline || next == Long.MAX_VALUE)) {
          require(deadline != Long.MAX_VALUE, "a wait that nothing can end: " + inFlight);
          nowNanos = deadline;
          return -Errno.ETIME.number();
        }
        nowNanos = woken ? nowNanos : next;
      }
      removeEnded();
      handEnds();
      post();
    }
    return 0;
  }

  /** Lets what can go on go on, some of it, in any order. Returns whether anything did. */
  boolean step(int chance) {
    boolean any = (chance == 1000 || chance(chance)) && pollSubmissions();
    int size = inFlight.size();
    int from = size > 1 ? random.nextInt(size) : 0;
    for (int i = 0; i < size; i++) {
      var request = inFlight.get(i + from < size ? i + from : i + from - size);
      if (request.readyAtNanos <= nowNanos && (chance == 1000 || chance(chance))) {
        any |= operations.attempt(request);
      }
    }
    removeEnded();
    for (var link : links.takeDue(this)) {
      begin(link);
      any = true;
    }
    handEnds();
    return any || links.hasDue();
  }

  private void removeEnded() {
    boolean any = false;
    for (int i = 0; i < inFlight.size() && !any; i++) {
      any = inFlight.get(i).ended;
    }
    if (any) {
      inFlight.removeIf(r -> r.ended);
    }
  }

  private long nextEvent() {
    long next = Long.MAX_VALUE;
    for (var request : inFlight) {
      if (request.readyAtNanos > nowNanos) {
        next = Math.min(next, request.readyAtNanos);
      }
    }
    return next;
  }

  /** Overwrites what is the kernel's: whoever still looks at it, or looks too early, notices. */
  private void scribble() {
    if (!chance(faults.scribble())) {
      return;
    }
    operations.scribble();
    if (!inFlight.isEmpty()) {
      var request = inFlight.get(random.nextInt(inFlight.size()));
      if (request.writesMemory() && !(request.file instanceof SimulatedFile.WakeUpCounter)) {
        Memory.ALL.asSlice(request.address, request.length).fill((byte) random.nextInt());
      }
    }
  }

  // ---- completions

  /** An outcome; the last one, if flags do not say that there are more. */
  void complete(SimulatedRequest request, int result, int flags) {
    steps++;
    boolean last = (flags & Liburing.IORING_CQE_F_MORE()) == 0;
    request.ended = last;
    if (last && request.takesCredit()) {
      creditInFlight--;
      creditUnreaped++;
    }
    var completion = new Completion(request.userData, result, flags, request.takesCredit());
    if (last && chance(faults.delay())) {
      ends.add(completion);
    } else {
      hand(completion);
    }
    if (last) {
      observer.ended(request.userData, result);
      links.ended(request, result, link -> complete(link, -Errno.ECANCELED.number(), 0));
    }
  }

  private void hand(Completion completion) {
    if (uses(Liburing.IORING_SETUP_DEFER_TASKRUN())) {
      taskWork.add(completion);
      showFlags();
    } else {
      post(completion);
    }
  }

  private void handEnds() {
    while (!ends.isEmpty()) {
      hand(ends.remove());
    }
  }

  /** Task work, and what did not fit before. */
  private void post() {
    while (!overflow.isEmpty() && !isFull()) {
      write(overflow.remove());
    }
    while (!taskWork.isEmpty()) {
      post(taskWork.remove());
    }
    showFlags();
  }

  private void post(Completion completion) {
    noteReaped();
    if (overflow.isEmpty() && !isFull()) {
      write(completion);
    } else {
      overflow.add(completion);
      overflows++;
      showFlags();
    }
  }

  private boolean isFull() {
    return getInt(CQ_TAIL) - getInt(CQ_HEAD) == cqEntries;
  }

  private void write(Completion completion) {
    int tail = getInt(CQ_TAIL);
    int index = tail & cqEntries - 1;
    var cqe = rings.asSlice(CQES + index * io_uring_cqe.sizeof(), io_uring_cqe.sizeof());
    io_uring_cqe.user_data(cqe, completion.userData);
    io_uring_cqe.res(cqe, completion.result);
    io_uring_cqe.flags(cqe, completion.flags);
    tookCredit[index] = completion.tookCredit;
    putInt(CQ_TAIL, tail + 1);
  }

  private void showFlags() {
    putInt(
        SQ_FLAGS,
        (taskWork.isEmpty() ? 0 : Liburing.IORING_SQ_TASKRUN())
            | (overflow.isEmpty() ? 0 : Liburing.IORING_SQ_CQ_OVERFLOW())
            | (pollingAsleep ? Liburing.IORING_SQ_NEED_WAKEUP() : 0));
  }

  /** Follows the head, and spoils what lies before it. */
  private void noteReaped() {
    int head = getInt(CQ_HEAD);
    require(getInt(CQ_TAIL) - head >= 0 && head - cqHeadSeen >= 0, "the head is out of the queue");
    for (; cqHeadSeen != head; cqHeadSeen++) {
      int index = cqHeadSeen & cqEntries - 1;
      if (tookCredit[index]) {
        creditUnreaped--;
      }
      rings.asSlice(CQES + index * io_uring_cqe.sizeof(), io_uring_cqe.sizeof()).fill((byte) -2);
    }
  }

  private int getInt(long offset) {
    return rings.get(JAVA_INT, offset);
  }

  private void putInt(long offset, int value) {
    rings.set(JAVA_INT, offset, value);
  }
}
