package io.gyre.benchmarks.cli;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.net.Datagram;
import io.gyre.net.DatagramHandler;
import io.gyre.net.UdpSocket;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.AsynchronousCloseException;
import java.util.List;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends datagrams back, each in the very buffer that it came in, or only receives them. Confined to the loop's thread, but
 * for the counters.
 */
final class UdpServer implements DatagramHandler<Void> {
  private static final Logger LOG = LoggerFactory.getLogger(UdpServer.class);
  private static final UdpSocket.Options OPTIONS =
      UdpSocket.Options.DEFAULT.withReceiveBuffers(1024, 2048);

  private final List<EventLoop> loops;
  private final UdpSocket socket;
  private final boolean echoes;
  private final Sent sent = new Sent();
  private final EchoCounters counters = new EchoCounters();

  /**
   * Binds a socket, and begins to receive.
   *
   * @param runtime whose first loop serves
   * @param address where; port 0 lets the system choose
   * @param receiveRoom what the system is asked to hold, in bytes
   * @param echoes whether what comes is sent back
   */
  UdpServer(IoRuntime runtime, InetSocketAddress address, int receiveRoom, boolean echoes)
      throws IOException {
    this.loops = runtime.loops();
    this.echoes = echoes;
    Meter.allocatedBytes(loops); // loads what measures
    ProcessCpuClock.nanos();
    socket = UdpSocket.bind(loops.getFirst(), address, OPTIONS);
    socket.setOption(StandardSocketOptions.SO_RCVBUF, receiveRoom).join();
    socket.receiveEach(null, this);
  }

  InetSocketAddress address() {
    return socket.localAddress();
  }

  @Override
  public void received(Buffer buffer, Datagram datagram, Void attachment) {
    EchoCounters.add(counters.requests, 1);
    EchoCounters.add(counters.bytes, datagram.length());
    if (echoes) {
      socket.send(buffer, datagram.sender(), buffer, sent);
    } else {
      buffer.release();
    }
  }

  @Override
  public void failed(Throwable cause, Void attachment) {
    if (!(cause instanceof AsynchronousCloseException)) {
      lost(cause);
    }
  }

  private void lost(Throwable cause) {
    EchoCounters.add(counters.errors, 1);
    LOG.info("a datagram was lost: {}", Failures.describe(cause));
  }

  /** Takes the outcome of sends; an object of its own, since both kinds of handler have a {@code failed}. */
  private final class Sent implements IoHandler<Buffer> {
    @Override
    public void completed(int result, Buffer buffer) {
      buffer.release();
    }

    @Override
    public void failed(Throwable cause, Buffer buffer) {
      buffer.release();
      lost(cause);
    }
  }

  /** Counters since the start, for a harness that takes differences. */
  String report() {
    return String.format(
        Locale.ROOT,
        "requests=%d bytes=%d cpu_us=%d alloc_bytes=%d enters=%d",
        counters.requests.getOpaque(),
        counters.bytes.getOpaque(),
        ProcessCpuClock.nanos() / 1000,
        Meter.allocatedBytes(loops),
        Meter.enters(loops));
  }

  /** What was done since the start. */
  String totals() {
    return String.format(
        Locale.ROOT,
        "datagrams=%d bytes=%d errors=%d",
        counters.requests.getOpaque(),
        counters.bytes.getOpaque(),
        counters.errors.getOpaque());
  }
}
