package io.gyre.net;

import io.gyre.driver.Futures;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.Objects;
import java.util.concurrent.CancellationException;

/** What goes into a {@link ByteStream}, of threads that wait: each write is one of the stream's, which keeps their order. */
final class StreamOutput extends OutputStream {
  private final ByteStream stream;

  StreamOutput(ByteStream stream) {
    this.stream = stream;
  }

  @Override
  public void write(int value) throws IOException {
    write(new byte[] {(byte) value}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, bytes.length);
    Futures.requireMayWait();
    if (length == 0) {
      return;
    }
    var content = ByteBuffer.wrap(bytes, offset, length);
    try {
      stream.write(content);
    } catch (InterruptedIOException e) {
      e.bytesTransferred = content.position() - offset;
      throw e;
    } catch (CancellationException e) {
      var interrupted = StreamInput.cancelled(e);
      interrupted.bytesTransferred = content.position() - offset;
      throw interrupted;
    } catch (ShutdownChannelGroupException e) {
      throw StreamInput.ended(stream, e);
    }
  }

  @Override
  public void close() throws IOException {
    Futures.requireMayWait();
    stream.close();
  }

  @Override
  public String toString() {
    return "output stream of " + stream;
  }
}
