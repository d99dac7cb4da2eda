package io.gyre.nio;

import io.gyre.driver.MovingSocket;
import java.io.IOException;
import java.nio.channels.SocketChannel;

/** A socket between two selectors: its channel, which no selector has seen yet. */
record MovingChannel(String subject, SocketChannel channel) implements MovingSocket {
  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // Nobody is left to be told.
    }
  }
}
