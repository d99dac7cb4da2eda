package io.gyre.uring;

import io.gyre.bindings.Liburing;
import io.gyre.bindings.io_uring_sqe;
import java.lang.foreign.MemorySegment;
import java.util.function.LongPredicate;

/** A submission queue entry as the kernel has read it, and what became of it since. */
final class SimulatedRequest {
  final int opcode;
  final int flags;
  final int ioprio;
  final int fd;
  final long offset;
  final long address;
  final int length;
  final int opFlags;
  final long userData;

  /** Of a raw operation: those take no credit, and may be linked. */
  final boolean raw;

  /** What begins when this has succeeded; null at the end of a chain. */
  SimulatedRequest following;

  // Of a multishot poll: the state of what it polls when it reported last.
  boolean hasReported;
  int reportedState;

  /** A multishot receive: it has emptied a socket that was reset, and that it is not tried for again. */
  boolean missedReset;

  /** What it works on; null for operations without a descriptor. */
  SimulatedFile file;

  /** Nothing happens to it before. */
  long readyAtNanos;

  /** A cancellation has taken it: it will say so. */
  boolean cancelled;

  /** It runs on a worker: cancellations come too late. */
  boolean running;

  boolean ended;

  /** How much of a send has gone out. */
  int done;

  SimulatedRequest(MemorySegment sqe, LongPredicate isRaw) {
    opcode = io_uring_sqe.opcode(sqe);
    flags = io_uring_sqe.flags(sqe);
    ioprio = io_uring_sqe.ioprio(sqe);
    fd = io_uring_sqe.fd(sqe);
    offset = io_uring_sqe.off(sqe);
    address = io_uring_sqe.addr(sqe);
    length = io_uring_sqe.len(sqe);
    opFlags = io_uring_sqe.rw_flags(sqe);
    userData = io_uring_sqe.user_data(sqe);
    raw = isRaw.test(userData);
  }

  boolean is(int code) {
    return opcode == code;
  }

  boolean isMultishot() {
    return (is(Liburing.IORING_OP_ACCEPT()) && ioprio == Liburing.IORING_ACCEPT_MULTISHOT())
        || (is(Liburing.IORING_OP_RECV()) && (ioprio & Liburing.IORING_RECV_MULTISHOT()) != 0);
  }

  boolean isBundle() {
    return is(Liburing.IORING_OP_RECV()) && (ioprio & Liburing.IORING_RECVSEND_BUNDLE()) != 0;
  }

  boolean isLinked() {
    return (flags & Liburing.IOSQE_IO_LINK()) != 0;
  }

  /** Whether less than its length is a failure to a chain. */
  boolean transfers() {
    return is(Liburing.IORING_OP_READ())
        || is(Liburing.IORING_OP_WRITE())
        || is(Liburing.IORING_OP_READ_FIXED())
        || is(Liburing.IORING_OP_WRITE_FIXED());
  }

  boolean selectsBuffer() {
    return (flags & Liburing.IOSQE_BUFFER_SELECT()) != 0;
  }

  /** Whether a cancellation by descriptor finds it: these two know it by its number only. */
  boolean holds(SimulatedFile candidate) {
    return file == candidate && !is(Liburing.IORING_OP_CLOSE()) && !is(Liburing.IORING_OP_STATX());
  }

  /** Whether the kernel writes to memory that the entry names. */
  boolean writesMemory() {
    return is(Liburing.IORING_OP_READ())
        || is(Liburing.IORING_OP_READ_FIXED())
        || (is(Liburing.IORING_OP_RECV()) && !selectsBuffer());
  }

  private boolean readsMemory() {
    return is(Liburing.IORING_OP_WRITE())
        || is(Liburing.IORING_OP_WRITE_FIXED())
        || is(Liburing.IORING_OP_SEND());
  }

  /** Whether the memory of two requests that are in flight together must not be the same. */
  boolean collidesWith(SimulatedRequest other) {
    return (writesMemory() || other.writesMemory())
        && (writesMemory() || readsMemory())
        && (other.writesMemory() || other.readsMemory())
        && address < other.address + other.length
        && other.address < address + length;
  }

  /** Whether the driver must have counted it against the completion queue. */
  boolean takesCredit() {
    return !(raw
        || is(Liburing.IORING_OP_POLL_ADD())
        || is(Liburing.IORING_OP_ASYNC_CANCEL())
        || file instanceof SimulatedFile.WakeUpCounter
        || is(Liburing.IORING_OP_ACCEPT())
        || is(Liburing.IORING_OP_CONNECT())
        || is(Liburing.IORING_OP_POLL_ADD())
        || is(Liburing.IORING_OP_RECV())
        || is(Liburing.IORING_OP_SEND()));
  }

  @Override
  public String toString() {
    return "opcode "
        + opcode
        + " fd "
        + fd
        + " flags "
        + flags
        + " length "
        + length
        + " user_data "
        + Long.toHexString(userData);
  }
}
