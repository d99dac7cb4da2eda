package io.gyre.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * The memory that a loop's {@link io.gyre.BufferPool} is cut from.
 *
 * @param segment zeroed native memory with every page there already; freed by the garbage collector only, when no view
 *     of it is left
 * @param pages what it is made of, for people to read: {@code 4 KiB pages}, {@code huge pages} ...
 */
public record PoolMemory(MemorySegment segment, String pages) {
  /** How pools are aligned, in bytes. */
  public static final long ALIGNMENT = 4096;

  /** Checks that nothing is missing. */
  public PoolMemory {
    Objects.requireNonNull(segment, "segment");
    Objects.requireNonNull(pages, "pages");
  }

  /**
   * Memory as the JDK gives it, on any system.
   *
   * @param bytes how much
   * @return memory of the usual pages
   */
  public static PoolMemory plain(long bytes) {
    // Filled with zeroes by the JDK, which brings in every page.
    return new PoolMemory(Arena.ofAuto().allocate(bytes, ALIGNMENT), "usual pages");
  }
}
