package io.gyre.nio;

import io.gyre.BufferPool;
import io.gyre.driver.BlockingPool;
import io.gyre.driver.BufferAccess;
import io.gyre.driver.Capabilities;
import io.gyre.driver.DatagramSockets;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Driver;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.DriverCounters;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.Errno;
import io.gyre.driver.Errors;
import io.gyre.driver.ListenRequest;
import io.gyre.driver.LoopTelemetry;
import io.gyre.driver.MovingSocket;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import io.gyre.driver.SleepFlag;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectableChannel;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Set;

/**
 * Carries out a loop's operations with java.nio: see the package's description for how its parts work together.
 *
 * <p>What is submitted is only queued; a turn begins it. That loses no time, since the turn follows at once, and keeps
 * every outcome out of the call that submits.
 */
final class NioDriver implements Driver {
  private static final BufferAccess BUFFERS = BufferAccess.get();

  private final OperationDispatcher dispatcher;
  private final LoopTelemetry telemetry;
  private final DriverCounters counters;
  private final SleepFlag sleepFlag;
  private final Outcomes outcomes;
  private final Waker waker;
  private final Readiness readiness;
  private final ReceiveBuffers buffers;
  private final Views views;
  private final DriverParts parts;
  private final Polls polls;
  private final FileWork files;
  private final NioDatagrams datagrams;
  private final Set<NioDescriptor> open = new HashSet<>();

  // Closes of sockets, each with its result: a socket that was registered gives back its
  // descriptor and its port at the selector's next call, and not before.
  private final OperationQueue closes = new OperationQueue();

  private boolean channelsTurn;

  /**
   * Opens a driver for the calling thread.
   *
   * @param pool released when the driver is closed
   */
  NioDriver(DriverConfig config, OperationDispatcher dispatcher, BlockingPool pool)
      throws IOException {
    this.dispatcher = dispatcher;
    this.telemetry = dispatcher.telemetry();
    this.counters = telemetry.counters();
    this.sleepFlag = dispatcher.sleepFlag();
    this.outcomes = new Outcomes(dispatcher, counters);
    var selector = openSelector();
    try {
      this.waker = new Waker(selector, sleepFlag, telemetry);
      this.readiness = new Readiness(selector, counters);
      this.buffers = new ReceiveBuffers(config, counters, waker);
      this.views = new Views(buffers);
      this.parts = new DriverParts(readiness, outcomes, buffers, views);
      this.polls = new Polls(parts);
      this.files = new FileWork(pool, outcomes, waker, this::opened);
      this.datagrams = new NioDatagrams(parts, waker, counters, this::opened);
    } catch (IOException | RuntimeException | Error e) {
      selector.close();
      throw e;
    }
  }

  private static Selector openSelector() throws IOException {
    try {
      return Selector.open();
    } catch (IOException e) {
      int errno = Errnos.of(e);
      throw new IOException(
          "no selector could be opened: " + (errno == 0 ? e.getMessage() : Errno.describe(errno)),
          e);
    }
  }

  @Override
  public void submit(Operation operation) {
    counters.add(Counter.SUBMITTED, 1);
    switch (operation.code()) {
      case NOP -> outcomes.queue(operation, 0);
      case OPEN, MAKE_DIRECTORY, REMOVE, RENAME, SYMBOLIC_LINK, LINK, READ_LINK ->
          files.submit(operation);
      case ATTRIBUTES, SET_ATTRIBUTES -> files.submit(operation);
      case CLOSE -> close(operation);
      case POLL, POLL_MULTISHOT -> polls.submit(operation);
      case RAW -> outcomes.queueFailure(operation, Failures.raw(operation));
      default -> {
        if (operation.descriptor() instanceof NioSelectable channel) {
          channel.submit(operation);
        } else {
          files.submit(operation);
        }
      }
    }
  }

  private void close(Operation operation) {
    var descriptor = (NioDescriptor) operation.descriptor();
    open.remove(descriptor);
    if (descriptor instanceof NioFile) {
      files.submit(operation); // it may wait for the device
      return;
    }
    int result = 0;
    try {
      descriptor.close();
    } catch (IOException | RuntimeException e) {
      result = Failures.resultOf(operation, e);
    }
    operation.setResult(result);
    closes.add(operation);
  }

