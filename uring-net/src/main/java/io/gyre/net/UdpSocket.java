package io.gyre.net;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.Interest;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.PollSource;
import io.gyre.Registration;
import io.gyre.driver.Completion;
import io.gyre.driver.DatagramSockets;
import io.gyre.driver.DatagramSockets.Membership;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Errno;
import io.gyre.driver.Errors;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.Futures;
import io.gyre.driver.IoFuture;
import io.gyre.driver.LoopFuture;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import io.gyre.driver.OperationScope;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.channels.ReadPendingException;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.channels.UnresolvedAddressException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * A UDP socket, IPv4 or IPv6: sends and receives datagrams, to and from anybody, or once it is {@linkplain #connect
 * connected} one peer only. One that is bound to an address of IPv6 reaches IPv4 as well.
 *
 * <p>It belongs to one {@linkplain #loop() loop} for life: handlers run on that loop's thread, never from inside the
 * call that started the operation, and must not block. Any thread may call; from the loop's thread it costs no hop.
 *
 * <p>Datagrams come in one of two ways, one at a time: {@link #receiveEach} hands over each in a buffer of the socket's
 * own, {@link #receive(ByteBuffer, Datagram, Object, IoHandler)} puts one into a buffer of the caller's. What is longer
 * than the buffer is cut off, which the {@link Datagram} tells. Datagrams may be empty. As everywhere with UDP they may
 * be lost, doubled or overtaken, also on their way out of this process when the system's own buffer is full.
 *
 * <p>From the call to the outcome a buffer is the socket's: its content and position must not be touched. From the
 * loop's thread nothing is allocated for each datagram.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/io_uring_enter.2.html">io_uring_enter(2): IORING_OP_SENDMSG,
 *     IORING_OP_RECVMSG with IORING_RECV_MULTISHOT (kernel 6.0)</a>
 * @see <a href="https://man7.org/linux/man-pages/man7/udp.7.html">udp(7)</a>
 */
public final class UdpSocket implements AutoCloseable {
  /**
   * How to open a socket.
   *
   * @param reuseAddress whether others may bind the address as well, as multicast receivers do, SO_REUSEADDR
   * @param reusePort whether several sockets may share the port and the datagrams that come there, SO_REUSEPORT
   * @param receiveBuffers how many buffers {@link UdpSocket#receiveEach} has, a power of two from 2 to 32768. They are
   *     the socket's own, and are there from its first call on.
   * @param receiveBufferBytes size of each of them, from 16 to 65536
   * @param coalescing whether datagrams of one sender that follow one another may come as one, whose {@link
   *     Datagram#segmentSize()} tells how to take it apart: UDP_GRO, where the kernel has it (5.0). For receivers of
   *     much data; needs buffers of at least 65535 bytes.
   */
  public record Options(
      boolean reuseAddress,
      boolean reusePort,
      int receiveBuffers,
      int receiveBufferBytes,
      boolean coalescing) {
    /** An address of one's own, and 256 buffers of 2048 bytes, which is more than an Ethernet frame holds. */
    public static final Options DEFAULT = new Options(false, false, 256, 2048, false);

    private static final int MOST_BUFFERS = 32_768;
    private static final int LEAST_BYTES = 16;
    private static final int MOST_BYTES = 65_536;
    private static final int LONGEST_DATAGRAM = 65_535;

    /** Checks the ranges. */
    public Options {
      if (receiveBuffers < 2
          || receiveBuffers > MOST_BUFFERS
          || Integer.bitCount(receiveBuffers) != 1) {
        throw new IllegalArgumentException(
            "receiveBuffers must be a power of two from 2 to 32768: " + receiveBuffers);
      }
      if (receiveBufferBytes < LEAST_BYTES || receiveBufferBytes > MOST_BYTES) {
        throw new IllegalArgumentException(
            "receiveBufferBytes must be 16 to 65536: " + receiveBufferBytes);
      }
      if (coalescing && receiveBufferBytes < LONGEST_DATAGRAM) {
        throw new IllegalArgumentException(
            "coalescing needs receiveBufferBytes of at least 65535, for what comes as one: "
                + receiveBufferBytes);
      }
    }

    /**
     * The same with another {@link #reuseAddress()}.
     *
     * @param value whether others may bind the address as well
     * @return new options
     */
    public Options withReuseAddress(boolean value) {
      return new Options(value, reusePort, receiveBuffers, receiveBufferBytes, coalescing);
    }

    /**
     * The same with another {@link #reusePort()}.
     *
     * @param value whether several sockets may share the port
     * @return new options
     */
    public Options withReusePort(boolean value) {
      return new Options(reuseAddress, value, receiveBuffers, receiveBufferBytes, coalescing);
    }

    /**
     * The same with other buffers.
     *
     * @param count as for {@link #receiveBuffers()}
     * @param bytes as for {@link #receiveBufferBytes()}
     * @return new options
     */
    public Options withReceiveBuffers(int count, int bytes) {
      return new Options(reuseAddress, reusePort, count, bytes, coalescing);
    }

    /**
     * The same with another {@link #coalescing()}.
     *
     * @param value whether datagrams may come as one
     * @return new options
     */
    public Options withCoalescing(boolean value) {
      return new Options(reuseAddress, reusePort, receiveBuffers, receiveBufferBytes, value);
    }
  }

  /** What receiving is under way. */
  private enum Receiving {
    NOTHING,
    ONCE,
    EACH,
    PAUSING,
    PAUSED
  }

  private final EventLoop loop;
  private final OperationDispatcher dispatcher;
  private final Descriptor descriptor;
  private final PollSource pollSource;
  private final Completion onDatagram = this::datagramCame;
  private final Completion onReceive = this::receiveCompleted;
  private final Runnable onClosing = this::armReceive;

  // Written by the loop's thread, for all to read.
  private volatile InetSocketAddress localAddress;
  private volatile InetSocketAddress remoteAddress; // null when it is not connected

  // The loop's thread only.
  private Receiving receiving = Receiving.NOTHING;
  private final Datagram each = new Datagram();
  private Datagram once; // who asked for one gave it
  private DatagramHandler<Object> receiver;
  private Object receiverAttachment;
  private OperationScope receiverScope;
  private Operation receiveOperation;
  private boolean resumeOncePaused;
  private final List<MulticastMembership> memberships = new ArrayList<>(0);

  private UdpSocket(EventLoop loop, Descriptor descriptor, InetSocketAddress localAddress) {
    this.loop = loop;
    this.dispatcher = loop.dispatcher();
    this.descriptor = descriptor;
    this.pollSource = PollSource.of(loop, descriptor);
    this.localAddress = localAddress;
  }

  // ---- opening

  /**
   * Opens a socket on one of a runtime's loops, and waits until it is bound.
   *
   * @param runtime whose {@link IoRuntime#loop()} the socket will belong to
   * @param local where it receives; port 0 lets the system choose
   * @return a bound socket that does not receive yet
   * @throws java.net.BindException when the address is in use, is not this machine's, or is not allowed
   * @throws IOException for any other reason that the system names
   * @throws UnresolvedAddressException for an unresolved address
   * @throws IllegalStateException on a loop's thread
   */
  public static UdpSocket bind(IoRuntime runtime, InetSocketAddress local) throws IOException {
    return bind(runtime.loop(), local, Options.DEFAULT);
  }

  /**
   * Opens a socket on a chosen loop, and waits until it is bound.
   *
   * @param loop whose the socket will be
   * @param local where it receives; port 0 lets the system choose
   * @param options how
   * @return a bound socket that does not receive yet
   * @throws IOException as for {@link #bind(IoRuntime, InetSocketAddress)}
   */
  public static UdpSocket bind(EventLoop loop, InetSocketAddress local, Options options)
      throws IOException {
    Futures.requireMayWait();
    return Futures.await(bindAsync(loop, local, options));
  }

  /**
   * Opens a socket on a chosen loop.
   *
   * @param loop whose the socket will be
   * @param local where it receives; port 0 lets the system choose
   * @param options how
   * @return completes with a bound socket that does not receive yet
   */
  public static CompletableFuture<UdpSocket> bindAsync(
      EventLoop loop, InetSocketAddress local, Options options) {
    if (local.isUnresolved()) {
      throw new UnresolvedAddressException();
    }
    var request =
        new DatagramSockets.Request(
            local,
            options.reuseAddress(),
            options.reusePort(),
            options.receiveBuffers(),
            options.receiveBufferBytes(),
            options.coalescing());
    var future = new LoopFuture<UdpSocket>();
    loop.execute(
        () -> {
          try {
            var driver = loop.dispatcher().driver();
            var socket = driver.datagrams().open(request);
            if (!future.complete(new UdpSocket(loop, socket, driver.localAddress(socket)))) {
              loop.dispatcher().discard(socket); // cancelled meanwhile: nobody takes it
            }
          } catch (IOException | RuntimeException e) {
            future.completeExceptionally(e);
          }
        });
    return future;
  }

  /**
   * The loop that the socket belongs to.
   *
   * @return the loop
   */
  public EventLoop loop() {
    return loop;
  }

  /**
   * Where it receives. Connecting a socket that is bound to all addresses chooses one of them.
   *
   * @return address and port
   */
  public InetSocketAddress localAddress() {
    return localAddress;
  }

  /**
   * Where it is connected.
   *
   * @return address and port, or null when it is not connected
   */
  public InetSocketAddress remoteAddress() {
    return remoteAddress;
  }

  // ---- connecting

  /**
   * Connects: from then on it sends to the peer and receives from the peer only, and what the network says of the peer
   * comes as an error, for instance a {@link java.net.PortUnreachableException} of a later send or receive. No datagram is
   * sent. One that is connected is connected anew. What has come before and was not received is lost on some drivers.
   *
   * @param remote the peer
   * @param attachment given to the handler
   * @param handler takes 0
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for an address that is unresolved, of a family that the socket does not have, or
   *     without a port
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void connect(InetSocketAddress remote, A attachment, IoHandler<? super A> handler) {
    UdpRefusals.requireReachable("connect", remote, localAddress);
    connectTo(remote, attachment, handler);
  }

  /**
   * Connects.
   *
   * @param remote as for {@link #connect(InetSocketAddress, Object, IoHandler)}
   * @return completes when it is connected
   */
  public CompletableFuture<Void> connectAsync(InetSocketAddress remote) {
    return IoFuture.start(loop, future -> connect(remote, future, FutureHandler.VOID));
  }

  /**
   * Connects, and waits until that is done.
   *
   * @param remote as for {@link #connect(InetSocketAddress, Object, IoHandler)}
   * @throws java.net.NoRouteToHostException when there is no way there
   * @throws IOException for any other reason that the system names
   * @throws IllegalStateException on a loop's thread
   */
  public void connect(InetSocketAddress remote) throws IOException {
    Futures.requireMayWait();
    Futures.await(connectAsync(remote));
  }

  /**
   * Ends {@link #connect}: sends to anybody and receives from all again, on the same port.
   *
   * @param attachment given to the handler
   * @param handler takes 0, also when the socket was not connected
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void disconnect(A attachment, IoHandler<? super A> handler) {
    connectTo(null, attachment, handler);
  }

  /**
   * Ends {@link #connect}.
   *
   * @return completes when it is no longer connected
   */
  public CompletableFuture<Void> disconnectAsync() {
    return IoFuture.start(loop, future -> disconnect(future, FutureHandler.VOID));
  }

  /**
   * Ends {@link #connect}, and waits until that is done.
   *
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public void disconnect() throws IOException {
    Futures.requireMayWait();
    Futures.await(disconnectAsync());
  }

  private <A> void connectTo(InetSocketAddress remote, A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (!loop.inLoop()) {
      loop.execute(() -> connectTo(remote, attachment, handler));
      return;
    }
    var operation =
        dispatcher.acquire(OpCode.NOP, descriptor, Operation.NOTIFY, handler, attachment);
    if (descriptor.isClosing()) {
      dispatcher.refuse(operation, Errors.closed(OpCode.CONNECT, descriptor.subject()));
      return;
    }
    try {
      var sockets = dispatcher.driver().datagrams();
      if (remoteAddress != null) {
        sockets.connect(descriptor, null);
        remoteAddress = null; // and stays so if there is no way to the next
      }
      if (remote != null) {
        sockets.connect(descriptor, remote);
        remoteAddress = remote;
      }
      localAddress = dispatcher.driver().localAddress(descriptor);
    } catch (IOException | RuntimeException e) {
      dispatcher.refuse(operation, e);
      return;
    }
    dispatcher.submit(operation); // no outcome comes inside this call
  }

  // ---- options and groups

  /**
   * The options that there are.
   *
   * @return SO_SNDBUF, SO_RCVBUF, SO_BROADCAST, SO_REUSEADDR, SO_REUSEPORT, IP_TOS, IP_MULTICAST_IF, IP_MULTICAST_TTL,
   *     IP_MULTICAST_LOOP
   */
  public static Set<SocketOption<?>> supportedOptions() {
    return DatagramSockets.OPTIONS;
  }

  /**
   * Sets a socket option. Takes effect before any operation that is started after it.
   *
   * @param option one of {@link #supportedOptions()}
   * @param value its value
   * @param <T> the value's type
   * @return completes when it is set; fails with UnsupportedOperationException for other options, with
   *     IllegalArgumentException for a value that makes no sense
   */
  public <T> CompletableFuture<Void> setOption(SocketOption<T> option, T value) {
    Objects.requireNonNull(value, "value");
    return atOnce(
        driver -> {
          requireSupported(option);
          driver.datagrams().setOption(descriptor, option, value);
          return null;
        });
  }

  /**
   * Asks for a socket option.
   *
   * @param option one of {@link #supportedOptions()}
   * @param <T> the value's type
   * @return completes with its value, which of IP_MULTICAST_IF is null until it is set
   */
  public <T> CompletableFuture<T> getOption(SocketOption<T> option) {
    return atOnce(
        driver -> {
          requireSupported(option);
          return driver.datagrams().getOption(descriptor, option);
        });
  }

  private static void requireSupported(SocketOption<?> option) {
    if (!DatagramSockets.OPTIONS.contains(option)) {
      throw new UnsupportedOperationException(
          "socket option " + option.name() + " is not one of a UDP socket");
    }
  }

  private <T> CompletableFuture<T> atOnce(OptionAccess.Call<T> call) {
    return OptionAccess.call(loop, descriptor, call);
  }

  /**
   * Joins a multicast group: receives what is sent to it, on the socket's port.
   *
   * @param group a multicast address
   * @param networkInterface where
   * @return completes with the membership, that which there is if it was joined before
   * @throws IllegalArgumentException for an address that is not a multicast address
   */
  public CompletableFuture<MulticastMembership> joinAsync(
      InetAddress group, NetworkInterface networkInterface) {
    return joinGroup(group, networkInterface, null);
  }

  /**
   * Joins a multicast group for what one source sends to it.
   *
   * @param group a multicast address
   * @param networkInterface where
   * @param source a unicast address of the same kind
   * @return completes with the membership, that which there is if it was joined before
   * @throws IllegalArgumentException for an address that is not a multicast address, or a source that is
   */
  public CompletableFuture<MulticastMembership> joinAsync(
      InetAddress group, NetworkInterface networkInterface, InetAddress source) {
    Objects.requireNonNull(source, "source");
    return joinGroup(group, networkInterface, source);
  }

  /**
   * Joins a multicast group, and waits until that is done.
   *
   * @param group a multicast address
   * @param networkInterface where
   * @return the membership
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread, or when it was joined for one source
   */
  public MulticastMembership join(InetAddress group, NetworkInterface networkInterface)
      throws IOException {
    Futures.requireMayWait();
    return Futures.await(joinAsync(group, networkInterface));
  }

  /**
   * Joins a multicast group for what one source sends to it, and waits until that is done.
   *
   * @param group a multicast address
   * @param networkInterface where
   * @param source a unicast address of the same kind
   * @return the membership
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread, or when it was joined for all sources
   */
  public MulticastMembership join(
      InetAddress group, NetworkInterface networkInterface, InetAddress source) throws IOException {
    Futures.requireMayWait();
    return Futures.await(joinAsync(group, networkInterface, source));
  }

  private CompletableFuture<MulticastMembership> joinGroup(
      InetAddress group, NetworkInterface by, InetAddress source) {
    Objects.requireNonNull(by, "networkInterface");
    if (!group.isMulticastAddress()) {
      throw new IllegalArgumentException("not a multicast address: " + group.getHostAddress());
    }
    if (source != null) {
      requireSource(group, source);
    }
    return atOnce(
        driver -> {
          for (var known : memberships) {
            if (known.group().equals(group) && known.networkInterface().equals(by)) {
              if (Objects.equals(known.sourceAddress(), source)) {
                return known;
              }
              if (known.sourceAddress() == null || source == null) {
                throw new IllegalStateException(
                    "there is a "
                        + known
                        + " already: one for all sources excludes those for single ones");
              }
            }
          }
          driver.datagrams().change(descriptor, Membership.JOIN, group, by, source);
          var membership = new MulticastMembership(this, group, by, source);
          memberships.add(membership);
          return membership;
        });
  }

  private static void requireSource(InetAddress group, InetAddress source) {
    if (source.isMulticastAddress()
        || source.isAnyLocalAddress()
        || source.getClass() != group.getClass()) {
      throw new IllegalArgumentException(
          source.getHostAddress()
              + " is not a unicast address of the kind of "
              + group.getHostAddress());
    }
  }

  CompletableFuture<Void> drop(MulticastMembership membership) {
    return atOnce(
        driver -> {
          if (!membership.dropped) {
            membership.dropped = true;
            memberships.remove(membership);
            change(membership, Membership.DROP, membership.sourceAddress());
          }
          return null;
        });
  }

  CompletableFuture<Void> filter(
      MulticastMembership membership, Membership change, InetAddress source) {
    requireSource(membership.group(), source);
    return atOnce(
        driver -> {
          if (membership.dropped || membership.sourceAddress() != null) {
            throw new IllegalStateException(
                membership + (membership.dropped ? " was dropped" : " is of that source only"));
          }
          change(membership, change, source);
          return null;
        });
  }

  private void change(MulticastMembership of, Membership change, InetAddress source)
      throws IOException {
    var sockets = dispatcher.driver().datagrams();
    sockets.change(descriptor, change, of.group(), of.networkInterface(), source);
  }

  // ---- receiving

  /**
   * Receives until it is cancelled, closed or fails: every datagram goes to the handler, in a buffer of the socket's own.
   *
   * @param attachment given to the handler
   * @param handler called on the loop's thread
   * @param <A> the attachment's type
   * @throws ReadPendingException when the socket is receiving already; from another thread than the loop's this comes to
   *     the handler
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  @SuppressWarnings(
      "unchecked") // the handler is called with the attachment given along, and no other
  public <A> void receiveEach(A attachment, DatagramHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (!loop.inLoop()) {
      loop.execute(
          () -> {
            try {
              receiveEach(attachment, handler);
            } catch (ReadPendingException e) {
              handler.failed(e, attachment);
            }
          });
      return;
    }
    if (receiving != Receiving.NOTHING) {
      throw new ReadPendingException();
    }
    receiver = (DatagramHandler<Object>) handler;
    receiverAttachment = attachment;
    receiverScope = dispatcher.scope();
    armReceive();
  }

  private void armReceive() {
    descriptor.unwatchClosing(onClosing);
    receiving = Receiving.EACH;
    receiveOperation =
        dispatcher
            .acquire(OpCode.RECEIVE_MESSAGE_MULTISHOT, descriptor, onDatagram, null, null)
            .argument(each.header);
    // In the scope that receiving was started in, whoever resumes it.
    dispatcher.submitIn(receiveOperation, receiverScope);
  }

  /**
   * Asks that {@link #receiveEach} pause. Datagrams wait in the system's own buffer, and are lost when that is full. What
   * the kernel had received before is still delivered: the handler may be called some more times. Without effect when
   * nothing is being received.
   */
  public void pauseReceiving() {
    if (!loop.inLoop()) {
      loop.execute(this::pauseReceiving);
    } else if (receiving == Receiving.EACH) {
      receiving = Receiving.PAUSING;
      resumeOncePaused = false;
      dispatcher.cancel(receiveOperation.token());
    } else {
      resumeOncePaused = false;
    }
  }

  /** Goes on after {@link #pauseReceiving}. Without effect when receiving is not paused. */
  public void resumeReceiving() {
    if (!loop.inLoop()) {
      loop.execute(this::resumeReceiving);
    } else if (receiving == Receiving.PAUSING) {
      resumeOncePaused = true;
    } else if (receiving == Receiving.PAUSED) {
      armReceive();
    }
  }

  private void datagramCame(Operation operation, int result) {
    if (operation.hasMore()) {
      each.length = result;
      receiver.received(operation.received(), each, receiverAttachment);
      return;
    }
    receiveOperation = null;
    if (isPause(operation, result)) {
      if (resumeOncePaused) {
        armReceive();
      } else {
        receiving = Receiving.PAUSED;
        // Nothing is in flight that would tell the receiver of a close. An operation on a closing
        // descriptor fails, which does.
        descriptor.watchClosing(onClosing);
      }
      return;
    }
    var handler = receiver;
    var attachment = receiverAttachment;
    receiving = Receiving.NOTHING;
    receiver = null;
    receiverAttachment = null;
    receiverScope = null;
    handler.failed(operation.failure(result), attachment);
  }

  private boolean isPause(Operation operation, int result) {
    return receiving == Receiving.PAUSING
        && result == -Errno.ECANCELED.number()
        && !descriptor.isClosing()
        && (receiverScope == null || receiverScope.refusal(operation) == null);
  }

  /**
   * Receives one datagram into what remains of a buffer.
   *
   * @param dst filled from its position on; the socket's until the outcome
   * @param datagram says how it came, when the handler is called; the socket's until then
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which for an empty datagram is 0
   * @param <A> the attachment's type
   * @throws ReadPendingException when the socket is receiving already; from another thread than the loop's this comes to
   *     the handler
   * @throws ReadOnlyBufferException for a read-only buffer
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void receive(
      ByteBuffer dst, Datagram datagram, A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(datagram, "datagram");
    Objects.requireNonNull(handler, "handler");
    if (dst.isReadOnly()) {
      throw new ReadOnlyBufferException();
    }
    if (!loop.inLoop()) {
      loop.execute(
          () -> {
            try {
              receive(dst, datagram, attachment, handler);
            } catch (ReadPendingException e) {
              handler.failed(e, attachment);
            }
          });
      return;
    }
    if (receiving != Receiving.NOTHING) {
      throw new ReadPendingException();
    }
    receiving = Receiving.ONCE;
    once = datagram;
    dispatcher.submit(
        dispatcher
            .acquire(OpCode.RECEIVE_MESSAGE, descriptor, onReceive, handler, attachment)
            .argument(datagram.header)
            .memory(dst));
  }

  private void receiveCompleted(Operation operation, int result) {
    var datagram = once;
    once = null;
    receiving = Receiving.NOTHING;
    if (result >= 0) {
      datagram.length = result;
      datagram.sender(); // made here: whoever asks for it later may be on another thread
    }
    Operation.NOTIFY.complete(operation, result);
  }

  /**
   * Receives one datagram into what remains of a buffer.
   *
   * @param dst as for {@link #receive(ByteBuffer, Datagram, Object, IoHandler)}
   * @return completes with how it came
   */
  public CompletableFuture<Datagram> receiveAsync(ByteBuffer dst) {
    var datagram = new Datagram();
    return IoFuture.start(loop, future -> receive(dst, datagram, future, giving(datagram)));
  }

  private static IoHandler<CompletableFuture<Datagram>> giving(Datagram datagram) {
    return new IoHandler<>() {
      @Override
      public void completed(int result, CompletableFuture<Datagram> future) {
        future.complete(datagram);
      }

      @Override
      public void failed(Throwable cause, CompletableFuture<Datagram> future) {
        future.completeExceptionally(cause);
      }
    };
  }

  /**
   * Receives one datagram into what remains of a buffer, and waits for it.
   *
   * @param dst filled from its position on
   * @return how it came
   * @throws java.net.PortUnreachableException when the socket is connected and the peer is not there
   * @throws IOException for any other reason that the system names
   * @throws IllegalStateException on a loop's thread
   */
  public Datagram receive(ByteBuffer dst) throws IOException {
    Futures.requireMayWait();
    return Futures.await(receiveAsync(dst));
  }

  // ---- sending

  /**
   * Sends what remains of a buffer as one datagram, which may be empty.
   *
   * @param src sent from its position on; the socket's until the outcome, which moves the position to the limit
   * @param remote to whom
   * @param attachment given to the handler
   * @param handler takes the number of bytes; fails with a {@link java.net.SocketException} that names EMSGSIZE for more
   *     than a datagram holds, with an {@link java.nio.channels.AlreadyConnectedException} when the socket is connected to
   *     somebody else
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for an address that is unresolved, of a family that the socket does not have, or
   *     without a port
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void send(
      ByteBuffer src, InetSocketAddress remote, A attachment, IoHandler<? super A> handler) {
    UdpRefusals.requireReachable("send", remote, localAddress);
    submitSend(src, 0, remote, attachment, handler);
  }

  /**
   * Sends what remains of a pooled buffer as one datagram, which may be empty.
   *
   * @param src sent from its position on; the socket's until the outcome, even if it is released meanwhile
   * @param remote to whom
   * @param attachment given to the handler
   * @param handler as for {@link #send(ByteBuffer, InetSocketAddress, Object, IoHandler)}
   * @param <A> the attachment's type
   * @throws IllegalArgumentException as there
   * @throws IllegalStateException when the buffer was released
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void send(
      Buffer src, InetSocketAddress remote, A attachment, IoHandler<? super A> handler) {
    UdpRefusals.requireReachable("send", remote, localAddress);
    submitSend(src, 0, remote, attachment, handler);
  }

  /**
   * Sends what remains of a buffer as one datagram to where the socket is {@linkplain #connect connected}.
   *
   * @param src as for {@link #send(ByteBuffer, InetSocketAddress, Object, IoHandler)}
   * @param attachment given to the handler
   * @param handler takes the number of bytes; fails with a {@link java.nio.channels.NotYetConnectedException} when the
   *     socket is not connected, with a {@link java.net.PortUnreachableException} when an earlier datagram found nobody
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void send(ByteBuffer src, A attachment, IoHandler<? super A> handler) {
    submitSend(src, 0, null, attachment, handler);
  }

  /**
   * Sends what remains of a pooled buffer as one datagram to where the socket is {@linkplain #connect connected}.
   *
   * @param src as for {@link #send(Buffer, InetSocketAddress, Object, IoHandler)}
   * @param attachment given to the handler
   * @param handler as for {@link #send(ByteBuffer, Object, IoHandler)}
   * @param <A> the attachment's type
   * @throws IllegalStateException when the buffer was released
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void send(Buffer src, A attachment, IoHandler<? super A> handler) {
    submitSend(src, 0, null, attachment, handler);
  }

  /**
   * Sends what remains of a buffer as one datagram.
   *
   * @param src as for {@link #send(ByteBuffer, InetSocketAddress, Object, IoHandler)}
   * @param remote to whom
   * @return completes with the number of bytes
   * @throws IllegalArgumentException as there
   */
  public CompletableFuture<Integer> sendAsync(ByteBuffer src, InetSocketAddress remote) {
    return IoFuture.start(loop, future -> send(src, remote, future, FutureHandler.INTEGER));
  }

  /**
   * Sends what remains of a buffer as one datagram to where the socket is connected.
   *
   * @param src as for {@link #send(ByteBuffer, Object, IoHandler)}
   * @return completes with the number of bytes
   */
  public CompletableFuture<Integer> sendAsync(ByteBuffer src) {
    return IoFuture.start(loop, future -> send(src, future, FutureHandler.INTEGER));
  }

  /**
   * Sends what remains of a buffer as one datagram, and waits until it is with the system.
   *
   * @param src sent from its position on
   * @param remote to whom
   * @return the number of bytes
   * @throws java.net.SocketException that names EMSGSIZE for more than a datagram holds
   * @throws IOException for any other reason that the system names
   * @throws IllegalArgumentException for an address that nothing can be sent to
   * @throws IllegalStateException on a loop's thread
   */
  public int send(ByteBuffer src, InetSocketAddress remote) throws IOException {
    Futures.requireMayWait();
    return Futures.await(sendAsync(src, remote));
  }

  /**
   * Sends what remains of a buffer as one datagram to where the socket is connected, and waits until it is with the
   * system.
   *
   * @param src sent from its position on
   * @return the number of bytes
   * @throws java.net.PortUnreachableException when an earlier datagram found nobody
   * @throws IOException for any other reason that the system names
   * @throws java.nio.channels.NotYetConnectedException when the socket is not connected
   * @throws IllegalStateException on a loop's thread
   */
  public int send(ByteBuffer src) throws IOException {
    Futures.requireMayWait();
    return Futures.await(sendAsync(src));
  }

  /**
   * Sends what remains of a buffer as many datagrams of one size: where the kernel has UDP_SEGMENT (4.18), up to 64 of
   * them pass through it as one, which costs a fraction. Elsewhere each is a send of its own.
   *
   * @param src sent from its position on; the socket's until the outcome. After a failure its position tells how much
   *     went out, in whole datagrams.
   * @param segmentSize bytes of each datagram, from 1; the last may be shorter
   * @param remote to whom; null when the socket is connected
   * @param attachment given to the handler
   * @param handler takes the number of bytes
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a segment size below 1, or an address that nothing can be sent to
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void sendSegments(
      ByteBuffer src,
      int segmentSize,
      InetSocketAddress remote,
      A attachment,
      IoHandler<? super A> handler) {
    requireSegments(segmentSize, remote);
    submitSend(src, segmentSize, remote, attachment, handler);
  }

  /**
   * The same with a pooled buffer.
   *
   * @param src the socket's until the outcome, even if it is released meanwhile
   * @param segmentSize as for {@link #sendSegments(ByteBuffer, int, InetSocketAddress, Object, IoHandler)}
   * @param remote as there
   * @param attachment as there
   * @param handler as there
   * @param <A> the attachment's type
   * @throws IllegalArgumentException as there
   * @throws IllegalStateException when the buffer was released
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void sendSegments(
      Buffer src,
      int segmentSize,
      InetSocketAddress remote,
      A attachment,
      IoHandler<? super A> handler) {
    requireSegments(segmentSize, remote);
    submitSend(src, segmentSize, remote, attachment, handler);
  }

  /**
   * Sends what remains of a buffer as many datagrams of one size.
   *
   * @param src as for {@link #sendSegments(ByteBuffer, int, InetSocketAddress, Object, IoHandler)}
   * @param segmentSize as there
   * @param remote as there
   * @return completes with the number of bytes
   * @throws IllegalArgumentException as there
   */
  public CompletableFuture<Integer> sendSegmentsAsync(
      ByteBuffer src, int segmentSize, InetSocketAddress remote) {
    return IoFuture.start(
        loop, future -> sendSegments(src, segmentSize, remote, future, FutureHandler.INTEGER));
  }

  /**
   * Sends what remains of a buffer as many datagrams of one size, and waits until all are with the system.
   *
   * @param src sent from its position on
   * @param segmentSize as for {@link #sendSegments(ByteBuffer, int, InetSocketAddress, Object, IoHandler)}
   * @param remote as there
   * @return the number of bytes
   * @throws IOException as for {@link #send(ByteBuffer, InetSocketAddress)}
   * @throws IllegalArgumentException as there
   * @throws IllegalStateException on a loop's thread
   */
  public int sendSegments(ByteBuffer src, int segmentSize, InetSocketAddress remote)
      throws IOException {
    Futures.requireMayWait();
    return Futures.await(sendSegmentsAsync(src, segmentSize, remote));
  }

  private void requireSegments(int segmentSize, InetSocketAddress remote) {
    if (segmentSize < 1) {
      throw new IllegalArgumentException("segmentSize must be at least 1: " + segmentSize);
    }
    if (remote != null) {
      UdpRefusals.requireReachable("send", remote, localAddress);
    }
  }

  private <A> void submitSend(
      ByteBuffer src,
      int segmentSize,
      InetSocketAddress remote,
      A attachment,
      IoHandler<? super A> handler) {
    Objects.requireNonNull(src, "src");
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      var send = newSend(segmentSize, remote, handler, attachment);
      if (send != null) {
        dispatcher.submit(send.memory(src));
      }
    } else {
      loop.execute(() -> submitSend(src, segmentSize, remote, attachment, handler));
    }
  }

  private <A> void submitSend(
      Buffer src,
      int segmentSize,
      InetSocketAddress remote,
      A attachment,
      IoHandler<? super A> handler) {
    Objects.requireNonNull(src, "src");
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      var send = newSend(segmentSize, remote, handler, attachment);
      if (send != null) {
        dispatcher.submit(send.memory(src));
      }
    } else {
      src.executePinned(loop, () -> submitSend(src, segmentSize, remote, attachment, handler));
    }
  }

  /** A send that wants its memory only; null when it was refused. */
  private Operation newSend(
      int segmentSize, InetSocketAddress remote, Object handler, Object attachment) {
    var send =
        dispatcher
            .acquire(OpCode.SEND_MESSAGE, descriptor, Operation.NOTIFY, handler, attachment)
            .length(segmentSize);
    var refusal = refusal(remote);
    if (refusal != null) {
      dispatcher.refuse(send, refusal);
      return null;
    }
    return remoteAddress == null ? send.argument(remote) : send;
  }

  /** As java.nio has it: one that is connected sends there only, one that is not must be told where. */
  private RuntimeException refusal(InetSocketAddress remote) {
    var connected = remoteAddress;
    if (connected == null) {
      return remote == null ? UdpRefusals.notConnected(localAddress) : null;
    }
    return remote == null || remote.equals(connected)
        ? null
        : UdpRefusals.connectedElsewhere(remote, connected);
  }

  // ---- the rest

  /**
   * Asks that everything in flight on this socket be cancelled. It stays open. Any thread; on another than the loop's
   * this covers what that thread has started before.
   *
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public void cancelAll() {
    if (!loop.inLoop()) {
      loop.execute(this::cancelAll);
    } else {
      if (receiving == Receiving.PAUSING) {
        receiving = Receiving.EACH; // the receiver is told of this cancellation, not paused by it
      } else if (receiving == Receiving.PAUSED) {
        armReceive(); // nothing is in flight on its behalf: this is, and ends at once
      }
      dispatcher.cancelAll(descriptor);
    }
  }

  /**
   * Waits until the socket is ready, once. Any thread; a receive or send under way at the same time may take what the
   * event announced.
   *
   * @param interest what to wait for
   * @param attachment given to the handler: the token
   * @param handler called on the loop's thread; the result is a mask for {@link io.gyre.Readiness}
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   * @see PollSource
   */
  public <A> void poll(Interest interest, A attachment, IoHandler<? super A> handler) {
    pollSource.poll(interest, attachment, handler);
  }

  /**
   * Waits until the socket is ready, once.
   *
   * @param interest what to wait for
   * @return completes with a mask for {@link io.gyre.Readiness}; cancelling it cancels the poll
   */
  public CompletableFuture<Integer> pollAsync(Interest interest) {
    return pollSource.pollAsync(interest);
  }

  /**
   * Reports readiness until it is cancelled or the socket is closed. Any thread. How often, see {@link PollSource}.
   *
   * @param interest what to wait for
   * @param attachment given to the handler: the token
   * @param handler called on the loop's thread; the result is a mask for {@link io.gyre.Readiness}; {@code failed} is
   *     the last call
   * @param <A> the attachment's type
   * @return what cancels it
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> Registration pollMultishot(
      Interest interest, A attachment, IoHandler<? super A> handler) {
    return pollSource.pollMultishot(interest, attachment, handler);
  }

  /**
   * For experts: what {@link io.gyre.driver.RawOperation}s work on.
   *
   * @return the descriptor, confined to the loop's thread
   */
  public Descriptor descriptor() {
    return descriptor;
  }

  /**
   * Closes the socket: what is in flight is cancelled and fails with an {@link
   * java.nio.channels.AsynchronousCloseException}. Buffers that are held stay valid until they are released.
   *
   * @param attachment given to the handler
   * @param handler takes 0, also when the socket was closed before
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended, which has closed the socket
   */
  public <A> void close(A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (!loop.inLoop()) {
      loop.execute(() -> close(attachment, handler));
      return;
    }
    dispatcher.close(descriptor, true, Operation.NOTIFY, handler, attachment);
  }

  /**
   * Closes the socket.
   *
   * @return completes when the port is free
   */
  public CompletableFuture<Void> closeAsync() {
    return Futures.closing(future -> close(future, FutureHandler.VOID));
  }

  /**
   * Closes the socket, and waits until the port is free; on a loop's thread it does not wait.
   *
   * @throws IOException when the system reports an error on close
   */
  @Override
  public void close() throws IOException {
    Futures.awaitUnlessInLoop(closeAsync());
  }

  @Override
  public String toString() {
    var remote = remoteAddress;
    return "udp " + localAddress + (remote == null ? "" : " to " + remote);
  }
}
