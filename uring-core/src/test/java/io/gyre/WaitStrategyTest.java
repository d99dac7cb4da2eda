package io.gyre;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gyre.testing.WaitStrategyContract;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The contract of waiting, on the drivers of this module; and what strategies are made of. */
class WaitStrategyTest extends WaitStrategyContract {
  private static final Duration IDLE = Duration.ofMillis(5);

  @Test
  void strategiesAreValuesThatTellWhatTheyAre() {
    assertEquals("park", WaitStrategy.park().toString());
    assertEquals(
        "spin for PT0.00003S, then park, the kernel polls for submissions, idle after 5 ms, on cpu"
            + " 1, gather 8 completions for at most 200 us",
        WaitStrategy.spinThenPark(Duration.ofNanos(30_000))
            .withSubmissionPolling(IDLE, 1)
            .withMinWait(Duration.ofNanos(200_000), 8)
            .toString());
    assertEquals(WaitStrategy.spin(), WaitStrategy.spinThenPark(Duration.ofDays(365_000)));
    var some =
        List.of(
            WaitStrategy.park(),
            WaitStrategy.spin(),
            WaitStrategy.spin().withSubmissionPolling(IDLE),
            WaitStrategy.spin().withSubmissionPolling(IDLE, 0),
            WaitStrategy.spin().withMinWait(IDLE, 2),
            WaitStrategy.spin().withMinWait(IDLE, 3));
    for (int i = 0; i < some.size(); i++) {
      for (int j = 0; j < some.size(); j++) {
        if (i == j) {
          assertEquals(some.get(i).hashCode(), some.get(j).hashCode());
        } else {
          assertNotEquals(some.get(i), some.get(j));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, Long.MIN_VALUE})
  void spinningForNoTimeIsRefused(long nanos) {
    assertRefused(Long.toString(nanos).substring(0, 1), () -> spinFor(nanos));
  }

  private static void spinFor(long nanos) {
    var _ = WaitStrategy.spinThenPark(Duration.ofNanos(nanos));
  }

  @Test
  void idleTimesOutOfRangeAreRefused() {
    for (var idle : List.of(Duration.ZERO, Duration.ofNanos(999_999), Duration.ofSeconds(61))) {
      assertRefused(idle.toString(), () -> polling(idle, 0));
    }
    assertRefused("-1", () -> polling(IDLE, -1));
  }

  private static void polling(Duration idle, int cpu) {
    var _ = WaitStrategy.park().withSubmissionPolling(idle, cpu);
  }

  @Test
  void minWaitsOutOfRangeAreRefused() {
    for (var time : List.of(Duration.ZERO, Duration.ofNanos(999), Duration.ofMillis(1001))) {
      assertRefused(time.toString(), () -> gathering(time, 2));
    }
    for (int completions : new int[] {-1, 0, 1, 65_537}) {
      assertRefused(Integer.toString(completions), () -> gathering(IDLE, completions));
    }
  }

  private static void gathering(Duration time, int completions) {
    var _ = WaitStrategy.park().withMinWait(time, completions);
  }

  private static void assertRefused(String named, Runnable call) {
    var e = assertThrows(IllegalArgumentException.class, call::run);
    assertEquals(true, e.getMessage().contains(named), e.getMessage());
  }
}
