package io.gyre.fs;

import io.gyre.Buffer;
import io.gyre.driver.BufferAccess;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** Several buffers as one. */
final class BufferArrays {
  private static final BufferAccess BUFFERS = BufferAccess.get();

  private BufferArrays() {}

  static int remaining(ByteBuffer[] buffers) {
    long sum = 0;
    for (var buffer : buffers) {
      sum += buffer.remaining();
    }
    return checked(sum);
  }

  static int remaining(Buffer[] buffers) {
    long sum = 0;
    for (var buffer : buffers) {
      sum += BUFFERS.view(buffer).remaining();
    }
    return checked(sum);
  }

  private static int checked(long bytes) {
    if (bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "the buffers' "
              + bytes
              + " bytes are more than "
              + Integer.MAX_VALUE
              + ": transfer parts");
    }
    return (int) bytes;
  }

  /** Without those that are done with: one operation takes only so many. */
  static ByteBuffer[] unfinished(ByteBuffer[] buffers) {
    int first = 0;
    while (first < buffers.length && !buffers[first].hasRemaining()) {
      first++;
    }
    return first == 0 ? buffers : Arrays.copyOfRange(buffers, first, buffers.length);
  }

  static Buffer[] unfinished(Buffer[] buffers) {
    int first = 0;
    while (first < buffers.length && !BUFFERS.view(buffers[first]).hasRemaining()) {
      first++;
    }
    return first == 0 ? buffers : Arrays.copyOfRange(buffers, first, buffers.length);
  }
}
