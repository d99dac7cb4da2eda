package io.gyre.fs;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.CancellationException;

/** Makes of what operations fail with what the methods of java.io throw. */
final class StreamFailures {
  private StreamFailures() {}

  static IOException asIoException(Throwable failure) {
    return switch (failure) {
      case IOException e -> e;
      case CancellationException e ->
          (IOException) new InterruptedIOException(e.getMessage()).initCause(e);
      default -> new IOException(failure.toString(), failure);
    };
  }
}
