package io.gyre;

import java.util.List;

/**
 * What the loops of a runtime have done since it was started: {@link IoRuntime#stats()}.
 *
 * @param total the sum over all loops; of the free receive buffers, the fewest of any loop
 * @param loops each loop, in the order of their indexes
 */
public record RuntimeStats(LoopStats total, List<LoopStats> loops) {
  /** Keeps a copy of the list. */
  public RuntimeStats {
    loops = List.copyOf(loops);
  }

  static RuntimeStats of(List<LoopStats> loops) {
    var total = loops.stream().reduce((a, b) -> a.plus(b, "all")).orElseThrow();
    return new RuntimeStats(total, loops);
  }
}
