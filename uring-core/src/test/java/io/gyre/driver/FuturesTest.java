package io.gyre.driver;

import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InterruptedIOException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class FuturesTest {
  private final CancellationException named = new CancellationException("read /file was cancelled");

  @Test
  void aCancellationIsThrownAsItself() {
    var future = CompletableFuture.failedFuture(named);
    assertSame(named, assertThrows(CancellationException.class, () -> Futures.await(future)));
  }

  @Test
  void anInterruptNamesWhatItHasCancelled() {
    var future =
        new CompletableFuture<Void>() {
          @Override
          public boolean cancel(boolean mayInterruptIfRunning) {
            return completeExceptionally(named);
          }
        };
    Thread.currentThread().interrupt();
    var failure = assertThrows(InterruptedIOException.class, () -> Futures.await(future));
    assertTrue(Thread.interrupted(), "the thread stays interrupted");
    assertTrue(failure.getMessage().endsWith(named.getMessage()), failure::getMessage);
  }
}
