package io.gyre.net;

import io.gyre.EventLoop;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Driver;
import io.gyre.driver.LoopFuture;
import io.gyre.driver.SocketOptions;
import java.io.IOException;
import java.net.SocketOption;
import java.nio.channels.ClosedChannelException;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

/**
 * The options of a socket, and what else takes one call that does not wait, for any thread: a driver is its loop's alone, so
 * what comes from elsewhere is done in a task, behind what that thread has started on the loop before.
 */
final class OptionAccess {
  private static final Set<SocketOption<?>> OF_LISTENERS =
      Set.of(TcpOptions.TCP_DEFER_ACCEPT, TcpOptions.TCP_FASTOPEN);

  @FunctionalInterface
  interface Call<V> {
    V on(Driver driver) throws IOException;
  }

  private OptionAccess() {}

  static <T> CompletableFuture<Void> set(
      EventLoop loop, Descriptor socket, SocketOption<T> option, T value) {
    SocketOptions.check(option, value);
    return call(
        loop,
        socket,
        driver -> {
          driver.setOption(socket, option, value);
          return null;
        });
  }

  static <T> CompletableFuture<T> get(EventLoop loop, Descriptor socket, SocketOption<T> option) {
    Objects.requireNonNull(option, "option");
    return call(loop, socket, driver -> driver.getOption(socket, option));
  }

  static <V> CompletableFuture<V> call(EventLoop loop, Descriptor socket, Call<V> call) {
    var done = new LoopFuture<V>();
    if (loop.inLoop()) {
      perform(loop, socket, call, done);
    } else {
      loop.execute(() -> perform(loop, socket, call, done));
    }
    return done;
  }

  private static <V> void perform(
      EventLoop loop, Descriptor socket, Call<V> call, CompletableFuture<V> done) {
    if (socket.isClosing()) { // its number may be another socket's
      done.completeExceptionally(new ClosedChannelException());
      return;
    }
    V value;
    try {
      value = call.on(loop.dispatcher().driver());
    } catch (IOException | RuntimeException e) {
      done.completeExceptionally(e);
      return;
    }
    done.complete(value);
  }

  /** Those of a socket that does not listen. */
  static Set<SocketOption<?>> supportedByStreams(Descriptor socket) {
    return socket.supportedOptions().stream()
        .filter(option -> !OF_LISTENERS.contains(option))
        .collect(Collectors.toUnmodifiableSet());
  }
}
