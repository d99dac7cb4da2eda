package io.gyre.benchmarks.bench;

import io.gyre.IoRuntime;
import io.gyre.benchmarks.bench.Arm.Family;
import io.gyre.benchmarks.peer.EchoPeer;
import io.gyre.benchmarks.peer.ReadPeer;
import java.util.ArrayList;
import java.util.List;

/** Everybody who takes part. */
final class Arms {
  private static final String GYRE = "io.gyre.benchmarks.cli.Main";
  private static final String READ_PEER = "io.gyre.benchmarks.peer.ReadPeerMain";
  private static final String ECHO_PEER = "io.gyre.benchmarks.peer.PeerMain";
  private static final String JAVA_LOAD = "io.gyre.benchmarks.load.NioEchoLoad";
  private static final double C_START_SECONDS = 0.05;
  private static final double JAVA_START_SECONDS = 0.7;

  private final Processes processes;
  private final Pinning pinning;
  private final Reference reference;
  private final DataFiles files;
  private final boolean quick;
  private final String noUringBecause;

  /**
   * Makes the list's maker.
   *
   * @param files what is read; null when nothing is to be run
   * @param quick whether to leave out those that say little beside the others
   */
  Arms(Processes processes, Pinning pinning, Reference reference, DataFiles files, boolean quick) {
    this.processes = processes;
    this.pinning = pinning;
    this.reference = reference;
    this.files = files;
    this.quick = quick;
    this.noUringBecause =
        IoRuntime.probeDrivers().stream()
            .filter(d -> d.name().equals("uring"))
            .findFirst()
            .map(d -> d.availability().available() ? null : d.availability().reason())
            .orElse(null);
  }

  List<Arm> of(Workload workload) {
    return switch (workload.kind()) {
      case READ -> reads(workload);
      case ECHO -> echoes(workload);
      case NOP -> nops(workload);
    };
  }

  private List<Arm> reads(Workload workload) {
    var file = files == null ? "FILE" : files.file(workload).toString();
    var noDirect = workload.direct() && files != null ? files.noDirectBecause() : null;
    var options =
        new ArrayList<>(
            List.of(
                "--depth", String.valueOf(workload.concurrency()),
                "--block", String.valueOf(Workload.BLOCK_BYTES)));
    if (workload.direct()) {
      options.add("--direct");
    }
    var arms = new ArrayList<Arm>();
    arms.add(
        new ProcessArm(
            processes,
            "C over liburing",
            Family.CEILING,
            workload,
            first(noDirect, reference.missingBecause("read"), noUringBecause),
            join(List.of(reference.program("read"), file, "--latency"), options)));
    for (var driver : List.of("uring", "nio")) {
      arms.add(
          new ProcessArm(
              processes,
              gyre(driver),
              Family.GYRE,
              workload,
              first(noDirect, uring(driver)),
              join(JavaCommand.of(GYRE, "read", file, "--driver", driver), options)));
    }
    for (var peer : ReadPeer.values()) {
      var name =
          switch (peer) {
            case FILE_CHANNEL -> "FileChannel, blocking";
            case ASYNC_FILE_CHANNEL -> "AsynchronousFileChannel";
          };
      arms.add(
          new ProcessArm(
              processes,
              name,
              Family.JDK,
              workload,
              noDirect,
              join(JavaCommand.of(READ_PEER, peer.label(), file), options)));
    }
    return arms;
  }

