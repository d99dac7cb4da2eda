package io.gyre.nio;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.driver.Completion;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Operation;
import java.io.ByteArrayOutputStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** What became of an operation: everything that its completion was told. */
final class Outcome implements Completion {
  Operation operation;
  final List<Integer> results = new ArrayList<>();
  final List<Descriptor> descriptors = new ArrayList<>();
  final Deque<Buffer> held = new ArrayDeque<>();
  final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  Throwable failure;
  long longResult;

  /** Runs after each outcome was noted. */
  Runnable then = () -> {};

  private boolean holds;
  private boolean done;

  /** Lets received buffers be kept in {@link #held}; else they are released at once. */
  Outcome holdingBuffers() {
    holds = true;
    return this;
  }

  @Override
  public void complete(Operation resolved, int result) {
    assertFalse(done, "an operation ends once");
    done = !resolved.hasMore();
    results.add(result);
    longResult = resolved.longResult();
    if (resolved.newDescriptor() != null) {
      descriptors.add(resolved.newDescriptor());
    }
    if (resolved.received() != null) {
      take(resolved.received());
    }
    if (result < 0) {
      failure = resolved.failure(result);
    }
    then.run();
  }

  private void take(Buffer buffer) {
    var content = buffer.byteBuffer();
    var copy = new byte[content.remaining()];
    content.get(content.position(), copy);
    bytes.writeBytes(copy);
    if (holds) {
      held.add(buffer);
    } else {
      buffer.release();
    }
  }

  boolean isDone() {
    return done;
  }

  int result() {
    assertTrue(done, "not at its end yet");
    return results.getLast();
  }
}
