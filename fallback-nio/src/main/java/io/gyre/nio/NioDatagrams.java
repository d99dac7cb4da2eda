package io.gyre.nio;

import io.gyre.LeaseTracker;
import io.gyre.driver.DatagramSockets;
import io.gyre.driver.Descriptor;
import io.gyre.driver.DriverCounters;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.Errno;
import io.gyre.driver.Errors;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketOption;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.UnaryOperator;

/** Opens datagram channels and changes what they are. */
final class NioDatagrams implements DatagramSockets {
  /** More than any datagram has. */
  private static final int SCRATCH_BYTES = 1 << 16;

  private final DriverParts parts;
  private final Waker waker;
  private final DriverCounters counters;
  private final UnaryOperator<NioDatagramSocket> opened;
  private final List<NioDatagramSocket> starved = new ArrayList<>();
  private LeaseTracker tracker = LeaseTracker.OFF;
  private ByteBuffer scratch;

  /**
   * Makes the sockets of a driver.
   *
   * @param opened takes each of them in
   */
  NioDatagrams(
      DriverParts parts,
      Waker waker,
      DriverCounters counters,
      UnaryOperator<NioDatagramSocket> opened) {
    this.parts = parts;
    this.waker = waker;
    this.counters = counters;
    this.opened = opened;
  }

  /** Says who watches leases; before that nobody does. */
  void track(LeaseTracker value) {
    tracker = value;
  }

  /** Where a datagram is received to that may be longer than what it is for. Empty. */
  ByteBuffer scratch() {
    if (scratch == null) {
      scratch = ByteBuffer.allocateDirect(SCRATCH_BYTES);
    }
    return scratch.clear();
  }

  DatagramBuffers newBuffers(int count, int bytes, Runnable cameBack) {
    return new DatagramBuffers(count, bytes, waker, tracker, cameBack);
  }

  /** A socket waits for a buffer. */
  void starves(NioDatagramSocket socket) {
    counters.add(Counter.OUT_OF_BUFFERS, 1);
    if (!starved.contains(socket)) {
      starved.add(socket);
    }
  }

  /** Whether other threads gave back buffers that somebody waits for. */
  boolean hasReturned() {
    for (int i = 0; i < starved.size(); i++) {
      if (starved.get(i).hasReturned()) {
        return true;
      }
    }
    return false;
  }

  /** Hands on what other threads gave back, and forgets sockets that no longer wait. */
  void collectReturned() {
    for (int i = starved.size() - 1; i >= 0; i--) {
      if (!starved.get(i).staysStarved()) {
        starved.set(i, starved.getLast());
        starved.removeLast();
      }
    }
  }

  @Override
  public Descriptor open(Request request) throws IOException {
    var local = request.local();
    var subject = Errors.format(local);
    var channel = openChannel(local, subject);
    try {
      channel.configureBlocking(false);
      channel.setOption(StandardSocketOptions.SO_REUSEADDR, request.reuseAddress());
      if (request.reusePort()) {
        channel.setOption(StandardSocketOptions.SO_REUSEPORT, true);
      }
      channel.bind(local);
      var bound = Errors.format((InetSocketAddress) channel.getLocalAddress());
      return opened.apply(new NioDatagramSocket(bound, channel, request, this, parts));
    } catch (IOException e) {
      channel.close();
      throw Failures.ofCall("bind", subject, e);
    } catch (RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** Of exactly the family of the address; see {@link TcpChannels}. */
  private static DatagramChannel openChannel(InetSocketAddress local, String subject)
      throws IOException {
    try {
      return DatagramChannel.open(
          local.getAddress() instanceof Inet6Address
              ? StandardProtocolFamily.INET6
              : StandardProtocolFamily.INET);
    } catch (UnsupportedOperationException e) { // there is no IPv6 here, or it was switched off
      throw Errors.socket("socket", Errno.EAFNOSUPPORT.number(), subject);
    } catch (IOException e) {
      throw Failures.ofCall("socket", subject, e);
    }
  }

  @Override
  public void connect(Descriptor socket, InetSocketAddress remote) throws IOException {
    var channel = ((NioDatagramSocket) socket).datagrams();
    try {
      if (remote == null) {
        channel.disconnect();
      } else {
        channel.connect(remote);
      }
    } catch (IOException e) {
      throw Failures.ofCall(
          remote == null ? "disconnect" : "connect",
          remote == null ? socket.subject() : Errors.format(remote),
          e);
    }
  }

  @Override
  public <T> void setOption(Descriptor socket, SocketOption<T> option, T value) throws IOException {
    try {
      ((NioDatagramSocket) socket).datagrams().setOption(option, value);
    } catch (IOException e) {
      throw Failures.ofCall("setsockopt " + option.name(), socket.subject(), e);
    }
  }

  @Override
  public <T> T getOption(Descriptor socket, SocketOption<T> option) throws IOException {
    try {
      return ((NioDatagramSocket) socket).datagrams().getOption(option);
    } catch (IOException e) {
      throw Failures.ofCall("getsockopt " + option.name(), socket.subject(), e);
    }
  }

  @Override
  public void change(
      Descriptor socket,
      Membership change,
      InetAddress group,
      NetworkInterface networkInterface,
      InetAddress source)
      throws IOException {
    try {
      ((NioDatagramSocket) socket).change(change, group, networkInterface, source);
    } catch (IOException e) {
      throw Failures.ofCall(
          change.name().toLowerCase(Locale.ROOT) + " group",
          group.getHostAddress() + " on " + networkInterface.getName(),
          e);
    }
  }
}
