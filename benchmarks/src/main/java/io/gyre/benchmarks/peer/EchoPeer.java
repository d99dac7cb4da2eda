package io.gyre.benchmarks.peer;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Locale;

/** The echo servers that Gyre's is held against. */
public enum EchoPeer {
  /** One thread and a {@link java.nio.channels.Selector}. */
  NIO,
  /** {@link java.nio.channels.AsynchronousSocketChannel} on a group of one thread. */
  AIO,
  /** A virtual thread for each connection. */
  VIRTUAL_THREADS,
  /** Netty over the JDK's Selector. */
  NETTY_NIO,
  /** Netty over its own epoll. */
  NETTY_EPOLL,
  /** Netty over its own io_uring. */
  NETTY_IO_URING;

  /** Enough for the small messages that are compared by default. */
  public static final int DEFAULT_BUFFER_BYTES = 4096;

  /** As it is named on a command line: {@code netty-io_uring}. */
  public String label() {
    return this == NETTY_IO_URING
        ? "netty-io_uring"
        : name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * The peer of that label.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static EchoPeer of(String label) {
    for (var peer : values()) {
      if (peer.label().equals(label)) {
        return peer;
      }
    }
    throw new IllegalArgumentException("no peer is called '" + label + "'");
  }

  /** Why this peer cannot run here, or null when it can. */
  public String unavailableBecause() {
    return switch (this) {
      case NIO, AIO, VIRTUAL_THREADS -> null;
      case NETTY_NIO -> NettyEcho.unavailableBecause(NettyEcho.Transport.NIO);
      case NETTY_EPOLL -> NettyEcho.unavailableBecause(NettyEcho.Transport.EPOLL);
      case NETTY_IO_URING -> NettyEcho.unavailableBecause(NettyEcho.Transport.IO_URING);
    };
  }

  /**
   * Starts a server that accepts by the time this returns.
   *
   * @param address where to listen; port 0 for any that is free
   * @param bufferBytes how much is received at a time: a message should fit
   * @param counters what it echoes is added here
   * @throws IOException if it cannot listen there
   */
  public EchoServer start(InetSocketAddress address, int bufferBytes, EchoCounters counters)
      throws IOException {
    return switch (this) {
      case NIO -> new NioSelectorEcho(address, bufferBytes, counters);
      case AIO -> new AsyncChannelEcho(address, bufferBytes, counters);
      case VIRTUAL_THREADS -> new VirtualThreadEcho(address, bufferBytes, counters);
      case NETTY_NIO -> new NettyEcho(NettyEcho.Transport.NIO, address, bufferBytes, counters);
      case NETTY_EPOLL -> new NettyEcho(NettyEcho.Transport.EPOLL, address, bufferBytes, counters);
      case NETTY_IO_URING ->
          new NettyEcho(NettyEcho.Transport.IO_URING, address, bufferBytes, counters);
    };
  }
}
