package io.gyre.net;

import io.gyre.EventLoop;

/** Says which loop is to have a connection. Asked on the accepting loop's thread. */
interface Placement {
  /** The loop of the next connection, which counts there from now on. */
  EventLoop next();

  /** It has not come to be: it was gone before the loop took it, or the loop has ended. Any thread. */
  void lost(EventLoop loop);
}
