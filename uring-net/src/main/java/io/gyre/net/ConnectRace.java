package io.gyre.net;

import io.gyre.EventLoop;
import io.gyre.ScheduledTask;
import io.gyre.driver.Errors;
import io.gyre.driver.OperationScope;
import java.io.IOException;
import java.net.ConnectException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.CompletionHandler;
import java.nio.channels.ShutdownChannelGroupException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Connects to the first of several addresses that answers, as RFC 8305 has it: one attempt after the other, the next when
 * the one before has failed or has had its time, until one succeeds. The others are cancelled then, and what they have
 * opened is closed. Confined to the loop's thread, but for its making and {@link #begin}.
 *
 * <p>It has one outcome. A success is told at once; a failure, whether of all attempts, by the deadline or by a
 * cancellation, when no attempt is under way any more.
 *
 * @param <A> the attachment's type
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8305">RFC 8305: Happy Eyeballs Version 2</a>
 */
final class ConnectRace<A> implements CompletionHandler<TcpStream, ConnectRace.Attempt> {
  /** One of the attempts, as its own outcome knows it. */
  static final class Attempt {
    private Connector<Attempt> connector;
  }

  private final EventLoop loop;
  private final String target;
  private final ConnectOptions options;
  private final A attachment;
  private final CompletionHandler<TcpStream, ? super A> handler;
  private final OperationScope scope = OperationScope.current(); // the caller's, or null
  private final long begun = System.nanoTime();

  // Both null where there is one address, and no name.
  private final NameResolver resolver;
  private final String host;
  private final int port;

  private final Deque<InetSocketAddress> toTry = new ArrayDeque<>();
  private final List<InetSocketAddress> tried = new ArrayList<>();
  private final List<Attempt> underWay = new ArrayList<>();
  private final List<Throwable> failures = new ArrayList<>();
  private ScheduledTask deadline;
  private ScheduledTask nextAttempt;
  private boolean decided;
  private Throwable end; // what it fails with, once that is decided
  private boolean told;

