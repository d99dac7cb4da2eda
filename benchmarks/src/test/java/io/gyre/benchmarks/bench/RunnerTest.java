package io.gyre.benchmarks.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The frame of the comparison, with arms that only pretend. */
final class RunnerTest {
  private static final Timing TIMING = new Timing(0, 0);

  private final List<String> runs = new ArrayList<>();

  private final class FakeArm implements Arm {
    private final String name;
    private final Family family;
    private final String unavailable;
    private final double rate;

    FakeArm(String name, Family family, String unavailable, double rate) {
      this.name = name;
      this.family = family;
      this.unavailable = unavailable;
      this.rate = rate;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public Family family() {
      return family;
    }

    @Override
    public Workload workload() {
      return Workload.all().getFirst();
    }

    @Override
    public String unavailableBecause() {
      return unavailable;
    }

    @Override
    public Result run(Timing timing) throws IOException {
      runs.add(name);
      if (rate < 0) {
        throw new IOException("it broke </script>");
      }
      return Result.parse("reads/s=" + rate * (runs.size() % 3 + 1) + " cpu_us/read=2.5 errors=0");
    }
  }

  private List<Arm> arms() {
    return List.of(
        new FakeArm("ceiling", Arm.Family.CEILING, null, 100),
        new FakeArm("gyre", Arm.Family.GYRE, null, 90),
        new FakeArm("broken", Arm.Family.JDK, null, -1),
        new FakeArm("absent", Arm.Family.NETTY, "no such thing here", 1));
  }

  @Test
  void armsAreInterleavedAndNobodyIsDropped() throws Exception {
    var rows = new Runner(TIMING, 4, Double.POSITIVE_INFINITY, step -> {}).run(arms());
    assertEquals(
        List.of("ceiling", "gyre", "broken", "absent"),
        rows.stream().map(r -> r.arm().name()).toList());
    assertEquals(4, rows.getFirst().results().size());
    assertEquals(2, rows.get(2).failures().size()); // not tried for ever
    assertFalse(runs.contains("absent"));
    assertEquals("ceiling", runs.get(0));
    assertEquals(
        List.of("gyre", "ceiling"), runs.subList(runs.size() - 2, runs.size())); // another order
  }

  @Test
  void oneRoundIsRunHoweverLittleTimeThereIs() throws Exception {
    var runner = new Runner(TIMING, 5, 0, step -> {});
    runner.run(arms());
    assertEquals(1, runner.roundsDone());
  }

  @Test
  void theReportShowsLosersFailuresAndWhatCannotRun() throws Exception {
    var report =
        new Report(new Runner(TIMING, 3, 1e9, step -> {}).run(arms()), Map.of("kernel", "any"));
    var out = new StringWriter();
    new TerminalTable(new PrintWriter(out)).print(report);
    var table = out.toString();
    assertTrue(table.contains("can't run here: no such thing here"), table);
    assertTrue(table.contains("failed: it broke"), table);
    var page = HtmlPage.of(new ObjectMapper().writeValueAsString(report.tree()));
    assertTrue(page.contains("echarts"));
    assertTrue(page.contains("it broke <\\/script>"));
    assertFalse(page.contains("/* DATA */"));
  }

  @Test
  void theMedianIsTheMiddleAndTheSpreadItsEnds() {
    var results = List.of(result(5), result(1), result(3));
    assertEquals(new Spread(3, 1, 5), Spread.of(results, Result::perSecond));
    assertEquals(new Spread(2, 1, 3), Spread.of(results.subList(1, 3), Result::perSecond));
    assertFalse(Spread.of(results, Result::p50Micros).isKnown());
  }

  private static Result result(double rate) {
    return Result.parse("ops/s=" + rate);
  }
}
