package io.gyre.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.driver.DriverCounters.Counter;
import io.gyre.testing.FlightRecord;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.locks.LockSupport;
import jdk.jfr.consumer.RecordedEvent;
import org.junit.jupiter.api.Test;
import org.slf4j.event.EventRecordingLogger;
import org.slf4j.event.SubstituteLoggingEvent;
import org.slf4j.helpers.SubstituteLogger;

class LoopTelemetryTest {
  private final Queue<SubstituteLoggingEvent> overflowLines = new ArrayDeque<>();
  private final Queue<SubstituteLoggingEvent> bufferLines = new ArrayDeque<>();
  private final LoopTelemetry telemetry =
      new LoopTelemetry("a loop", "a driver", log(overflowLines), log(bufferLines));
  private final DriverCounters counters = telemetry.counters();

  /** One on a clock that stands still. */
  private static RateLimitedLog log(Queue<SubstituteLoggingEvent> lines) {
    var logger = new EventRecordingLogger(new SubstituteLogger("test", lines, false), lines);
    return new RateLimitedLog(logger, Duration.ofSeconds(10), () -> 0);
  }

  @Test
  void tenThousandOverflowsAreAllCountedAndOneLine() {
    List<RecordedEvent> events;
    try (var record = FlightRecord.of("Overflow")) {
      for (int i = 0; i < 10_000; i++) {
        counters.add(Counter.OVERFLOWS, 1);
        if (i % 4 == 0) {
          telemetry.beginTurn(0);
        }
      }
      telemetry.beginTurn(0);
      telemetry.beginTurn(0); // has nothing to tell
      events = record.stop();
    }

    assertEquals(1, overflowLines.size());
    assertTrue(overflowLines.remove().getMessage().contains("overflowed"));
    assertTrue(bufferLines.isEmpty());
    assertEquals(2_501, events.size());
    assertEquals(10_000, events.stream().mapToLong(e -> e.getLong("times")).sum());
    assertEquals("a loop", events.getFirst().getString("loop"));
    assertEquals("a driver", events.getFirst().getString("driver"));
  }

  @Test
  void receivesWithoutABufferAreToldAndLeaveTheLevelAtNone() {
    counters.set(Counter.FREE_RECEIVE_BUFFERS_LOW, 8);
    counters.lower(Counter.FREE_RECEIVE_BUFFERS_LOW, 9);
    assertEquals(8, counters.get(Counter.FREE_RECEIVE_BUFFERS_LOW));
    List<RecordedEvent> events;
    try (var record = FlightRecord.of("OutOfBuffers")) {
      counters.add(Counter.OUT_OF_BUFFERS, 3);
      telemetry.beginTurn(0);
      events = record.stop();
    }

    assertEquals(1, events.size());
    assertEquals(3, events.getFirst().getLong("times"));
    assertEquals(1, bufferLines.size());
    assertEquals(0, counters.get(Counter.FREE_RECEIVE_BUFFERS_LOW));
  }

  @Test
  void progressGrowsWithTurnsAndWaits() {
    telemetry.beginTurn(0);
    long inTurn = telemetry.progress();
    counters.add(Counter.TASKS, 1);
    assertEquals(inTurn, telemetry.progress(), "tasks of one turn are no progress");
    assertFalse(telemetry.isWaiting());
    telemetry.beginWait();
    assertTrue(telemetry.isWaiting());
    long inWait = telemetry.progress();
    assertTrue(inWait > inTurn);
    telemetry.endWait();
    assertFalse(telemetry.isWaiting());
    assertTrue(telemetry.progress() > inWait);
  }

  /** The time of the wait is the subject here; 200 ms is far from what the rest takes. */
  @Test
  void aLongWaitIsNoLongTurnAndNoPartOfACompletionBatch() {
    var wait = Duration.ofMillis(200);
    List<RecordedEvent> events;
    try (var record = FlightRecord.of("LongTurn", "SubmissionBatch", "CompletionBatch")) {
      telemetry.beginTurn(0);
      counters.add(Counter.SUBMITTED, 5);
      counters.add(Counter.ENTERS, 1);
      telemetry.beginWait();
      long end = System.nanoTime() + wait.toNanos();
      while (System.nanoTime() - end < 0) {
        LockSupport.parkNanos(wait.toNanos());
      }
      telemetry.endWait();
      counters.add(Counter.COMPLETED, 4);
      counters.add(Counter.SUBMITTED, 2); // the next batch's
      telemetry.beginTurn(3);
      telemetry.beginTurn(1);
      events = record.stop();
    }

    for (var event : events) {
      boolean waited = event.getDuration().compareTo(wait) >= 0;
      boolean submits = event.getEventType().getName().equals("io.gyre.SubmissionBatch");
      assertEquals(submits && event.getLong("submitted") == 5, waited, event::toString);
    }
    var completions = named(events, "CompletionBatch");
    assertEquals(1, completions.size(), "turns in which nothing ended have none");
    assertEquals(4, completions.getFirst().getLong("completed"));
    assertEquals(3, completions.getFirst().getLong("inFlight"));
    var submissions = named(events, "SubmissionBatch");
    assertEquals(List.of(5L, 2L), submissions.stream().map(e -> e.getLong("submitted")).toList());
    assertEquals(1, submissions.getFirst().getLong("kernelCalls"));
    var turns = named(events, "LongTurn");
    assertEquals(List.of(0L, 4L, 0L), turns.stream().map(e -> e.getLong("completed")).toList());
  }

  private static List<RecordedEvent> named(List<RecordedEvent> events, String name) {
    return events.stream()
        .filter(e -> e.getEventType().getName().equals("io.gyre." + name))
        .toList();
  }

  @Test
  void aRecordingMayComeAndGoAtAnyMoment() {
    telemetry.beginTurn(0);
    telemetry.beginWait();
    try (var record = FlightRecord.of("CompletionBatch")) {
      counters.add(Counter.COMPLETED, 1); // in a turn that began unrecorded
      telemetry.endWait();
      telemetry.beginTurn(0);
      counters.add(Counter.COMPLETED, 2);
      telemetry.beginTurn(0);
      counters.add(Counter.COMPLETED, 4);
      var events = record.stop();
      assertEquals(List.of(2L), events.stream().map(e -> e.getLong("completed")).toList());
    }
    telemetry.endWait();
    telemetry.beginTurn(0);
    telemetry.beginTurn(0);
  }
}
