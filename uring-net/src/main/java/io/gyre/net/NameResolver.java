package io.gyre.net;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;

/** Finds the addresses of a name. May block; any thread. A seam: tests need no name server. */
@FunctionalInterface
interface NameResolver {
  /** The JDK's, which asks the system. */
  NameResolver SYSTEM = host -> List.of(InetAddress.getAllByName(host));

  /**
   * Finds the addresses of a name.
   *
   * @return at least one, the best first
   */
  List<InetAddress> resolve(String host) throws UnknownHostException;
}
