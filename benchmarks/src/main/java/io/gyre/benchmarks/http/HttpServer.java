package io.gyre.benchmarks.http;

import io.gyre.EventLoop;
import io.gyre.IoRuntime;
import io.gyre.fs.AsyncFiles;
import io.gyre.net.ListenOptions;
import io.gyre.net.TcpListener;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToLongFunction;

/** Serves the files of a directory over HTTP/1.1: a listener on each loop of a runtime. */
public final class HttpServer {
  private static final int BACKLOG = 4096;

  private final ServeOptions options;
  private final AccessLog log;
  private final List<HttpLoop> loops = new ArrayList<>();
  private final AtomicInteger open = new AtomicInteger();
  private final ConcurrentMap<InetAddress, Integer> openByAsker = new ConcurrentHashMap<>();
  private InetSocketAddress address;

  /**
   * What was done since the start.
   *
   * @param requests how many were answered
   * @param bytes how much went out, heads included
   * @param connections how many were accepted and not refused
   * @param errors what went wrong on this side
   */
  public record Totals(long requests, long bytes, long connections, long errors) {}

  private HttpServer(ServeOptions options, AccessLog log) {
    this.options = options;
    this.log = log;
  }

  /**
   * Begins to serve, and waits until it listens.
   *
   * @param runtime whose loops serve; its end ends the server
   * @param directory what to serve; a symbolic link is followed once, now
   * @param address where to listen; port 0 lets the system choose
   * @param options what is allowed
   * @param log told of each answer; null for none
   * @return a server that accepts
   * @throws IOException when the directory can't be opened, or the address can't be had
   * @throws IllegalStateException on a loop's thread
   */
  public static HttpServer start(
      IoRuntime runtime,
      Path directory,
      InetSocketAddress address,
      ServeOptions options,
      AccessLog log)
      throws IOException {
    var server = new HttpServer(Objects.requireNonNull(options, "options"), log);
    server.bind(runtime.loops(), directory.toRealPath(), address);
    return server;
  }

  private void bind(List<EventLoop> on, Path directory, InetSocketAddress wanted)
      throws IOException {
    if (!Files.isDirectory(directory)) {
      throw new NotDirectoryException(directory.toString());
    }
    // An answer is one write or several in a row: none must wait for an acknowledgement.
    var listening =
        ListenOptions.DEFAULT
            .withBacklog(BACKLOG)
            .withReusePort(on.size() > 1)
            .withStreamOption(StandardSocketOptions.TCP_NODELAY, true);
    address = wanted;
    for (var loop : on) {
      var root = AsyncFiles.of(loop).openDirectory(directory);
      var listener = TcpListener.bind(loop, address, listening);
      address = listener.localAddress();
      loops.add(new HttpLoop(this, listener, root));
    }
    loops.forEach(HttpLoop::begin);
  }

  /**
   * Where it listens.
   *
   * @return address and port, also when the system chose the port
   */
  public InetSocketAddress address() {
    return address;
  }

  ServeOptions options() {
    return options;
  }

  AccessLog log() {
    return log;
  }

  /** Why one more connection may not be open, or null when it may, and is then. Any loop. */
  String admit(InetAddress asker) {
    if (open.incrementAndGet() > options.maxConnections()) {
      open.decrementAndGet();
      return options.maxConnections() + " connections are open";
    }
    if (openByAsker.merge(asker, 1, Integer::sum) > options.maxConnectionsPerAddress()) {
      leave(asker);
      return options.maxConnectionsPerAddress()
          + " connections of "
          + asker.getHostAddress()
          + " are open";
    }
    return null;
  }

  void leave(InetAddress asker) {
    open.decrementAndGet();
    openByAsker.computeIfPresent(asker, (_, count) -> count == 1 ? null : count - 1);
  }

  /**
   * Stops accepting, ends connections that rest, answers what is under way, and closes what is left.
   *
   * @param limit how long that may take; what is not answered then is cut
   * @return whether all was answered in time
   * @throws InterruptedException when the caller is interrupted; what is left is cut then
   */
  public boolean drain(Duration limit) throws InterruptedException {
    var all =
        CompletableFuture.allOf(
            loops.stream().map(HttpLoop::drain).toArray(CompletableFuture[]::new));
    try {
      all.get(limit.toNanos(), TimeUnit.NANOSECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      throw new AssertionError("a drain never fails", e);
    } finally {
      loops.forEach(HttpLoop::close);
    }
  }

  /**
   * What was done so far. Any thread.
   *
   * @return a snapshot, exact when nothing is under way
   */
  public Totals totals() {
    return new Totals(
        sum(l -> l.requests.getOpaque()),
        sum(l -> l.bytes.getOpaque()),
        sum(l -> l.accepted.getOpaque()),
        sum(l -> l.errors.getOpaque()));
  }

  private long sum(ToLongFunction<HttpLoop> counter) {
    return loops.stream().mapToLong(counter).sum();
  }
}
