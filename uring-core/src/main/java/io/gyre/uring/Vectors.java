package io.gyre.uring;

import io.gyre.bindings.iovec;
import io.gyre.bindings.msghdr;
import io.gyre.driver.BufferVector;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * The native array of a vectored operation, which tells the kernel where each buffer is. It stays with the operation's
 * slot, and so lives until the last completion and is used again by the next operation of that slot. Buffers that the
 * kernel can't be given are copied, as {@link OperationMemory} does.
 *
 * <p>A send has a message besides, sendmsg(2)'s, of those entries of the array that are its next part: behind what has
 * gone out, and no more than the kernel takes at a time.
 */
final class Vectors {
  private static final long IOVEC_BYTES = iovec.sizeof();
  private static final long BASE = iovec.iov_base$offset();
  private static final long LENGTH = iovec.iov_len$offset();

  private MemorySegment array = MemorySegment.NULL; // GC-held: never freed while this is reachable
  private ByteBuffer[] copies;

  // Of sends only.
  private MemorySegment message = MemorySegment.NULL;
  private int next; // the first entry that has not gone out
  private int end;

  private Vectors() {}

  /** Fills in the array. Sets the operation's address to it. */
  static void prepare(Operation operation, OperationMemory registered) {
    of(operation.vector()).fill(operation, operation.vector(), registered);
  }

  private static Vectors of(BufferVector vector) {
    if (vector.driverState() instanceof Vectors kept) {
      return kept;
    }
    var own = new Vectors();
    vector.setDriverState(own);
    return own;
  }

  private void makeRoom(int count) {
    if (array.byteSize() < count * IOVEC_BYTES) {
      array = Arena.ofAuto().allocate(IOVEC_BYTES * Math.max(8, count), Long.BYTES);
    }
  }

  // ---- sends

  /**
   * Fills in the array and the message. Sets the operation's address to that. What must be copied goes into one piece of
   * memory, which the operation has as its driver state.
   */
  static void prepareSend(Operation operation, OperationMemory memory) {
    of(operation.vector()).fillToSend(operation, operation.vector(), memory);
  }

  private void fillToSend(Operation operation, BufferVector vector, OperationMemory memory) {
    int count = vector.count();
    makeRoom(count);
    if (message.byteSize() == 0) {
      message = Arena.ofAuto().allocate(msghdr.layout());
    }
    int toCopy = 0;
    long entry = array.address();
    for (int i = 0; i < count; i++) {
      var lease = vector.lease(i);
      long address =
          lease != null
              ? lease.address() + vector.position(i)
              : UserMemory.address(vector.memory(i));
      if (address == 0) {
        toCopy += vector.length(i);
      }
      Memory.putLong(entry + BASE, address);
      Memory.putLong(entry + LENGTH, vector.length(i));
      entry += IOVEC_BYTES;
    }
    if (toCopy > 0) {
      copyToSend(operation, vector, memory.acquireCopy(operation, toCopy));
    }
    next = 0;
    end = count;
    describePart(operation);
  }

  private void copyToSend(Operation operation, BufferVector vector, ByteBuffer copy) {
    try {
      int at = 0;
      for (int i = 0; i < vector.count(); i++) {
        long entry = array.address() + i * IOVEC_BYTES;
        if (Memory.getLong(entry + BASE) == 0) {
          copy.put(at, vector.memory(i), vector.position(i), vector.length(i));
          Memory.putLong(entry + BASE, operation.address() + at);
          at += vector.length(i);
        }
      }
    } catch (RuntimeException | Error e) {
      OperationMemory.releaseCopy(operation);
      throw e;
    }
  }

  /** So much has gone out, and no entry is in the kernel: the message is to say the rest. */
  static void skip(Operation operation, int bytes) {
    ((Vectors) operation.vector().driverState()).skipBytes(operation, bytes);
  }

  private void skipBytes(Operation operation, int bytes) {
    long left = bytes;
    long entry = array.address() + next * IOVEC_BYTES;
    while (next < end && Memory.getLong(entry + LENGTH) <= left) {
      left -= Memory.getLong(entry + LENGTH);
      entry += IOVEC_BYTES;
      next++;
    }
    if (left > 0) {
      Memory.putLong(entry + BASE, Memory.getLong(entry + BASE) + left);
      Memory.putLong(entry + LENGTH, Memory.getLong(entry + LENGTH) - left);
    }
    describePart(operation);
  }

  private void describePart(Operation operation) {
    long header = message.address();
    Memory.putLong(header + msghdr.msg_iov$offset(), array.address() + next * IOVEC_BYTES);
    Memory.putLong(
        header + msghdr.msg_iovlen$offset(), Math.min(end - next, BufferVector.MAX_COUNT));
    operation.setAddress(header, false);
  }

  // ---- reads and writes

  private void fill(Operation operation, BufferVector vector, OperationMemory registered) {
    int count = vector.count();
    makeRoom(count);
    copies = null;
    // The kernel takes registered memory for all or for none of them. With O_DIRECT only: elsewhere
    // no memory is pinned, and files without read_iter, as many of /proc, are read over this array
    // itself (seen on Linux 6.18).
    boolean fixed = ((UringDescriptor) operation.descriptor()).direct && registered.takesVectors();
    long entry = array.address();
    for (int i = 0; i < count; i++) {
      var lease = vector.lease(i);
      long address = lease != null ? lease.address() : UserMemory.address(vector.memory(i));
      // A buffer's address is that of its first byte; a slice's of its own first.
      if (lease != null) {
        address += vector.position(i);
      } else if (address == 0) {
        address = copyIn(operation.code() == OpCode.WRITEV, vector, i);
      }
      int length = vector.length(i); // 0 is EFAULT to the fixed form, and nothing to the plain one
      fixed = fixed && lease != null && length > 0 && registered.isRegistered(address, length);
      Memory.putLong(entry + BASE, address);
      Memory.putLong(entry + LENGTH, length);
      entry += IOVEC_BYTES;
    }
    operation.setAddress(array.address(), fixed);
  }

  private long copyIn(boolean content, BufferVector vector, int i) {
    int length = vector.length(i);
    var copy = ByteBuffer.allocateDirect(length);
    if (copies == null) {
      copies = new ByteBuffer[vector.count()];
    }
    copies[i] = copy;
    if (content) {
      copy.put(0, vector.memory(i), vector.position(i), length);
    }
    return MemorySegment.ofBuffer(copy).address();
  }

  /** Brings what was read to where the user wants it. Returns the result, or that of a user who closed that memory. */
  static int copyOut(Operation operation, int result) {
    var vector = operation.vector();
    if (!(vector.driverState() instanceof Vectors own) || own.copies == null) {
      return result;
    }
    var copies = own.copies;
    own.copies = null;
    if (operation.code() != OpCode.READV) {
      return result;
    }
    try {
      int left = result;
      for (int i = 0; i < copies.length && left > 0; i++) {
        int part = Math.min(left, vector.length(i));
        if (copies[i] != null) {
          vector.memory(i).put(vector.position(i), copies[i], 0, part);
        }
        left -= part;
      }
      return result;
    } catch (RuntimeException e) {
      operation.setFailure(e);
      return -Errno.EFAULT.number();
    }
  }
}
