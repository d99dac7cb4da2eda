package io.gyre.benchmarks.peer;

import java.io.IOException;

/** A TCP server that sends back whatever it receives, until it is closed. */
public interface EchoServer extends AutoCloseable {
  /** Which peer this is. */
  String name();

  /** The port that it listens on. */
  int port();

  /** Stops accepting and drops all connections. */
  @Override
  void close() throws IOException;
}
