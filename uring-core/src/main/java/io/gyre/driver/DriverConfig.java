package io.gyre.driver;

import java.util.Set;

/**
 * What a driver is opened with.
 *
 * @param loopIndex which loop it drives, from 0
 * @param ringEntries size of the submission queue, a power of two from 2 to 32768
 * @param completionEntries size of the completion queue, a power of two, at least {@code ringEntries}
 * @param receiveBufferCount buffers for {@link OpCode#RECEIVE_MULTISHOT}, a power of two from 2 to 32768
 * @param receiveBufferBytes size of each of them
 * @param fixedFiles descriptors that may be registered with the ring; 0 for none
 * @param disabled names of features of the kernel that are not to be used; those that the driver does not know mean
 *     nothing to it
 */
public record DriverConfig(
    int loopIndex,
    int ringEntries,
    int completionEntries,
    int receiveBufferCount,
    int receiveBufferBytes,
    int fixedFiles,
    Set<String> disabled) {

  /** Checks the ranges. */
  public DriverConfig {
    requirePowerOfTwo("ringEntries", ringEntries, 2, 32_768);
    requirePowerOfTwo("completionEntries", completionEntries, ringEntries, 65_536);
    requirePowerOfTwo("receiveBufferCount", receiveBufferCount, 2, 32_768);
    if (receiveBufferBytes < 64 || receiveBufferBytes > 1 << 24) {
      throw new IllegalArgumentException(
          "receiveBufferBytes must be 64 to 16777216: " + receiveBufferBytes);
    }
    if (fixedFiles < 0 || fixedFiles > 1 << 20) {
      throw new IllegalArgumentException("fixedFiles must be 0 to 1048576: " + fixedFiles);
    }
    disabled = Set.copyOf(disabled);
  }

  /**
   * A configuration with nothing switched off.
   *
   * @param loopIndex as in the canonical constructor, like the rest
   * @param ringEntries as there
   * @param completionEntries as there
   * @param receiveBufferCount as there
   * @param receiveBufferBytes as there
   * @param fixedFiles as there
   */
  public DriverConfig(
      int loopIndex,
      int ringEntries,
      int completionEntries,
      int receiveBufferCount,
      int receiveBufferBytes,
      int fixedFiles) {
    this(
        loopIndex,
        ringEntries,
        completionEntries,
        receiveBufferCount,
        receiveBufferBytes,
        fixedFiles,
        Set.of());
  }

  private static void requirePowerOfTwo(String name, int value, int min, int max) {
    if (value < min || value > max || Integer.bitCount(value) != 1) {
      throw new IllegalArgumentException(
          name + " must be a power of two from " + min + " to " + max + ": " + value);
    }
  }
}
