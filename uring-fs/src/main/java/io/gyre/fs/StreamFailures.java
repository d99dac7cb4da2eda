package io.gyre.fs;

import io.gyre.driver.Futures;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.CancellationException;

/** Makes of what operations fail with what the methods of java.io throw, where they do. */
final class StreamFailures {
  private StreamFailures() {}

  static IOException asIoException(Throwable failure) {
    return switch (failure) {
      case IOException e -> Futures.withCaller(e);
      case CancellationException e ->
          (IOException) new InterruptedIOException(e.getMessage()).initCause(e);
      default -> new IOException(failure.toString(), failure);
    };
  }
}
