package io.gyre;

import io.gyre.driver.Descriptor;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.LoopFuture;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.nio.channels.SelectableChannel;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/**
 * Something whose readiness can be waited for, on one loop: a socket of Gyre, any descriptor by its number (io_uring),
 * or any {@link SelectableChannel} (NIO). In the terms of mio: the attachment is the token, {@link Interest} says what
 * for, and the handler's result is the {@link Readiness}.
 *
 * <p>What was ready already is reported too. Two things are left open, so that both drivers are quick:
 *
 * <ul>
 *   <li>{@link #pollMultishot} reports each time that something <em>new</em> comes. io_uring reports once for each
 *       change (edge-triggered); NIO, and io_uring without {@code multishot-poll}, go on reporting while it lasts
 *       (level-triggered). So a handler
 *       takes all there is, and asks for {@link Interest#WRITABLE} with the one-shot form, when it has something to
 *       write: a multishot would keep a loop on NIO busy for as long as there is room.
 *   <li>Events may be spurious: a handler that finds nothing waits for the next.
 * </ul>
 *
 * <p>A number or a channel stays the user's: it is never closed here. Cancel what polls it first. What is closed while
 * it is polled is reported no more; the poll ends when it is cancelled, or with the loop.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/io_uring_enter.2.html">io_uring_enter(2): IORING_OP_POLL_ADD with
 *     IORING_POLL_ADD_MULTI (kernel 5.13)</a>
 */
public final class PollSource {
  private static final int NO_FD = -1;

  private final EventLoop loop;
  private final Descriptor descriptor;
  private final int fd;
  private final SelectableChannel channel;

  private PollSource(EventLoop loop, Descriptor descriptor, int fd, SelectableChannel channel) {
    this.loop = loop;
    this.descriptor = descriptor;
    this.fd = fd;
    this.channel = channel;
  }

  static PollSource of(EventLoop loop, int fd) {
    if (fd < 0) {
      throw new IllegalArgumentException("a descriptor is not negative: " + fd);
    }
    return new PollSource(loop, null, fd, null);
  }

  static PollSource of(EventLoop loop, SelectableChannel channel) {
    return new PollSource(loop, null, NO_FD, Objects.requireNonNull(channel, "channel"));
  }

  /**
   * For those who build on the SPI: polls what a driver opened.
   *
   * @param loop whose driver that is
   * @param descriptor what it opened
   * @return a source, which ends with the descriptor
   */
  public static PollSource of(EventLoop loop, Descriptor descriptor) {
    return new PollSource(loop, Objects.requireNonNull(descriptor, "descriptor"), NO_FD, null);
  }

  /**
   * Waits until it is ready, once. Any thread.
   *
   * @param interest what to wait for
   * @param attachment given to the handler: the token
   * @param handler called on the loop's thread; the result is a mask for {@link Readiness}
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the loop has ended
   */
  public <A> void poll(Interest interest, A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(interest, "interest");
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      loop.dispatcher().submit(newPoll(OpCode.POLL, interest, attachment, handler));
    } else {
      loop.execute(() -> poll(interest, attachment, handler));
    }
  }

  /**
   * Waits until it is ready, once.
   *
   * @param interest what to wait for
   * @return completes with a mask for {@link Readiness}; cancelling it cancels the poll
   */
  public CompletableFuture<Integer> pollAsync(Interest interest) {
    Objects.requireNonNull(interest, "interest");
    var future = new LoopFuture<Integer>();
    var registration = start(OpCode.POLL, interest, future, FutureHandler.INTEGER);
    var _ =
        future.whenComplete(
            (mask, cause) -> {
              if (future.isCancelled()) {
                registration.cancel();
              }
            });
    return future;
  }

  /**
   * Reports readiness until it is cancelled, closed or failed. Any thread.
   *
   * @param interest what to wait for
   * @param attachment given to the handler: the token
   * @param handler called on the loop's thread; the result is a mask for {@link Readiness}; {@code failed} is the last
   *     call. What is always ready and so has nothing to wait for, such as a regular file, fails, as epoll_ctl(2) does.
   * @param <A> the attachment's type
   * @return what cancels it
   * @throws ShutdownChannelGroupException when the loop has ended
   */
  public <A> Registration pollMultishot(
      Interest interest, A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(interest, "interest");
    Objects.requireNonNull(handler, "handler");
    return start(OpCode.POLL_MULTISHOT, interest, attachment, handler);
  }

  private Registration start(OpCode code, Interest interest, Object attachment, Object handler) {
    var registration = new Registration(loop);
    Runnable submit =
        () -> {
          var operation = newPoll(code, interest, attachment, handler);
          long token = operation.token();
          loop.dispatcher().submit(operation);
          registration.started(token);
        };
    if (loop.inLoop()) {
      submit.run();
    } else {
      loop.execute(submit);
    }
    return registration;
  }

  private Operation newPoll(OpCode code, Interest interest, Object attachment, Object handler) {
    return loop.dispatcher()
        .acquire(code, descriptor, Operation.NOTIFY, handler, attachment)
        .argument(this)
        .flags(interest.mask());
  }

  /**
   * For drivers: the number of the user's descriptor.
   *
   * @return the number, or -1 where it is a descriptor of the driver or a channel
   */
  public int fd() {
    return fd;
  }

  /**
   * For drivers: the user's channel.
   *
   * @return the channel, or null where it is a descriptor
   */
  public SelectableChannel channel() {
    return channel;
  }

  @Override
  public String toString() {
    if (descriptor != null) {
      return descriptor.subject();
    }
    return channel != null ? channel.toString() : "descriptor " + fd;
  }
}
