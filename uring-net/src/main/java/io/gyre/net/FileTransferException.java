package io.gyre.net;

import java.nio.file.FileSystemException;

/**
 * What {@link SocketStream#sendFile(io.gyre.FileSource, long, long) sendFile} fails with when the file can't give what was
 * promised: it is shorter, was cut short or closed meanwhile, or its device failed. Exactly {@link #bytesSent()} bytes
 * have gone out by then, and what was written after it follows behind them: the peer can't tell, so that most protocols
 * have nothing left but to close the connection.
 */
public final class FileTransferException extends FileSystemException {
  private static final long serialVersionUID = 1L;

  private final long bytesSent;

  FileTransferException(String file, String reason, long bytesSent, Throwable cause) {
    super(file, null, reason);
    this.bytesSent = bytesSent;
    initCause(cause);
  }

  /**
   * How much of the file has gone out.
   *
   * @return bytes, from 0, fewer than were asked for
   */
  public long bytesSent() {
    return bytesSent;
  }
}
