package io.gyre.nio;

import io.gyre.PollSource;
import io.gyre.Readiness;
import io.gyre.driver.Operation;
import java.io.IOException;
import java.nio.channels.SelectableChannel;
import java.util.HashMap;
import java.util.Map;

/** Finds the channel that a poll is of: a socket of the driver, or a channel of the user's. */
final class Polls {
  private static final int PURGE_FROM = 64;

  private final DriverParts parts;

  // The users' channels that were polled. Those that were closed are forgotten whenever their
  // number has doubled.
  private final Map<SelectableChannel, NioForeign> foreign = new HashMap<>();
  private int purgeAt = PURGE_FROM;

  Polls(DriverParts parts) {
    this.parts = parts;
  }

  void submit(Operation operation) {
    try {
      refuseUnsupported(operation);
      purge();
      channelOf(operation).submitPoll(operation);
    } catch (RuntimeException | IOException e) {
      parts.outcomes().queueFailure(operation, e);
    }
  }

  private static void refuseUnsupported(Operation operation) {
    String what = null;
    if ((operation.flags() & Readiness.PRIORITY) != 0) {
      what = "can't wait for Interest.PRIORITY";
    } else if (operation.descriptor() == null
        && ((PollSource) operation.argument()).channel() == null) {
      what = "can't poll a descriptor by its number: poll a SelectableChannel";
    }
    if (what != null) {
      throw new UnsupportedOperationException(
          "poll " + operation.subject() + ": the nio driver " + what + ", or use io_uring");
    }
  }

  private NioSelectable channelOf(Operation operation) {
    var descriptor = operation.descriptor();
    if (descriptor == null) {
      var users = ((PollSource) operation.argument()).channel();
      var known = foreign.get(users);
      if (known == null) {
        known = new NioForeign(users, parts);
        foreign.put(users, known);
      }
      return known;
    }
    if (descriptor instanceof NioSelectable socket) {
      return socket;
    }
    throw Failures.misdirected(operation.code(), "a file");
  }

  void cancel(Operation operation) {
    NioSelectable channel =
        operation.descriptor() == null
            ? foreign.get(((PollSource) operation.argument()).channel())
            : operation.descriptor() instanceof NioSelectable socket ? socket : null;
    if (channel != null) { // else it failed at once
      channel.cancelPoll(operation);
    }
  }

  /** Cancels the polls of users' channels. */
  void cancelAll() {
    foreign.values().forEach(NioSelectable::cancelPolls);
  }

  /** Forgets channels that were closed. */
  private void purge() {
    if (foreign.size() >= purgeAt) {
      foreign.values().removeIf(c -> !c.channel().isOpen() && !c.isPolled());
      purgeAt = Math.max(PURGE_FROM, 2 * foreign.size());
    }
  }
}
