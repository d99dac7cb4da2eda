package io.gyre.fs;

import io.gyre.IoHandler;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.Futures;
import io.gyre.driver.IoFuture;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A range of a file that is locked against other open files, of this process and of others that lock, too. Closing the
 * file ends it.
 */
public final class FileRangeLock implements AutoCloseable {
  private final AsyncFile file;
  private final long position;
  private final long size;
  private final boolean shared;
  private final AtomicBoolean released = new AtomicBoolean(); // or about to be

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
   * Ends the lock. Once it is ended, or about to be, this does nothing: somebody else may hold the range by then. A
   * release that failed may be tried again.
   *
   * @param attachment given to the handler
   * @param handler takes 0, also when the lock was ended before
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended, which has ended the lock
   */
  public <A> void release(A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (!released.compareAndSet(false, true)) {
      file.loop().execute(() -> handler.completed(0, attachment));
      return;
    }
    try {
      file.unlock(position, size, attachment, new Releasing<>(this, handler));
    } catch (RuntimeException e) {
      released.set(false);
      throw e;
    }
  }

  /** Lets a release that failed be tried again. */
  private record Releasing<A>(FileRangeLock lock, IoHandler<? super A> handler)
      implements IoHandler<A> {
    @Override
    public void completed(int result, A attachment) {
      handler.completed(result, attachment);
    }

    @Override
    public void failed(Throwable cause, A attachment) {
      lock.released.set(false);
      handler.failed(cause, attachment);
    }
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
   * @throws IllegalStateException on a loop's thread
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
      Futures.awaitUnlessInLoop(releaseAsync());
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
