package io.gyre.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Tells whether the kernel may work on a user's memory directly: whether it lives for as long as it is referenced, so
 * that nothing that a user can call frees it. Memory of an {@link Arena} that somebody can close does not, and there is
 * no public way to keep that open.
 *
 * <p>The two cases cannot be asked for, but their scopes have different classes. Those of known good examples are good;
 * anything else is not.
 */
public final class KernelMemory {
  private static final Set<Class<?>> GOOD_SCOPES = goodScopes();

  private KernelMemory() {}

  private static Set<Class<?>> goodScopes() {
    try (var confined = Arena.ofConfined();
        var shared = Arena.ofShared()) {
      var bad = Set.of(confined.scope().getClass(), shared.scope().getClass());
      return Stream.of(
              Arena.global().scope(),
              Arena.ofAuto().scope(),
              MemorySegment.ofBuffer(ByteBuffer.allocateDirect(1)).scope())
          .map(Object::getClass)
          .filter(c -> !bad.contains(c))
          .collect(Collectors.toUnmodifiableSet());
    }
  }

  /**
   * Whether a segment's memory is native, and lives for as long as the segment is referenced.
   *
   * @param segment a user's
   * @return true if the kernel may be given its address, while something holds the segment
   */
  public static boolean livesWhileReferenced(MemorySegment segment) {
    return segment.isNative() && GOOD_SCOPES.contains(segment.scope().getClass());
  }
}