  private List<Arm> nops(Workload workload) {
    var options = List.of("--depth", String.valueOf(workload.concurrency()));
    var arms = new ArrayList<Arm>();
    arms.add(
        new ProcessArm(
            processes,
            "C over liburing",
            Family.CEILING,
            workload,
            first(reference.missingBecause("nop"), noUringBecause),
            join(List.of(reference.program("nop"), "--callbacks"), options)));
    // What no runtime can do: it counts completions without asking whose they are.
    arms.add(
        new ProcessArm(
            processes,
            "C over liburing, bare loop",
            Family.CEILING,
            workload,
            first(reference.missingBecause("nop"), noUringBecause),
            join(List.of(reference.program("nop")), options)));
    for (var driver : List.of("uring", "nio")) {
      // On NIO a NOP never leaves the process: what it measures there is the runtime itself.
      var name = driver.equals("nio") ? gyre(driver) + ", no system call" : gyre(driver);
      arms.add(
          new ProcessArm(
              processes,
              name,
              Family.GYRE,
              workload,
              uring(driver),
              join(JavaCommand.of(GYRE, "nop", "--driver", driver), options)));
    }
    return arms;
  }

  private List<Arm> echoes(Workload workload) {
    var load = load();
    var arms = new ArrayList<Arm>();
    arms.add(
        echo(
            load,
            "C over liburing",
            Family.CEILING,
            workload,
            first(reference.missingBecause("echo_uring"), noUringBecause),
            List.of(reference.program("echo_uring"), "--port", "0")));
    if (!quick) {
      arms.add(
          echo(
              load,
              "C over epoll",
              Family.C,
              workload,
              reference.missingBecause("echo_epoll"),
              List.of(reference.program("echo_epoll"), "--port", "0")));
    }
    for (var driver : List.of("uring", "nio")) {
      arms.add(
          echo(
              load,
              gyre(driver),
              Family.GYRE,
              workload,
              uring(driver),
              JavaCommand.of(
                  GYRE, "echo", "--port", "0", "--report-on-stdin", "--driver", driver)));
    }
    for (var peer : EchoPeer.values()) {
      if (quick && (peer == EchoPeer.VIRTUAL_THREADS || peer == EchoPeer.NETTY_NIO)) {
        continue;
      }
      arms.add(
          echo(
              load,
              name(peer),
              peer.label().startsWith("netty") ? Family.NETTY : Family.JDK,
              workload,
              peer.unavailableBecause(),
              JavaCommand.of(ECHO_PEER, peer.label(), "--port", "0")));
    }
    return arms;
  }

  /** The cheapest there is: a load that is as busy as its server measures itself. */
  private EchoArm.LoadCommand load() {
    if (noUringBecause == null && reference.missingBecause("echo_load_uring") == null) {
      return new EchoArm.LoadCommand(
          "C over liburing", List.of(reference.program("echo_load_uring")), C_START_SECONDS);
    }
    if (reference.missingBecause("echo_load") == null) {
      return new EchoArm.LoadCommand(
          "C over epoll", List.of(reference.program("echo_load")), C_START_SECONDS);
    }
    return new EchoArm.LoadCommand("Java's NIO", JavaCommand.of(JAVA_LOAD), JAVA_START_SECONDS);
  }

  /** For people: the program that sends requests. */
  String loadName() {
    return load().name();
  }

  private Arm echo(
      EchoArm.LoadCommand load,
      String name,
      Family family,
      Workload workload,
      String unavailableBecause,
      List<String> server) {
    return new EchoArm(
        processes, pinning, load, name, family, workload, unavailableBecause, server);
  }

  private static String name(EchoPeer peer) {
    return switch (peer) {
      case NIO -> "Selector";
      case AIO -> "AsynchronousSocketChannel";
      case VIRTUAL_THREADS -> "virtual threads";
      case NETTY_NIO -> "Netty NIO";
      case NETTY_EPOLL -> "Netty epoll";
      case NETTY_IO_URING -> "Netty io_uring";
    };
  }

  private static String gyre(String driver) {
    return driver.equals("uring") ? "Gyre on io_uring" : "Gyre on NIO";
  }

  private String uring(String driver) {
    return driver.equals("uring") ? noUringBecause : null;
  }

  private static String first(String... reasons) {
    for (var reason : reasons) {
      if (reason != null) {
        return reason;
      }
    }
    return null;
  }

  private static List<String> join(List<String> first, List<String> second) {
    var joined = new ArrayList<>(first);
    joined.addAll(second);
    return joined;
  }
}
