package io.gyre.fs;

/**
 * Takes the outcomes of a {@link ReadBatch}'s reads as they come, in any order. Called on the thread of the file's loop,
 * never from inside the call that started the batch; must not block.
 *
 * @param <A> the attachment's type
 */
public interface ReadBatchHandler<A> {
  /**
   * One of the reads succeeded. Its buffer is the user's again.
   *
   * @param index which, from 0 in the order in which they were added
   * @param bytes how many, which may be fewer than remained; -1 at the end of the file
   * @param attachment what was given along
   */
  void completed(int index, int bytes, A attachment);

  /**
   * One of the reads failed, or was cancelled; the others go on.
   *
   * @param index which
   * @param cause why
   * @param attachment what was given along
   */
  void failed(int index, Throwable cause, A attachment);

  /**
   * All have been told of: the batch may be used again, from inside this call on.
   *
   * @param attachment what was given along
   */
  void ended(A attachment);
}
