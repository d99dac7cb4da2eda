package io.gyre.net;

import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.driver.PinnedBuffers;
import java.nio.ByteBuffer;

/**
 * A gathered write of a stream that can write one buffer at a time only: one write for each, and one outcome for all.
 * Confined to the loop's thread, where nothing comes between them.
 */
final class GatheredWrite implements IoHandler<Void> {
  private final Object attachment;
  private final IoHandler<Object> handler;
  private int left;
  private int written;
  private Throwable failure;

  @SuppressWarnings("unchecked") // the handler is called with the attachment given along
  private GatheredWrite(int count, Object attachment, IoHandler<?> handler) {
    this.left = count;
    this.attachment = attachment;
    this.handler = (IoHandler<Object>) handler;
  }

  /** How many bytes remain in all of them: throws for what can't be written before any is. */
  static int bytes(ByteBuffer[] srcs) {
    long sum = 0;
    for (var src : srcs) {
      sum += src.remaining();
    }
    return checked(sum);
  }

  /** The same of pooled buffers. */
  static int bytes(Buffer[] srcs) {
    long sum = 0;
    for (var src : srcs) {
      sum += src.byteBuffer().remaining();
    }
    return checked(sum);
  }

  private static int checked(long bytes) {
    if (bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "the buffers' " + bytes + " bytes are more than " + Integer.MAX_VALUE + ": write parts");
    }
    return (int) bytes;
  }

  static void start(ByteStream stream, ByteBuffer[] srcs, Object attachment, IoHandler<?> handler) {
    if (srcs.length == 0) {
      nothing(stream, attachment, handler);
      return;
    }
    var write = new GatheredWrite(srcs.length, attachment, handler);
    for (var src : srcs) {
      stream.write(src, null, write);
    }
  }

  static void start(ByteStream stream, Buffer[] srcs, Object attachment, IoHandler<?> handler) {
    if (srcs.length == 0) {
      nothing(stream, attachment, handler);
      return;
    }
    var write = new GatheredWrite(srcs.length, attachment, handler);
    var generations = PinnedBuffers.pin(srcs); // if one was released, none is written
    try {
      for (var src : srcs) {
        stream.write(src, null, write);
      }
    } finally {
      PinnedBuffers.unpin(srcs, generations);
    }
  }

  /** Also takes its turn. */
  private static void nothing(ByteStream stream, Object attachment, IoHandler<?> handler) {
    stream.write(ByteBuffer.allocate(0), null, new GatheredWrite(1, attachment, handler));
  }

  @Override
  public void completed(int result, Void none) {
    written += result;
    partEnded();
  }

  @Override
  public void failed(Throwable cause, Void none) {
    if (failure == null) {
      failure = cause;
    }
    partEnded();
  }

  private void partEnded() {
    if (--left > 0) {
      return;
    }
    if (failure == null) {
      handler.completed(written, attachment);
    } else {
      handler.failed(failure, attachment);
    }
  }
}
