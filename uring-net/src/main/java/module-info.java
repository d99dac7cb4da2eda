/** Sockets over the runtime. Start at {@link io.gyre.net.TcpListener}, {@link io.gyre.net.TcpStream} and {@link io.gyre.net.UdpSocket}. */
module io.gyre.net {
  requires transitive io.gyre;

  exports io.gyre.net;
}
