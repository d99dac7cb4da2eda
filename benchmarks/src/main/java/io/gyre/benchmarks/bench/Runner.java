package io.gyre.benchmarks.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;

/** Runs every arm once a round, in another order each round, for as many rounds as there is time for. */
final class Runner {
  private final Timing timing;
  private final int rounds;
  private final double budgetSeconds;
  private final Consumer<String> progress;
  private int roundsDone;

  /**
   * Makes a runner.
   *
   * @param timing how long an arm runs
   * @param rounds how many rounds
   * @param budgetSeconds no round is begun that would probably end later; the first always is
   * @param progress told what is being run
   */
  Runner(Timing timing, int rounds, double budgetSeconds, Consumer<String> progress) {
    this.timing = timing;
    this.rounds = rounds;
    this.budgetSeconds = budgetSeconds;
    this.progress = progress;
  }

  List<Row> run(List<Arm> arms) throws InterruptedException {
    var rows = arms.stream().map(Row::new).toList();
    long begun = System.nanoTime();
    double longest = 0;
    while (roundsDone < rounds) {
      double before = secondsSince(begun);
      if (roundsDone > 0 && before + longest > budgetSeconds) {
        break;
      }
      round(rows);
      roundsDone++;
      longest = Math.max(longest, secondsSince(begun) - before);
    }
    return rows;
  }

  int roundsDone() {
    return roundsDone;
  }

  private void round(List<Row> rows) throws InterruptedException {
    var order = new ArrayList<>(rows);
    // Whoever comes first finds a cooler processor: it is not always the same one.
    Collections.rotate(order, roundsDone * Math.max(1, rows.size() / rounds));
    int position = 0;
    for (var row : order) {
      position++;
      if (!row.isWorthARun()) {
        continue;
      }
      progress.accept(
          "round %d of %d, %d of %d: %s"
              .formatted(roundsDone + 1, rounds, position, order.size(), row.arm().id()));
      try {
        row.add(row.arm().run(timing));
      } catch (IOException e) {
        row.fail(String.valueOf(e.getMessage()));
      }
    }
  }

  private static double secondsSince(long nanos) {
    return (System.nanoTime() - nanos) / 1e9;
  }
}
