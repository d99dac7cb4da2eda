package io.gyre.net;

import io.gyre.EventLoop;
import io.gyre.driver.LoopFuture;
import java.nio.channels.CompletionHandler;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.concurrent.CancellationException;

/**
 * The future of a {@link ConnectRace}. Cancelling it cancels every attempt; it completes when they have ended. A connection
 * that was quicker than the cancellation is closed.
 */
final class ConnectFuture extends LoopFuture<TcpStream>
    implements CompletionHandler<TcpStream, Void> {
  private final EventLoop loop;
  private ConnectRace<Void> race;
  private boolean cancelRequested; // guarded by this
  private boolean claimed; // guarded by this

  ConnectFuture(EventLoop loop) {
    this.loop = loop;
  }

  void begin(ConnectRace<Void> value) {
    race = value;
    race.begin();
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    if (isDone()) {
      return isCancelled();
    }
    synchronized (this) {
      if (claimed) {
        return false;
      }
      cancelRequested = true;
    }
    try {
      loop.execute(race::cancel);
    } catch (ShutdownChannelGroupException e) {
      // The loop's end has ended the attempts, too.
    }
    return true;
  }

  /** Decides between a connection that somebody has to close and a cancellation: one of them wins. */
  private synchronized boolean claim() {
    claimed = !cancelRequested;
    return claimed;
  }

  @Override
  public void completed(TcpStream stream, Void none) {
    if (!claim()) {
      var _ = stream.closeAsync();
      completeExceptionally(new CancellationException(stream + " was cancelled, and closed"));
    } else if (!complete(stream)) {
      var _ = stream.closeAsync(); // somebody else has completed it: nobody takes this
    }
  }

  @Override
  public void failed(Throwable cause, Void none) {
    completeExceptionally(cause);
  }
}
