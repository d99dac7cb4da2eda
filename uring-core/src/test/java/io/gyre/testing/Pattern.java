package io.gyre.testing;

import java.nio.ByteBuffer;

/**
 * Bytes that depend on a seed and on where they are, and on nothing else: what is read anywhere in
 * a file or stream can be checked without a copy of the whole. Neighbouring positions differ, and
 * so does the same position of another seed.
 */
public record Pattern(long seed) {
  /** The byte at a position. */
  public byte at(long position) {
    long word = mix(seed + (position >>> 3));
    return (byte) (word >>> ((position & 7) << 3));
  }

  private static long mix(long value) { // SplitMix64's finisher
    long z = value * 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** The bytes from a position on. */
  public byte[] bytes(long position, int length) {
    var result = new byte[length];
    for (int i = 0; i < length; i++) {
      result[i] = at(position + i);
    }
    return result;
  }

  /**
   * Fills what remains of a buffer with the bytes from a position on; leaves position and limit.
   */
  public ByteBuffer fill(ByteBuffer buffer, long position) {
    for (int i = buffer.position(); i < buffer.limit(); i++) {
      buffer.put(i, at(position + i - buffer.position()));
    }
    return buffer;
  }

  /** Checks a range of a buffer against the bytes from a position on. */
  public void check(ByteBuffer buffer, int from, int to, long position) {
    for (int i = from; i < to; i++) {
      byte expected = at(position + i - from);
      if (buffer.get(i) != expected) {
        throw new AssertionError(
            "byte "
                + (position + i - from)
                + " of pattern "
                + seed
                + " should be "
                + expected
                + " but is "
                + buffer.get(i)
                + " (index "
                + i
                + " of "
                + from
                + " to "
                + to
                + ")");
      }
    }
  }

  /** Checks a range of an array against the bytes from a position on. */
  public void check(byte[] bytes, int from, int to, long position) {
    check(ByteBuffer.wrap(bytes), from, to, position);
  }
}
