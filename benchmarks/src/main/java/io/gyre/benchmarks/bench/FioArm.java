package io.gyre.benchmarks.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * fio over io_uring, with a registered file and registered buffers. It hands over all it has and takes all there is, as
 * everybody here does: its default, one at a time, is slower.
 *
 * @see <a href="https://fio.readthedocs.io/en/latest/fio_doc.html">fio's manual: I/O engine, JSON output</a>
 */
final class FioArm extends ProgramArm {
  static final String PROGRAM = "fio";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final List<String> command;

  /**
   * Makes an arm.
   *
   * @param command how to start a job of {@link #command}, pinned or not
   */
  FioArm(Processes processes, Entry entry, List<String> command) {
    super(processes, entry);
    this.command = command;
  }

  /** The program and its arguments, but for how long. */
  static List<String> command(Workload workload, String file) {
    var mode =
        switch (workload.kind()) {
          case WRITE -> "randwrite";
          case SEQUENTIAL -> "read";
          default -> "randread";
        };
    var depth = String.valueOf(workload.concurrency());
    return List.of(
        PROGRAM,
        "--name=gyre",
        "--ioengine=io_uring",
        "--registerfiles=1",
        "--fixedbufs=1",
        "--filename=" + file,
        "--rw=" + mode,
        "--bs=" + workload.bytes(),
        "--iodepth=" + depth,
        "--iodepth_batch_submit=" + depth,
        "--iodepth_batch_complete_max=" + depth,
        "--direct=" + (workload.direct() ? 1 : 0),
        "--invalidate=0", // what is cached stays so
        "--norandommap",
        "--randseed=42",
        "--time_based",
        "--output-format=json");
  }

  @Override
  public Result run(Timing timing) throws IOException, InterruptedException {
    var timed = new ArrayList<>(command);
    timed.add("--ramp_time=" + millis(timing.warmupSeconds()));
    timed.add("--runtime=" + millis(timing.seconds()));
    var output = processes.run(timed, timing.warmupSeconds() + timing.seconds());
    if (output.status() != 0) {
      throw new IOException(output.complaint());
    }
    return parse(String.join("\n", output.lines()), workload().kind() == Workload.Kind.WRITE);
  }

  private static String millis(double seconds) {
    return String.format(Locale.ROOT, "%.0fms", seconds * 1e3);
  }

  /**
   * Reads what fio printed.
   *
   * @param text its standard output; lines may come before the JSON
   * @param write whether it wrote
   */
  static Result parse(String text, boolean write) throws IOException {
    var job = job(text);
    var side = job.path(write ? "write" : "read");
    double count = number(side, "total_ios");
    double seconds = number(side, "runtime") / 1e3;
    if (!(count > 0 && seconds > 0)) {
      throw new IOException("fio did nothing in the time that was measured");
    }
    double cpuPercent = number(job, "usr_cpu") + number(job, "sys_cpu");
    double cpuMicros = cpuPercent / 100 * number(job, "job_runtime") * 1e3 / count;
    var percentiles = side.path("clat_ns").path("percentile");
    return new Result(
        count / seconds,
        cpuMicros,
        number(percentiles, "50.000000") / 1e3,
        number(percentiles, "99.000000") / 1e3,
        Double.NaN,
        Double.NaN,
        Double.NaN,
        Double.NaN,
        job.path("error").asLong());
  }

  private static JsonNode job(String text) throws IOException {
    int begin = text.indexOf('{');
    if (begin < 0) {
      throw new IOException("fio printed no JSON: " + text.lines().findFirst().orElse("nothing"));
    }
    try {
      var job = JSON.readTree(text.substring(begin)).path("jobs").path(0);
      if (job.isMissingNode()) {
        throw new IOException("fio's JSON has no job");
      }
      return job;
    } catch (JsonProcessingException e) {
      throw new IOException("fio's JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static double number(JsonNode node, String name) {
    var value = node.path(name);
    return value.isNumber() ? value.asDouble() : Double.NaN;
  }
}
