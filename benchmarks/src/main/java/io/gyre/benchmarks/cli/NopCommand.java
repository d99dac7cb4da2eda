package io.gyre.benchmarks.cli;

import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code ./gyre nop}. */
@Command(
    name = "nop",
    description = {
      "Measures operations that do nothing: what the way through the runtime and the ring costs.",
      "All are in callback style, each started again from its own completion."
    })
final class NopCommand implements Callable<Integer> {
  @Option(
      names = "--depth",
      paramLabel = "N",
      defaultValue = "128",
      description = "How many are in flight. Default: ${DEFAULT-VALUE}.")
  int depth;

  @Mixin WindowOptions window;
  @Mixin DriverOption driver;
  @Spec CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    Arguments.range(spec, "--depth", depth, 1, 32_768);
    window.check(spec);
    var out = spec.commandLine().getOut();
    try (var runtime = RingSizes.fit(driver.builder(), depth).start()) {
      var load = new NopLoad(runtime.loops().getFirst(), depth);
      var run = new LoadRun(load, "ops", new Progress(out));
      run.run(window.warmupNanos(), window.nanos());
      var meter = run.meter();
      long ops = run.operations();
      out.printf(
          Locale.ROOT,
          "ops/s=%.0f cpu_us/op=%.4f enters/op=%.5f alloc_bytes/op=%.2f errors=%d%n",
          meter.perSecond(ops),
          meter.cpuMicrosPer(ops),
          meter.entersPer(ops),
          meter.allocatedBytesPer(ops),
          run.errors());
      if (load.firstFailure() != null) {
        throw new CommandFailed(Failures.describe(load.firstFailure()));
      }
    }
    return 0;
  }
}
