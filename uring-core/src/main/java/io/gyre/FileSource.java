package io.gyre;

import io.gyre.driver.Descriptor;

/**
 * A file whose content can go into a stream without its user reading it: {@code AsyncFile} of the module {@code
 * io.gyre.fs}. It is how the modules of files and of sockets meet, which know nothing else of each other.
 */
public interface FileSource {
  /**
   * The loop that the file belongs to.
   *
   * @return the loop
   */
  EventLoop loop();

  /**
   * What is read.
   *
   * @return the descriptor, confined to the loop's thread
   */
  Descriptor descriptor();

  /**
   * Whether it was opened for reading.
   *
   * @return true if so
   */
  boolean isReadable();
}