  /** To a name. */
  ConnectRace(
      EventLoop loop,
      NameResolver resolver,
      String host,
      int port,
      ConnectOptions options,
      A attachment,
      CompletionHandler<TcpStream, ? super A> handler) {
    if (host.isEmpty()) {
      throw new IllegalArgumentException("there is no host to connect to: the name is empty");
    }
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException("a port is from 0 to 65535: " + port);
    }
    this.loop = loop;
    this.resolver = resolver;
    this.host = host;
    this.port = port;
    this.options = options;
    this.attachment = attachment;
    this.handler = handler;
    this.target = host + ":" + port;
  }

  /** To one address. */
  ConnectRace(
      EventLoop loop,
      InetSocketAddress remote,
      ConnectOptions options,
      A attachment,
      CompletionHandler<TcpStream, ? super A> handler) {
    this.loop = loop;
    this.resolver = null;
    this.host = null;
    this.port = remote.getPort();
    this.options = options;
    this.attachment = attachment;
    this.handler = handler;
    this.target = Errors.format(remote);
    toTry.add(remote);
  }

  /** Begins a race whose outcome is a future's. */
  static ConnectFuture connectAsync(
      EventLoop loop, Function<? super ConnectFuture, ConnectRace<Void>> race) {
    var future = new ConnectFuture(loop);
    future.begin(race.apply(future));
    return future;
  }

  /** Begins. Any thread; nothing is told inside of this call. */
  void begin() {
    loop.execute(this::start);
  }

  private void start() {
    try {
      if (options.timeout() != null) {
        long passed = System.nanoTime() - begun;
        deadline = loop.schedule(options.timeout().minusNanos(passed), this::expired);
      }
      if (resolver == null) {
        tryNext();
      } else {
        var _ =
            loop.runtime()
                .<List<InetAddress>>blocking(() -> resolver.resolve(host))
                .whenComplete(this::resolved);
      }
    } catch (RejectedExecutionException | ShutdownChannelGroupException e) {
      finish(e);
    }
  }

  /** Of a lookup that nobody waits for any more, too: the system can't be told to end one. */
  private void resolved(List<InetAddress> addresses, Throwable failure) {
    if (decided) {
      return;
    }
    if (failure != null) {
      finish(failure instanceof UnknownHostException unknown ? named(unknown) : failure);
      return;
    }
    for (var address : interleaved(addresses)) {
      var remote = new InetSocketAddress(address, port);
      var local = options.localAddress();
      if (local == null || Connector.areOfOneFamily(local, remote)) {
        toTry.add(remote);
      }
    }
    if (toTry.isEmpty()) {
      finish(
          new SocketException(
              "connect "
                  + target
                  + ": none of its addresses "
                  + addresses.stream().map(InetAddress::getHostAddress).toList()
                  + " is of the family of "
                  + Errors.format(options.localAddress())
                  + ", which it is to be connected from"));
      return;
    }
    try {
      tryNext();
    } catch (ShutdownChannelGroupException e) { // the runtime ended while the name was looked up
      finish(e);
    }
  }

  private UnknownHostException named(UnknownHostException cause) {
    var unknown =
        new UnknownHostException(
            "connect " + target + ": the name has no address (" + cause.getMessage() + ")");
    unknown.initCause(cause);
    return unknown;
  }

  /**
   * IPv6 first, then in turn, as long as there are both (section 4 with a First Address Family Count of 1); within a family
   * the order is the resolver's. Not by the family of the first: the JDK puts IPv4 there, whatever the system would
   * prefer, as long as java.net.preferIPv6Addresses says nothing else.
   */
  static List<InetAddress> interleaved(List<InetAddress> addresses) {
    var byFamily =
        addresses.stream()
            .distinct()
            .collect(Collectors.partitioningBy(address -> address instanceof Inet6Address));
    var v6 = byFamily.get(true).iterator();
    var v4 = byFamily.get(false).iterator();
    var order = new ArrayList<InetAddress>(addresses.size());
    while (v6.hasNext() || v4.hasNext()) {
      if (v6.hasNext()) {
        order.add(v6.next());
      }
      if (v4.hasNext()) {
        order.add(v4.next());
      }
    }
    return order;
  }

  // ---- attempts

  private void tryNext() {
    if (nextAttempt != null) {
      nextAttempt.cancel();
      nextAttempt = null;
    }
    var remote = toTry.poll();
    if (!toTry.isEmpty()) {
      nextAttempt = loop.schedule(options.attemptDelay(), this::tryNext);
    }
    tried.add(remote);
    var attempt = new Attempt();
    attempt.connector = new Connector<>(loop, remote, options, attempt, this);
    underWay.add(attempt);
    attempt.connector.start(scope);
  }

  @Override
  public void completed(TcpStream stream, Attempt attempt) {
    underWay.remove(attempt);
    if (decided) {
      var _ = stream.closeAsync(); // quicker than its cancellation, but too late
      tellFailure();
      return;
    }
    decide();
    told = true;
    cancelAttempts();
    handler.completed(stream, attachment);
  }

  @Override
  public void failed(Throwable cause, Attempt attempt) {
    underWay.remove(attempt);
    failures.add(cause);
    if (decided) {
      tellFailure();
    } else if (isFinal(cause) || attempt.connector.isEndedByScope()) {
      finish(cause);
    } else if (!toTry.isEmpty()) {
      tryAtOnce(cause);
    } else if (underWay.isEmpty()) {
      finish(resolver == null ? cause : allFailed());
    }
  }

  /** In a task of its own, or a long list of addresses that all fail at once would be as many calls deep. */
  private void tryAtOnce(Throwable cause) {
    nextAttempt.cancel();
    nextAttempt = loop.schedule(Duration.ZERO, this::tryNext);
    if (nextAttempt.isDone()) { // the loop is ending, and runs no tasks for later
      finish(cause);
    }
  }

  /** Whether the next address would fare no better: it was the runtime's end, or the caller's mistake. */
  private static boolean isFinal(Throwable cause) {
    return !(cause instanceof IOException) || cause instanceof ClosedChannelException;
  }

  private void cancelAttempts() {
    // A copy: one that has been refused already may tell so at once.
    for (var attempt : List.copyOf(underWay)) {
      attempt.connector.cancel();
    }
  }

  // ---- the end

  void cancel() {
    if (!decided) {
      finish(new CancellationException("connect " + target + " was cancelled"));
    }
  }

  private void expired() {
    if (!decided) {
      finish(
          new SocketTimeoutException(
              "connect "
                  + target
                  + ": timed out after "
                  + options.timeout()
                  + (tried.isEmpty()
                      ? "; its name was not resolved by then"
                      : resolver == null ? "" : "; tried " + format(tried))));
    }
  }

  private IOException allFailed() {
    var failure =
        new ConnectException(
            "connect "
                + target
                + ": "
                + (tried.size() == 1
                    ? "its only address"
                    : "none of its " + tried.size() + " addresses")
                + (tried.size() == 1 ? " failed: " : " could be connected to: ")
                + failures.stream().map(Throwable::getMessage).collect(Collectors.joining("; ")));
    failure.initCause(failures.getFirst());
    return failure;
  }

  private static String format(List<InetSocketAddress> addresses) {
    return addresses.stream().map(Errors::format).collect(Collectors.joining(", "));
  }

  private void decide() {
    decided = true;
    if (deadline != null) {
      deadline.cancel();
    }
    if (nextAttempt != null) {
      nextAttempt.cancel();
    }
  }

  private void finish(Throwable cause) {
    decide();
    end = cause;
    failures.remove(end);
    failures.remove(end.getCause());
    failures.forEach(end::addSuppressed);
    cancelAttempts();
    tellFailure();
  }

  private void tellFailure() {
    if (!told && underWay.isEmpty()) {
      told = true;
      handler.failed(end, attachment);
    }
  }
}
