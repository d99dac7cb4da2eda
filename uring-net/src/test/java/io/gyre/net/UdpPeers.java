package io.gyre.net;

import io.gyre.Buffer;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.Waits;
import java.io.Closeable;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;

/** The far ends of datagrams: plain java.net sockets; and what datagrams hold, so that each can be checked. */
final class UdpPeers {
  /** What comes before the pattern: the datagram's number. */
  static final int HEADER_BYTES = Integer.BYTES;

  private static final Pattern PATTERN = new Pattern(Seeds.SEED);

  private UdpPeers() {}

  /** A numbered datagram, whose content depends on its number and on the run's seed. */
  static byte[] numbered(int number, int length) {
    var bytes = PATTERN.bytes((long) number << 16, length);
    ByteBuffer.wrap(bytes).putInt(0, number);
    return bytes;
  }

  /** Checks each byte of what remains of a buffer, and gives its number. */
  static int check(ByteBuffer datagram) {
    var bytes = new byte[datagram.remaining()];
    datagram.get(datagram.position(), bytes);
    return check(bytes);
  }

  static int check(byte[] bytes) {
    int number = ByteBuffer.wrap(bytes).getInt(0);
    if (!Arrays.equals(numbered(number, bytes.length), bytes)) {
      throw new AssertionError("datagram " + number + " of " + bytes.length + " bytes is damaged");
    }
    return number;
  }

  /** A plain socket whose receives do not wait for ever. */
  static final class Peer implements Closeable {
    final DatagramSocket socket;

    Peer(InetAddress address) throws IOException {
      socket = new DatagramSocket(new InetSocketAddress(address, 0));
      socket.setSoTimeout(Peers.TIMEOUT_MS);
      socket.setReceiveBufferSize(1 << 20);
    }

    static Peer open() throws IOException {
      return new Peer(Peers.LOOPBACK);
    }

    InetSocketAddress address() {
      return (InetSocketAddress) socket.getLocalSocketAddress();
    }

    void send(InetSocketAddress to, byte[] bytes) throws IOException {
      socket.send(new DatagramPacket(bytes, bytes.length, to));
    }

    DatagramPacket receivePacket() throws IOException {
      var packet = new DatagramPacket(new byte[1 << 16], 1 << 16);
      socket.receive(packet);
      return packet;
    }

    byte[] receive() throws IOException {
      var packet = receivePacket();
      return Arrays.copyOf(packet.getData(), packet.getLength());
    }

    @Override
    public void close() {
      socket.close();
    }
  }

  /** What a datagram was, when it has gone. */
  record Seen(
      ByteBuffer content,
      InetSocketAddress sender,
      int length,
      boolean truncated,
      int segmentSize) {
    byte[] bytes() {
      var bytes = new byte[content.remaining()];
      content.get(0, bytes);
      return bytes;
    }

    static Seen of(Buffer buffer, Datagram datagram) {
      var bytes = new byte[buffer.byteBuffer().remaining()];
      buffer.byteBuffer().get(buffer.byteBuffer().position(), bytes);
      return new Seen(
          ByteBuffer.wrap(bytes),
          datagram.sender(),
          datagram.length(),
          datagram.isTruncated(),
          datagram.segmentSize());
    }
  }

  /** Keeps what a socket receives, and how that ended. */
  static class Recording implements DatagramHandler<Object> {
    final ConcurrentLinkedQueue<Seen> datagrams = new ConcurrentLinkedQueue<>();
    final CompletableFuture<Throwable> failure = new CompletableFuture<>();

    @Override
    public void received(Buffer buffer, Datagram datagram, Object attachment) {
      datagrams.add(Seen.of(buffer, datagram));
      buffer.release();
    }

    @Override
    public void failed(Throwable cause, Object attachment) {
      if (!failure.complete(cause)) {
        throw new AssertionError("told twice that receiving failed", cause);
      }
    }

    /** Waits for so many datagrams, and gives them. */
    List<Seen> await(int count) {
      Waits.until(
          () -> count + " datagrams, got " + datagrams.size() + ", " + failure,
          () -> datagrams.size() >= count);
      return new ArrayList<>(datagrams);
    }
  }

  /** Keeps the buffers that it is given. */
  static final class Holding extends Recording {
    final ConcurrentLinkedQueue<Buffer> held = new ConcurrentLinkedQueue<>();

    @Override
    public void received(Buffer buffer, Datagram datagram, Object attachment) {
      datagrams.add(Seen.of(buffer, datagram));
      held.add(buffer);
    }

    /** Gives all back, from the calling thread. */
    void release() {
      for (var buffer = held.poll(); buffer != null; buffer = held.poll()) {
        buffer.release();
      }
    }
  }
}
