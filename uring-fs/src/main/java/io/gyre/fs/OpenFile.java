package io.gyre.fs;

import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.driver.Completion;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.OpenRequest;
import io.gyre.driver.Operation;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** What the parts of an {@link AsyncFile} share: its descriptor, whose that is, and what it was opened for. */
final class OpenFile {
  final EventLoop loop;
  final Descriptor descriptor;
  final Path path;
  final FullTransfers full = new FullTransfers(this);
  final Sequential sequential;
  final FileSync sync;
  final boolean isAppend;

  private final boolean readable;
  private final boolean writable;
  private final boolean syncsWrites;

  // What those who read or write operation after operation do when all is cancelled. The loop's
  // thread only.
  private final List<Runnable> streams = new ArrayList<>(0);

  // Set before the loop hears of a close: a thread that has asked for one must not read by itself
  // any more. Volatile for those that have learnt of it from that thread.
  private volatile boolean closeAsked;

  OpenFile(EventLoop loop, Descriptor descriptor, OpenRequest request) {
    this.loop = loop;
    this.descriptor = descriptor;
    this.path = request.path();
    this.sync = new FileSync(loop, descriptor, path);
    var options = request.options();
    this.writable =
        options.contains(StandardOpenOption.WRITE) || options.contains(StandardOpenOption.APPEND);
    this.isAppend = request.isAppend();
    this.readable = options.contains(StandardOpenOption.READ) || !writable;
    this.syncsWrites =
        options.contains(StandardOpenOption.DSYNC) || options.contains(StandardOpenOption.SYNC);
    this.sequential = new Sequential(this, readable && writable && descriptor.isStream());
  }

  /** Cancels all that is under way, and tells those who would go on with it. The loop's thread only. */
  void cancelAll() {
    List.copyOf(streams)
        .forEach(Runnable::run); // first: what has ended already is not gone on with
    loop.dispatcher().cancelAll(descriptor);
  }

  /** Adds to what runs when all is cancelled; it must tell nobody from inside this. The loop's thread only. */
  void watchCancelAll(Runnable action) {
    streams.add(action);
  }

  void unwatchCancelAll(Runnable action) {
    streams.remove(action);
  }

  /** A slot for something on this file. The loop's thread only. */
  Operation operation(OpCode code, Completion completion, Object handler, Object attachment) {
    return loop.dispatcher().acquire(code, descriptor, completion, handler, attachment);
  }

  /** Starts whatever has a slot. The loop's thread only. */
  void submit(Operation operation) {
    sync.submit(operation);
  }

  // ---- writes, of which some are syncs as well

  private boolean syncs(int flags) {
    return syncsWrites || FileSync.takes(flags);
  }

  /**
   * A slot for a write that takes one operation. The loop's thread only.
   *
   * @return null when it was refused
   */
  Operation writing(OpCode code, int flags, Object handler, Object attachment) {
    return syncs(flags)
        ? sync.begin(descriptor, code, sync, handler, attachment)
        : operation(code, Operation.NOTIFY, handler, attachment);
  }

  /** The same, for what is written from another file. */
  Operation writing(OpenFile source, OpCode code, Object handler, Object attachment) {
    return syncsWrites
        ? sync.begin(source.descriptor, code, sync, handler, attachment)
        : source.operation(code, Operation.NOTIFY, handler, attachment);
  }

  /** The same, for a completion that says itself when all is written. */
  Operation writing(OpCode code, Completion completion, Object handler, Object attachment) {
    return syncsWrites
        ? sync.begin(descriptor, code, completion, handler, attachment)
        : operation(code, completion, handler, attachment);
  }

  /** A slot for a read, or for a write as above. */
  Operation transferring(OpCode code, Completion completion, Object handler, Object attachment) {
    return isWrite(code)
        ? writing(code, completion, handler, attachment)
        : operation(code, completion, handler, attachment);
  }

  static boolean isWrite(OpCode code) {
    return code == OpCode.WRITE || code == OpCode.WRITEV;
  }

  /** Tells the handler of the last operation of a write that all is written. */
  void written(Operation operation, int bytes) {
    if (syncsWrites) {
      sync.succeeded(operation, bytes);
    } else {
      handler(operation).completed(bytes, operation.attachment());
    }
  }

  /** Tells it that the write has failed, with this result of that operation. */
  void writingFailed(Operation operation, int result, Throwable cause) {
    if (syncsWrites) {
      sync.failed(operation, result, cause);
    } else {
      handler(operation).failed(cause, operation.attachment());
    }
  }

  @SuppressWarnings("unchecked") // set together with its attachment
  private static IoHandler<Object> handler(Operation operation) {
    return (IoHandler<Object>) operation.handler();
  }

  // ---- its end

  /** Somebody is about to close it. Any thread. */
  void noteClose() {
    closeAsked = true;
  }

  /** Whether somebody has closed it, or is about to. Any thread. */
  boolean isCloseAsked() {
    return closeAsked;
  }

  /** Starts what moves no bytes to or from here. Any thread. */
  void start(
      OpCode code,
      Completion completion,
      long position,
      long length,
      int flags,
      Object handler,
      Object attachment) {
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(
          operation(code, completion, handler, attachment)
              .offset(position)
              .length(length)
              .flags(flags));
    } else {
      loop.execute(() -> start(code, completion, position, length, flags, handler, attachment));
    }
  }

  /** In the words of the scope that asked for it, if one did: its time may be over. */
  static Throwable cancellation(Operation part) {
    var scope = part.scope();
    var refusal = scope == null ? null : scope.refusal(part);
    return refusal == null ? part.failure(-Errno.ECANCELED.number()) : refusal;
  }

  boolean isReadable() {
    return readable;
  }

  void requireReadable() {
    if (!readable) {
      throw new NonReadableChannelException();
    }
  }

  void requireWritable() {
    if (!writable) {
      throw new NonWritableChannelException();
    }
  }

  static void checkPosition(long position) {
    if (position < 0) {
      throw new IllegalArgumentException("position must not be negative: " + position);
    }
  }

  static void checkRange(long position, long length) {
    checkPosition(position);
    if (length < 0 || position + length < 0) {
      throw new IllegalArgumentException(
          "length must be from 0 to " + (Long.MAX_VALUE - position) + ": " + length);
    }
  }
}
