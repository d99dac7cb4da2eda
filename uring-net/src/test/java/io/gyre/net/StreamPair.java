package io.gyre.net;

import io.gyre.IoRuntime;
import io.gyre.testing.Waits;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardSocketOptions;

/** One of our streams, connected to a plain socket. */
record StreamPair(TcpStream stream, Socket peer) implements Closeable {
  static StreamPair open(IoRuntime runtime) throws IOException {
    return open(runtime, 0);
  }

  /**
   * The same with a peer that holds little.
   *
   * @param receiveBufferBytes of the peer's socket; 0 leaves it to the system
   */
  static StreamPair open(IoRuntime runtime, int receiveBufferBytes) throws IOException {
    try (var server = new ServerSocket()) {
      if (receiveBufferBytes > 0) {
        server.setReceiveBufferSize(receiveBufferBytes);
      }
      server.bind(Peers.anyPort(), 1);
      server.setSoTimeout(Peers.TIMEOUT_MS);
      var connecting =
          TcpStream.connectAsync(runtime, (InetSocketAddress) server.getLocalSocketAddress());
      var peer = server.accept();
      peer.setSoTimeout(Peers.TIMEOUT_MS);
      return new StreamPair(Waits.get(connecting, "a connection"), peer);
    }
  }

  /**
   * The same with ends that hold little, so that writes are short and have to wait: ours as little as the system allows,
   * the peer's so much that the system does not wait between segments.
   */
  static StreamPair openTiny(IoRuntime runtime) throws IOException {
    var pair = open(runtime, 64 << 10);
    Waits.get(pair.stream.setOption(StandardSocketOptions.SO_SNDBUF, 1), "a small send buffer");
    return pair;
  }

  /** Waits until something came to the peer. */
  void awaitInput() {
    Waits.until(
        "something at the peer",
        () -> {
          try {
            return peer.getInputStream().available() > 0;
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  @Override
  public void close() throws IOException {
    peer.close();
    stream.close();
  }
}
