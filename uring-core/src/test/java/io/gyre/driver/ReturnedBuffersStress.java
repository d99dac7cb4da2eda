package io.gyre.driver;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.gyre.Buffer;
import java.lang.foreign.Arena;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** A loop that waits for a receive buffer against a thread that gives one back. */
public final class ReturnedBuffersStress {
  private static final Buffer BUFFER =
      BufferAccess.get().create(b -> {}, Arena.ofAuto().allocate(64), 0);

  private ReturnedBuffersStress() {}

  /** What both have. */
  public static class Shared {
    final SleepFlag flag = new SleepFlag(() -> true);
    final ReturnedBuffers returned = new ReturnedBuffers(flag);

    final int sleep() {
      returned.starving(true);
      return flag.beginSleep() && !returned.areAwaited() ? 1 : 0;
    }

    final int giveBack() {
      return returned.add(BUFFER) ? 1 : 0;
    }
  }

  /** A buffer that a receive waits for ends the sleep. */
  @JCStressTest
  @State
  @Outcome(id = "1, 0", expect = FORBIDDEN, desc = "it sleeps, and the buffer lies there")
  @Outcome(
      id = {"1, 1", "0, 0", "0, 1"},
      expect = ACCEPTABLE,
      desc = "it goes on")
  public static class StarvingSleepAgainstReturn extends Shared {
    /** The loop. */
    @Actor
    public void loop(II_Result r) {
      r.r1 = sleep();
    }

    /** Another thread. */
    @Actor
    public void other(II_Result r) {
      r.r2 = giveBack();
    }
  }

  /** The same, when the receive began to wait in an earlier turn. */
  @JCStressTest
  @State
  @Outcome(id = "1, 0", expect = FORBIDDEN, desc = "it sleeps, and the buffer lies there")
  @Outcome(
      id = {"1, 1", "0, 0", "0, 1"},
      expect = ACCEPTABLE,
      desc = "it goes on")
  public static class StarvedBeforeAgainstReturn extends Shared {
    /** A loop that was woken once, in vain. */
    public StarvedBeforeAgainstReturn() {
      sleep();
      flag.endSleep();
    }

    /** The loop. */
    @Actor
    public void loop(II_Result r) {
      r.r1 = sleep();
    }

    /** Another thread. */
    @Actor
    public void other(II_Result r) {
      r.r2 = giveBack();
    }
  }

  /** Two that come back wake once. */
  @JCStressTest
  @State
  @Outcome(
      id = {"1, 0", "0, 1"},
      expect = ACCEPTABLE,
      desc = "one wake-up")
  @Outcome(id = "1, 1", expect = FORBIDDEN, desc = "two wake-ups for one sleep")
  @Outcome(id = "0, 0", expect = FORBIDDEN, desc = "none")
  public static class TwoReturnsOfOneSleep extends Shared {
    /** A loop that sleeps. */
    public TwoReturnsOfOneSleep() {
      sleep();
    }

    /** One thread. */
    @Actor
    public void one(II_Result r) {
      r.r1 = giveBack();
    }

    /** Another. */
    @Actor
    public void other(II_Result r) {
      r.r2 = giveBack();
    }
  }
}
