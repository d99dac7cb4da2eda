package io.gyre.benchmarks.bench;

import static io.gyre.benchmarks.bench.Place.first;
import static io.gyre.benchmarks.bench.Place.join;

import io.gyre.benchmarks.bench.Arm.Family;
import io.gyre.benchmarks.bench.ProgramArm.Entry;
import io.gyre.benchmarks.peer.EchoPeer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Who is compared on sockets beside the closed loop of echoes: latencies, memory, datagrams, and files over HTTP. */
final class SocketArms {
  private static final String ECHO_PEER = "io.gyre.benchmarks.peer.PeerMain";
  private static final String UDP_PEER = "io.gyre.benchmarks.peer.UdpPeerMain";
  private static final String CLOSED_LOAD = "echo_load_uring";
  private static final String OPEN_LOAD = "echo_open";
  private static final String FLOOD = "udp_flood";

  private final Place place;
  private final Workload workload;
  private final List<Arm> arms = new ArrayList<>();

  private SocketArms(Place place, Workload workload) {
    this.place = place;
    this.workload = workload;
  }

  static List<Arm> of(Place place, Workload workload) {
    var arms = new SocketArms(place, workload);
    switch (workload.kind()) {
      case OPEN_ECHO -> arms.openEchoes();
      case IDLE -> arms.idle();
      case UDP_ECHO, UDP_RECEIVE -> arms.datagrams();
      case SERVE -> arms.servers();
      default -> throw new IllegalArgumentException(workload.id());
    }
    return arms.arms;
  }

  // ---- latencies at fixed rates

  private void openEchoes() {
    addOpen("C over liburing", Family.CEILING, noC("echo_uring"), cEcho());
    for (var driver : Place.DRIVERS) {
      addOpen(Place.gyreName(driver), Family.GYRE, place.missingBecause(driver), gyreEcho(driver));
    }
    addOpen("Selector", Family.JDK, null, peerEcho(EchoPeer.NIO));
    addOpen(
        "Netty epoll",
        Family.NETTY,
        EchoPeer.NETTY_EPOLL.unavailableBecause(),
        peerEcho(EchoPeer.NETTY_EPOLL));
  }

  private void addOpen(String name, Family family, String unavailable, List<String> server) {
    arms.add(
        new OpenEchoArm(
            place.processes(),
            place.pinning(),
            entry(name, family, first(unavailable, noC(CLOSED_LOAD), noC(OPEN_LOAD))),
            server,
            place.reference().program(CLOSED_LOAD),
            place.reference().program(OPEN_LOAD)));
  }

  // ---- memory

  private void idle() {
    addIdle("C over liburing", Family.CEILING, noC("echo_uring"), cEcho());
    for (var driver : Place.DRIVERS) {
      addIdle(
          Place.gyreName(driver),
          Family.GYRE,
          place.missingBecause(driver),
          JavaCommand.with(IdleArm.JVM, gyreEcho(driver)));
    }
    addIdle(
        "Netty epoll",
        Family.NETTY,
        EchoPeer.NETTY_EPOLL.unavailableBecause(),
        JavaCommand.with(IdleArm.JVM, peerEcho(EchoPeer.NETTY_EPOLL)));
  }

  private void addIdle(String name, Family family, String unavailable, List<String> server) {
    var limit = DescriptorLimit.tooLowFor(workload.concurrency());
    arms.add(
        new IdleArm(
            place.processes(),
            place.pinning(),
            entry(name, family, first(unavailable, limit)),
            server));
  }

  private List<String> cEcho() {
    return List.of(place.reference().program("echo_uring"), "--port", "0");
  }

  private static List<String> gyreEcho(String driver) {
    return Place.gyre("echo", "--port", "0", "--report-on-stdin", "--driver", driver);
  }

  private static List<String> peerEcho(EchoPeer peer) {
    return JavaCommand.of(ECHO_PEER, peer.label(), "--port", "0");
  }

  // ---- datagrams

  private void datagrams() {
    boolean receiveOnly = workload.kind() == Workload.Kind.UDP_RECEIVE;
    var mode = receiveOnly ? List.of("--receive-only") : List.<String>of();
    addUdp(
        "C over recvmmsg",
        Family.CEILING,
        place.reference().missingBecause("udp_mmsg"),
        join(List.of(place.reference().program("udp_mmsg"), "--port", "0"), mode));
    for (var driver : Place.DRIVERS) {
      addUdp(
          Place.gyreName(driver),
          Family.GYRE,
          place.missingBecause(driver),
          join(Place.gyre("udp", "--port", "0", "--report-on-stdin", "--driver", driver), mode));
    }
    addUdp(
        "DatagramChannel", Family.JDK, null, join(JavaCommand.of(UDP_PEER, "--port", "0"), mode));
  }

  private void addUdp(String name, Family family, String unavailable, List<String> server) {
    boolean flood = workload.kind() == Workload.Kind.UDP_RECEIVE;
    var noLoad = flood ? place.reference().missingBecause(FLOOD) : noC(CLOSED_LOAD);
    var load =
        flood
            ? List.of(place.reference().program(FLOOD))
            : List.of(
                place.reference().program(CLOSED_LOAD),
                "--udp",
                "--connections",
                String.valueOf(workload.concurrency()));
    arms.add(
        new UdpArm(
            place.processes(),
            place.pinning(),
            entry(name, family, first(unavailable, noLoad)),
            server,
            load));
  }

  // ---- files over HTTP

  private void servers() {
    var files = place.files();
    var site = files == null ? Path.of("DIR") : files.path(workload);
    var noLoad = Programs.missingBecause(WrkOutput.PROGRAM, WrkOutput.PROGRAM);
    addServer(
        "nginx",
        Family.CEILING,
        first(Nginx.missingBecause(), noLoad),
        site,
        (port, scratch) -> Nginx.command(site, port, scratch));
    for (var driver : Place.DRIVERS) {
      addServer(
          Place.gyreName(driver),
          Family.GYRE,
          first(place.missingBecause(driver), noLoad),
          site,
          (port, _) ->
              Place.gyre(
                  "serve", site.toString(), "--port", String.valueOf(port), "--driver", driver));
    }
  }

  private void addServer(
      String name, Family family, String unavailable, Path site, ServeArm.Server server) {
    arms.add(
        new ServeArm(
            place.processes(),
            place.pinning(),
            entry(name, family, unavailable),
            site.resolve(DataFiles.fileName(workload)),
            server));
  }

  private String noC(String program) {
    return place.referenceMissingBecause(program);
  }

  private Entry entry(String name, Family family, String unavailable) {
    return new Entry(name, family, workload, unavailable);
  }
}
