package io.gyre.benchmarks.http;

import java.nio.channels.ClosedChannelException;

/** Tells what a client may do at any time from what is wrong here. */
public final class PeerDeparture {
  private PeerDeparture() {}

  /**
   * Whether a connection broke because its other end left, or was closed here.
   *
   * @param cause of the failure
   * @return true if so, which is no error of ours
   */
  public static boolean is(Throwable cause) {
    var message = String.valueOf(cause.getMessage());
    return cause instanceof ClosedChannelException
        || message.contains("ECONNRESET")
        || message.contains("EPIPE")
        || message.contains("ENOTCONN")
        || message.contains("Connection reset")
        || message.contains("Broken pipe");
  }
}
