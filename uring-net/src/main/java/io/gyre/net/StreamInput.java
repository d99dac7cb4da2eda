package io.gyre.net;

import io.gyre.driver.Futures;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.ReentrantLock;

/** What a {@link ByteStream} receives, for threads that wait: each read is one of the stream's. */
final class StreamInput extends InputStream {
  private final ByteStream stream;

  // Of those who read: one at a time, as a stream allows. A virtual thread that waits for it parks.
  private final ReentrantLock reading = new ReentrantLock();
  private final byte[] single = new byte[1]; // guarded by reading

  StreamInput(ByteStream stream) {
    this.stream = stream;
  }

  @Override
  public int read() throws IOException {
    Futures.requireMayWait();
    reading.lock();
    try {
      return receive(ByteBuffer.wrap(single)) < 0 ? -1 : single[0] & 0xFF;
    } finally {
      reading.unlock();
    }
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, bytes.length);
    Futures.requireMayWait();
    if (length == 0) {
      return 0;
    }
    reading.lock();
    try {
      return receive(ByteBuffer.wrap(bytes, offset, length));
    } finally {
      reading.unlock();
    }
  }

  private int receive(ByteBuffer into) throws IOException {
    try {
      return stream.read(into);
    } catch (CancellationException e) {
      throw cancelled(e);
    } catch (ShutdownChannelGroupException e) {
      throw ended(stream, e);
    }
  }

  /** Somebody has cancelled what is under way on the stream. */
  static InterruptedIOException cancelled(CancellationException cause) {
    return (InterruptedIOException) new InterruptedIOException(cause.getMessage()).initCause(cause);
  }

  static IOException ended(ByteStream stream, ShutdownChannelGroupException cause) {
    return new IOException(stream + ": the runtime has ended", cause);
  }

  @Override
  public void close() throws IOException {
    Futures.requireMayWait();
    stream.close();
  }

  @Override
  public String toString() {
    return "input stream of " + stream;
  }
}
