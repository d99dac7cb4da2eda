package io.gyre.uring;

import io.gyre.bindings.iovec;
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
 */
final class Vectors {
  private static final long IOVEC_BYTES = iovec.sizeof();
  private static final long BASE = iovec.iov_base$offset();
  private static final long LENGTH = iovec.iov_len$offset();

  private MemorySegment array = MemorySegment.NULL; // GC-held: never freed while this is reachable
  private ByteBuffer[] copies;

  private Vectors() {}

  /** Fills in the array. Sets the operation's address to it. */
  static void prepare(Operation operation, OperationMemory registered) {
    var vector = operation.vector();
    Vectors own;
    if (vector.driverState() instanceof Vectors kept) {
      own = kept;
    } else {
      own = new Vectors();
      vector.setDriverState(own);
    }
    own.fill(operation, vector, registered);
  }

  private void fill(Operation operation, BufferVector vector, OperationMemory registered) {
    int count = vector.count();
    if (array.byteSize() < count * IOVEC_BYTES) {
      array = Arena.ofAuto().allocate(IOVEC_BYTES * Math.max(8, count), Long.BYTES);
    }
    copies = null;
    // The kernel takes registered memory for all or for none of them. With O_DIRECT only: elsewhere
    // no
    // memory is pinned, and files without read_iter, as many of /proc, are read over this array
    // itself
    // (seen on Linux 6.18).
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
