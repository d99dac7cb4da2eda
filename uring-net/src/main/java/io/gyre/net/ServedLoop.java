package io.gyre.net;

import io.gyre.EventLoop;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** The connections of a {@link TcpServer} that one loop has. */
final class ServedLoop {
  private final EventLoop loop;
  private final Consumer<ServedLoop> drained;

  // Written by this loop and, where that hands connections over, by the accepting one: counts those
  // that are on their way as well.
  private final AtomicInteger connections = new AtomicInteger();

  // The loop's thread only.
  private final Set<TcpStream> streams = new HashSet<>();
  private int cut;
  private boolean draining;
  private boolean cutting;
  private boolean told;

  /**
   * Has no connections yet.
   *
   * @param drained told once, when the last connection is closed after {@link #drain}; on the loop's thread, or on any if
   *     the loop has ended
   */
  ServedLoop(EventLoop loop, Consumer<ServedLoop> drained) {
    this.loop = loop;
    this.drained = drained;
  }

  EventLoop loop() {
    return loop;
  }

  /** How many there are and are on their way. Any thread. */
  int connections() {
    return connections.get();
  }

  /** One is on its way. Any thread. */
  void expect() {
    connections.incrementAndGet();
  }

  /** One has not come, or is closed. Any thread. */
  void forget() {
    connections.decrementAndGet();
  }

  /** One that was expected has come. The loop's thread. */
  void add(TcpStream stream) {
    streams.add(stream);
    CloseWatch.add(loop.dispatcher(), stream.descriptor(), () -> closed(stream));
  }

  private void closed(TcpStream stream) {
    streams.remove(stream);
    forget();
    tellIfDrained();
  }

  /**
   * From now on no connection comes any more: says so when the last is closed. Any thread.
   *
   * @param farewell given each connection that is open, on the loop's thread
   */
  void drain(Consumer<? super TcpStream> farewell) {
    if (!tryExecute(() -> drainNow(farewell))) {
      drained.accept(this); // the loop has ended, and has closed them all
    }
  }

  private void drainNow(Consumer<? super TcpStream> farewell) {
    draining = true;
    for (var stream : streams) {
      tryExecute(
          () -> sayFarewell(stream, farewell)); // a task, so that one that throws is one only
    }
    tellIfDrained();
  }

  private static void sayFarewell(TcpStream stream, Consumer<? super TcpStream> farewell) {
    if (!stream.descriptor().isClosing()) {
      farewell.accept(stream);
    }
  }

  /** Closes what is open still. Any thread. */
  void cut() {
    tryExecute(this::cutNow);
  }

  private void cutNow() {
    if (cutting) {
      return;
    }
    cutting = true;
    for (var stream : List.copyOf(streams)) {
      if (!stream.descriptor().isClosing()) {
        cut++;
        loop.dispatcher().discard(stream.descriptor());
      }
    }
  }

  private void tellIfDrained() {
    if (draining && streams.isEmpty() && !told) {
      told = true;
      drained.accept(this);
    }
  }

  /** How many connections had to be cut. Once it is drained. */
  int cutConnections() {
    return cut;
  }

  /** Runs a task on the loop; false if that has ended. */
  boolean tryExecute(Runnable task) {
    try {
      loop.execute(task);
      return true;
    } catch (ShutdownChannelGroupException e) {
      return false;
    }
  }
}
