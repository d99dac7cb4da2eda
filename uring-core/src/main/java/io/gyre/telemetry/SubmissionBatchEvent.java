package io.gyre.telemetry;

import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** What one turn started. */
@Name("io.gyre.SubmissionBatch")
@Label("Submission Batch")
@Description(
    "Operations handed to the kernel in one turn, from its beginning to the end of its wait;"
        + " to its end if it did not wait")
@Enabled(false)
public final class SubmissionBatchEvent extends LoopEvent {
  private static final SubmissionBatchEvent TYPE = new SubmissionBatchEvent();

  @Label("Submitted")
  @Description("Operations handed to the kernel or to a pool thread")
  long submitted;

  @Label("Kernel Calls")
  @Description("Calls that submit, wait or both")
  long kernelCalls;

  /** Made when its time begins; {@link #begin()} it then. */
  public SubmissionBatchEvent() {}

  /**
   * Whether a recording asks for it.
   *
   * @return true if so
   */
  public static boolean isOn() {
    return TYPE.isEnabled();
  }

  /**
   * Records it, after {@link #end()}.
   *
   * @param loopName the loop's name
   * @param driverName the driver's name
   * @param submittedCount how many operations
   * @param callCount how many calls into the kernel
   */
  public void record(String loopName, String driverName, long submittedCount, long callCount) {
    if (shouldCommit()) {
      loop = loopName;
      driver = driverName;
      submitted = submittedCount;
      kernelCalls = callCount;
      commit();
    }
  }
}
