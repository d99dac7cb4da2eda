package io.gyre.fs;

/**
 * Is told how a {@link BlockWriter} gets on. Called on the thread of the file's loop, never from inside a call of the
 * writer; must not block. Exactly one of {@link #ended} and {@link #failed} is the last call. What a handler throws goes to
 * the runtime's exception handler, and ends the writing if it was not the last call.
 *
 * @param <A> the attachment's type
 */
public interface BlockWriteHandler<A> {
  /**
   * There is room again after {@link BlockWriter#offer} has said that there is none: half of the places are free.
   *
   * @param attachment what was given when writing began
   */
  void drained(A attachment);

  /**
   * More is in the file. By default nothing is done about it.
   *
   * @param bytes how many from the beginning on, without a gap; durable only if the file was opened with DSYNC or SYNC
   * @param attachment what was given when writing began
   */
  default void written(long bytes, A attachment) {}

  /**
   * All is written, and synced if that was asked for. The last call.
   *
   * @param bytes how many there were
   * @param attachment what was given when writing began
   */
  void ended(long bytes, A attachment);

  /**
   * Writing failed, was aborted, or the file was closed. The last call: nothing is in flight any more, and all buffers were
   * released.
   *
   * @param cause the first failure: for instance a {@link java.nio.file.FileSystemException} on a full disk, a {@link
   *     java.nio.channels.ClosedChannelException} after a close, a {@link java.util.concurrent.CancellationException} after
   *     {@link BlockWriter#abort()}
   * @param bytes how many are in the file from the beginning on, without a gap. Behind that, of what was under way at the
   *     same time, there may be more. When it was the sync that failed, all were written and nobody knows which are durable
   * @param attachment what was given when writing began
   */
  void failed(Throwable cause, long bytes, A attachment);
}
