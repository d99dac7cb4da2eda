package io.gyre.fs;

import io.gyre.Buffer;

/**
 * Takes the blocks of a {@link BlockReader}. Called on the thread of the file's loop, never from inside the call that
 * began to read; must not block. Nothing is called after {@link #ended} or {@link #failed}, of which one comes unless the
 * reading is stopped.
 *
 * @param <A> the attachment's type
 */
public interface BlockReadHandler<A> {
  /** What is to come after a block. */
  enum Next {
    /** The next block, as soon as it is there. */
    CONTINUE,
    /** No block before {@link BlockReader#resume()}. What is ahead is read and held meanwhile. */
    PAUSE,
    /** Nothing any more: the reading is over, and what was read ahead is given back. */
    STOP
  }

  /**
   * A block was read. Called any number of times, in the order of the file, each block beginning where the one before it
   * has ended. Blocks are full, but for the last, and for those of pipes and of what is read one block at a time.
   *
   * @param block the data, from position 0 to the limit, at least a byte; the handler owns it and must {@linkplain
   *     Buffer#release() release} it, now or later, from any thread
   * @param attachment what was given when reading began
   * @return what is to come. A handler that throws stops the reading, and what it throws goes to the runtime's exception
   *     handler
   */
  Next block(Buffer block, A attachment);

  /**
   * All was read. The last call. Comes also while the reading is paused.
   *
   * @param attachment what was given when reading began
   */
  void ended(A attachment);

  /**
   * Reading failed, or the file was closed. The last call. What was read in front of a failure was delivered before; a
   * close drops what is not delivered. Comes also while the reading is paused.
   *
   * @param cause why: for instance a {@link java.nio.file.FileSystemException}, a {@link
   *     java.nio.channels.ClosedChannelException} after a close
   * @param attachment what was given when reading began
   */
  void failed(Throwable cause, A attachment);
}
