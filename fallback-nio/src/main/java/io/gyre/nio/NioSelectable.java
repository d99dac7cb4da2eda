package io.gyre.nio;

import io.gyre.driver.Operation;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NetworkChannel;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;

/**
 * A descriptor that waits in the selector. It is registered when it first has to wait, and what it waits for is changed
 * as late as possible: an interest that has become useless is taken back only when the selector reports it, so that an
 * operation that follows another of its kind costs no system call.
 */
abstract class NioSelectable extends NioDescriptor {
  private final SelectableChannel channel;
  private final Readiness readiness;
  private SelectionKey key;
  private int interest;
  private boolean scheduled;

  NioSelectable(String subject, SelectableChannel channel, Readiness readiness) {
    super(subject);
    this.channel = channel;
    this.readiness = readiness;
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
    boolean outcome = proceed();
    schedule();
    return outcome;
  }

  /** Asks for a step if there is something to do. */
  final void schedule() {
    if (!scheduled && canProceed()) {
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
    if (key != null) {
      key.interestOps(interest);
      return;
    }
    try {
      key = channel.register(readiness.selector(), interest, this);
    } catch (ClosedChannelException e) {
      throw new AssertionError("open, and closed by nobody but this thread: " + this, e);
    }
  }

  /** Asks the selector to report no longer. */
  final void unwant(int ops) {
    if ((interest & ops) != 0 && channel.isOpen()) {
      interest &= ~ops;
      key.interestOps(interest);
    }
  }

  @Override
  final void close() throws IOException {
    channel.close();
  }

  final InetSocketAddress localAddress() throws IOException {
    var address = (InetSocketAddress) network().getLocalAddress();
    return address == null ? new InetSocketAddress(0) : address;
  }

  final <T> void setOption(SocketOption<T> option, T value) throws IOException {
    network().setOption(option, value);
  }
}
