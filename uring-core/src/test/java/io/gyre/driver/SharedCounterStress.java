package io.gyre.driver;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.J_Result;

/** A counter that two threads add to counts both. Anything else is forbidden. */
@JCStressTest
@State
@Outcome(id = "2", expect = ACCEPTABLE, desc = "both")
public class SharedCounterStress {
  private final SharedCounter counter = new SharedCounter();

  /** One thread. */
  @Actor
  public void one() {
    counter.increment();
  }

  /** Another. */
  @Actor
  public void other() {
    counter.increment();
  }

  /** Afterwards. */
  @Arbiter
  public void count(J_Result r) {
    r.r1 = counter.get();
  }
}
