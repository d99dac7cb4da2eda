package io.gyre.fs;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.driver.Completion;
import io.gyre.driver.Descriptor;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.Futures;
import io.gyre.driver.IoFuture;
import io.gyre.driver.OpCode;
import io.gyre.driver.OpenRequest;
import io.gyre.driver.Operation;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.channels.CompletionHandler;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.file.FileSystems;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashSet;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * An open file whose reads and writes complete later.
 *
 * <p>Each operation comes in three styles, named as the JDK names such things:
 *
 * <ul>
 *   <li>with an attachment and a handler: the handler is called on the thread of the file's {@linkplain #loop() loop},
 *       never from inside the call; with pooled buffers nothing is allocated,
 *   <li>{@code ...Async}: a future, which the loop's thread completes,
 *   <li>plain: waits. A virtual thread parks; a loop's thread may not call it ({@link IllegalStateException}).
 * </ul>
 *
 * <p>Any thread may use a file; from its loop's thread it costs no hop. Operations run concurrently and may end in any
 * order. From the call to the outcome the kernel owns the buffer: its content, and its position, must not be touched.
 * The outcome moves the position by what was transferred. The runtime keeps the memory alive until then, whatever is
 * closed or dropped meanwhile. Buffers of {@link EventLoop#buffers()} of the file's own loop are the quickest; a heap
 * buffer, or one whose memory somebody may free (a closeable {@link java.lang.foreign.Arena}), is copied.
 *
 * <p>Offsets are from 0 to {@link Long#MAX_VALUE}; lengths are those of the buffers. Bad arguments are thrown at once;
 * everything else goes to the handler or the future: {@link java.nio.file.FileSystemException} and its subclasses,
 * {@link java.nio.channels.ClosedChannelException} after {@link #close()}.
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/io_uring_enter.2.html">io_uring_enter(2): IORING_OP_READ,
 *     IORING_OP_WRITE, IORING_OP_FSYNC</a>
 */
public final class AsyncFile implements AutoCloseable {
  /**
   * Bypasses the page cache, O_DIRECT: the same object as {@code
   * com.sun.nio.file.ExtendedOpenOption.DIRECT}, which javac warns of. Offsets, lengths and memory
   * must then be multiples of the device's block size; pooled buffers are aligned. Null on a JDK
   * without it.
   */
  public static final OpenOption DIRECT = OpenRequest.DIRECT;

  private static final Completion ON_OPEN = AsyncFile::opened;
  private static final Completion ON_READ = AsyncFile::readCompleted;
  private static final Completion ON_SIZE = AsyncFile::sizeCompleted;

  private final EventLoop loop;
  private final Descriptor descriptor;
  private final Path path;
  private final boolean readable;
  private final boolean writable;

  private AsyncFile(EventLoop loop, Descriptor descriptor, OpenRequest request) {
    this.loop = loop;
    this.descriptor = descriptor;
    this.path = request.path();
    this.writable = writes(request.options());
    this.readable = request.options().contains(StandardOpenOption.READ) || !writable;
  }

  /** What an open operation needs until it ends. */
  private record Opening<A>(
      EventLoop loop,
      OpenRequest request,
      A attachment,
      CompletionHandler<AsyncFile, ? super A> handler) {}

  /**
   * Opens a file and waits for it.
   *
   * @param runtime whose {@link IoRuntime#loop()} the file will belong to
   * @param path the file
   * @param options {@link StandardOpenOption}s but for DELETE_ON_CLOSE, and {@link #DIRECT}; none
   *     means READ
   * @return the open file
   * @throws java.nio.file.NoSuchFileException and the other exceptions of java.nio.file, as FileChannel.open throws them
   * @throws IOException for any other reason that the system names
   * @throws UnsupportedOperationException for an option that is not supported
   * @throws IllegalArgumentException for options that make no sense together
   * @throws ProviderMismatchException for a path that is not of the default file system
   * @throws IllegalStateException on a loop's thread
   */
  public static AsyncFile open(IoRuntime runtime, Path path, OpenOption... options)
      throws IOException {
    Futures.requireMayWait();
    return Futures.await(openAsync(runtime, path, options));
  }

  /**
   * Opens a file.
   *
   * @param runtime whose {@link IoRuntime#loop()} the file will belong to
   * @param path the file
   * @param options as for {@link #open(IoRuntime, Path, OpenOption...)}
   * @return completes with the open file
   */
  public static CompletableFuture<AsyncFile> openAsync(
      IoRuntime runtime, Path path, OpenOption... options) {
    var loop = runtime.loop();
    var set = new LinkedHashSet<>(java.util.List.of(options));
    return IoFuture.start(loop, future -> open(loop, path, set, future, FutureHandler.of()));
  }

  /**
   * Opens a file on a chosen loop.
   *
   * @param loop whose the file will be
   * @param path the file
   * @param options as for {@link #open(IoRuntime, Path, OpenOption...)}
   * @param attachment given to the handler
   * @param handler called on the loop's thread
   * @param <A> the attachment's type
   * @throws UnsupportedOperationException for an option that is not supported
   * @throws IllegalArgumentException for options that make no sense together
   */
  public static <A> void open(
      EventLoop loop,
      Path path,
      Set<? extends OpenOption> options,
      A attachment,
      CompletionHandler<AsyncFile, ? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    checkOptions(options);
    if (!path.getFileSystem().equals(FileSystems.getDefault())) {
      throw new ProviderMismatchException("not a path of the default file system: " + path);
    }
    var opening =
        new Opening<A>(loop, new OpenRequest(path, Set.copyOf(options)), attachment, handler);
    if (loop.inLoop()) {
      startOpen(opening);
    } else {
      loop.execute(() -> startOpen(opening));
    }
  }

  private static void startOpen(Opening<?> opening) {
    var dispatcher = opening.loop.dispatcher();
    dispatcher.submit(
        dispatcher.acquire(OpCode.OPEN, null, ON_OPEN, null, opening).argument(opening.request));
  }

  @SuppressWarnings("unchecked") // the attachment was made by open
  private static void opened(Operation operation, int result) {
    var opening = (Opening<Object>) operation.attachment();
    if (result < 0) {
      opening.handler.failed(operation.failure(result), opening.attachment);
    } else {
      opening.handler.completed(
          new AsyncFile(opening.loop, operation.newDescriptor(), opening.request),
          opening.attachment);
    }
  }

  private static void checkOptions(Set<? extends OpenOption> options) {
    for (var option : options) {
      Objects.requireNonNull(option, "option");
      boolean supported =
          option instanceof StandardOpenOption standard
              ? standard != StandardOpenOption.DELETE_ON_CLOSE
              : option.equals(DIRECT);
      if (!supported) {
        throw new UnsupportedOperationException("open option " + option + " is not supported");
      }
    }
    if (options.contains(StandardOpenOption.APPEND)) {
      if (options.contains(StandardOpenOption.READ)) {
        throw new IllegalArgumentException("READ and APPEND are not allowed together");
      }
      if (options.contains(StandardOpenOption.TRUNCATE_EXISTING)) {
        throw new IllegalArgumentException("APPEND and TRUNCATE_EXISTING are not allowed together");
      }
    }
  }

  private static boolean writes(Set<OpenOption> options) {
    return options.contains(StandardOpenOption.WRITE)
        || options.contains(StandardOpenOption.APPEND);
  }

  /**
   * The loop that the file belongs to: its handlers run there, and its {@linkplain EventLoop#buffers() buffers} suit the
   * file best.
   *
   * @return the loop
   */
  public EventLoop loop() {
    return loop;
  }

  /**
   * For experts: what {@link io.gyre.driver.RawOperation}s work on.
   *
   * @return the descriptor, confined to the loop's thread
   */
  public Descriptor descriptor() {
    return descriptor;
  }

  /**
   * The path that the file was opened with.
   *
   * @return the path
   */
  public Path path() {
    return path;
  }

  /**
   * Reads from an offset into what remains of a buffer.
   *
   * @param dst filled from its position on; the kernel's until the outcome
   * @param position where in the file, not negative
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which may be fewer than remain, or -1 at the end of the file
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position
   * @throws ReadOnlyBufferException for a read-only buffer
   * @throws NonReadableChannelException when the file was not opened for reading
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void read(ByteBuffer dst, long position, A attachment, IoHandler<? super A> handler) {
    checkRead(dst, position);
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(transfer(OpCode.READ, ON_READ, handler, attachment).memory(dst).offset(position));
    } else {
      loop.execute(() -> read(dst, position, attachment, handler));
    }
  }

  /**
   * Reads from an offset into what remains of a pooled buffer.
   *
   * @param dst filled from its position on; the kernel's until the outcome, even if it is released meanwhile
   * @param position where in the file, not negative
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which may be fewer than remain, or -1 at the end of the file
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position
   * @throws IllegalStateException when the buffer was released
   * @throws NonReadableChannelException when the file was not opened for reading
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void read(Buffer dst, long position, A attachment, IoHandler<? super A> handler) {
    checkRead(dst.byteBuffer(), position);
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(transfer(OpCode.READ, ON_READ, handler, attachment).memory(dst).offset(position));
    } else {
      dst.executePinned(loop, () -> read(dst, position, attachment, handler));
    }
  }

  /**
   * Reads from an offset into what remains of a buffer.
   *
   * @param dst as for {@link #read(ByteBuffer, long, Object, IoHandler)}
   * @param position where in the file, not negative
   * @return completes with the number of bytes, or -1 at the end of the file
   */
  public CompletableFuture<Integer> readAsync(ByteBuffer dst, long position) {
    return IoFuture.start(loop, future -> read(dst, position, future, FutureHandler.INTEGER));
  }

  /**
   * Reads from an offset into what remains of a pooled buffer.
   *
   * @param dst as for {@link #read(Buffer, long, Object, IoHandler)}
   * @param position where in the file, not negative
   * @return completes with the number of bytes, or -1 at the end of the file
   */
  public CompletableFuture<Integer> readAsync(Buffer dst, long position) {
    return IoFuture.start(loop, future -> read(dst, position, future, FutureHandler.INTEGER));
  }

  /**
   * Reads from an offset into what remains of a buffer, and waits.
   *
   * @param dst filled from its position on
   * @param position where in the file, not negative
   * @return the number of bytes, or -1 at the end of the file
   * @throws IOException when the read fails
   * @throws IllegalStateException on a loop's thread
   */
  public int read(ByteBuffer dst, long position) throws IOException {
    Futures.requireMayWait();
    return Futures.await(readAsync(dst, position));
  }

  /**
   * Writes what remains of a buffer at an offset; at the end of the file, if it was opened with APPEND.
   *
   * @param src written from its position on; the kernel's until the outcome
   * @param position where in the file, not negative
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which may be fewer than remain, for instance on a full disk
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position
   * @throws NonWritableChannelException when the file was not opened for writing
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void write(ByteBuffer src, long position, A attachment, IoHandler<? super A> handler) {
    checkWrite(position);
    Objects.requireNonNull(src, "src");
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(
          transfer(OpCode.WRITE, Operation.NOTIFY, handler, attachment)
              .memory(src)
              .offset(position));
    } else {
      loop.execute(() -> write(src, position, attachment, handler));
    }
  }

  /**
   * Writes what remains of a pooled buffer at an offset; at the end of the file, if it was opened with APPEND.
   *
   * @param src written from its position on; the kernel's until the outcome, even if it is released meanwhile
   * @param position where in the file, not negative
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which may be fewer than remain, for instance on a full disk
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position
   * @throws IllegalStateException when the buffer was released
   * @throws NonWritableChannelException when the file was not opened for writing
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void write(Buffer src, long position, A attachment, IoHandler<? super A> handler) {
    checkWrite(position);
    Objects.requireNonNull(src, "src");
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(
          transfer(OpCode.WRITE, Operation.NOTIFY, handler, attachment)
              .memory(src)
              .offset(position));
    } else {
      src.executePinned(loop, () -> write(src, position, attachment, handler));
    }
  }

  /**
   * Writes what remains of a buffer at an offset.
   *
   * @param src as for {@link #write(ByteBuffer, long, Object, IoHandler)}
   * @param position where in the file, not negative
   * @return completes with the number of bytes
   */
  public CompletableFuture<Integer> writeAsync(ByteBuffer src, long position) {
    return IoFuture.start(loop, future -> write(src, position, future, FutureHandler.INTEGER));
  }

  /**
   * Writes what remains of a pooled buffer at an offset.
   *
   * @param src as for {@link #write(Buffer, long, Object, IoHandler)}
   * @param position where in the file, not negative
   * @return completes with the number of bytes
   */
  public CompletableFuture<Integer> writeAsync(Buffer src, long position) {
    return IoFuture.start(loop, future -> write(src, position, future, FutureHandler.INTEGER));
  }

  /**
   * Writes what remains of a buffer at an offset, and waits.
   *
   * @param src written from its position on
   * @param position where in the file, not negative
   * @return the number of bytes, which may be fewer than remain
   * @throws IOException when the write fails
   * @throws IllegalStateException on a loop's thread
   */
  public int write(ByteBuffer src, long position) throws IOException {
    Futures.requireMayWait();
    return Futures.await(writeAsync(src, position));
  }

  /**
   * Asks for the file's size.
   *
   * @param attachment given to the handler
   * @param handler takes the size in bytes
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void size(A attachment, CompletionHandler<Long, ? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(transfer(OpCode.SIZE, ON_SIZE, handler, attachment));
    } else {
      loop.execute(() -> size(attachment, handler));
    }
  }

  /**
   * Asks for the file's size.
   *
   * @return completes with the size in bytes
   */
  public CompletableFuture<Long> sizeAsync() {
    return IoFuture.start(loop, future -> size(future, FutureHandler.of()));
  }

  /**
   * Asks for the file's size, and waits.
   *
   * @return the size in bytes
   * @throws IOException when the system does not tell
   * @throws IllegalStateException on a loop's thread
   */
  public long size() throws IOException {
    Futures.requireMayWait();
    return Futures.await(sizeAsync());
  }

  /**
   * Makes what was written durable: fsync(2), or fdatasync(2). Covers writes whose outcome has come before this call;
   * those still in flight may or may not be covered.
   *
   * @param metaData whether also the metadata that is not needed to read the data back
   * @param attachment given to the handler
   * @param handler takes 0
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void force(boolean metaData, A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(transfer(OpCode.FSYNC, Operation.NOTIFY, handler, attachment).flags(metaData ? 0 : 1));
    } else {
      loop.execute(() -> force(metaData, attachment, handler));
    }
  }

  /**
   * Makes what was written durable.
   *
   * @param metaData as for {@link #force(boolean, Object, IoHandler)}
   * @return completes when it is
   */
  public CompletableFuture<Void> forceAsync(boolean metaData) {
    return IoFuture.start(loop, future -> force(metaData, future, FutureHandler.VOID));
  }

  /**
   * Makes what was written durable, and waits.
   *
   * @param metaData as for {@link #force(boolean, Object, IoHandler)}
   * @throws IOException when the device fails
   * @throws IllegalStateException on a loop's thread
   */
  public void force(boolean metaData) throws IOException {
    Futures.requireMayWait();
    Futures.await(forceAsync(metaData));
  }

  /**
   * Asks that everything in flight on this file be cancelled. It stays open. Any thread; on another than the loop's this
   * covers what that thread has started before.
   *
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public void cancelAll() {
    if (loop.inLoop()) {
      loop.dispatcher().cancelAll(descriptor);
    } else {
      loop.execute(this::cancelAll);
    }
  }

  /**
   * Closes the file once what is in flight has ended; new operations fail from now on.
   *
   * @param attachment given to the handler
   * @param handler takes 0, also when the file was closed before
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended, which has closed the file
   */
  public <A> void close(A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      loop.dispatcher().close(descriptor, false, Operation.NOTIFY, handler, attachment);
    } else {
      loop.execute(() -> close(attachment, handler));
    }
  }

  /**
   * Closes the file once what is in flight has ended; new operations fail from now on.
   *
   * @return completes when it is closed
   */
  public CompletableFuture<Void> closeAsync() {
    var future = new CompletableFuture<Void>();
    try {
      close(future, FutureHandler.VOID);
    } catch (ShutdownChannelGroupException e) {
      future.complete(null); // the runtime's end has closed it
    }
    return future;
  }

  /**
   * Closes the file once what is in flight has ended, and waits for that; on a loop's thread it does not wait.
   *
   * @throws IOException when the system reports an error on close
   */
  @Override
  public void close() throws IOException {
    var done = closeAsync();
    if (EventLoop.current() == null) {
      Futures.await(done);
    }
  }

  @Override
  public String toString() {
    return path.toString();
  }

  private Operation transfer(
      OpCode code, Completion completion, Object handler, Object attachment) {
    return loop.dispatcher().acquire(code, descriptor, completion, handler, attachment);
  }

  private void submit(Operation operation) {
    loop.dispatcher().submit(operation);
  }

  private void checkRead(ByteBuffer dst, long position) {
    checkPosition(position);
    if (dst.isReadOnly()) {
      throw new ReadOnlyBufferException();
    }
    if (!readable) {
      throw new NonReadableChannelException();
    }
  }

  private void checkWrite(long position) {
    checkPosition(position);
    if (!writable) {
      throw new NonWritableChannelException();
    }
  }

  private static void checkPosition(long position) {
    if (position < 0) {
      throw new IllegalArgumentException("position must not be negative: " + position);
    }
  }

  private static void readCompleted(Operation operation, int result) {
    @SuppressWarnings("unchecked") // set together with its attachment
    var handler = (IoHandler<Object>) operation.handler();
    if (result > 0) {
      handler.completed(result, operation.attachment());
    } else if (result == 0) {
      handler.completed(operation.memoryLength() == 0 ? 0 : -1, operation.attachment());
    } else {
      handler.failed(operation.failure(result), operation.attachment());
    }
  }

  private static void sizeCompleted(Operation operation, int result) {
    @SuppressWarnings("unchecked") // set together with its attachment
    var handler = (CompletionHandler<Long, Object>) operation.handler();
    if (result >= 0) {
      handler.completed(operation.longResult(), operation.attachment());
    } else {
      handler.failed(operation.failure(result), operation.attachment());
    }
  }
}
