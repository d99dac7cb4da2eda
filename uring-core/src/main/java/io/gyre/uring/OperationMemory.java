package io.gyre.uring;

import io.gyre.Buffer;
import io.gyre.BufferPool;
import io.gyre.bindings.Liburing;
import io.gyre.bindings.iovec;
import io.gyre.driver.BufferAccess;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * Where the kernel reads and writes for an operation: in the pool that is registered with it, in the user's own memory
 * if that lives as long as it is referenced, else in a copy. It is the kernel's until the operation's last completion.
 */
final class OperationMemory {
  private static final BufferAccess BUFFERS = BufferAccess.get();
  private static final long MIN_REGISTERED_BYTES = 1 << 20;

  private BufferPool pool;
  private long registeredFrom;
  private long registeredTo;
  private boolean vectors;

  /** Takes the loop's pool in, and registers as much of it as the limit of locked memory allows. */
  void register(Ring ring, BufferPool buffers, CapabilityReport report) {
    pool = buffers;
    if (!report.allows(KernelFeature.REGISTERED_BUFFERS)) {
      if (report.allows(KernelFeature.REGISTERED_VECTORS)) {
        report.absent(
            KernelFeature.REGISTERED_VECTORS,
            "it needs " + KernelFeature.REGISTERED_BUFFERS.configurationName());
      }
      return;
    }
    var memory = BUFFERS.memory(buffers);
    long wanted = memory.byteSize();
    long bytes = wanted;
    int result = register(ring, memory, bytes);
    while (result < 0 && bytes > MIN_REGISTERED_BYTES) {
      bytes /= 2;
      result = register(ring, memory, bytes);
    }
    if (result == 0) {
      registeredFrom = memory.address();
      registeredTo = registeredFrom + bytes;
    }
    report.registeredBuffers(result == 0 ? bytes : 0, wanted, result);
    if (report.allows(KernelFeature.REGISTERED_VECTORS)) {
      vectors = result == 0;
      if (vectors) {
        report.used(KernelFeature.REGISTERED_VECTORS);
      } else {
        report.absent(KernelFeature.REGISTERED_VECTORS, "no memory is registered");
      }
    }
  }

  /** The same on any ring, for self-tests: 0 or the negated errno. */
  static int register(Ring ring, MemorySegment memory, long bytes) {
    var region = Arena.ofAuto().allocate(iovec.layout());
    iovec.iov_base(region, memory);
    iovec.iov_len(region, bytes);
    return ring.register(Liburing.IORING_REGISTER_BUFFERS(), region, 1);
  }

  /** The pool, or null before there is one. */
  BufferPool pool() {
    return pool;
  }

  /** Tells the operation its address. What it must copy to it has in its driver state from then on. */
  void prepare(Operation operation) {
    var lease = operation.lease();
    if (lease != null) {
      long address = lease.address() + operation.memoryPosition();
      operation.setAddress(address, isRegistered(address, operation.memoryLength()));
      return;
    }
    long address = UserMemory.address(operation.memory());
    if (address != 0) {
      operation.setAddress(address, false);
    } else {
      copyIn(operation);
    }
  }

  /** Whether operations on several buffers may name registered memory. */
  boolean takesVectors() {
    return vectors;
  }

  boolean isRegistered(long address, int length) {
    return address >= registeredFrom && address + length <= registeredTo;
  }

  /** Puts memory of our own in the place of memory that the kernel can't be given. */
  private void copyIn(Operation operation) {
    int length = operation.memoryLength();
    var copy = acquireCopy(operation, length);
    if (operation.code() == OpCode.WRITE || operation.code() == OpCode.SEND) {
      try {
        copy.put(0, operation.memory(), operation.memoryPosition(), length);
      } catch (RuntimeException | Error e) {
        releaseCopy(operation);
        throw e;
      }
    }
  }

  /** Memory of our own, which the operation has as its driver state until {@link #releaseCopy}, and as its address. */
  ByteBuffer acquireCopy(Operation operation, int length) {
    var pooled =
        pool == null || length == 0 || length > BufferPool.MAX_BUFFER_BYTES
            ? null
            : pool.tryAcquire(length);
    ByteBuffer copy;
    if (pooled != null) {
      operation.setDriverState(pooled);
      copy = pooled.byteBuffer();
      operation.setAddress(pooled.address(), isRegistered(pooled.address(), length));
    } else {
      copy = ByteBuffer.allocateDirect(length);
      operation.setDriverState(copy);
      operation.setAddress(MemorySegment.ofBuffer(copy).address(), false);
    }
    return copy;
  }

  /** Brings what was read to where the user wants it. Returns the result, or that of a user who closed that memory. */
  @SuppressWarnings("ReferenceEquality") // this very object
  int copyOut(Operation operation, int result) {
    var state = operation.driverState();
    if (state == null || state == UringDriver.MORE_TO_DO) {
      return result; // the kernel worked on the user's memory itself
    }
    int outcome = result;
    if (result > 0 && (operation.code() == OpCode.READ || operation.code() == OpCode.RECEIVE)) {
      var copy = state instanceof Buffer pooled ? pooled.byteBuffer() : (ByteBuffer) state;
      try {
        operation.memory().put(operation.memoryPosition(), copy, 0, result);
      } catch (RuntimeException e) {
        operation.setFailure(e);
        outcome = -Errno.EFAULT.number();
      }
    }
    releaseCopy(operation);
    return outcome;
  }

  static void releaseCopy(Operation operation) {
    if (operation.driverState() instanceof Buffer pooled) {
      pooled.release();
    }
    operation.setDriverState(null);
  }
}
