package io.gyre.driver;

import io.gyre.driver.DriverCounters.Counter;
import io.gyre.telemetry.CompletionBatchEvent;
import io.gyre.telemetry.LongTurnEvent;
import io.gyre.telemetry.SubmissionBatchEvent;

/**
 * A loop's turns as Flight Recorder events, while a recording asks for them. Confined to the loop's thread; loaded only
 * in a JVM that has Flight Recorder.
 *
 * <pre>
 *   turn begins          wait begins      wait ends            turn ends
 *   |---- long turn? ----|                |---- long turn? ----|
 *   |---------- submission batch ---------|- completion batch -|
 * </pre>
 *
 * In a turn that does not wait each of the three lasts as long as the turn.
 */
final class TurnRecording {
  private final String loop;
  private final String driver;
  private final DriverCounters counters;

  // Those whose time has begun; null for what is off, or over.
  private LongTurnEvent busy;
  private SubmissionBatchEvent submission;
  private CompletionBatchEvent completion;

  // Counters up to where they have been told.
  private long submitted;
  private long kernelCalls;
  private long completed;
  private long busyCompleted;
  private long busyTasks;

  TurnRecording(String loop, String driver, DriverCounters counters) {
    this.loop = loop;
    this.driver = driver;
    this.counters = counters;
    noteSubmitted();
    completed = counters.get(Counter.COMPLETED);
  }

  void beginTurn() {
    beginBusy();
    beginSubmission();
    beginCompletion();
  }

  void beginWait() {
    endBusy();
  }

  void endWait() {
    endSubmission();
    beginCompletion();
    beginBusy();
  }

  void endTurn() {
    endBusy();
    endSubmission();
    endCompletion();
  }

  private void beginBusy() {
    busyCompleted = counters.get(Counter.COMPLETED);
    busyTasks = tasks();
    if (LongTurnEvent.isOn()) {
      busy = new LongTurnEvent();
      busy.begin();
    }
  }

  private void endBusy() {
    if (busy != null) {
      busy.end();
      busy.record(
          loop, driver, tasks() - busyTasks, counters.get(Counter.COMPLETED) - busyCompleted);
      busy = null;
    }
  }

  private long tasks() {
    return counters.get(Counter.TASKS) + counters.get(Counter.TIMERS);
  }

  private void beginSubmission() {
    if (SubmissionBatchEvent.isOn()) {
      submission = new SubmissionBatchEvent();
      submission.begin();
    } else {
      noteSubmitted();
    }
  }

  private void endSubmission() {
    if (submission == null) {
      return; // off; or it ended with the wait, and what handlers started since is the next one's
    }
    submission.end();
    long count = counters.get(Counter.SUBMITTED) - submitted;
    if (count != 0) {
      submission.record(loop, driver, count, counters.get(Counter.ENTERS) - kernelCalls);
    }
    submission = null;
    noteSubmitted();
  }

  private void noteSubmitted() {
    submitted = counters.get(Counter.SUBMITTED);
    kernelCalls = counters.get(Counter.ENTERS);
  }

  private void beginCompletion() {
    if (CompletionBatchEvent.isOn()) {
      completion = new CompletionBatchEvent();
      completion.begin();
    }
  }

  private void endCompletion() {
    long completedNow = counters.get(Counter.COMPLETED);
    if (completion != null) {
      completion.end();
      if (completedNow != completed) {
        completion.record(loop, driver, completedNow - completed, counters.get(Counter.IN_FLIGHT));
      }
      completion = null;
    }
    completed = completedNow;
  }
}
