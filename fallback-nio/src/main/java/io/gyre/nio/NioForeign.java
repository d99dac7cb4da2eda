package io.gyre.nio;

import io.gyre.driver.Operation;
import java.nio.channels.SelectableChannel;

/** A user's own channel, which is only polled here: never read, written or closed. */
final class NioForeign extends NioSelectable {
  private final Outcomes outcomes;

  NioForeign(SelectableChannel channel, DriverParts parts) {
    super(channel.toString(), channel, parts);
    this.outcomes = parts.outcomes();
  }

  @Override
  void submit(Operation operation) {
    outcomes.queueFailure(operation, Failures.misdirected(operation.code(), "a channel"));
  }

  @Override
  void ready(int ops) {
    // Nobody but those who poll wants to know.
  }

  @Override
  boolean proceed() {
    return false;
  }

  @Override
  boolean canProceed() {
    return false;
  }

  @Override
  void cancel(Operation operation) {
    // There are only polls.
  }

  @Override
  void cancelAll() {
    // There are only polls.
  }
}
