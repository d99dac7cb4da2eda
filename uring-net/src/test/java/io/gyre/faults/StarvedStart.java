package io.gyre.faults;

import io.gyre.IoRuntime;
import io.gyre.testing.Recorder;
import io.gyre.testing.Waits;
import java.io.File;
import java.io.IOException;

/** A program that starts runtimes with ever fewer descriptors left. Run under a low limit. */
final class StarvedStart {
  private static final int PLENTY = 10;

  private StarvedStart() {}

  public static void main(String[] args) throws Exception {
    var driver = args[0];
    start(driver).close(); // what the JDK opens once and keeps
    int before = open();
    int started = 0;
    int refused = 0;
    for (int left = PLENTY; left >= 0; left--) {
      try (var _ = new Descriptors(left);
          var runtime = start(driver)) {
        var nop = new Recorder<Integer>();
        runtime.loop().nop(1, nop);
        if (!nop.awaitOne().succeeded()) {
          throw new AssertionError("a NOP failed: " + nop.outcomes());
        }
        started++;
        System.out.println(left + " left: " + runtime);
      } catch (IOException e) {
        refused++;
        System.out.println(left + " left: " + e);
        if (!e.getMessage().contains("descriptor") && !e.getMessage().contains("open files")) {
          throw new AssertionError("the reason is not named", e);
        }
      }
    }
    if (started == 0 || refused == 0) {
      throw new AssertionError("started " + started + " times, refused " + refused);
    }
    Waits.until("descriptors are given back", () -> open() == before);
    System.out.println("checked");
  }

  private static int open() {
    return new File("/proc/self/fd").list().length;
  }

  private static IoRuntime start(String driver) throws IOException {
    return IoRuntime.builder().driver(driver).start();
  }
}
