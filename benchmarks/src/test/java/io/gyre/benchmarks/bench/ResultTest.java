package io.gyre.benchmarks.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;

/** Lines that programs print. */
final class ResultTest {
  @Test
  void readsWhatALineTells() {
    var line =
        "reads/s=1000 cpu_us/read=1.5 p50_us=3 p99_us=9.5 enters/read=0.0312 alloc_bytes/read=0.00"
            + " errors=2 driver=uring";
    assertEquals(
        new Result(1000, 1.5, 3, 9.5, 0.0312, 0, Double.NaN, Double.NaN, 2), Result.parse(line));
  }

  @Test
  void whatIsNotToldIsNotANumber() {
    assertEquals(
        new Result(7, Double.NaN, 1, 2, Double.NaN, Double.NaN, 0.5, Double.NaN, 0),
        Result.parse("requests/s=7 p50_us=1 p99_us=2 load_cpu=0.50 errors=0"));
  }

  @Test
  void appendsTellHowManyOneSyncMadeDurable() {
    var result = Result.parse("appends/s=7000 cpu_us/append=8.1 errors=0 appends/fsync=32.5");
    assertEquals(7000, result.perSecond());
    assertEquals(32.5, result.perSync());
  }

  @Test
  void anythingElseIsNoResult() {
    assertNull(Result.parse("usage: read FILE"));
    assertNull(Result.parse(""));
  }
}