  @Override
  public void cancel(Operation operation) {
    telemetry.cancelRequested(operation.code().name(), operation.subject());
    // What has an outcome already, and waits to be resolved, is found nowhere and keeps it.
    if (operation.code() == OpCode.POLL || operation.code() == OpCode.POLL_MULTISHOT) {
      polls.cancel(operation);
    } else if (operation.descriptor() instanceof NioSelectable channel) {
      channel.cancel(operation);
    } else {
      files.cancel(operation);
    }
  }

  @Override
  public void cancelAll(Descriptor descriptor) {
    telemetry.cancelRequested("ALL", descriptor.subject());
    if (descriptor instanceof NioSelectable channel) {
      channel.cancelAll();
      channel.cancelPolls();
    } else {
      files.cancelAll(descriptor);
    }
  }

  @Override
  public void cancelAll() {
    telemetry.cancelRequested("ALL", "");
    for (var descriptor : open) {
      if (descriptor instanceof NioSelectable channel) {
        channel.cancelAll();
        channel.cancelPolls();
      }
    }
    polls.cancelAll();
    files.cancelAll(null);
  }

  @Override
  public int turn(long timeoutNanos, int budget) throws IOException {
    counters.lower(Counter.FREE_RECEIVE_BUFFERS_LOW, buffers.free());
    collect();
    int resolved = pump(budget);
    select(resolved > 0 || hasWork() ? 0 : timeoutNanos);
    outcomes.queueAll(closes);
    collect();
    return resolved + pump(budget - resolved);
  }

  @Override
  public boolean poll() throws IOException {
    if (!hasWork() && !hasCome()) {
      readiness.select(0);
    }
    return hasWork() || hasCome();
  }

  /** Whether other threads left something. */
  private boolean hasCome() {
    return files.hasFinished() || buffers.hasReturned() || datagrams.hasReturned();
  }

  private boolean hasWork() {
    return !outcomes.isEmpty() || !readiness.isEmpty() || !closes.isEmpty();
  }

  /** Takes over what other threads left. */
  private void collect() {
    if (files.hasFinished()) {
      files.collectFinished();
    }
    if (buffers.hasReturned()) {
      buffers.collectReturned();
    }
    datagrams.collectReturned();
  }

  private void select(long timeoutNanos) throws IOException {
    if (timeoutNanos != 0 && beginSleep()) {
      // An interrupt that is still pending would end this wait at once, and every one after it.
      Thread.interrupted();
      telemetry.beginWait();
      readiness.select(timeoutNanos);
      sleepFlag.endSleep();
      telemetry.endWait();
    } else {
      readiness.select(0);
    }
    if (waker.takeWakeUp()) {
      counters.add(Counter.WAKE_UPS, 1);
    }
  }

  /** From here on others wake the loop. What they left before is seen here, and then it does not sleep. */
  private boolean beginSleep() {
    if (!sleepFlag.beginSleep()) {
      return false;
    }
    if (hasCome()) {
      sleepFlag.endSleep();
      return false;
    }
    return true;
  }

  /**
   * Resolves outcomes and lets channels take steps, one of each in turn, so that no flood of one starves the other.
   * Steps without an outcome count as well, or a send that never ends would keep the turn from ending.
   */
  private int pump(int budget) {
    int resolved = 0;
    for (int work = 0; work < budget; work++) {
      channelsTurn = !channelsTurn;
      if (channelsTurn ? !readiness.isEmpty() : outcomes.isEmpty()) {
        var channel = readiness.next();
        if (channel == null) {
          break;
        }
        resolved += channel.step() ? 1 : 0;
      } else if (outcomes.isEmpty()) {
        break;
      } else {
        outcomes.resolveNext();
        resolved++;
      }
    }
    return resolved;
  }

  @Override
  public void wakeUp() {
    waker.wakeUp();
  }

  @Override
  public void register(BufferPool pool) {
    views.register(pool);
    buffers.track(BUFFERS.tracker(pool));
    datagrams.track(BUFFERS.tracker(pool));
  }

