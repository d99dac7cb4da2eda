package io.gyre.uring;

import io.gyre.WaitStrategy;
import io.gyre.bindings.Liburing;
import io.gyre.bindings.__kernel_timespec;
import io.gyre.bindings.io_uring_getevents_arg;
import io.gyre.bindings.io_uring_mem_region_reg;
import io.gyre.bindings.io_uring_reg_wait;
import io.gyre.bindings.io_uring_region_desc;
import io.gyre.driver.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * How a wait in the kernel is told when to end: the argument of {@code io_uring_enter}, which the kernel copies at each
 * wait, or memory that was registered for it once (kernel 6.13).
 *
 * <p>Either is written with plain stores. The kernel reads it on the thread that wrote it, inside the call, and not after
 * it: it is ours again when the call returns.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/io_uring_enter2.2.html">io_uring_enter2(2)</a>
 */
final class WaitArgument {
  private static final int NANOS_PER_SECOND = 1_000_000_000;
  private static final int NANOS_PER_MICRO = 1000;
  private static final long SECONDS = __kernel_timespec.tv_sec$offset();
  private static final long NANOS = __kernel_timespec.tv_nsec$offset();

  /**
   * In place of no limit, without which the kernel ends a wait when its minimum is over, even with nothing (6.12). A loop
   * that wakes once an hour for nothing is none the worse for it.
   */
  private static final long LONGEST_GATHERING_NANOS = 3600L * NANOS_PER_SECOND;

  // A region is of whole pages. Their size is not known here: the smallest that the kernel takes.
  private static final long LARGEST_PAGE = 65_536;
  private static final long[] PAGES = {4096, 16_384, LARGEST_PAGE};

  private final int minWaitMicros;
  private final int minWaitCompletions;
  private final boolean noIoWait;

  private final MemorySegment timeout = Arena.ofAuto().allocate(__kernel_timespec.layout());
  private final MemorySegment copied = Arena.ofAuto().allocate(io_uring_getevents_arg.layout());

  // What the kernel looks at: what it copies, or the page that is registered, which it has pinned;
  // either must stay reachable for as long as this. And where the fields are in it.
  private MemorySegment argument = copied;
  private boolean registered;
  private long argumentBytes = io_uring_getevents_arg.sizeof();
  private int argumentFlags = Liburing.IORING_ENTER_EXT_ARG();
  private long timeoutAddress = timeout.address();
  private long minWaitAddress = copied.address() + io_uring_getevents_arg.min_wait_usec$offset();

  private WaitArgument(WaitStrategy strategy, boolean minWait, boolean noIoWait) {
    this.minWaitMicros = minWait ? strategy.minWaitMicros() : 0;
    this.minWaitCompletions = strategy.minWaitCompletions();
    this.noIoWait = noIoWait;
    io_uring_getevents_arg.ts(copied, timeout.address());
  }

  /**
   * The argument of a ring's waits.
   *
   * @param minWait whether the strategy's minimum may be used
   * @param noIoWait whether waits may be kept from counting as waits for a disk
   */
  static WaitArgument of(WaitStrategy strategy, boolean minWait, boolean noIoWait) {
    return new WaitArgument(strategy, minWait, noIoWait);
  }

  /**
   * Registers memory for the argument. Only while the ring is disabled, when nobody can be waiting.
   *
   * @return 0, or the negated errno
   */
  int register(Ring ring) {
    var memory = Arena.ofAuto().allocate(LARGEST_PAGE, LARGEST_PAGE);
    var region = Arena.ofAuto().allocate(io_uring_region_desc.layout());
    var argument = Arena.ofAuto().allocate(io_uring_mem_region_reg.layout());
    io_uring_region_desc.user_addr(region, memory.address());
    io_uring_region_desc.flags(region, Liburing.IORING_MEM_REGION_TYPE_USER());
    io_uring_mem_region_reg.region_uptr(argument, region.address());
    io_uring_mem_region_reg.flags(argument, Liburing.IORING_MEM_REGION_REG_WAIT_ARG());
    int result = -Errno.EINVAL.number();
    for (int i = 0; i < PAGES.length && result == -Errno.EINVAL.number(); i++) {
      io_uring_region_desc.size(region, PAGES[i]);
      result = ring.register(Liburing.IORING_REGISTER_MEM_REGION(), argument, 1);
    }
    if (result >= 0) {
      use(memory);
    }
    return result;
  }

  private void use(MemorySegment memory) {
    registered = true;
    argument = memory;
    io_uring_reg_wait.flags(memory, Liburing.IORING_REG_WAIT_TS());
    argumentBytes = io_uring_reg_wait.sizeof();
    argumentFlags = Liburing.IORING_ENTER_EXT_ARG() | Liburing.IORING_ENTER_EXT_ARG_REG();
    timeoutAddress = memory.address() + io_uring_reg_wait.ts$offset();
    minWaitAddress = memory.address() + io_uring_reg_wait.min_wait_usec$offset();
  }

  /**
   * Enters and waits.
   *
   * @param flags those of the call but for what the argument needs
   * @param timeoutNanos how long at most; negative without limit
   */
  int enter(Kernel kernel, int fd, int toSubmit, int minComplete, int flags, long timeoutNanos) {
    int waitFlags = noIoWait ? flags | Liburing.IORING_ENTER_NO_IOWAIT() : flags;
    if (minWaitMicros != 0) {
      return gather(kernel, fd, toSubmit, minComplete, waitFlags, timeoutNanos);
    }
    if (timeoutNanos < 0) {
      return kernel.enter(fd, toSubmit, minComplete, waitFlags, MemorySegment.NULL, 0);
    }
    return enter(kernel, fd, toSubmit, minComplete, waitFlags, timeoutNanos, 0);
  }

  private int gather(
      Kernel kernel, int fd, int toSubmit, int minComplete, int flags, long timeoutNanos) {
    long limit = timeoutNanos < 0 ? LONGEST_GATHERING_NANOS : timeoutNanos;
    // Never past the timeout, which is when a timer is due.
    int micros = (int) Math.min(minWaitMicros, limit / NANOS_PER_MICRO);
    int enough = micros == 0 ? minComplete : minWaitCompletions;
    return enter(kernel, fd, toSubmit, enough, flags, limit, micros);
  }

  private int enter(
      Kernel kernel,
      int fd,
      int toSubmit,
      int minComplete,
      int flags,
      long timeoutNanos,
      int micros) {
    Memory.putLong(timeoutAddress + SECONDS, timeoutNanos / NANOS_PER_SECOND);
    Memory.putLong(timeoutAddress + NANOS, timeoutNanos % NANOS_PER_SECOND);
    Memory.putInt(minWaitAddress, micros);
    // Of a region not the address is given, but where in it the argument begins.
    var pointer = registered ? MemorySegment.NULL : argument;
    return kernel.enter(fd, toSubmit, minComplete, flags | argumentFlags, pointer, argumentBytes);
  }
}
