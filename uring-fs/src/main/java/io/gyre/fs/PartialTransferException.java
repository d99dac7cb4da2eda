package io.gyre.fs;

import java.nio.file.FileSystemException;

/**
 * What {@link AsyncFile#readFully(java.nio.ByteBuffer, long) readFully} and {@link
 * AsyncFile#writeFully(java.nio.ByteBuffer, long) writeFully} fail with when the system refuses to go on: on a full disk,
 * for instance. What had been transferred by then is exactly the first {@link #bytesTransferred()} bytes; the buffer's
 * position stands behind them. The cause is the failure as a single read or write has it.
 */
public final class PartialTransferException extends FileSystemException {
  private static final long serialVersionUID = 1L;

  private final int bytesTransferred;

  PartialTransferException(String file, String reason, int bytesTransferred, Throwable cause) {
    super(file, null, reason);
    this.bytesTransferred = bytesTransferred;
    initCause(cause);
  }

  /**
   * How much was read or written before the failure.
   *
   * @return bytes, from 0
   */
  public int bytesTransferred() {
    return bytesTransferred;
  }
}