  @Override
  public Descriptor listen(ListenRequest request) throws IOException {
    var address = request.address();
    var subject = Errors.format(address);
    var channel = TcpChannels.openListener(address, subject);
    try {
      channel.setOption(StandardSocketOptions.SO_REUSEADDR, request.reuseAddress());
      if (request.reusePort()) {
        TcpChannels.setReusePort(channel);
      }
      for (var option : request.options().entrySet()) {
        TcpChannels.setOption(channel, option.getKey(), option.getValue());
      }
      channel.bind(address, request.backlog());
      // The system may have chosen the port: messages name the one that it is.
      var bound = Errors.format((InetSocketAddress) channel.getLocalAddress());
      return opened(new NioListener(bound, channel, parts, this::adopt));
    } catch (IOException e) {
      closeQuietly(channel);
      throw Failures.ofCall("bind", subject, e);
    } catch (RuntimeException e) {
      closeQuietly(channel);
      throw e;
    }
  }

  @Override
  public Descriptor socket(InetSocketAddress remote) throws IOException {
    var subject = Errors.format(remote);
    return adopt(subject, TcpChannels.openSocket(remote, subject));
  }

  private static void closeQuietly(SelectableChannel channel) {
    if (channel != null) {
      try {
        channel.close();
      } catch (IOException e) {
        // What went wrong before is what the caller has to know.
      }
    }
  }

  @Override
  public MovingSocket detach(Descriptor socket) {
    var moving = (NioSocket) selectable(socket);
    dispatcher.detached(moving);
    open.remove(moving);
    return new MovingChannel(moving.subject(), moving.unregistered());
  }

  @Override
  public Descriptor attach(MovingSocket socket) {
    if (socket instanceof MovingChannel(var subject, var channel)) {
      return adopt(subject, channel);
    }
    throw new IllegalArgumentException("not a socket of a NIO driver: " + socket);
  }

  private NioSocket adopt(String subject, SocketChannel channel) {
    return opened(new NioSocket(subject, channel, parts));
  }

  private <D extends NioDescriptor> D opened(D descriptor) {
    open.add(descriptor);
    dispatcher.opened(descriptor);
    return descriptor;
  }

  @Override
  public InetSocketAddress localAddress(Descriptor socket) throws IOException {
    try {
      return selectable(socket).localAddress();
    } catch (IOException e) {
      throw Failures.ofCall("getsockname", socket.subject(), e);
    }
  }

  @Override
  public InetSocketAddress remoteAddress(Descriptor socket) throws IOException {
    InetSocketAddress address = null;
    try {
      if (selectable(socket) instanceof NioSocket s) {
        address = s.remoteAddress();
      }
    } catch (IOException e) {
      throw Failures.ofCall("getpeername", socket.subject(), e);
    }
    if (address == null) {
      throw Errors.socket("getpeername", Errno.ENOTCONN.number(), socket.subject());
    }
    return address;
  }

  @Override
  public <T> void setOption(Descriptor socket, SocketOption<T> option, T value) throws IOException {
    try {
      selectable(socket).setOption(option, value);
    } catch (IOException e) {
      throw Failures.ofCall("setsockopt " + option.name(), socket.subject(), e);
    }
  }

  @Override
  public <T> T getOption(Descriptor socket, SocketOption<T> option) throws IOException {
    try {
      return selectable(socket).getOption(option);
    } catch (IOException e) {
      throw Failures.ofCall("getsockopt " + option.name(), socket.subject(), e);
    }
  }

  @Override
  public void bind(Descriptor socket, InetSocketAddress local) throws IOException {
    try {
      selectable(socket).network().bind(local);
    } catch (IOException e) {
      var subject = Errors.format(local) + " to connect " + socket.subject();
      throw Failures.ofCall("bind", subject, e);
    }
  }

  private static NioSelectable selectable(Descriptor descriptor) {
    if (descriptor instanceof NioSelectable socket) {
      return socket;
    }
    throw new IllegalArgumentException("not a socket of this driver: " + descriptor);
  }

  @Override
  public DatagramSockets datagrams() {
    return datagrams;
  }

  @Override
  public Capabilities capabilities() {
    return NioDriverProvider.CAPABILITIES;
  }

  @Override
  public DriverCounters counters() {
    return counters;
  }

  @Override
  public void close(boolean drained) {
    var left = new ArrayList<NioFile>();
    for (var descriptor : open) {
      if (descriptor instanceof NioFile file) {
        left.add(file);
      } else {
        closeQuietly(((NioSelectable) descriptor).channel());
      }
    }
    open.clear();
    try {
      readiness.selector().close(); // gives back the descriptors of closed channels, too
    } catch (IOException e) {
      throw new UncheckedIOException("closing the selector failed", e);
    } finally {
      files.closeLater(left);
      files.close(drained);
    }
  }
}
