package io.gyre.benchmarks.bench;

import java.util.List;

/**
 * Something to do, the same for every arm.
 *
 * @param id for options and files
 * @param title for people
 * @param unit what is counted, in the plural
 * @param kind what is done
 * @param concurrency how many at a time: reads or NOPs in flight, connections, writers
 * @param bytes how much at a time: a read, an append, a request
 * @param direct whether files are used past the page cache
 * @param part when it is run without being asked for
 * @param percent of a server's own peak, of an open loop; else 0
 */
public record Workload(
    String id,
    String title,
    String unit,
    Kind kind,
    int concurrency,
    int bytes,
    boolean direct,
    Part part,
    int percent) {
  /** What is done. */
  public enum Kind {
    /** Random reads of a file. */
    READ,
    /** Random writes over a file. */
    WRITE,
    /** Reads of a file from its beginning to its end, again and again. */
    SEQUENTIAL,
    /** Appends that are durable when they are answered. */
    APPEND,
    /** Small files that are opened, read and closed. */
    SMALL_FILES,
    /** Requests to a TCP echo server. */
    ECHO,
    /** The same at fixed times, whether or not earlier ones were answered. */
    OPEN_ECHO,
    /** Connections to a TCP echo server that rest: what they take of memory. */
    IDLE,
    /** Datagrams that are sent back. */
    UDP_ECHO,
    /** Datagrams that are only received, more of them than can be. */
    UDP_RECEIVE,
    /** Files over HTTP, on connections that are kept. */
    SERVE,
    /** Operations that do nothing. */
    NOP;

    /** Whether arms work on the files of the comparison. */
    boolean isFiles() {
      return switch (this) {
        case READ, WRITE, SEQUENTIAL, APPEND, SMALL_FILES, SERVE -> true;
        case ECHO, OPEN_ECHO, IDLE, UDP_ECHO, UDP_RECEIVE, NOP -> false;
      };
    }
  }

  /** Which comparison it is part of. */
  public enum Part {
    /** Also of the quick one. */
    QUICK,
    /** Of the whole one. */
    WHOLE,
    /** Of one that names it. */
    ASKED
  }

  private static final int PAGE = 4096;
  private static final int SMALL_MESSAGE = 64;

  Workload(
      String id,
      String title,
      String unit,
      Kind kind,
      int concurrency,
      int bytes,
      boolean direct,
      Part part) {
    this(id, title, unit, kind, concurrency, bytes, direct, part, 0);
  }

  /**
   * All that there are.
   *
   * @return in the order in which they are run and shown
   */
  public static List<Workload> all() {
    return List.of(
        random(Kind.READ, 1, false, Part.ASKED),
        random(Kind.READ, 32, false, Part.QUICK),
        random(Kind.READ, 128, false, Part.WHOLE),
        random(Kind.READ, 1, true, Part.ASKED),
        random(Kind.READ, 8, true, Part.ASKED),
        random(Kind.READ, 32, true, Part.QUICK),
        random(Kind.READ, 128, true, Part.ASKED),
        random(Kind.WRITE, 1, true, Part.ASKED),
        random(Kind.WRITE, 8, true, Part.ASKED),
        random(Kind.WRITE, 32, true, Part.ASKED),
        random(Kind.WRITE, 128, true, Part.ASKED),
        sequential("sequential-cached", 256 << 10, 2, false),
        sequential("sequential-direct", 1 << 20, 4, true),
        append(64, 256, Part.WHOLE),
        smallFiles(32, Part.ASKED),
        echo(1, SMALL_MESSAGE, Part.ASKED),
        echo(64, SMALL_MESSAGE, Part.QUICK),
        echo(1000, SMALL_MESSAGE, Part.WHOLE),
        echo(9000, SMALL_MESSAGE, Part.ASKED),
        echo(1, 1 << 10, Part.ASKED),
        echo(64, 1 << 10, Part.ASKED),
        echo(1000, 1 << 10, Part.ASKED),
        echo(9000, 1 << 10, Part.ASKED),
        echo(1, 16 << 10, Part.ASKED),
        echo(64, 16 << 10, Part.ASKED),
        echo(1000, 16 << 10, Part.ASKED),
        echo(9000, 16 << 10, Part.ASKED),
        openEcho(20),
        openEcho(50),
        openEcho(80),
        idle(9000),
        udp(Kind.UDP_ECHO, "udp-echo", "UDP echo, 64 bytes, 64 peers"),
        udp(Kind.UDP_RECEIVE, "udp-receive", "UDP, 64 bytes, received under a flood"),
        serve(64, 4 << 10),
        serve(256, 4 << 10),
        serve(64, 64 << 10),
        serve(256, 64 << 10),
        serve(64, 1 << 20),
        serve(256, 1 << 20),
        new Workload("nop-128", "NOPs, 128 in flight", "ops", Kind.NOP, 128, 0, false, Part.QUICK));
  }

  private static Workload random(Kind kind, int depth, boolean direct, Part part) {
    var unit = kind == Kind.READ ? "reads" : "writes";
    var id =
        kind == Kind.READ
            ? direct ? "direct-read-" : "read-cached-"
            : direct ? "direct-write-" : "write-cached-";
    var title =
        "%s 4 KiB random %s, %d in flight".formatted(direct ? "O_DIRECT" : "Cached", unit, depth);
    return new Workload(id + depth, title, unit, kind, depth, PAGE, direct, part);
  }

  private static Workload sequential(String id, int block, int depth, boolean direct) {
    var title =
        "%s sequential reads of a file, %d KiB each, %d in flight"
            .formatted(direct ? "O_DIRECT" : "Cached", block >> 10, depth);
    return new Workload(id, title, "reads", Kind.SEQUENTIAL, depth, block, direct, Part.ASKED);
  }

  private static Workload append(int writers, int bytes, Part part) {
    var title =
        "Appends of %d bytes, durable by group commit, %d writers".formatted(bytes, writers);
    return new Workload("append-fsync", title, "appends", Kind.APPEND, writers, bytes, false, part);
  }

  private static Workload smallFiles(int depth, Part part) {
    var title = "Open, read and close cached files of 1 to 4 KiB, %d at a time".formatted(depth);
    return new Workload("small-files", title, "files", Kind.SMALL_FILES, depth, PAGE, false, part);
  }

  private static Workload echo(int connections, int bytes, Part part) {
    var title =
        "TCP echo, %s, %,d connection%s"
            .formatted(
                bytes < 1024 ? bytes + " bytes" : (bytes >> 10) + " KiB",
                connections,
                connections == 1 ? "" : "s");
    var id = "echo-" + connections + (bytes < 1024 ? "" : "-" + (bytes >> 10) + "k");
    return new Workload(id, title, "requests", Kind.ECHO, connections, bytes, false, part);
  }

  private static Workload openEcho(int percent) {
    var title =
        "TCP echo, 64 bytes, 64 connections, requests at fixed times, %d %% of the server's own peak"
            .formatted(percent);
    return new Workload(
        "echo-open-" + percent,
        title,
        "requests",
        Kind.OPEN_ECHO,
        64,
        SMALL_MESSAGE,
        false,
        Part.ASKED,
        percent);
  }

  private static Workload idle(int connections) {
    var title = "Memory of %,d TCP connections that rest after one echo".formatted(connections);
    return new Workload(
        "idle-" + connections,
        title,
        "connections",
        Kind.IDLE,
        connections,
        SMALL_MESSAGE,
        false,
        Part.ASKED);
  }

  private static Workload udp(Kind kind, String id, String title) {
    return new Workload(id, title, "datagrams", kind, 64, SMALL_MESSAGE, false, Part.ASKED);
  }

  private static Workload serve(int connections, int bytes) {
    var size = bytes < 1 << 20 ? (bytes >> 10) + " KiB" : (bytes >> 20) + " MiB";
    var shortSize = bytes < 1 << 20 ? (bytes >> 10) + "k" : (bytes >> 20) + "m";
    var title =
        "HTTP/1.1, a cached file of %s, %d connections that are kept".formatted(size, connections);
    return new Workload(
        "serve-" + shortSize + "-" + connections,
        title,
        "requests",
        Kind.SERVE,
        connections,
        bytes,
        false,
        Part.ASKED);
  }
}
