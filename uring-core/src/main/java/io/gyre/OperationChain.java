package io.gyre;

import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.RawHandler;
import io.gyre.driver.RawOperation;
import java.nio.channels.ShutdownChannelGroupException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * For experts: operations of which each begins when the one before it has succeeded, with no trip through the loop in
 * between. {@code loop.chain().then(write, ...).then(fsync, ...).submit()}.
 *
 * <p>When one fails, those after it are cancelled; a read or write that transfers less than asked for counts as failed
 * here. Each handler is told exactly once how its own operation ended.
 *
 * <p>Not thread-safe; used once.
 *
 * @see <a href="https://man7.org/linux/man-pages/man7/io_uring_linked_requests.7.html">io_uring_linked_requests(7):
 *     IOSQE_IO_LINK (kernel 5.3)</a>
 */
public final class OperationChain {
  private record Link(RawOperation operation, Object attachment, RawHandler<?> handler) {}

  private final EventLoop loop;
  private final List<Link> links = new ArrayList<>();
  private boolean submitted;

  /** Of each link's buffer, while this chain pins it. */
  private int[] generations;

  OperationChain(EventLoop loop) {
    this.loop = loop;
  }

  /**
   * Adds an operation at the end.
   *
   * @param operation what to do
   * @param attachment given to the handler
   * @param handler called on the loop's thread
   * @param <A> the attachment's type
   * @return this
   */
  public <A> OperationChain then(
      RawOperation operation, A attachment, RawHandler<? super A> handler) {
    Objects.requireNonNull(operation, "operation");
    Objects.requireNonNull(handler, "handler");
    links.add(new Link(operation, attachment, handler));
    return this;
  }

  /**
   * Starts it. Any thread. A chain of more operations than the submission queue holds fails with an {@link
   * IllegalArgumentException}, which comes to the handlers.
   *
   * @return what cancels all of it that has not ended
   * @throws IllegalStateException when it is empty, was submitted before, or a pooled buffer was released
   * @throws ShutdownChannelGroupException when the loop has ended
   */
  public Registration submit() {
    if (submitted || links.isEmpty()) {
      throw new IllegalStateException(submitted ? "submitted before" : "an empty chain");
    }
    submitted = true;
    // Buffers must not go home on the way to the loop, nor half of a chain be refused there.
    pinBuffers();
    var registration = new Registration(loop);
    try {
      if (loop.inLoop()) {
        start(registration);
        unpinBuffers(links.size());
      } else {
        loop.execute(
            () -> {
              start(registration);
              unpinBuffers(links.size());
            });
      }
    } catch (RuntimeException e) {
      unpinBuffers(links.size());
      throw e;
    }
    return registration;
  }

  private void start(Registration registration) {
    var dispatcher = loop.dispatcher();
    var tokens = new long[links.size()];
    Operation first = null;
    Operation last = null;
    for (int i = 0; i < tokens.length; i++) {
      var link = links.get(i);
      var raw = link.operation;
      var operation =
          dispatcher
              .acquire(
                  OpCode.RAW, raw.descriptor(), RawHandler.NOTIFY, link.handler, link.attachment)
              .argument(raw)
              .lease(raw.buffer());
      tokens[i] = operation.token();
      if (first == null) {
        first = operation;
      } else {
        last.setBehind(operation);
      }
      last = operation;
    }
    dispatcher.submitChain(first);
    registration.started(tokens);
  }

  private void pinBuffers() {
    generations = new int[links.size()];
    for (int i = 0; i < links.size(); i++) {
      var buffer = links.get(i).operation.buffer();
      if (buffer != null) {
        try {
          generations[i] = buffer.pin();
        } catch (IllegalStateException e) {
          unpinBuffers(i);
          throw e;
        }
      }
    }
  }

  private void unpinBuffers(int count) {
    for (int i = 0; i < count; i++) {
      var buffer = links.get(i).operation.buffer();
      if (buffer != null) {
        buffer.unpin(generations[i]);
      }
    }
  }
}
