package io.gyre.benchmarks.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What was measured, in the form in which it is written as JSON and shown on the page.
 *
 * @param rows in the order in which they are shown
 * @param about facts of the machine and of the run, by name
 */
record Report(List<Row> rows, Map<String, String> about) {
  /** Rows by workload, in order. */
  Map<Workload, List<Row>> byWorkload() {
    var grouped = new LinkedHashMap<Workload, List<Row>>();
    for (var row : rows) {
      grouped.computeIfAbsent(row.arm().workload(), w -> new ArrayList<>()).add(row);
    }
    return grouped;
  }

  /** The row that the others are held against, or null. */
  static Row ceiling(List<Row> rows) {
    return rows.stream()
        .filter(r -> r.arm().family() == Arm.Family.CEILING && !r.results().isEmpty())
        .findFirst()
        .orElse(null);
  }

  /** How much of the ceiling a value is; NaN when one of them is not known. */
  static double ratio(Spread value, Spread ceiling) {
    return value.median() / ceiling.median();
  }

  /** Maps, lists, strings and numbers; null for what is not known. */
  Map<String, Object> tree() {
    var tree = new LinkedHashMap<String, Object>();
    tree.put("about", about);
    var workloads = new ArrayList<Object>();
    byWorkload().forEach((workload, group) -> workloads.add(tree(workload, group)));
    tree.put("workloads", workloads);
    return tree;
  }

  private static Map<String, Object> tree(Workload workload, List<Row> group) {
    var tree = new LinkedHashMap<String, Object>();
    tree.put("id", workload.id());
    tree.put("title", workload.title());
    tree.put("unit", workload.unit());
    tree.put("arms", group.stream().map(row -> tree(row, ceiling(group))).toList());
    return tree;
  }

  private static Map<String, Object> tree(Row row, Row ceiling) {
    var tree = new LinkedHashMap<String, Object>();
    tree.put("name", row.arm().name());
    tree.put("family", row.arm().family().name().toLowerCase(Locale.ROOT));
    tree.put("unavailable", row.arm().unavailableBecause());
    tree.put("failures", row.failures());
    tree.put("per_second", tree(row.perSecond()));
    tree.put("cpu_us", tree(row.cpuMicros()));
    tree.put(
        "per_second_to_ceiling",
        ceiling == null ? null : number(ratio(row.perSecond(), ceiling.perSecond())));
    tree.put(
        "cpu_to_ceiling",
        ceiling == null ? null : number(ratio(row.cpuMicros(), ceiling.cpuMicros())));
    tree.put("p50_us", tree(row.p50Micros()));
    tree.put("p99_us", tree(row.p99Micros()));
    tree.put("enters", tree(row.enters()));
    tree.put("alloc_bytes", tree(row.allocatedBytes()));
    tree.put("load_cpu", tree(row.loadCpu()));
    tree.put("per_fsync", tree(row.perSync()));
    tree.put("errors", row.errors());
    var more = new LinkedHashMap<String, Object>();
    row.more().forEach((name, spread) -> more.put(name, tree(spread)));
    tree.put("more", more);
    tree.put("rounds", row.results().stream().map(Report::tree).toList());
    return tree;
  }

  private static Map<String, Object> tree(Result result) {
    var tree = new LinkedHashMap<String, Object>();
    tree.put("per_second", number(result.perSecond()));
    tree.put("cpu_us", number(result.cpuMicros()));
    tree.put("p50_us", number(result.p50Micros()));
    tree.put("p99_us", number(result.p99Micros()));
    tree.put("enters", number(result.enters()));
    tree.put("alloc_bytes", number(result.allocatedBytes()));
    tree.put("load_cpu", number(result.loadCpu()));
    tree.put("per_fsync", number(result.perSync()));
    tree.put("errors", result.errors());
    var more = new LinkedHashMap<String, Object>();
    result.more().forEach((name, value) -> more.put(name, number(value)));
    tree.put("more", more);
    return tree;
  }

  private static Map<String, Object> tree(Spread spread) {
    if (!spread.isKnown()) {
      return null;
    }
    var tree = new LinkedHashMap<String, Object>();
    tree.put("median", spread.median());
    tree.put("min", spread.min());
    tree.put("max", spread.max());
    return tree;
  }

  private static Double number(double value) {
    return Double.isFinite(value) ? value : null; // JSON has no NaN
  }
}
