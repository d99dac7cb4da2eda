package io.gyre.benchmarks.bench;

import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * The middle of some values, and how far they lie apart. All NaN where nothing is known.
 *
 * @param median the middle one, or the mean of both in the middle
 * @param min the smallest
 * @param max the largest
 */
record Spread(double median, double min, double max) {
  static Spread of(List<Result> results, ToDoubleFunction<Result> value) {
    var sorted =
        results.stream().mapToDouble(value).filter(v -> !Double.isNaN(v)).sorted().toArray();
    if (sorted.length == 0) {
      return new Spread(Double.NaN, Double.NaN, Double.NaN);
    }
    int middle = sorted.length / 2;
    double median =
        sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    return new Spread(median, sorted[0], sorted[sorted.length - 1]);
  }

  boolean isKnown() {
    return !Double.isNaN(median);
  }
}
