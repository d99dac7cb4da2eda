package io.gyre.uring;

import io.gyre.bindings.Liburing;
import io.gyre.bindings.io_uring_sqe;
import io.gyre.driver.Operation;
import io.gyre.driver.RawOperation;
import java.util.ArrayDeque;

/**
 * Writes entries of raw operations, and fields of others. They may set fields that no other operation does and that therefore no other clears
 * (see {@link Sqe}): those are zeroed again once the kernel has taken the entry.
 */
final class RawEntries {
  /** Of 2 bytes; with 2 that nobody uses, and the file index, one word. */
  private static final long BUFFER_GROUP = io_uring_sqe.buf_index$offset();

  private static final long FILE_INDEX = io_uring_sqe.splice_fd_in$offset();
  private static final long ADDR3 = io_uring_sqe.addr3$offset();

  /** An entry with such fields, and where in the queue it is. */
  private record Dirty(int position, long sqe) {}

  private final ArrayDeque<Dirty> dirty = new ArrayDeque<>();

  /** Writes the ring's latest entry; with linked, the next one begins when this one has succeeded. */
  void write(Ring ring, long sqe, Operation operation, boolean linked) {
    var raw = (RawOperation) operation.argument();
    // By the number: not all opcodes know the table of registered files.
    int fd =
        operation.descriptor() == null ? raw.fd() : ((UringDescriptor) operation.descriptor()).fd;
    int flags =
        (linked ? Liburing.IOSQE_IO_LINK() : 0) | (raw.isAsync() ? Liburing.IOSQE_ASYNC() : 0);
    Sqe.write(
        sqe,
        raw.opcode(),
        flags,
        fd,
        raw.addr2(),
        raw.addr(),
        raw.length(),
        raw.opFlags(),
        operation.token());
    Sqe.ioprio(sqe, raw.ioprio());
    if (raw.fileIndex() != 0 || raw.addr3() != 0) {
      Memory.putInt(sqe + FILE_INDEX, raw.fileIndex());
      Memory.putLong(sqe + ADDR3, raw.addr3());
      dirty.add(new Dirty(ring.nextPosition() - 1, sqe));
    }
  }

  /** An entry of {@link io.gyre.driver.OpCode#SPLICE}, whose source is in such a field. */
  void writeSplice(Ring ring, long sqe, Operation operation) {
    var from = (UringDescriptor) operation.descriptor();
    var to = (UringDescriptor) operation.otherDescriptor();
    Sqe.write(
        sqe,
        Liburing.IORING_OP_SPLICE(),
        to.sqeFlags,
        to.sqeFd,
        operation.otherOffset(),
        operation.offset(),
        (int) Math.min(operation.length(), Integer.MAX_VALUE),
        0,
        operation.token());
    Memory.putInt(sqe + FILE_INDEX, from.fd);
    dirty.add(new Dirty(ring.nextPosition() - 1, sqe));
  }

  /** Names the buffers that the ring's latest entry receives into, where they are not those of streams. */
  void bufferGroup(Ring ring, long sqe, int group) {
    Memory.putShort(sqe + BUFFER_GROUP, group);
    dirty.add(new Dirty(ring.nextPosition() - 1, sqe));
  }

  boolean areDirty() {
    return !dirty.isEmpty();
  }

  void clean(Ring ring) {
    while (!dirty.isEmpty() && ring.isTaken(dirty.getFirst().position)) {
      long sqe = dirty.removeFirst().sqe;
      Memory.putLong(sqe + BUFFER_GROUP, 0);
      Memory.putLong(sqe + ADDR3, 0);
    }
  }
}
