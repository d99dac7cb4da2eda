package io.gyre.uring;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * Loads and stores by address, for the memory that is shared with the kernel. The memory order is
 * in the verb.
 *
 * <p>One segment that covers everything is {@code static final}, so that the compiled code of an
 * access is the bare load or store. Nothing here checks an address: callers index by masks that the
 * kernel gave. All words are aligned; plain accesses use the unaligned layouts all the same, which
 * saves a check of that for each.
 *
 * <p>The handles are used directly where entries are written: there the compiler is many calls deep
 * already, from a completion through a user's handler to the next submission, and it stops inlining
 * at a depth of 15.
 */
final class Memory {
  @SuppressWarnings("restricted") // the rings are the kernel's memory: no segment bounds it
  static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  static final VarHandle LONG = exact(ValueLayout.JAVA_LONG_UNALIGNED);
  private static final VarHandle INT = exact(ValueLayout.JAVA_INT_UNALIGNED);
  private static final VarHandle SHORT = exact(ValueLayout.JAVA_SHORT_UNALIGNED);
  private static final VarHandle ALIGNED_INT = exact(ValueLayout.JAVA_INT);
  private static final VarHandle ALIGNED_SHORT = exact(ValueLayout.JAVA_SHORT);

  private Memory() {}

  private static VarHandle exact(ValueLayout layout) {
    return layout.varHandle().withInvokeExactBehavior();
  }

  static int getShort(long address) {
    return (short) SHORT.get(ALL, address);
  }

  static int getInt(long address) {
    return (int) INT.get(ALL, address);
  }

  static int getIntAcquire(long address) {
    return (int) ALIGNED_INT.getAcquire(ALL, address);
  }

  static int getIntOpaque(long address) {
    return (int) ALIGNED_INT.getOpaque(ALL, address);
  }

  static long getLong(long address) {
    return (long) LONG.get(ALL, address);
  }

  static void putShort(long address, int value) {
    SHORT.set(ALL, address, (short) value);
  }

  static void putShortRelease(long address, int value) {
    ALIGNED_SHORT.setRelease(ALL, address, (short) value);
  }

  static void putInt(long address, int value) {
    INT.set(ALL, address, value);
  }

  static void putIntRelease(long address, int value) {
    ALIGNED_INT.setRelease(ALL, address, value);
  }

  static void putLong(long address, long value) {
    LONG.set(ALL, address, value);
  }
}
