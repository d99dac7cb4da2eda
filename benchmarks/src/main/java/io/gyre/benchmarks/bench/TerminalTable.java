package io.gyre.benchmarks.bench;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/** Prints a report as one table a workload. */
final class TerminalTable {
  private static final String LINE = "  %-34s %9s %-19s %6s %9s %-17s %6s %9s %9s %8s %8s%s%n";

  private final PrintWriter out;

  TerminalTable(PrintWriter out) {
    this.out = out;
  }

  void print(Report report) {
    report.byWorkload().forEach(this::print);
  }

  private void print(Workload workload, List<Row> rows) {
    out.printf("%n%s%n", workload.title());
    var each = workload.unit().substring(0, workload.unit().length() - 1);
    out.printf(
        LINE,
        "",
        workload.unit() + "/s",
        "",
        "of C",
        "cpu us",
        "a " + each,
        "of C",
        "p50 us",
        "p99 us",
        "enters",
        "alloc B",
        "");
    var ceiling = Report.ceiling(rows);
    for (var row : rows) {
      if (row.results().isEmpty()) {
        var reason = row.arm().unavailableBecause();
        out.printf(
            "  %-34s %s%n",
            row.arm().name(),
            reason != null ? "can't run here: " + reason : "failed: " + row.failures().getFirst());
      } else {
        print(row, ceiling);
      }
    }
  }

  private void print(Row row, Row ceiling) {
    var rate = row.perSecond();
    var cpu = row.cpuMicros();
    out.printf(
        LINE,
        row.arm().name(),
        count(rate.median()),
        "(" + count(rate.min()) + " - " + count(rate.max()) + ")",
        ceiling == null ? "" : decimal("%.2f", Report.ratio(rate, ceiling.perSecond())),
        decimal("%.3f", cpu.median()),
        cpu.isKnown() ? decimal("(%.3f - ", cpu.min()) + decimal("%.3f)", cpu.max()) : "",
        ceiling == null ? "" : decimal("%.2f", Report.ratio(cpu, ceiling.cpuMicros())),
        decimal("%.1f", row.p50Micros().median()),
        decimal("%.1f", row.p99Micros().median()),
        decimal("%.4f", row.enters().median()),
        decimal("%.1f", row.allocatedBytes().median()),
        remarks(row));
  }

  private static String remarks(Row row) {
    var remarks = new StringBuilder();
    if (row.perSync().isKnown()) {
      var unit = row.arm().workload().unit();
      remarks.append(decimal("  %.1f ", row.perSync().median())).append(unit).append(" an fsync");
    }
    row.more()
        .forEach(
            (name, value) ->
                remarks
                    .append("  ")
                    .append(name)
                    .append(' ')
                    .append(decimal(value.median() < 100 ? "%.2f" : "%.0f", value.median())));
    if (row.errors() > 0) {
      remarks.append("  ").append(row.errors()).append(" errors");
    }
    if (!row.failures().isEmpty()) {
      remarks.append("  failed in a round: ").append(row.failures().getFirst());
    }
    return remarks.toString();
  }

  private static String count(double perSecond) {
    return perSecond >= 1e6
        ? decimal("%.2f M", perSecond / 1e6)
        : perSecond >= 1e4 ? decimal("%.1f K", perSecond / 1e3) : decimal("%.0f", perSecond);
  }

  private static String decimal(String format, double value) {
    return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, format, value);
  }
}
