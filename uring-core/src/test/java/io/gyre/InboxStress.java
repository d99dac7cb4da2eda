package io.gyre;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** The hand-overs of an event loop, with its own queue: tasks and shutdown to one that sleeps, tasks to one that ends. */
public final class InboxStress {
  private InboxStress() {}

  /** A task for a loop that goes to sleep is seen, or wakes it. */
  @JCStressTest
  @State
  @Outcome(id = "1, 0", expect = FORBIDDEN, desc = "it sleeps, and the task lies there")
  @Outcome(
      id = {"1, 1", "0, 0", "0, 1"},
      expect = ACCEPTABLE,
      desc = "it goes on")
  public static class SleepAgainstTask {
    private final Inbox inbox = new Inbox();

    /** The loop. */
    @Actor
    public void loop(II_Result r) {
      r.r1 = inbox.sleepFlag().beginSleep() ? 1 : 0;
    }

    /** Another thread. */
    @Actor
    public void other(II_Result r) {
      r.r2 = inbox.add(() -> {}) == Inbox.Then.WAKE ? 1 : 0;
    }
  }

  /** So is shutdown. */
  @JCStressTest
  @State
  @Outcome(id = "1, 0", expect = FORBIDDEN, desc = "it sleeps, and was told to end")
  @Outcome(
      id = {"1, 1", "0, 0", "0, 1"},
      expect = ACCEPTABLE,
      desc = "it goes on")
  public static class SleepAgainstStop {
    private final Inbox inbox = new Inbox();

    /** The loop. */
    @Actor
    public void loop(II_Result r) {
      r.r1 = inbox.isRunning() && inbox.sleepFlag().beginSleep() ? 1 : 0;
    }

    /** Another thread. */
    @Actor
    public void other(II_Result r) {
      r.r2 = inbox.stop() ? 1 : 0;
    }
  }

  /** A task and shutdown wake once. */
  @JCStressTest
  @State
  @Outcome(
      id = {"1, 0", "0, 1"},
      expect = ACCEPTABLE,
      desc = "one wake-up")
  @Outcome(id = "1, 1", expect = FORBIDDEN, desc = "two wake-ups for one sleep")
  @Outcome(id = "0, 0", expect = FORBIDDEN, desc = "none")
  public static class TaskAndStopOfOneSleep {
    private final Inbox inbox = new Inbox();

    /** A loop that sleeps. */
    public TaskAndStopOfOneSleep() {
      inbox.sleepFlag().beginSleep();
    }

    /** One thread. */
    @Actor
    public void task(II_Result r) {
      r.r1 = inbox.add(() -> {}) == Inbox.Then.WAKE ? 1 : 0;
    }

    /** Another. */
    @Actor
    public void stop(II_Result r) {
      r.r2 = inbox.stop() ? 1 : 0;
    }
  }

  /** A task for a loop that ends runs once: on the loop, or where it came from. */
  @JCStressTest
  @State
  @Outcome(id = "1", expect = ACCEPTABLE, desc = "it ran once")
  @Outcome(id = "0", expect = FORBIDDEN, desc = "it was left behind")
  @Outcome(id = "2", expect = FORBIDDEN, desc = "it ran twice")
  public static class EndAgainstTask {
    private final Inbox inbox = new Inbox();
    private int runs; // under this object's monitor, as late tasks run under the loop's

    /** The loop. */
    @Actor
    public void loop() {
      inbox.terminate();
      runWhatIsThere();
    }

    /** Another thread. */
    @Actor
    public void other() {
      if (inbox.add(() -> runs++) == Inbox.Then.RUN) {
        runWhatIsThere();
      }
    }

    private synchronized void runWhatIsThere() {
      for (var task = inbox.poll(); task != null; task = inbox.poll()) {
        task.run();
      }
    }

    /** Afterwards. */
    @Arbiter
    public void count(I_Result r) {
      r.r1 = runs;
    }
  }
}
