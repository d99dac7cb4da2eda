package io.gyre.benchmarks.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** An arm, and what came of it in each round. */
final class Row {
  private static final int MAX_FAILURES = 2;

  private final Arm arm;
  private final List<Result> results = new ArrayList<>();
  private final List<String> failures = new ArrayList<>();

  Row(Arm arm) {
    this.arm = arm;
  }

  Arm arm() {
    return arm;
  }

  List<Result> results() {
    return results;
  }

  List<String> failures() {
    return failures;
  }

  void add(Result result) {
    results.add(result);
  }

  void fail(String reason) {
    failures.add(reason);
  }

  /** What fails again and again is not tried any more: each failure may have cost a time-out. */
  boolean isWorthARun() {
    return arm.unavailableBecause() == null && failures.size() < MAX_FAILURES;
  }

  Spread perSecond() {
    return Spread.of(results, Result::perSecond);
  }

  Spread cpuMicros() {
    return Spread.of(results, Result::cpuMicros);
  }

  Spread p50Micros() {
    return Spread.of(results, Result::p50Micros);
  }

  Spread p99Micros() {
    return Spread.of(results, Result::p99Micros);
  }

  Spread enters() {
    return Spread.of(results, Result::enters);
  }

  Spread allocatedBytes() {
    return Spread.of(results, Result::allocatedBytes);
  }

  Spread loadCpu() {
    return Spread.of(results, Result::loadCpu);
  }

  Spread perSync() {
    return Spread.of(results, Result::perSync);
  }

  /** What only some workloads tell, in the order in which it was told. */
  Map<String, Spread> more() {
    var more = new LinkedHashMap<String, Spread>();
    for (var result : results) {
      for (var name : result.more().keySet()) {
        more.computeIfAbsent(
            name, n -> Spread.of(results, r -> r.more().getOrDefault(n, Double.NaN)));
      }
    }
    return more;
  }

  long errors() {
    return results.stream().mapToLong(Result::errors).sum();
  }
}
