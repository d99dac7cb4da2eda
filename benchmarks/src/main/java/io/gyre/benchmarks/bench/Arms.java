package io.gyre.benchmarks.bench;

import static io.gyre.benchmarks.bench.Place.join;

import io.gyre.benchmarks.bench.Arm.Family;
import io.gyre.benchmarks.bench.ProgramArm.Entry;
import io.gyre.benchmarks.peer.EchoPeer;
import java.util.ArrayList;
import java.util.List;

/** Everybody who takes part. */
final class Arms {
  private static final String ECHO_PEER = "io.gyre.benchmarks.peer.PeerMain";
  private static final String JAVA_LOAD = "io.gyre.benchmarks.load.NioEchoLoad";
  private static final int SMALLEST_BUFFER_BYTES = 4096;
  private static final double C_START_SECONDS = 0.05;
  private static final double JAVA_START_SECONDS = 0.7;

  private final Place place;

  Arms(Place place) {
    this.place = place;
  }

  List<Arm> of(Workload workload) {
    return switch (workload.kind()) {
      case READ, WRITE, SEQUENTIAL, APPEND, SMALL_FILES -> FileArms.of(place, workload);
      case ECHO -> echoes(workload);
      case OPEN_ECHO, IDLE, UDP_ECHO, UDP_RECEIVE, SERVE -> SocketArms.of(place, workload);
      case NOP -> nops(workload);
    };
  }

  private List<Arm> nops(Workload workload) {
    var options = List.of("--depth", String.valueOf(workload.concurrency()));
    var arms = new ArrayList<Arm>();
    arms.add(
        new ProcessArm(
            place.processes(),
            new Entry(
                "C over liburing", Family.CEILING, workload, place.referenceMissingBecause("nop")),
            join(List.of(place.reference().program("nop"), "--callbacks"), options)));
    // What no runtime can do: it counts completions without asking whose they are.
    arms.add(
        new ProcessArm(
            place.processes(),
            new Entry(
                "C over liburing, bare loop",
                Family.CEILING,
                workload,
                place.referenceMissingBecause("nop")),
            join(List.of(place.reference().program("nop")), options)));
    for (var driver : Place.DRIVERS) {
      // On NIO a NOP never leaves the process: what it measures there is the runtime itself.
      var name =
          driver.equals("nio")
              ? Place.gyreName(driver) + ", no system call"
              : Place.gyreName(driver);
      arms.add(
          new ProcessArm(
              place.processes(),
              new Entry(name, Family.GYRE, workload, place.missingBecause(driver)),
              join(Place.gyre("nop", "--driver", driver), options)));
    }
    return arms;
  }

  private List<Arm> echoes(Workload workload) {
    var load = load();
    int bytes = Math.max(SMALLEST_BUFFER_BYTES, workload.bytes());
    var buffer = List.of("--buffer", String.valueOf(bytes));
    var arms = new ArrayList<Arm>();
    arms.add(
        echo(
            load,
            "C over liburing",
            Family.CEILING,
            workload,
            place.referenceMissingBecause("echo_uring"),
            join(List.of(place.reference().program("echo_uring"), "--port", "0"), buffer)));
    if (!place.quick()) {
      arms.add(
          echo(
              load,
              "C over epoll",
              Family.C,
              workload,
              place.reference().missingBecause("echo_epoll"),
              join(List.of(place.reference().program("echo_epoll"), "--port", "0"), buffer)));
    }
    for (var driver : Place.DRIVERS) {
      arms.add(
          echo(
              load,
              Place.gyreName(driver),
              Family.GYRE,
              workload,
              place.missingBecause(driver),
              join(
                  Place.gyre("echo", "--port", "0", "--report-on-stdin", "--driver", driver),
                  buffer)));
    }
    for (var peer : EchoPeer.values()) {
      if (place.quick() && (peer == EchoPeer.VIRTUAL_THREADS || peer == EchoPeer.NETTY_NIO)) {
        continue;
      }
      arms.add(
          echo(
              load,
              name(peer),
              peer.label().startsWith("netty") ? Family.NETTY : Family.JDK,
              workload,
              peer.unavailableBecause(),
              join(JavaCommand.of(ECHO_PEER, peer.label(), "--port", "0"), buffer)));
    }
    return arms;
  }

  /** The cheapest there is: a load that is as busy as its server measures itself. */
  private EchoArm.LoadCommand load() {
    if (place.referenceMissingBecause("echo_load_uring") == null) {
      return new EchoArm.LoadCommand(
          "C over liburing",
          List.of(place.reference().program("echo_load_uring")),
          C_START_SECONDS);
    }
    if (place.reference().missingBecause("echo_load") == null) {
      return new EchoArm.LoadCommand(
          "C over epoll", List.of(place.reference().program("echo_load")), C_START_SECONDS);
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
        place.processes(),
        place.pinning(),
        load,
        new Entry(
            name,
            family,
            workload,
            Place.first(unavailableBecause, DescriptorLimit.tooLowFor(workload.concurrency()))),
        server);
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
}
