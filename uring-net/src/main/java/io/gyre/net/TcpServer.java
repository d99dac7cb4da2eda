package io.gyre.net;

import io.gyre.EventLoop;
import io.gyre.IoRuntime;
import io.gyre.driver.Futures;
import io.gyre.driver.LoopFuture;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.AcceptPendingException;
import java.nio.channels.CompletionHandler;
import java.nio.channels.ShutdownChannelGroupException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * Accepts TCP connections on one port for all loops of a runtime, and ends them in an orderly way. Each connection belongs
 * to one loop from the beginning: what its handlers do, they do there.
 *
 * <pre>
 *   REUSE_PORT                     ROUND_ROBIN, LEAST_CONNECTIONS
 *
 *   listener --&gt; loop 0            listener --&gt; loop 0 --+--&gt; loop 0
 *   listener --&gt; loop 1                                  +--&gt; loop 1
 * </pre>
 *
 * <p>A {@linkplain ListenOptions#maxConnections() bound on connections} is of the whole server. With {@link
 * Distribution#REUSE_PORT} each loop has an equal part of it; else it is the accepting loop's. In both cases it is never
 * exceeded, and what comes beyond it waits in the backlog.
 *
 * <p>Any thread may call its methods.
 */
public final class TcpServer implements AutoCloseable {
  private final List<ServedLoop> loops;
  private final List<TcpListener> listeners;
  private final Placement placement; // null where each loop accepts its own
  private final AtomicBoolean accepting = new AtomicBoolean();
  private final AtomicBoolean stopping = new AtomicBoolean();
  private final AtomicInteger undrained;
  private final CompletableFuture<Integer> ended = new LoopFuture<>();
  private CompletableFuture<Void> listenersClosed; // guarded by this; null before a shutdown

  private TcpServer(List<EventLoop> all, Distribution distribution, List<TcpListener> listeners) {
    this.loops = all.stream().map(loop -> new ServedLoop(loop, this::drained)).toList();
    this.listeners = List.copyOf(listeners);
    this.undrained = new AtomicInteger(loops.size());
    this.placement =
        distribution == Distribution.REUSE_PORT
            ? null
            : new HandOver(distribution == Distribution.LEAST_CONNECTIONS);
  }

  /**
   * Listens with as many loops as the runtime has, and waits until it does.
   *
   * @param runtime whose loops the connections will belong to
   * @param address where; port 0 lets the system choose, one port for all loops
   * @param distribution how connections get to the loops
   * @param options how; SO_REUSEPORT is set where the distribution needs it
   * @return a server that does not accept yet: see {@link #acceptEach}
   * @throws java.net.BindException when the address is in use, is not this machine's, or is not allowed
   * @throws IOException for any other reason that the system names
   * @throws java.nio.channels.UnresolvedAddressException for an unresolved address
   * @throws IllegalArgumentException when there are more loops with listeners than the bound has connections
   * @throws UnsupportedOperationException for a socket option that the driver does not know
   * @throws IllegalStateException on a loop's thread
   */
  public static TcpServer bind(
      IoRuntime runtime,
      InetSocketAddress address,
      Distribution distribution,
      ListenOptions options)
      throws IOException {
    Futures.requireMayWait();
    return Futures.await(bindAsync(runtime, address, distribution, options));
  }

  /**
   * Listens with as many loops as the runtime has.
   *
   * @param runtime whose loops the connections will belong to
   * @param address where; port 0 lets the system choose, one port for all loops
   * @param distribution how connections get to the loops
   * @param options how; SO_REUSEPORT is set where the distribution needs it
   * @return completes with a server that does not accept yet: see {@link #acceptEach}
   * @throws java.nio.channels.UnresolvedAddressException for an unresolved address
   * @throws IllegalArgumentException when there are more loops with listeners than the bound has connections
   */
  public static CompletableFuture<TcpServer> bindAsync(
      IoRuntime runtime,
      InetSocketAddress address,
      Distribution distribution,
      ListenOptions options) {
    var loops = runtime.loops();
    int count = distribution == Distribution.REUSE_PORT ? loops.size() : 1;
    if (options.maxConnections() < count) {
      throw new IllegalArgumentException(
          "maxConnections of "
              + options.maxConnections()
              + " leaves some of "
              + count
              + " listening loops without any: raise it, or let one loop accept for all");
    }
    var shared = count > 1 ? options.withReusePort(true) : options;
    var bound = new ArrayList<TcpListener>(); // by one loop after the other
    var last = TcpListener.bindAsync(loops.getFirst(), address, part(shared, 0, count));
    for (int i = 1; i < count; i++) {
      var loop = loops.get(i);
      var own = part(shared, i, count);
      last =
          last.thenCompose(
              listener -> {
                bound.add(listener);
                // The system has chosen a port perhaps: this one it is for all.
                return TcpListener.bindAsync(loop, listener.localAddress(), own);
              });
    }
    return last.whenComplete(
            (_, failure) -> {
              if (failure != null) {
                var _ = closeAll(bound);
              }
            })
        .thenApply(
            listener -> {
              bound.add(listener);
              return new TcpServer(loops, distribution, bound);
            });
  }

  private static CompletableFuture<Void> closeAll(List<TcpListener> listeners) {
    return CompletableFuture.allOf(
        listeners.stream().map(TcpListener::closeAsync).toArray(CompletableFuture[]::new));
  }

  /** What one of some listeners has of the bound. */
  private static ListenOptions part(ListenOptions options, int index, int count) {
    int max = options.maxConnections();
    return max == ListenOptions.UNLIMITED
        ? options
        : options.withMaxConnections(max / count + (index < max % count ? 1 : 0));
  }

  /** The accepting loop's: to whom the next connection goes. Confined to its thread, but for the counts. */
  private final class HandOver implements Placement {
    private final boolean least;
    private int turn;

    HandOver(boolean least) {
      this.least = least;
    }

    @Override
    public EventLoop next() {
      var chosen = loops.get(turn);
      if (least) {
        for (int i = 1; i < loops.size(); i++) {
          var other = loops.get((turn + i) % loops.size());
          if (other.connections() < chosen.connections()) {
            chosen = other;
          }
        }
      }
      turn = (turn + 1) % loops.size();
      chosen.expect();
      return chosen.loop();
    }

    @Override
    public void lost(EventLoop loop) {
      of(loop).forget();
    }
  }

  private ServedLoop of(EventLoop loop) {
    return loops.get(loop.index());
  }

  /**
   * Where it listens.
   *
   * @return address and port, also when the system chose the port
   */
  public InetSocketAddress localAddress() {
    return listeners.getFirst().localAddress();
  }

  /**
   * How many of its connections are open, or on their way to the loop that will have them.
   *
   * @return a number that may be old when it is read
   */
  public int connections() {
    return loops.stream().mapToInt(ServedLoop::connections).sum();
  }

  /**
   * How many of its connections one loop has.
   *
   * @param loop one of the runtime's
   * @return a number that may be old when it is read
   */
  public int connections(EventLoop loop) {
    return of(loop).connections();
  }

  /**
   * Accepts every connection until the server is shut down. When this process has no descriptors left, or as many
   * connections are open as may be, it pauses and goes on.
   *
   * @param attachment given to the handler
   * @param handler called for each connection, which it then owns and must close, on the thread of <em>that connection's</em>
   *     loop, so on several at the same time; {@code failed} is the last call, when no loop accepts any more: after a
   *     shutdown, or when one loop could not go on, which ends accepting on all
   * @param <A> the attachment's type
   * @throws AcceptPendingException when it has been called before
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void acceptEach(A attachment, CompletionHandler<TcpStream, ? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (!accepting.compareAndSet(false, true)) {
      throw new AcceptPendingException();
    }
    var acceptor = new Acceptor<A>(handler);
    for (var listener : listeners) {
      listener.acceptEach(attachment, acceptor, placement);
    }
  }

  /** Stands between the listeners and the user's handler. */
  private final class Acceptor<A> implements CompletionHandler<TcpStream, A> {
    private final CompletionHandler<TcpStream, ? super A> handler;
    private final AtomicInteger left = new AtomicInteger(listeners.size());
    private final AtomicReference<Throwable> first = new AtomicReference<>();

    Acceptor(CompletionHandler<TcpStream, ? super A> handler) {
      this.handler = handler;
    }

    @Override
    public void completed(TcpStream stream, A attachment) {
      var loop = of(stream.loop());
      if (placement == null) {
        loop.expect();
      }
      loop.add(stream);
      handler.completed(stream, attachment);
    }

    @Override
    public void failed(Throwable cause, A attachment) {
      first.compareAndSet(null, cause);
      if (left.decrementAndGet() == 0) {
        afterAllHandedOver(() -> handler.failed(first.get(), attachment));
      } else {
        var _ = closeListeners();
      }
    }
  }

  /** Runs a task on the last of the loops that has come to this point, behind the connections that were handed to it. */
  private void afterAllHandedOver(Runnable task) {
    var left = new AtomicInteger(loops.size());
    Runnable arrived =
        () -> {
          if (left.decrementAndGet() == 0) {
            task.run();
          }
        };
    for (var loop : loops) {
      if (!loop.tryExecute(arrived)) {
        arrived.run();
      }
    }
  }

  // ---- the end

  private synchronized CompletableFuture<Void> closeListeners() {
    if (listenersClosed == null) {
      listenersClosed = closeAll(listeners);
    }
    return listenersClosed;
  }

  /**
   * Stops: as {@link #shutdown(Duration, Consumer)}, and says nothing to the connections, which end when their handlers or
   * their peers see to it.
   *
   * @param grace how long connections may go on; 0 cuts them at once
   * @return completes with the number of connections that were cut
   */
  public CompletableFuture<Integer> shutdown(Duration grace) {
    return shutdown(grace, _ -> {});
  }

  /**
   * Stops. First it closes its listeners, so that new connections are refused; those that wait to be accepted are reset.
   * Then it tells each connection. When the time is over, it closes those that are left.
   *
   * <p>Calling it again tells the connections nothing new, but may bring the end nearer: the earliest of the deadlines
   * counts. From a handler, too.
   *
   * @param grace how long connections may go on, from when the listeners are closed; 0 cuts them at once
   * @param farewell called with each open connection on its loop's thread, to end it in the protocol's own way, for
   *     instance with {@link ByteStream#closeOnceWritten}
   * @return completes when all connections are closed, with the number of those that were cut
   * @throws IllegalArgumentException when the time is negative
   */
  public CompletableFuture<Integer> shutdown(Duration grace, Consumer<? super TcpStream> farewell) {
    Objects.requireNonNull(farewell, "farewell");
    if (grace.isNegative()) {
      throw new IllegalArgumentException("grace must not be negative: " + grace);
    }
    boolean isFirst = stopping.compareAndSet(false, true);
    // What the accepting loop has handed over is in the others' inboxes before what follows is.
    var _ =
        closeListeners()
            .whenComplete(
                (_, _) -> {
                  if (isFirst) {
                    loops.forEach(loop -> loop.drain(farewell));
                  }
                  loops.forEach(loop -> cutAfter(grace, loop));
                });
    return ended.copy();
  }

  private static void cutAfter(Duration grace, ServedLoop loop) {
    try {
      if (grace.isZero()) {
        loop.cut();
      } else {
        var _ = loop.loop().schedule(grace, loop::cut);
      }
    } catch (ShutdownChannelGroupException e) {
      // The loop has ended, and has closed them all.
    }
  }

  private void drained(ServedLoop loop) {
    if (undrained.decrementAndGet() == 0) {
      ended.complete(loops.stream().mapToInt(ServedLoop::cutConnections).sum());
    }
  }

  /**
   * Stops at once: {@link #shutdown(Duration)} without any grace.
   *
   * @return completes when the port is free and all connections are closed
   */
  public CompletableFuture<Void> closeAsync() {
    return shutdown(Duration.ZERO).thenApply(_ -> null);
  }

  /**
   * Stops at once, and waits until the port is free and all connections are closed; on a loop's thread it does not wait.
   *
   * @throws java.io.InterruptedIOException when the thread is interrupted; the server stops all the same
   */
  @Override
  public void close() throws IOException {
    Futures.awaitUnlessInLoop(closeAsync());
  }

  @Override
  public String toString() {
    return "server on " + localAddress() + " of " + loops.size() + " loops";
  }
}
