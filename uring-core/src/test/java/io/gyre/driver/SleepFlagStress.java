package io.gyre.driver;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * A loop that decides to sleep against threads that leave something. What they leave is an opaque store, the weakest
 * that a queue could make: the order comes from {@link SleepFlag} alone.
 */
public final class SleepFlagStress {
  private SleepFlagStress() {}

  /** What others leave. */
  private static final class Cell {
    private static final VarHandle VALUE;

    static {
      try {
        VALUE = MethodHandles.lookup().findVarHandle(Cell.class, "value", int.class);
      } catch (ReflectiveOperationException e) {
        throw new ExceptionInInitializerError(e);
      }
    }

    @SuppressWarnings("unused") // by its handle
    private int value;

    boolean isEmpty() {
      return (int) VALUE.getOpaque(this) == 0;
    }

    void fill() {
      VALUE.setOpaque(this, 1);
    }
  }

  /** What both have. */
  public static class Shared {
    private final Cell left = new Cell();
    final SleepFlag flag = new SleepFlag(left::isEmpty);

    final int sleep() {
      return flag.beginSleep() ? 1 : 0;
    }

    final int leave() {
      left.fill();
      return flag.claimWakeUp() ? 1 : 0;
    }
  }

  /** No wake-up is lost. */
  @JCStressTest
  @State
  @Outcome(id = "1, 0", expect = FORBIDDEN, desc = "it sleeps and nobody wakes it")
  @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "it sleeps and is woken")
  @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "it stays awake")
  @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "both have seen the other")
  public static class SleepAgainstLeave extends Shared {
    /** The loop. */
    @Actor
    public void loop(II_Result r) {
      r.r1 = sleep();
    }

    /** Another thread. */
    @Actor
    public void other(II_Result r) {
      r.r2 = leave();
    }
  }

  /** Nor by a claim that is of the sleep before. */
  @JCStressTest
  @State
  @Outcome(id = "1, 0", expect = FORBIDDEN, desc = "it sleeps again and nobody wakes it")
  @Outcome(
      id = {"1, 1", "0, 0", "0, 1"},
      expect = ACCEPTABLE,
      desc = "it goes on")
  public static class SecondSleepAgainstLeave extends Shared {
    /** The loop. */
    @Actor
    public void loop(II_Result r) {
      if (flag.beginSleep()) {
        flag.endSleep();
      }
      r.r1 = sleep();
    }

    /** Another thread. */
    @Actor
    public void other(II_Result r) {
      r.r2 = leave();
    }
  }

  /** One wake-up a sleep, though two threads send them. */
  @JCStressTest
  @State
  @Outcome(id = "1, 1", expect = FORBIDDEN, desc = "two wake-ups for one sleep")
  @Outcome(id = "0, 0", expect = FORBIDDEN, desc = "none")
  @Outcome(
      id = {"1, 0", "0, 1"},
      expect = ACCEPTABLE,
      desc = "one")
  public static class TwoWakersOfOneSleep extends Shared {
    /** A loop that sleeps. */
    public TwoWakersOfOneSleep() {
      flag.beginSleep();
    }

    /** One thread. */
    @Actor
    public void one(II_Result r) {
      r.r1 = leave();
    }

    /** Another. */
    @Actor
    public void other(II_Result r) {
      r.r2 = leave();
    }
  }

  /** As many wake-ups as sleeps at most, when the loop sleeps twice while one thread leaves two things. */
  @JCStressTest
  @State
  @Outcome(id = "0, 0, [0-2]", expect = ACCEPTABLE, desc = "it stayed awake at last")
  @Outcome(id = "1, 0, [0-1]", expect = ACCEPTABLE, desc = "it slept, and stayed awake at last")
  @Outcome(
      id = "1, 0, 2",
      expect = ACCEPTABLE,
      desc = "a wake-up for each time that the flag was set")
  @Outcome(id = "0, 1, .*", expect = FORBIDDEN, desc = "it slept after it had seen what was left")
  @Outcome(id = "1, 1, 0", expect = FORBIDDEN, desc = "it sleeps and nobody wakes it")
  @Outcome(id = "1, 1, [12]", expect = ACCEPTABLE, desc = "it slept and was woken")
  public static class TwoSleepsAgainstTwoClaims extends Shared {
    private int claims;

    /** The loop. */
    @Actor
    public void loop(III_Result r) {
      r.r1 = sleep();
      flag.endSleep();
      r.r2 = sleep();
    }

    /** Another thread. */
    @Actor
    public void other() {
      claims = leave() + leave();
    }

    /** Afterwards. */
    @Arbiter
    public void count(III_Result r) {
      r.r3 = claims;
    }
  }
}
