package io.gyre.uring;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** A descriptor that is closed against threads that write to it, to wake a loop that just ends. */
public final class UseCountStress {
  private UseCountStress() {}

  /** Never a write after the close. */
  @JCStressTest
  @State
  @Outcome(id = "0", expect = ACCEPTABLE, desc = "written while it was open")
  @Outcome(id = "-1", expect = ACCEPTABLE, desc = "closed, and known to be")
  @Outcome(id = "1", expect = FORBIDDEN, desc = "written to what was closed")
  public static class UseAgainstClose {
    private final UseCount uses = new UseCount();
    private int closed;

    /** Who writes. */
    @Actor
    public void use(I_Result r) {
      if (uses.begin()) {
        r.r1 = closed;
        uses.end();
      } else {
        r.r1 = -1;
      }
    }

    /** Who closes. */
    @Actor
    public void close() {
      uses.close();
      closed = 1;
    }
  }

  /** What was written before the close has happened before it. */
  @JCStressTest
  @State
  @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "written, and then closed")
  @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "closed, and never written")
  @Outcome(expect = FORBIDDEN, desc = "a write under way when it was closed")
  public static class CloseSeesWhatWasDone {
    private final UseCount uses = new UseCount();
    private int written;

    /** Who writes. */
    @Actor
    public void use(II_Result r) {
      if (uses.begin()) {
        written = 1;
        r.r1 = 1;
        uses.end();
      }
    }

    /** Who closes. */
    @Actor
    public void close(II_Result r) {
      uses.close();
      r.r2 = written;
    }
  }
}
