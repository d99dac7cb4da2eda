package io.gyre.benchmarks.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gyre.testing.Waits;
import java.io.IOException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.SynchronousQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whom an fsync speaks for that one of many threads makes. */
@Timeout(60)
final class TaskSyncTest {
  private final SynchronousQueue<String> began = new SynchronousQueue<>();
  private final SynchronousQueue<String> ends = new SynchronousQueue<>(); // with its failure, or ""

  private final TaskSync sync =
      new TaskSync(null, false) {
        @Override
        void force() throws IOException {
          try {
            began.put("");
            var failure = ends.take();
            if (failure.equals("cancelled")) {
              throw new CancellationException(failure);
            }
            if (!failure.isEmpty()) {
              throw new IOException(failure);
            }
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        }
      };

  /** A thread whose write has ended. */
  private final class Writer {
    private final CompletableFuture<Void> durable = new CompletableFuture<>();
    private final Thread thread = Thread.ofPlatform().daemon().start(this::run);

    private void run() {
      try {
        sync.await();
        durable.complete(null);
      } catch (Throwable e) {
        durable.completeExceptionally(e);
      }
    }

    Writer waits() {
      Waits.until("it waits", () -> thread.getState() == Thread.State.WAITING);
      return this;
    }
  }

  @Test
  void whoComesDuringAnFsyncSharesTheNext() throws Exception {
    var first = new Writer();
    began.take();
    var second = new Writer().waits();
    var third = new Writer().waits();
    ends.put("");
    Waits.get(first.durable, "the first");
    began.take();
    assertEquals(1, sync.syncs());
    assertEquals(false, second.durable.isDone() || third.durable.isDone());
    ends.put("");
    Waits.get(second.durable, "the second");
    Waits.get(third.durable, "the third");
    assertEquals(2, sync.syncs());
    assertNull(began.poll(), "nobody needs another");
  }

  @Test
  void anFsyncThatWasCancelledEndsTheWaitOfAll() throws Exception {
    var first = new Writer();
    began.take();
    var second = new Writer().waits();
    ends.put("cancelled");
    for (var writer : new Writer[] {first, second}) {
      Waits.failure(IOException.class, writer.durable, "an fsync");
    }
    assertEquals(0, sync.syncs());
  }

  @Test
  void afterAnFsyncThatFailedNothingIsDurable() throws Exception {
    var first = new Writer();
    began.take();
    var second = new Writer().waits();
    ends.put("EIO");
    for (var writer : new Writer[] {first, second}) {
      var failure = Waits.failure(IOException.class, writer.durable, "an fsync");
      assertEquals("nothing is durable from here on: EIO", failure.getMessage());
    }
    assertThrows(IOException.class, sync::await);
    assertEquals(0, sync.syncs());
  }
}
