package io.gyre.benchmarks.bench;

import java.util.List;

/**
 * Something to do, the same for every arm.
 *
 * @param id for options and files
 * @param title for people
 * @param unit what is counted, in the plural
 * @param kind what is done
 * @param concurrency how many at a time: reads or NOPs in flight, connections
 * @param direct whether reads go past the page cache
 * @param quick whether it is part of the quick comparison
 */
public record Workload(
    String id,
    String title,
    String unit,
    Kind kind,
    int concurrency,
    boolean direct,
    boolean quick) {
  /** Bytes a read. */
  public static final int BLOCK_BYTES = 4096;

  /** Bytes a request. */
  public static final int MESSAGE_BYTES = 64;

  /** What is done. */
  public enum Kind {
    /** Random reads of a file. */
    READ,
    /** Requests to a TCP echo server. */
    ECHO,
    /** Operations that do nothing. */
    NOP
  }

  /**
   * All that there are.
   *
   * @return in the order in which they are run and shown
   */
  public static List<Workload> all() {
    return List.of(
        read("read-cached-1", 1, false, false),
        read("read-cached-32", 32, false, true),
        read("read-cached-128", 128, false, false),
        read("read-direct-32", 32, true, true),
        echo("echo-64", 64, true),
        echo("echo-1000", 1000, false),
        new Workload("nop-128", "NOPs, 128 in flight", "ops", Kind.NOP, 128, false, true));
  }

  private static Workload read(String id, int depth, boolean direct, boolean quick) {
    var title = (direct ? "O_DIRECT" : "Cached") + " 4 KiB random reads, " + depth + " in flight";
    return new Workload(id, title, "reads", Kind.READ, depth, direct, quick);
  }

  private static Workload echo(String id, int connections, boolean quick) {
    var title = "TCP echo, " + MESSAGE_BYTES + " bytes, " + connections + " connections";
    return new Workload(id, title, "requests", Kind.ECHO, connections, false, quick);
  }
}
