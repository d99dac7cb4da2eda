package io.gyre.nio;

import io.gyre.driver.Operation;
import io.gyre.driver.SocketOptions;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NetworkChannel;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.util.Set;

/**
 * A descriptor that waits in the selector. It is registered when it first has to wait, and what it waits for is changed
 * as late as possible: an interest that has become useless is taken back only when the selector reports it, so that an
 * operation that follows another of its kind costs no system call.
 */
abstract class NioSelectable extends NioDescriptor {
  private final SelectableChannel channel;
  private final Readiness readiness;
  private final PollSide polls;
  private SelectionKey key;

  // What is asked of the selector, in the name of transfers and in the name of polls.
  private int interest;
  private int polled;
  private boolean scheduled;

  // With SO_LINGER the close would wait for the peer, and the loop with it: then the system sends
  // what is left without anybody waiting. The JDK does so itself, but only with a channel that has
  // a
  // key.
  private boolean lingers;

  NioSelectable(String subject, SelectableChannel channel, DriverParts parts) {
    super(subject);
    this.channel = channel;
    this.readiness = parts.readiness();
    this.polls = new PollSide(this, parts.outcomes());
  }

  /** Queues an operation; it is carried out by the turn's steps. */
  abstract void submit(Operation operation);

  /** The selector says what is ready. Nothing may be resolved here. */
  abstract void ready(int ops);

  /** Does one thing, which brings at most one outcome; see {@link #step}. */
  abstract boolean proceed();

  /** Whether a step would get anywhere. */
  abstract boolean canProceed();

  /** Cancels an operation if it waits here. */
  abstract void cancel(Operation operation);

  /** Cancels everything that waits. */
  abstract void cancelAll();

  final SelectableChannel channel() {
    return channel;
  }

  /** The channel, for addresses and options. */
  final NetworkChannel network() {
    return (NetworkChannel) channel;
  }

  /** Does one thing; returns whether it brought an outcome. Turns only. */
  final boolean step() {
    scheduled = false;
    boolean outcome;
    if (polls.canProceed()) {
      polls.proceed();
      pollFurther();
      outcome = true;
    } else {
      outcome = proceed();
    }
    schedule();
    return outcome;
  }

  /** Asks for a step if there is something to do. */
  final void schedule() {
    if (!scheduled && (canProceed() || polls.canProceed())) {
      scheduled = true;
      readiness.add(this);
    }
  }

  /** Asks the selector to report. */
  final void want(int ops) {
    if (!channel.isOpen()) {
      ready(ops); // the attempt will tell what is wrong
      return;
    }
    if ((interest & ops) == ops) {
      return;
    }
    interest |= ops;
    try {
      askSelector();
    } catch (ClosedChannelException e) {
      throw new AssertionError("open, and closed by nobody but this thread: " + this, e);
    }
  }

  /** Asks the selector to report no longer. */
  final void unwant(int ops) {
    if ((interest & ops) != 0 && channel.isOpen()) {
      interest &= ~ops;
      key.interestOps(interest | polled);
    }
  }

  private void askSelector() throws ClosedChannelException {
    if (key == null) {
      key = channel.register(readiness.selector(), interest | polled, this);
    } else {
      key.interestOps(interest | polled);
    }
  }

  // ---- polls

  /** The selector says what is ready. */
  final void reported(int ops) {
    if (!polls.isEmpty() || polled != 0) {
      polls.ready(ops);
      pollFor(polls.ops()); // no longer for those that have ended
      schedule();
    }
    ready(ops);
  }

  /**
   * Begins to poll.
   *
   * @throws ClosedChannelException for a user's channel that is closed
   * @throws java.nio.channels.IllegalBlockingModeException for a user's channel that blocks
   */
  final void submitPoll(Operation operation) throws ClosedChannelException {
    polls.add(operation);
    polled |= polls.ops();
    try {
      askSelector();
    } catch (ClosedChannelException | RuntimeException e) {
      polls.remove(operation);
      polled = polls.ops();
      throw e;
    }
  }

  /** What is to be waited for may have changed while a handler ran: a channel was connected, for instance. */
  private void pollFurther() {
    pollFor(polled | polls.ops());
  }

  private void pollFor(int ops) {
    if (ops != polled) {
      polled = ops;
      try {
        key.interestOps(interest | polled);
      } catch (CancelledKeyException e) {
        // A user's channel, which he closed: it is reported no more.
      }
    }
  }

  final boolean isPolled() {
    return !polls.isEmpty();
  }

  final void cancelPoll(Operation operation) {
    polls.cancel(operation);
  }

  final void cancelPolls() {
    polls.cancelAll();
  }

  // ---- the end

  @Override
  final void close() throws IOException {
    try {
      if (lingers && channel.isOpen()) {
        network().setOption(StandardSocketOptions.SO_LINGER, -1);
      }
    } finally {
      channel.close();
    }
  }

  final InetSocketAddress localAddress() throws IOException {
    var address = (InetSocketAddress) network().getLocalAddress();
    return address == null ? new InetSocketAddress(0) : address;
  }

  final <T> void setOption(SocketOption<T> option, T value) throws IOException {
    requireSupported(option);
    network().setOption(option, value);
    if (option.equals(StandardSocketOptions.SO_LINGER)) {
      lingers = (Integer) value > 0;
    }
  }

  final <T> T getOption(SocketOption<T> option) throws IOException {
    requireSupported(option);
    return network().getOption(option);
  }

  private void requireSupported(SocketOption<?> option) {
    if (!supportedOptions().contains(option)) {
      throw SocketOptions.unsupported(
          option,
          subject(),
          "java.nio has no such option; those of Linux need io_uring, see"
              + " IoRuntime.Builder.driver");
    }
  }

  @Override
  public Set<SocketOption<?>> supportedOptions() {
    return channel instanceof NetworkChannel socket ? socket.supportedOptions() : Set.of();
  }
}
