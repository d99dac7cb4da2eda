package io.gyre.benchmarks.cli;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * A block that says where it belongs and which version it is, over the memory of a request. All that follows the header
 * differs from version to version, so that a block of two halves has a wrong checksum.
 *
 * <pre>
 *  0        8        16       24        32       36         40
 *  +--------+--------+--------+---------+--------+----------+----------------------------------+
 *  | magic  | run    | offset | version | length | checksum | drawn from run, offset, version  |
 *  +--------+--------+--------+---------+--------+----------+----------------------------------+
 * </pre>
 *
 * Little-endian. The checksum is the CRC32C of the whole block, with 0 in its own place.
 */
final class StampedBlock {
  static final int HEADER_BYTES = 40;

  private static final long MAGIC = 0x314b_4c42_4552_5947L; // GYREBLK1
  private static final int RUN = 8;
  private static final int OFFSET = 16;
  private static final int VERSION = 24;
  private static final int LENGTH = 32;
  private static final int CHECKSUM = 36;
  private static final long GOLDEN_GAMMA = 0x9e37_79b9_7f4a_7c15L;

  private static final VarHandle LONG =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle INT =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  private final ByteBuffer memory;
  private final CRC32C crc = new CRC32C();

  StampedBlock(ByteBuffer memory) {
    this.memory = memory;
  }

  /** Makes the memory up to its limit a block, and leaves its position at the start. */
  void stamp(long run, long offset, long version) {
    int length = memory.limit();
    LONG.set(memory, 0, MAGIC);
    LONG.set(memory, RUN, run);
    LONG.set(memory, OFFSET, offset);
    LONG.set(memory, VERSION, version);
    INT.set(memory, LENGTH, length);
    fill(mix(mix(run + offset) + version), length);
    INT.set(memory, CHECKSUM, computeChecksum());
  }

  private void fill(long seed, int length) {
    long state = seed;
    int at = HEADER_BYTES;
    for (; at <= length - Long.BYTES; at += Long.BYTES) {
      state += GOLDEN_GAMMA;
      LONG.set(memory, at, mix(state));
    }
    for (; at < length; at++) {
      memory.put(at, (byte) (state >>> at));
    }
  }

  /** SplitMix64's. */
  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xbf58_476d_1ce4_e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d0_49bb_1331_11ebL;
    return z ^ (z >>> 31);
  }

  /** Whether it begins like one. */
  boolean hasMagic() {
    return (long) LONG.get(memory, 0) == MAGIC;
  }

  long run() {
    return (long) LONG.get(memory, RUN);
  }

  long offset() {
    return (long) LONG.get(memory, OFFSET);
  }

  long version() {
    return (long) LONG.get(memory, VERSION);
  }

  int length() {
    return (int) INT.get(memory, LENGTH);
  }

  int checksum() {
    return (int) INT.get(memory, CHECKSUM);
  }

  /** What the checksum of this content is; the memory's position is at the start afterwards. */
  int computeChecksum() {
    int stored = checksum();
    INT.set(memory, CHECKSUM, 0);
    crc.reset();
    crc.update(memory.position(0));
    memory.position(0);
    INT.set(memory, CHECKSUM, stored);
    return (int) crc.getValue();
  }
}
