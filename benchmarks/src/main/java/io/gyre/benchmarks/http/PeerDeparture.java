package io.gyre.benchmarks.http;

import java.nio.channels.ClosedChannelException;

/** Tells what a client may do at any time from what is wrong here. */
final class PeerDeparture {
  private PeerDeparture() {}

  /** Whether a connection broke because its other end left, or was closed here. */
  static boolean is(Throwable cause) {
    var message = String.valueOf(cause.getMessage());
    return cause instanceof ClosedChannelException
        || message.contains("ECONNRESET")
        || message.contains("EPIPE")
        || message.contains("ENOTCONN")
        || message.contains("Connection reset")
        || message.contains("Broken pipe");
  }
}
