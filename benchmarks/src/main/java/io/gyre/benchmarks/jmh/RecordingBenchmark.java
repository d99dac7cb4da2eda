package io.gyre.benchmarks.jmh;

import java.io.IOException;
import java.util.List;
import jdk.jfr.Recording;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/**
 * {@link NopBenchmark} with Flight Recorder: what its events cost a loop that does nothing but turn.
 *
 * <ul>
 *   <li>{@code none}: it was never started; the same as the plain benchmark.
 *   <li>{@code others}: it records, but no turns.
 *   <li>{@code longTurns}: it watches for long turns, as any recording does unless told not to.
 *   <li>{@code batches}: an event for each batch of submissions and of completions as well.
 * </ul>
 */
public class RecordingBenchmark extends NopBenchmark {
  private static final List<String> BATCHES =
      List.of("io.gyre.SubmissionBatch", "io.gyre.CompletionBatch");

  /** What is recorded. */
  @Param({"none", "others", "longTurns", "batches"})
  public String recorded;

  private Recording recording;

  /** Makes the state; JMH does this. */
  public RecordingBenchmark() {}

  @Override
  @Setup(Level.Trial)
  public void start() throws IOException {
    if (!recorded.equals("none")) {
      recording = new Recording();
      switch (recorded) {
        case "others" -> recording.disable("io.gyre.LongTurn");
        case "longTurns" -> recording.enable("io.gyre.LongTurn");
        case "batches" -> {
          recording.enable("io.gyre.LongTurn");
          BATCHES.forEach(recording::enable);
        }
        default -> throw new IllegalArgumentException("recorded: " + recorded);
      }
      recording.start();
    }
    super.start();
  }

  @Override
  @TearDown(Level.Trial)
  public void stop() {
    super.stop();
    if (recording != null) {
      recording.close();
    }
  }
}
