package io.gyre.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.Test;
import org.slf4j.event.EventRecordingLogger;
import org.slf4j.event.SubstituteLoggingEvent;
import org.slf4j.helpers.MessageFormatter;
import org.slf4j.helpers.SubstituteLogger;

class RateLimitedLogTest {
  private static final Duration INTERVAL = Duration.ofSeconds(10);

  private final Queue<SubstituteLoggingEvent> events = new ArrayDeque<>();
  private long nowNanos = Long.MAX_VALUE - 5; // it wraps soon
  private final RateLimitedLog log =
      new RateLimitedLog(
          new EventRecordingLogger(new SubstituteLogger("test", events, false), events),
          INTERVAL,
          () -> nowNanos);

  private List<String> lines() {
    return events.stream()
        .map(e -> MessageFormatter.arrayFormat(e.getMessage(), e.getArgumentArray()).getMessage())
        .toList();
  }

  @Test
  void aFloodIsOneLine() {
    for (int i = 0; i < 10_000; i++) {
      log.warn("overflow of {}", "a loop");
      nowNanos += INTERVAL.toNanos() / 10_001;
    }
    assertEquals(List.of("overflow of a loop"), lines());
  }

  @Test
  void theNextLineSaysHowManyThereWereBesides() {
    for (int i = 0; i < 5; i++) {
      log.warn("number {}", i);
    }
    nowNanos += INTERVAL.toNanos();
    log.warn("number {}", 5);
    nowNanos += INTERVAL.toNanos();
    log.warn("number {}", 6);

    assertEquals(
        List.of("number 0", "number 5 (and 4 times since the last line)", "number 6"), lines());
  }
}
