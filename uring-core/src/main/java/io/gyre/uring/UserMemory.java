package io.gyre.uring;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Tells whether the kernel may work on a user's buffer directly.
 *
 * <p>It may when the memory lives as long as the buffer object, which the operation holds: then nothing that a user can
 * call frees it. It may not when the buffer is a view of a segment whose {@link Arena} somebody can close, since there is
 * no public way to keep that open: such a buffer is copied, as is one on the heap.
 *
 * <p>The two cases cannot be asked for, but their scopes have different classes. Those of known good examples are good;
 * anything else is copied, which is always right.
 */
final class UserMemory {
  private static final Set<Class<?>> LIVES_WITH_ITS_BUFFER = goodScopes();

  private UserMemory() {}

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

  /** Where the buffer's remaining memory is, or 0 when it must be copied. */
  static long address(ByteBuffer buffer) {
    if (!buffer.isDirect()) {
      return 0;
    }
    var segment = MemorySegment.ofBuffer(buffer);
    return LIVES_WITH_ITS_BUFFER.contains(segment.scope().getClass()) ? segment.address() : 0;
  }
}
