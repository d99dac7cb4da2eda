package io.gyre;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.gyre.testing.ChildJvm;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs every jcstress test of this module, the classes named {@code ...Stress}: for a moment each, which finds what is
 * plainly wrong. {@code -Dgyre.jcstress=MODE}, one of jcstress's own from {@code quick} to {@code stress}, takes its time
 * and goes through what compilers may do.
 */
class MemoryOrderTest {
  private static final String MODE = System.getProperty("gyre.jcstress", "");
  private static final Pattern TALLY =
      Pattern.compile(
          "Results: (\\d+) planned; (\\d+) passed, (\\d+) failed, (\\d+) soft errs, (\\d+) hard"
              + " errs");

  @Test
  void noHandOffBetweenThreadsHasAForbiddenOutcome(@TempDir Path folder) throws Exception {
    var tests = testsOnTheClassPath();
    assertFalse(tests.isEmpty(), "jcstress's annotation processor made no tests");
    var said =
        ChildJvm.of(org.openjdk.jcstress.Main.class, arguments())
            .options("-XX:TieredStopAtLevel=4") // the tests' JVMs inherit it, and are to optimize
            .in(folder)
            .within(MODE.isEmpty() ? Duration.ofMinutes(5) : Duration.ofHours(6))
            .run()
            .checkSaid("Failed tests: No matches.")
            .checkSaid("Error tests: No matches.")
            .checkSucceeded()
            .output();
    var tallies = TALLY.matcher(said).results().toList();
    assertFalse(tallies.isEmpty(), said);
    assertAllPassed(tallies.getLast(), tests, said);
  }

  private static String[] arguments() {
    // Without a mode: one JVM a test, both of its threads compiled as they come.
    return MODE.isEmpty()
        ? "-t ^io\\.gyre\\. -f 1 -iters 1 -time 500 -sc false -jvmArgs -Xmx256m".split(" ", -1)
        : new String[] {"-t", "^io\\.gyre\\.", "-m", MODE};
  }

  private static void assertAllPassed(MatchResult tally, List<String> tests, String said) {
    int planned = Integer.parseInt(tally.group(1));
    assertEquals(planned, Integer.parseInt(tally.group(2)), said);
    if (MODE.isEmpty()) {
      assertEquals(tests.size(), planned, () -> tests + " were to run, but it said:\n" + said);
    }
  }

  /** The processor leaves a line for each. */
  private static List<String> testsOnTheClassPath() throws IOException {
    var found = new ArrayList<String>();
    var lists = MemoryOrderTest.class.getClassLoader().getResources("META-INF/TestList");
    while (lists.hasMoreElements()) {
      try (var list = lists.nextElement().openStream()) {
        new String(list.readAllBytes(), StandardCharsets.UTF_8).lines().forEach(found::add);
      }
    }
    return found;
  }
}
