package io.gyre.net;

/** How a {@link TcpServer} distributes connections over the loops of its runtime. */
public enum Distribution {
  /**
   * Each loop has a listener of its own, SO_REUSEPORT, and the system spreads connections over them by a hash of the
   * addresses: no loop has to do with another. What suits many short connections. With few connections some loops may get
   * none; and since each loop has a part of the bound on connections, one may be full while another is not.
   */
  REUSE_PORT,
  /**
   * The first loop accepts, and hands connections to all loops, itself included, one after the other. What suits long
   * connections that are much alike. Costs a message to the other loop for each connection.
   */
  ROUND_ROBIN,
  /**
   * The first loop accepts, and hands each connection to the loop that has the fewest open ones, in turn where several
   * have. What suits connections of which some last for long.
   */
  LEAST_CONNECTIONS
}
