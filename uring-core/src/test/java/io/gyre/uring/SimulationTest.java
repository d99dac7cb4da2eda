package io.gyre.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.testing.Seeds;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The production driver, dispatcher and buffers on a simulated kernel, for millions of steps of seeded disorder. A run
 * that fails says which seed repeats it, alone.
 */
class SimulationTest {
  private static final String SEED = "gyre.simulation.seed";
  private static final int BATCHES = Integer.getInteger("gyre.simulation.batches", 10);
  private static final int RUNS_PER_BATCH = 40;
  private static final int TURNS = 4000;

  static IntStream batches() {
    return IntStream.range(0, Long.getLong(SEED) == null ? BATCHES : 1);
  }

  @ParameterizedTest
  @MethodSource("batches")
  void whateverUsersAndKernelDoNothingIsLost(int batch) {
    var only = Long.getLong(SEED);
    if (only != null) {
      System.out.println(run(only));
      return;
    }
    var seeds = Seeds.random(batch);
    var totals = run(seeds.nextLong());
    for (int i = 1; i < RUNS_PER_BATCH; i++) {
      totals = totals.plus(run(seeds.nextLong()));
    }
    System.out.println(totals);
    // A simulation in which these never happen finds nothing.
    assertEquals(Set.of(), totals.rare());
    assertTrue(totals.overflows() > 0 && totals.outOfBuffers() > 0, totals::toString);
  }

  private static SimulatedUsers.Totals run(long seed) {
    SimulatedUsers users = null;
    try {
      users = new SimulatedUsers(seed);
      return users.run(TURNS);
    } catch (Exception | AssertionError e) {
      throw new AssertionError(
          "after "
              + (users == null ? 0 : users.totals().steps())
              + " steps; repeat with: mvn -pl uring-core -am test -Dtest=SimulationTest"
              + " -Dsurefire.failIfNoSpecifiedTests=false -D"
              + SEED
              + "="
              + seed,
          e);
    }
  }
}
