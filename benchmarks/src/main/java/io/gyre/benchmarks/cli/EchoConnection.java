package io.gyre.benchmarks.cli;

import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.benchmarks.http.PeerDeparture;
import io.gyre.net.ReceiveHandler;
import io.gyre.net.TcpStream;

/**
 * One connection: what comes in goes out, in the very buffer that it came in. Made once a connection, so that a request
 * allocates nothing. Confined to its loop's thread.
 *
 * <pre>
 *   received --> write --> written: the buffer is given back
 *      |                      ^
 *      +-- too much unwritten: receiving pauses, until half of that is written
 *
 *   ended ----> output is shut down after the last write ----> closed
 *   finish ---> the same, and what still comes in is dropped until the peer has ended, too
 * </pre>
 */
final class EchoConnection implements ReceiveHandler<Void> {
  private static final int MAX_UNWRITTEN_BYTES = 256 << 10;
  private static final IoHandler<EchoConnection> OUTPUT_SHUT = new OutputShut();
  private static final IoHandler<EchoConnection> CLOSED = new Closed();

  private final EchoLoop owner;
  private final TcpStream stream;
  private final Writes writes = new Writes();
  private int unwrittenBuffers;
  private int unwrittenBytes;
  private boolean paused;
  private boolean ended;
  private boolean finishing;
  private boolean shuttingOutput;
  private boolean outputShut;
  private boolean closed;

  EchoConnection(EchoLoop owner, TcpStream stream) {
    this.owner = owner;
    this.stream = stream;
  }

  void begin() {
    stream.receiveEach(null, this);
  }

  @Override
  public void received(Buffer buffer, Void attachment) {
    if (shuttingOutput || closed) {
      buffer.release();
      return;
    }
    owner.requestCame();
    unwrittenBuffers++;
    unwrittenBytes += buffer.byteBuffer().remaining();
    stream.write(buffer, buffer, writes);
    if (!paused
        && (unwrittenBuffers >= owner.buffersEach() || unwrittenBytes >= MAX_UNWRITTEN_BYTES)) {
      paused = true;
      stream.pauseReceiving();
    }
  }

  @Override
  public void ended(Void attachment) {
    ended = true;
    shutOutput();
    closeIfDone();
  }

  @Override
  public void failed(Throwable cause, Void attachment) {
    lost(cause);
  }

  /** Takes the outcome of writes; an object of its own, since both kinds of handler have a {@code failed}. */
  private final class Writes implements IoHandler<Buffer> {
    @Override
    public void completed(int result, Buffer buffer) {
      giveBack(buffer);
      owner.requestWritten(result);
      unwrittenBuffers--;
      unwrittenBytes -= result;
      if (paused
          && unwrittenBuffers <= owner.buffersEach() / 2
          && unwrittenBytes <= MAX_UNWRITTEN_BYTES / 2) {
        paused = false;
        stream.resumeReceiving();
      }
    }

    @Override
    public void failed(Throwable cause, Buffer buffer) {
      giveBack(buffer);
      lost(cause);
    }

    private void giveBack(Buffer buffer) {
      buffer.release();
      owner.gaveBack();
    }
  }

  /** Ends the connection once what was received is written. */
  void finish() {
    if (!finishing && !closed) {
      finishing = true;
      shutOutput();
      if (paused) {
        paused = false;
        stream.resumeReceiving(); // to see the peer's end
      }
    }
  }

  /** Closes the connection if all is written, though the peer has not closed its side. */
  void closeIfWritten() {
    if (outputShut) {
      close();
    }
  }

  private void shutOutput() {
    if (!shuttingOutput && !closed) {
      shuttingOutput = true;
      stream.shutdownOutput(this, OUTPUT_SHUT);
    }
  }

  private void closeIfDone() {
    if (outputShut && (ended || !owner.waitsForPeers())) {
      close();
    }
  }

  private void lost(Throwable cause) {
    if (!closed) {
      if (!PeerDeparture.is(cause)) {
        owner.failed(cause);
      }
      close();
    }
  }

  void close() {
    if (!closed) {
      closed = true;
      owner.closed(this);
      stream.close(this, CLOSED);
    }
  }

  private static final class OutputShut implements IoHandler<EchoConnection> {
    @Override
    public void completed(int result, EchoConnection connection) {
      connection.outputShut = true;
      connection.closeIfDone();
    }

    @Override
    public void failed(Throwable cause, EchoConnection connection) {
      connection.close(); // there is no connection any more
    }
  }

  private static final class Closed implements IoHandler<EchoConnection> {
    @Override
    public void completed(int result, EchoConnection connection) {}

    @Override
    public void failed(Throwable cause, EchoConnection connection) {
      connection.owner.failed(cause);
    }
  }
}
