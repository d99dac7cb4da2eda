package io.gyre.fs;

import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.Futures;
import io.gyre.driver.IoFuture;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.concurrent.CompletableFuture;

/**
 * A range of a file that is locked against other open files, of this process and of others that lock, too. Closing the
 * file ends it.
 */
public final class FileRangeLock implements AutoCloseable {
  private final AsyncFile file;
  private final long position;
  private final long size;
  private final boolean shared;

  FileRangeLock(AsyncFile file, long position, long size, boolean shared) {
    this.file = file;
    this.position = position;
    this.size = size;
    this.shared = shared;
  }

  /**
   * The file.
   *
   * @return whose range it is
   */
  public AsyncFile file() {
    return file;
  }

  /**
   * Where the range begins.
   *
   * @return the offset of its first byte
   */
  public long position() {
    return position;
  }

  /**
   * How long the range is.
   *
   * @return bytes
   */
  public long size() {
    return size;
  }

  /**
   * Whether others may share it.
   *
   * @return false if it is exclusive
   */
  public boolean isShared() {
    return shared;
  }

  /**
   * Ends the lock.
   *
   * @param attachment given to the handler
   * @param handler takes 0; fails with an {@link IllegalStateException} when it was ended before
   * @param <A> the attachment's type
   */
  public <A> void release(A attachment, IoHandler<? super A> handler) {
    file.unlock(position, size, attachment, handler);
  }

  /**
   * Ends the lock.
   *
   * @return completes when it is ended
   */
  public CompletableFuture<Void> releaseAsync() {
    return IoFuture.start(file.loop(), future -> release(future, FutureHandler.VOID));
  }

  /**
   * Ends the lock, and waits for that.
   *
   * @throws IOException when the system refuses
   * @throws IllegalStateException when it was ended before, or on a loop's thread
   */
  public void release() throws IOException {
    Futures.requireMayWait();
    Futures.await(releaseAsync());
  }

  /**
   * The same as {@link #release()}, but harmless when the file was closed, which has ended the lock; on a loop's thread it
   * does not wait.
   */
  @Override
  public void close() throws IOException {
    try {
      var done = releaseAsync();
      if (EventLoop.current() == null) {
        Futures.await(done);
      }
    } catch (ClosedChannelException | ShutdownChannelGroupException e) {
      // ended with the file
    }
  }

  @Override
  public String toString() {
    return (shared ? "shared" : "exclusive")
        + " lock of "
        + size
        + " bytes at "
        + position
        + " of "
        + file;
  }
}
