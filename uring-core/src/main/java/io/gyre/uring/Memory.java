package io.gyre.uring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * Loads and stores by address, for the memory that is shared with the kernel. The memory order is in the verb.
 *
 * <p>One segment that covers everything is {@code static final}, so that the compiled code of an access is the bare load
 * or store. Nothing here checks an address: callers index by masks that the kernel gave.
 */
final class Memory {
  @SuppressWarnings(
      "restricted") // the rings are the kernel's memory: there is no segment that bounds it
  private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  private static final VarHandle INT = JAVA_INT.varHandle();
  private static final VarHandle SHORT = JAVA_SHORT.varHandle();

  private Memory() {}

  static int getInt(long address) {
    return ALL.get(JAVA_INT, address);
  }

  static int getIntAcquire(long address) {
    return (int) INT.getAcquire(ALL, address);
  }

  static int getIntOpaque(long address) {
    return (int) INT.getOpaque(ALL, address);
  }

  static long getLong(long address) {
    return ALL.get(JAVA_LONG, address);
  }

  static void putByte(long address, int value) {
    ALL.set(JAVA_BYTE, address, (byte) value);
  }

  static void putShort(long address, int value) {
    ALL.set(JAVA_SHORT, address, (short) value);
  }

  static void putShortRelease(long address, int value) {
    SHORT.setRelease(ALL, address, (short) value);
  }

  static void putInt(long address, int value) {
    ALL.set(JAVA_INT, address, value);
  }

  static void putIntRelease(long address, int value) {
    INT.setRelease(ALL, address, value);
  }

  static void putLong(long address, long value) {
    ALL.set(JAVA_LONG, address, value);
  }
}
