/** Sockets over the runtime. Start at {@link io.gyre.net.TcpListener} and {@link io.gyre.net.TcpStream}. */
module io.gyre.net {
  requires transitive io.gyre;

  exports io.gyre.net;
}
