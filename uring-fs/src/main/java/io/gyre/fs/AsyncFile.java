package io.gyre.fs;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.driver.BufferAccess;
import io.gyre.driver.Completion;
import io.gyre.driver.Descriptor;
import io.gyre.driver.FileStatus;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.Futures;
import io.gyre.driver.IoFuture;
import io.gyre.driver.OpCode;
import io.gyre.driver.OpenRequest;
import io.gyre.driver.Operation;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.channels.CompletionHandler;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.file.FileSystems;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.util.LinkedHashSet;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;

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

  private static final BufferAccess BUFFERS = BufferAccess.get();

  private static final Completion ON_OPEN = AsyncFile::opened;
  private static final Completion ON_READ = AsyncFile::readCompleted;
  private static final Completion ON_READV = AsyncFile::readvCompleted;
  private static final Completion ON_SIZE = AsyncFile::sizeCompleted;
  private static final Completion ON_STATUS = AsyncFile::statusCompleted;
  private static final Completion ON_LOCK = AsyncFile::lockCompleted;

  private final EventLoop loop;
  private final Descriptor descriptor;
  private final Path path;
  private final boolean readable;
  private final boolean writable;
  private final boolean append;

  private AsyncFile(EventLoop loop, Descriptor descriptor, OpenRequest request) {
    this.loop = loop;
    this.descriptor = descriptor;
    this.path = request.path();
    this.writable = writes(request.options());
    this.readable = request.options().contains(StandardOpenOption.READ) || !writable;
    this.append = request.isAppend();
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
   * @param options {@link StandardOpenOption}s, {@link LinkOption#NOFOLLOW_LINKS} and {@link #DIRECT}; none means READ.
   *     DELETE_ON_CLOSE removes the name as soon as the file is open, as FileChannel does
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
   * Opens a file and waits for it; one that is created gets permissions.
   *
   * @param runtime whose {@link IoRuntime#loop()} the file will belong to
   * @param path the file
   * @param options as for {@link #open(IoRuntime, Path, OpenOption...)}
   * @param attributes {@code posix:permissions}, less the process's umask
   * @return the open file
   * @throws IOException as for {@link #open(IoRuntime, Path, OpenOption...)}
   */
  public static AsyncFile open(
      IoRuntime runtime,
      Path path,
      Set<? extends OpenOption> options,
      FileAttribute<?>... attributes)
      throws IOException {
    Futures.requireMayWait();
    return Futures.await(openAsync(runtime, path, options, attributes));
  }

  /**
   * Opens a file; one that is created gets permissions.
   *
   * @param runtime whose {@link IoRuntime#loop()} the file will belong to
   * @param path the file
   * @param options as for {@link #open(IoRuntime, Path, OpenOption...)}
   * @param attributes {@code posix:permissions}, less the process's umask
   * @return completes with the open file
   */
  public static CompletableFuture<AsyncFile> openAsync(
      IoRuntime runtime,
      Path path,
      Set<? extends OpenOption> options,
      FileAttribute<?>... attributes) {
    var loop = runtime.loop();
    return IoFuture.start(
        loop, future -> open(loop, path, options, future, FutureHandler.of(), attributes));
  }

  /**
   * Opens a file on a chosen loop.
   *
   * @param loop whose the file will be
   * @param path the file
   * @param options as for {@link #open(IoRuntime, Path, OpenOption...)}
   * @param attachment given to the handler
   * @param handler called on the loop's thread
   * @param attributes of a file that is created: {@code posix:permissions}, less the process's umask
   * @param <A> the attachment's type
   * @throws UnsupportedOperationException for an option or attribute that is not supported
   * @throws IllegalArgumentException for options that make no sense together
   */
  public static <A> void open(
      EventLoop loop,
      Path path,
      Set<? extends OpenOption> options,
      A attachment,
      CompletionHandler<AsyncFile, ? super A> handler,
      FileAttribute<?>... attributes) {
    Objects.requireNonNull(handler, "handler");
    checkOptions(options);
    if (!path.getFileSystem().equals(FileSystems.getDefault())) {
      throw new ProviderMismatchException("not a path of the default file system: " + path);
    }
    var opening =
        new Opening<A>(
            loop,
            new OpenRequest(
                path, Set.copyOf(options), permissions(attributes), OpenRequest.Kind.FILE),
            attachment,
            handler);
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
          option instanceof StandardOpenOption
              || option instanceof LinkOption
              || option.equals(DIRECT);
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

  /** The permissions among the attributes, or null. */
  @SuppressWarnings("unchecked") // the name says what the value is
  private static Set<PosixFilePermission> permissions(FileAttribute<?>... attributes) {
    Set<PosixFilePermission> permissions = null;
    for (var attribute : attributes) {
      if (!attribute.name().equals("posix:permissions")) {
        throw new UnsupportedOperationException(
            "attribute " + attribute.name() + " can't be set when a file is created");
      }
      permissions = (Set<PosixFilePermission>) attribute.value();
    }
    return permissions;
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
   * Reads at an offset into what remains of several buffers, one after the other: readv. Only the first 1024 are
   * looked at, as by FileChannel.
   *
   * @param dsts filled in order, each from its position on; the kernel's until the outcome. The array is not looked at
   *     again
   * @param position where in the file, not negative
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which may be fewer than remain, or -1 at the end of the file
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void read(
      ByteBuffer[] dsts, long position, A attachment, IoHandler<? super A> handler) {
    var buffers = loop.inLoop() ? dsts : dsts.clone();
    checkRead(buffers, position);
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(
          transfer(OpCode.READV, ON_READV, handler, attachment).vector(buffers).offset(position));
    } else {
      loop.execute(() -> read(buffers, position, attachment, handler));
    }
  }

  /**
   * Reads at an offset into what remains of several buffers, one after the other.
   *
   * @param dsts as for {@link #read(ByteBuffer[], long, Object, IoHandler)}
   * @param position where in the file, not negative
   * @return completes with the number of bytes, which may be fewer than remain, or -1 at the end of the file
   */
  public CompletableFuture<Integer> readAsync(ByteBuffer[] dsts, long position) {
    return IoFuture.start(loop, future -> read(dsts, position, future, FutureHandler.INTEGER));
  }

  /**
   * Reads at an offset into what remains of several pooled buffers, one after the other: readv. Only the first 1024 are
   * looked at, as by FileChannel.
   *
   * @param dsts filled in order, each from its position on; the kernel's until the outcome. The array is not looked at
   *     again
   * @param position where in the file, not negative
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which may be fewer than remain, or -1 at the end of the file
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void read(Buffer[] dsts, long position, A attachment, IoHandler<? super A> handler) {
    var buffers = loop.inLoop() ? dsts : dsts.clone();
    checkRead(buffers, position);
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(
          transfer(OpCode.READV, ON_READV, handler, attachment).vector(buffers).offset(position));
    } else {
      executeAllPinned(buffers, () -> read(buffers, position, attachment, handler));
    }
  }

  /**
   * Reads at an offset into what remains of several pooled buffers, one after the other.
   *
   * @param dsts as for {@link #read(Buffer[], long, Object, IoHandler)}
   * @param position where in the file, not negative
   * @return completes with the number of bytes, which may be fewer than remain, or -1 at the end of the file
   */
  public CompletableFuture<Integer> readAsync(Buffer[] dsts, long position) {
    return IoFuture.start(loop, future -> read(dsts, position, future, FutureHandler.INTEGER));
  }

  /**
   * Reads at an offset into what remains of several buffers, one after the other, and waits.
   *
   * @param dsts filled in order, each from its position on
   * @param position where in the file, not negative
   * @return the number of bytes, which may be fewer than remain, or -1 at the end of the file
   * @throws IOException when the read fails
   * @throws IllegalStateException on a loop's thread
   */
  public int read(ByteBuffer[] dsts, long position) throws IOException {
    Futures.requireMayWait();
    return Futures.await(readAsync(dsts, position));
  }

  /**
   * Reads at an offset in a special way; otherwise as {@link #read(ByteBuffer, long, Object, IoHandler)}.
   *
   * @param dst filled from its position on; the kernel's until the outcome
   * @param position where in the file, not negative
   * @param options how
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which may be fewer than remain, or -1 at the end of the file
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position, or options that are for writes
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void read(
      ByteBuffer dst,
      long position,
      Set<TransferOption> options,
      A attachment,
      IoHandler<? super A> handler) {
    checkRead(dst, position);
    Objects.requireNonNull(handler, "handler");
    int flags = TransferOption.flags(options, false);
    if (loop.inLoop()) {
      submit(
          transfer(OpCode.READ, ON_READ, handler, attachment)
              .memory(dst)
              .offset(position)
              .flags(flags));
    } else {
      loop.execute(() -> read(dst, position, options, attachment, handler));
    }
  }

  /**
   * Reads at an offset in a special way.
   *
   * @param dst as for {@link #read(ByteBuffer, long, Object, IoHandler)}
   * @param position where in the file, not negative
   * @param options how
   * @return completes with the number of bytes, which may be fewer than remain, or -1 at the end of the file
   */
  public CompletableFuture<Integer> readAsync(
      ByteBuffer dst, long position, Set<TransferOption> options) {
    return IoFuture.start(
        loop, future -> read(dst, position, options, future, FutureHandler.INTEGER));
  }

  /**
   * Reads at an offset in a special way; otherwise as {@link #read(Buffer, long, Object, IoHandler)}.
   *
   * @param dst filled from its position on; the kernel's until the outcome
   * @param position where in the file, not negative
   * @param options how
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which may be fewer than remain, or -1 at the end of the file
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position, or options that are for writes
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void read(
      Buffer dst,
      long position,
      Set<TransferOption> options,
      A attachment,
      IoHandler<? super A> handler) {
    checkRead(dst.byteBuffer(), position);
    Objects.requireNonNull(handler, "handler");
    int flags = TransferOption.flags(options, false);
    if (loop.inLoop()) {
      submit(
          transfer(OpCode.READ, ON_READ, handler, attachment)
              .memory(dst)
              .offset(position)
              .flags(flags));
    } else {
      dst.executePinned(loop, () -> read(dst, position, options, attachment, handler));
    }
  }

  /**
   * Reads at an offset in a special way.
   *
   * @param dst as for {@link #read(Buffer, long, Object, IoHandler)}
   * @param position where in the file, not negative
   * @param options how
   * @return completes with the number of bytes, which may be fewer than remain, or -1 at the end of the file
   */
  public CompletableFuture<Integer> readAsync(
      Buffer dst, long position, Set<TransferOption> options) {
    return IoFuture.start(
        loop, future -> read(dst, position, options, future, FutureHandler.INTEGER));
  }

  /**
   * Reads at an offset in a special way, and waits.
   *
   * @param dst filled from its position on
   * @param position where in the file, not negative
   * @param options how
   * @return the number of bytes, which may be fewer than remain, or -1 at the end of the file
   * @throws IOException when the read fails
   * @throws IllegalStateException on a loop's thread
   */
  public int read(ByteBuffer dst, long position, Set<TransferOption> options) throws IOException {
    Futures.requireMayWait();
    return Futures.await(readAsync(dst, position, options));
  }

  /**
   * Writes at an offset from what remains of several buffers, one after the other: writev. Only the first 1024 are
   * looked at, as by FileChannel.
   *
   * @param srcs written in order, each from its position on; the kernel's until the outcome. The array is not looked at
   *     again
   * @param position where in the file, not negative
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which may be fewer than remain
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void write(
      ByteBuffer[] srcs, long position, A attachment, IoHandler<? super A> handler) {
    var buffers = loop.inLoop() ? srcs : srcs.clone();
    checkWrite(buffers, position);
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(
          transfer(OpCode.WRITEV, Operation.NOTIFY, handler, attachment)
              .vector(buffers)
              .offset(position));
    } else {
      loop.execute(() -> write(buffers, position, attachment, handler));
    }
  }

  /**
   * Writes at an offset from what remains of several buffers, one after the other.
   *
   * @param srcs as for {@link #write(ByteBuffer[], long, Object, IoHandler)}
   * @param position where in the file, not negative
   * @return completes with the number of bytes, which may be fewer than remain
   */
  public CompletableFuture<Integer> writeAsync(ByteBuffer[] srcs, long position) {
    return IoFuture.start(loop, future -> write(srcs, position, future, FutureHandler.INTEGER));
  }

  /**
   * Writes at an offset from what remains of several pooled buffers, one after the other: writev. Only the first 1024 are
   * looked at, as by FileChannel.
   *
   * @param srcs written in order, each from its position on; the kernel's until the outcome. The array is not looked at
   *     again
   * @param position where in the file, not negative
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which may be fewer than remain
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void write(Buffer[] srcs, long position, A attachment, IoHandler<? super A> handler) {
    var buffers = loop.inLoop() ? srcs : srcs.clone();
    checkWrite(buffers, position);
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(
          transfer(OpCode.WRITEV, Operation.NOTIFY, handler, attachment)
              .vector(buffers)
              .offset(position));
    } else {
      executeAllPinned(buffers, () -> write(buffers, position, attachment, handler));
    }
  }

  /**
   * Writes at an offset from what remains of several pooled buffers, one after the other.
   *
   * @param srcs as for {@link #write(Buffer[], long, Object, IoHandler)}
   * @param position where in the file, not negative
   * @return completes with the number of bytes, which may be fewer than remain
   */
  public CompletableFuture<Integer> writeAsync(Buffer[] srcs, long position) {
    return IoFuture.start(loop, future -> write(srcs, position, future, FutureHandler.INTEGER));
  }

  /**
   * Writes at an offset from what remains of several buffers, one after the other, and waits.
   *
   * @param srcs written in order, each from its position on
   * @param position where in the file, not negative
   * @return the number of bytes, which may be fewer than remain
   * @throws IOException when the write fails
   * @throws IllegalStateException on a loop's thread
   */
  public int write(ByteBuffer[] srcs, long position) throws IOException {
    Futures.requireMayWait();
    return Futures.await(writeAsync(srcs, position));
  }

  /**
   * Writes at an offset in a special way; otherwise as {@link #write(ByteBuffer, long, Object, IoHandler)}.
   *
   * @param src written from its position on; the kernel's until the outcome
   * @param position where in the file, not negative
   * @param options how
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which may be fewer than remain
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void write(
      ByteBuffer src,
      long position,
      Set<TransferOption> options,
      A attachment,
      IoHandler<? super A> handler) {
    checkWrite(position);
    Objects.requireNonNull(handler, "handler");
    int flags = TransferOption.flags(options, true);
    if (loop.inLoop()) {
      submit(
          transfer(OpCode.WRITE, Operation.NOTIFY, handler, attachment)
              .memory(src)
              .offset(position)
              .flags(flags));
    } else {
      loop.execute(() -> write(src, position, options, attachment, handler));
    }
  }

  /**
   * Writes at an offset in a special way.
   *
   * @param src as for {@link #write(ByteBuffer, long, Object, IoHandler)}
   * @param position where in the file, not negative
   * @param options how
   * @return completes with the number of bytes, which may be fewer than remain
   */
  public CompletableFuture<Integer> writeAsync(
      ByteBuffer src, long position, Set<TransferOption> options) {
    return IoFuture.start(
        loop, future -> write(src, position, options, future, FutureHandler.INTEGER));
  }

  /**
   * Writes at an offset in a special way; otherwise as {@link #write(Buffer, long, Object, IoHandler)}.
   *
   * @param src written from its position on; the kernel's until the outcome
   * @param position where in the file, not negative
   * @param options how
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which may be fewer than remain
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void write(
      Buffer src,
      long position,
      Set<TransferOption> options,
      A attachment,
      IoHandler<? super A> handler) {
    checkWrite(position);
    Objects.requireNonNull(handler, "handler");
    int flags = TransferOption.flags(options, true);
    if (loop.inLoop()) {
      submit(
          transfer(OpCode.WRITE, Operation.NOTIFY, handler, attachment)
              .memory(src)
              .offset(position)
              .flags(flags));
    } else {
      src.executePinned(loop, () -> write(src, position, options, attachment, handler));
    }
  }

  /**
   * Writes at an offset in a special way.
   *
   * @param src as for {@link #write(Buffer, long, Object, IoHandler)}
   * @param position where in the file, not negative
   * @param options how
   * @return completes with the number of bytes, which may be fewer than remain
   */
  public CompletableFuture<Integer> writeAsync(
      Buffer src, long position, Set<TransferOption> options) {
    return IoFuture.start(
        loop, future -> write(src, position, options, future, FutureHandler.INTEGER));
  }

  /**
   * Writes at an offset in a special way, and waits.
   *
   * @param src written from its position on
   * @param position where in the file, not negative
   * @param options how
   * @return the number of bytes, which may be fewer than remain
   * @throws IOException when the write fails
   * @throws IllegalStateException on a loop's thread
   */
  public int write(ByteBuffer src, long position, Set<TransferOption> options) throws IOException {
    Futures.requireMayWait();
    return Futures.await(writeAsync(src, position, options));
  }

  /**
   * Makes the file shorter, or longer by a hole.
   *
   * @param size the new size in bytes, not negative
   * @param attachment given to the handler
   * @param handler takes 0
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative size
   * @throws NonWritableChannelException when the file was not opened for writing
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void truncate(long size, A attachment, IoHandler<? super A> handler) {
    requireWritable();
    checkPosition(size);
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(transfer(OpCode.TRUNCATE, Operation.NOTIFY, handler, attachment).offset(size));
    } else {
      loop.execute(() -> truncate(size, attachment, handler));
    }
  }

  /**
   * Makes the file shorter, or longer by a hole.
   *
   * @param size the new size in bytes, not negative
   * @return completes when it is done
   */
  public CompletableFuture<Void> truncateAsync(long size) {
    return IoFuture.start(loop, future -> truncate(size, future, FutureHandler.VOID));
  }

  /**
   * Makes the file shorter, or longer by a hole, and waits.
   *
   * @param size the new size in bytes, not negative
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public void truncate(long size) throws IOException {
    Futures.requireMayWait();
    Futures.await(truncateAsync(size));
  }

  /**
   * Reserves space, so that later writes to the range do not fail for want of it: fallocate(2). NIO makes the file longer,
   * but can't reserve.
   *
   * @param position where the range begins, not negative
   * @param length how long it is in bytes, not negative
   * @param keepSize whether the file shall not become longer
   * @param attachment given to the handler
   * @param handler takes 0
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position or length
   * @throws NonWritableChannelException when the file was not opened for writing
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void allocate(
      long position, long length, boolean keepSize, A attachment, IoHandler<? super A> handler) {
    requireWritable();
    checkRange(position, length);
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(
          transfer(OpCode.ALLOCATE, Operation.NOTIFY, handler, attachment)
              .offset(position)
              .length(length)
              .flags(keepSize ? 1 : 0));
    } else {
      loop.execute(() -> allocate(position, length, keepSize, attachment, handler));
    }
  }

  /**
   * Reserves space, so that later writes to the range do not fail for want of it: fallocate(2). NIO makes the file longer,
   * but can't reserve.
   *
   * @param position where the range begins, not negative
   * @param length how long it is in bytes, not negative
   * @param keepSize whether the file shall not become longer
   * @return completes when it is done
   */
  public CompletableFuture<Void> allocateAsync(long position, long length, boolean keepSize) {
    return IoFuture.start(
        loop, future -> allocate(position, length, keepSize, future, FutureHandler.VOID));
  }

  /**
   * Reserves space, so that later writes to the range do not fail for want of it, and waits.
   *
   * @param position where the range begins, not negative
   * @param length how long it is in bytes, not negative
   * @param keepSize whether the file shall not become longer
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public void allocate(long position, long length, boolean keepSize) throws IOException {
    Futures.requireMayWait();
    Futures.await(allocateAsync(position, length, keepSize));
  }

  /**
   * Gives the range's space back, after which it reads as zeros. The file's size stays. NIO writes the zeros.
   *
   * @param position where the range begins, not negative
   * @param length how long it is in bytes, not negative
   * @param attachment given to the handler
   * @param handler takes 0
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position or length
   * @throws NonWritableChannelException when the file was not opened for writing
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void punchHole(
      long position, long length, A attachment, IoHandler<? super A> handler) {
    requireWritable();
    checkRange(position, length);
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(
          transfer(OpCode.ALLOCATE, Operation.NOTIFY, handler, attachment)
              .offset(position)
              .length(length)
              .flags(3));
    } else {
      loop.execute(() -> punchHole(position, length, attachment, handler));
    }
  }

  /**
   * Gives the range's space back, after which it reads as zeros. The file's size stays. NIO writes the zeros.
   *
   * @param position where the range begins, not negative
   * @param length how long it is in bytes, not negative
   * @return completes when it is done
   */
  public CompletableFuture<Void> punchHoleAsync(long position, long length) {
    return IoFuture.start(loop, future -> punchHole(position, length, future, FutureHandler.VOID));
  }

  /**
   * Gives the range's space back, after which it reads as zeros, and waits.
   *
   * @param position where the range begins, not negative
   * @param length how long it is in bytes, not negative
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public void punchHole(long position, long length) throws IOException {
    Futures.requireMayWait();
    Futures.await(punchHoleAsync(position, length));
  }

  /**
   * Makes the range read as zeros, without writing them where the file system can.
   *
   * @param position where the range begins, not negative
   * @param length how long it is in bytes, not negative
   * @param keepSize whether the file shall not become longer
   * @param attachment given to the handler
   * @param handler takes 0
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position or length
   * @throws NonWritableChannelException when the file was not opened for writing
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void zeroRange(
      long position, long length, boolean keepSize, A attachment, IoHandler<? super A> handler) {
    requireWritable();
    checkRange(position, length);
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(
          transfer(OpCode.ALLOCATE, Operation.NOTIFY, handler, attachment)
              .offset(position)
              .length(length)
              .flags(keepSize ? 17 : 16));
    } else {
      loop.execute(() -> zeroRange(position, length, keepSize, attachment, handler));
    }
  }

  /**
   * Makes the range read as zeros, without writing them where the file system can.
   *
   * @param position where the range begins, not negative
   * @param length how long it is in bytes, not negative
   * @param keepSize whether the file shall not become longer
   * @return completes when it is done
   */
  public CompletableFuture<Void> zeroRangeAsync(long position, long length, boolean keepSize) {
    return IoFuture.start(
        loop, future -> zeroRange(position, length, keepSize, future, FutureHandler.VOID));
  }

  /**
   * Makes the range read as zeros, without writing them where the file system can, and waits.
   *
   * @param position where the range begins, not negative
   * @param length how long it is in bytes, not negative
   * @param keepSize whether the file shall not become longer
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public void zeroRange(long position, long length, boolean keepSize) throws IOException {
    Futures.requireMayWait();
    Futures.await(zeroRangeAsync(position, length, keepSize));
  }

  /**
   * Says how a range will be used: posix_fadvise(2), a hint. NIO has no means, and does nothing.
   *
   * @param position where the range begins, not negative
   * @param length how long it is in bytes; 0 for all that follows
   * @param advice how
   * @param attachment given to the handler
   * @param handler takes 0
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position or length
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void advise(
      long position, long length, Advice advice, A attachment, IoHandler<? super A> handler) {
    checkRange(position, length);
    Objects.requireNonNull(advice, "advice");
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(
          transfer(OpCode.ADVISE, Operation.NOTIFY, handler, attachment)
              .offset(position)
              .length(length)
              .flags(advice.number));
    } else {
      loop.execute(() -> advise(position, length, advice, attachment, handler));
    }
  }

  /**
   * Says how a range will be used: posix_fadvise(2), a hint. NIO has no means, and does nothing.
   *
   * @param position where the range begins, not negative
   * @param length how long it is in bytes; 0 for all that follows
   * @param advice how
   * @return completes when it is done
   */
  public CompletableFuture<Void> adviseAsync(long position, long length, Advice advice) {
    return IoFuture.start(
        loop, future -> advise(position, length, advice, future, FutureHandler.VOID));
  }

  /**
   * Says how a range will be used, and waits.
   *
   * @param position where the range begins, not negative
   * @param length how long it is in bytes; 0 for all that follows
   * @param advice how
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public void advise(long position, long length, Advice advice) throws IOException {
    Futures.requireMayWait();
    Futures.await(adviseAsync(position, length, advice));
  }

  /**
   * Writes what is dirty in a range back to the device, and waits for that: sync_file_range(2). Unlike {@link #force} it
   * promises nothing after a power failure: neither metadata nor the device's own cache is flushed.
   *
   * @param position where the range begins, not negative
   * @param length how long it is in bytes; 0 for all that follows
   * @param attachment given to the handler
   * @param handler takes 0
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position or length
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void syncRange(
      long position, long length, A attachment, IoHandler<? super A> handler) {
    checkRange(position, length);
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(
          transfer(OpCode.SYNC_RANGE, Operation.NOTIFY, handler, attachment)
              .offset(position)
              .length(length)
              .flags(7));
    } else {
      loop.execute(() -> syncRange(position, length, attachment, handler));
    }
  }

  /**
   * Writes what is dirty in a range back to the device, and waits for that: sync_file_range(2). Unlike {@link #force} it
   * promises nothing after a power failure: neither metadata nor the device's own cache is flushed.
   *
   * @param position where the range begins, not negative
   * @param length how long it is in bytes; 0 for all that follows
   * @return completes when it is done
   */
  public CompletableFuture<Void> syncRangeAsync(long position, long length) {
    return IoFuture.start(loop, future -> syncRange(position, length, future, FutureHandler.VOID));
  }

  /**
   * Writes what is dirty in a range back to the device, and waits for that, and waits.
   *
   * @param position where the range begins, not negative
   * @param length how long it is in bytes; 0 for all that follows
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public void syncRange(long position, long length) throws IOException {
    Futures.requireMayWait();
    Futures.await(syncRangeAsync(position, length));
  }

  /**
   * Asks for all that the file system says of the file: statx(2). NIO asks by the path, and fails with an {@link
   * UnsupportedOperationException} when that is another file's by now.
   *
   * @param attachment given to the handler
   * @param handler takes size, times, owner and more
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void status(A attachment, CompletionHandler<FileStatus, ? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(transfer(OpCode.ATTRIBUTES, ON_STATUS, handler, attachment));
    } else {
      loop.execute(() -> status(attachment, handler));
    }
  }

  /**
   * Asks for all that the file system says of the file: statx(2). NIO asks by the path, and fails with an {@link
   * UnsupportedOperationException} when that is another file's by now.
   *
   * @return completes with size, times, owner and more
   */
  public CompletableFuture<FileStatus> statusAsync() {
    return IoFuture.start(loop, future -> status(future, FutureHandler.of()));
  }

  /**
   * Asks for all that the file system says of the file, and waits.
   *
   * @return size, times, owner and more
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public FileStatus status() throws IOException {
    Futures.requireMayWait();
    return Futures.await(statusAsync());
  }

  /**
   * Looks for data: lseek(2) with SEEK_DATA. On NIO all is data.
   *
   * @param position where to begin, not negative
   * @param attachment given to the handler
   * @param handler takes the offset of the first byte at or behind the position that is not in a hole, or -1 if there is none
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void seekData(
      long position, A attachment, CompletionHandler<Long, ? super A> handler) {
    checkPosition(position);
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(transfer(OpCode.SEEK, ON_SIZE, handler, attachment).offset(position));
    } else {
      loop.execute(() -> seekData(position, attachment, handler));
    }
  }

  /**
   * Looks for data: lseek(2) with SEEK_DATA. On NIO all is data.
   *
   * @param position where to begin, not negative
   * @return completes with the offset of the first byte at or behind the position that is not in a hole, or -1 if there is none
   */
  public CompletableFuture<Long> seekDataAsync(long position) {
    return IoFuture.start(loop, future -> seekData(position, future, FutureHandler.of()));
  }

  /**
   * Looks for data, and waits.
   *
   * @param position where to begin, not negative
   * @return the offset of the first byte at or behind the position that is not in a hole, or -1 if there is none
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public long seekData(long position) throws IOException {
    Futures.requireMayWait();
    return Futures.await(seekDataAsync(position));
  }

  /**
   * Looks for a hole: lseek(2) with SEEK_HOLE. There is always one at the end of the file.
   *
   * @param position where to begin, not negative
   * @param attachment given to the handler
   * @param handler takes the offset of the first byte at or behind the position that is in a hole, or -1 if that is behind the end
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void seekHole(
      long position, A attachment, CompletionHandler<Long, ? super A> handler) {
    checkPosition(position);
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(transfer(OpCode.SEEK, ON_SIZE, handler, attachment).offset(position).flags(1));
    } else {
      loop.execute(() -> seekHole(position, attachment, handler));
    }
  }

  /**
   * Looks for a hole: lseek(2) with SEEK_HOLE. There is always one at the end of the file.
   *
   * @param position where to begin, not negative
   * @return completes with the offset of the first byte at or behind the position that is in a hole, or -1 if that is behind the end
   */
  public CompletableFuture<Long> seekHoleAsync(long position) {
    return IoFuture.start(loop, future -> seekHole(position, future, FutureHandler.of()));
  }

  /**
   * Looks for a hole, and waits.
   *
   * @param position where to begin, not negative
   * @return the offset of the first byte at or behind the position that is in a hole, or -1 if that is behind the end
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public long seekHole(long position) throws IOException {
    Futures.requireMayWait();
    return Futures.await(seekHoleAsync(position));
  }

  /**
   * Copies bytes to another file without bringing them here; file systems that can share them: copy_file_range(2).
   *
   * @param position where to copy from, not negative
   * @param target another file of the same loop
   * @param targetPosition where to copy to, not negative
   * @param count how many bytes at most, not negative
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which may be fewer; 0 at the end of the file
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative number, or a file of another loop
   * @throws NonWritableChannelException when the target was not opened for writing
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void copyRange(
      long position,
      AsyncFile target,
      long targetPosition,
      long count,
      A attachment,
      IoHandler<? super A> handler) {
    checkPosition(targetPosition);
    checkRange(position, count);
    checkTarget(target);
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(
          transfer(OpCode.COPY_RANGE, Operation.NOTIFY, handler, attachment)
              .offset(position)
              .other(target.descriptor, targetPosition)
              .length(count));
    } else {
      loop.execute(() -> copyRange(position, target, targetPosition, count, attachment, handler));
    }
  }

  /**
   * Copies bytes to another file without bringing them here; file systems that can share them: copy_file_range(2).
   *
   * @param position where to copy from, not negative
   * @param target another file of the same loop
   * @param targetPosition where to copy to, not negative
   * @param count how many bytes at most, not negative
   * @return completes with the number of bytes, which may be fewer; 0 at the end of the file
   */
  public CompletableFuture<Integer> copyRangeAsync(
      long position, AsyncFile target, long targetPosition, long count) {
    return IoFuture.start(
        loop,
        future ->
            copyRange(position, target, targetPosition, count, future, FutureHandler.INTEGER));
  }

  /**
   * Copies bytes to another file without bringing them here; file systems that can share them, and waits.
   *
   * @param position where to copy from, not negative
   * @param target another file of the same loop
   * @param targetPosition where to copy to, not negative
   * @param count how many bytes at most, not negative
   * @return the number of bytes, which may be fewer; 0 at the end of the file
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public int copyRange(long position, AsyncFile target, long targetPosition, long count)
      throws IOException {
    Futures.requireMayWait();
    return Futures.await(copyRangeAsync(position, target, targetPosition, count));
  }

  /**
   * Moves bytes between a file and a pipe without copying them here: splice(2). NIO reads and writes them.
   *
   * @param position where to read from; -1 for a pipe
   * @param target another file of the same loop
   * @param targetPosition where to write to; -1 for a pipe
   * @param count how many bytes at most, not negative
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which may be fewer; 0 at the end of the file or when the pipe has no writer
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative number, or a file of another loop
   * @throws NonWritableChannelException when the target was not opened for writing
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void splice(
      long position,
      AsyncFile target,
      long targetPosition,
      long count,
      A attachment,
      IoHandler<? super A> handler) {
    if (position < -1 || targetPosition < -1 || count < 0) {
      throw new IllegalArgumentException(
          "splice: " + position + ", " + targetPosition + ", " + count + " must not be negative");
    }
    checkTarget(target);
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(
          transfer(OpCode.SPLICE, Operation.NOTIFY, handler, attachment)
              .offset(position)
              .other(target.descriptor, targetPosition)
              .length(count));
    } else {
      loop.execute(() -> splice(position, target, targetPosition, count, attachment, handler));
    }
  }

  /**
   * Moves bytes between a file and a pipe without copying them here: splice(2). NIO reads and writes them.
   *
   * @param position where to read from; -1 for a pipe
   * @param target another file of the same loop
   * @param targetPosition where to write to; -1 for a pipe
   * @param count how many bytes at most, not negative
   * @return completes with the number of bytes, which may be fewer; 0 at the end of the file or when the pipe has no writer
   */
  public CompletableFuture<Integer> spliceAsync(
      long position, AsyncFile target, long targetPosition, long count) {
    return IoFuture.start(
        loop,
        future -> splice(position, target, targetPosition, count, future, FutureHandler.INTEGER));
  }

  /**
   * Moves bytes between a file and a pipe without copying them here, and waits.
   *
   * @param position where to read from; -1 for a pipe
   * @param target another file of the same loop
   * @param targetPosition where to write to; -1 for a pipe
   * @param count how many bytes at most, not negative
   * @return the number of bytes, which may be fewer; 0 at the end of the file or when the pipe has no writer
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public int splice(long position, AsyncFile target, long targetPosition, long count)
      throws IOException {
    Futures.requireMayWait();
    return Futures.await(spliceAsync(position, target, targetPosition, count));
  }

  /**
   * Locks a range against other open files, in this process or others, that lock it, too; waits for those that hold it
   * already. It is tried again and again, 64 ms apart at most, so that cancelling ends the wait, and no thread is held.
   *
   * <p>On io_uring the lock is the open file's (F_OFD_SETLK); on NIO it is the process's, which loses it when any
   * descriptor of that file is closed, and whose files share no range, not even shared locks.
   *
   * @param position where the range begins, not negative
   * @param size how long it is in bytes, more than 0; {@link Long#MAX_VALUE} - position for all that may follow
   * @param shared whether others may hold a shared lock of it, for which the file must have been opened for reading; else
   *     for writing
   * @param attachment given to the handler
   * @param handler takes the lock; fails with an {@link java.nio.channels.OverlappingFileLockException} when this file
   *     holds a part of the range already
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position, or a size that is not positive
   */
  public <A> void lock(
      long position,
      long size,
      boolean shared,
      A attachment,
      CompletionHandler<FileRangeLock, ? super A> handler) {
    startLock(position, size, shared, false, attachment, handler);
  }

  /**
   * Locks a range, as {@link #lock(long, long, boolean, Object, CompletionHandler)} does.
   *
   * @param position where the range begins
   * @param size how long it is in bytes
   * @param shared whether others may share it
   * @return completes with the lock
   */
  public CompletableFuture<FileRangeLock> lockAsync(long position, long size, boolean shared) {
    return IoFuture.start(loop, future -> lock(position, size, shared, future, FutureHandler.of()));
  }

  /**
   * Locks a range, as {@link #lock(long, long, boolean, Object, CompletionHandler)} does, and waits.
   *
   * @param position where the range begins
   * @param size how long it is in bytes
   * @param shared whether others may share it
   * @return the lock
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public FileRangeLock lock(long position, long size, boolean shared) throws IOException {
    Futures.requireMayWait();
    return Futures.await(lockAsync(position, size, shared));
  }

  /**
   * Locks a range if nobody else holds a part of it; otherwise as {@link #lock(long, long, boolean, Object,
   * CompletionHandler)}.
   *
   * @param position where the range begins
   * @param size how long it is in bytes
   * @param shared whether others may share it
   * @param attachment given to the handler
   * @param handler takes the lock, or null when somebody else holds a part of the range
   * @param <A> the attachment's type
   */
  public <A> void tryLock(
      long position,
      long size,
      boolean shared,
      A attachment,
      CompletionHandler<FileRangeLock, ? super A> handler) {
    startLock(position, size, shared, true, attachment, handler);
  }

  /**
   * Locks a range if nobody else holds a part of it.
   *
   * @param position where the range begins
   * @param size how long it is in bytes
   * @param shared whether others may share it
   * @return completes with the lock, or null
   */
  public CompletableFuture<FileRangeLock> tryLockAsync(long position, long size, boolean shared) {
    return IoFuture.start(
        loop, future -> tryLock(position, size, shared, future, FutureHandler.of()));
  }

  /**
   * Locks a range if nobody else holds a part of it, and waits for the answer.
   *
   * @param position where the range begins
   * @param size how long it is in bytes
   * @param shared whether others may share it
   * @return the lock, or null
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public FileRangeLock tryLock(long position, long size, boolean shared) throws IOException {
    Futures.requireMayWait();
    return Futures.await(tryLockAsync(position, size, shared));
  }

  /** What a lock operation needs until it ends. */
  private record Locking<A>(
      FileRangeLock lock, A attachment, CompletionHandler<FileRangeLock, ? super A> handler) {}

  private <A> void startLock(
      long position,
      long size,
      boolean shared,
      boolean tryOnly,
      A attachment,
      CompletionHandler<FileRangeLock, ? super A> handler) {
    checkRange(position, size);
    if (size == 0) {
      throw new IllegalArgumentException("a lock of no bytes");
    }
    Objects.requireNonNull(handler, "handler");
    var locking =
        new Locking<A>(new FileRangeLock(this, position, size, shared), attachment, handler);
    int flags = (shared ? 1 : 0) | (tryOnly ? 2 : 0);
    if (loop.inLoop()) {
      submitLock(locking, flags);
    } else {
      loop.execute(() -> submitLock(locking, flags));
    }
  }

  private void submitLock(Locking<?> locking, int flags) {
    submit(
        transfer(OpCode.LOCK, ON_LOCK, null, locking)
            .offset(locking.lock.position())
            .length(locking.lock.size())
            .flags(flags));
  }

  @SuppressWarnings("unchecked") // the attachment was made by startLock
  private static void lockCompleted(Operation operation, int result) {
    var locking = (Locking<Object>) operation.attachment();
    if (result < 0) {
      locking.handler.failed(operation.failure(result), locking.attachment);
    } else {
      locking.handler.completed(result == 1 ? locking.lock : null, locking.attachment);
    }
  }

  <A> void unlock(long position, long size, A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (loop.inLoop()) {
      submit(
          transfer(OpCode.UNLOCK, Operation.NOTIFY, handler, attachment)
              .offset(position)
              .length(size));
    } else {
      loop.execute(() -> unlock(position, size, attachment, handler));
    }
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

  private void checkRead(ByteBuffer[] dsts, long position) {
    checkPosition(position);
    for (var dst : dsts) {
      checkRead(dst, position);
    }
  }

  private void checkRead(Buffer[] dsts, long position) {
    checkPosition(position);
    for (var dst : dsts) {
      checkRead(dst.byteBuffer(), position);
    }
  }

  private void checkWrite(Object[] srcs, long position) {
    checkWrite(position);
    for (var src : srcs) {
      Objects.requireNonNull(src, "src");
    }
  }

  private void requireWritable() {
    if (!writable) {
      throw new NonWritableChannelException();
    }
  }

  private static void checkRange(long position, long length) {
    checkPosition(position);
    if (length < 0 || position + length < 0) {
      throw new IllegalArgumentException(
          "length must be from 0 to " + (Long.MAX_VALUE - position) + ": " + length);
    }
  }

  private void checkTarget(AsyncFile target) {
    target.requireWritable();
    if (!readable) {
      throw new NonReadableChannelException();
    }
    if (!target.loop.equals(loop)) {
      throw new IllegalArgumentException(
          target + " belongs to another loop than " + this + ": open both on the same");
    }
  }

  /** Runs something on the loop; until then none of the buffers goes home. The array is nobody else's. */
  private void executeAllPinned(Buffer[] buffers, Runnable start) {
    var generations = new int[buffers.length];
    int pinned = 0;
    try {
      for (; pinned < buffers.length; pinned++) {
        generations[pinned] = BUFFERS.pin(buffers[pinned]);
      }
      loop.execute(
          () -> {
            try {
              start.run();
            } finally {
              unpin(buffers, generations, buffers.length);
            }
          });
    } catch (RuntimeException e) {
      unpin(buffers, generations, pinned);
      throw e;
    }
  }

  private static void unpin(Buffer[] buffers, int[] generations, int count) {
    for (int i = 0; i < count; i++) {
      BUFFERS.unpin(buffers[i], generations[i]);
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

  private static void readvCompleted(Operation operation, int result) {
    @SuppressWarnings("unchecked") // set together with its attachment
    var handler = (IoHandler<Object>) operation.handler();
    if (result > 0) {
      handler.completed(result, operation.attachment());
    } else if (result == 0) {
      handler.completed(operation.vector().bytes() == 0 ? 0 : -1, operation.attachment());
    } else {
      handler.failed(operation.failure(result), operation.attachment());
    }
  }

  private static void statusCompleted(Operation operation, int result) {
    @SuppressWarnings("unchecked") // set together with its attachment
    var handler = (CompletionHandler<FileStatus, Object>) operation.handler();
    if (result >= 0) {
      handler.completed((FileStatus) operation.value(), operation.attachment());
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

  /**
   * Reads block after block, with some of them ahead, in callback style.
   *
   * @param how where, how much, and how far ahead
   * @param attachment given to the handler
   * @param handler takes the blocks in order, on the loop's thread, never from inside this call
   * @param <A> the attachment's type
   * @return what resumes and stops it
   * @throws NonReadableChannelException when the file was not opened for reading
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> BlockReader<A> readBlocks(
      ReadAhead how, A attachment, BlockReadHandler<? super A> handler) {
    return BlockReader.start(this, how, attachment, handler);
  }

  /**
   * What is in the file as a stream of bytes for a thread that may wait, virtual or not.
   *
   * @param how where, how much, and how far ahead
   * @return a stream; closing it leaves the file open. Its methods throw {@link IllegalStateException} on a loop's thread
   * @throws NonReadableChannelException when the file was not opened for reading
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public InputStream inputStream(ReadAhead how) {
    return new BlockInputStream(this, how);
  }

  /**
   * What is in the file as a publisher: cold, so that each subscription reads from the beginning for itself. It follows the
   * rules of reactive streams; blocks are in the order of the file, and full but for the last.
   *
   * <p>Subscribers are called on the loop's thread, must not block, and own each buffer that they get: they must {@linkplain
   * Buffer#release() release} it, now or later, from any thread. What is read ahead and not requested yet is the
   * subscription's own, at most {@code how.depth()} blocks; a cancellation gives it back. An end or an error is told as soon
   * as all in front of it was, requested for or not: {@link IllegalArgumentException} to those who request nothing or less,
   * {@link java.nio.channels.ClosedChannelException} after {@link #close()}.
   *
   * @param how where, how much, and how far ahead
   * @return a publisher for any number of subscribers, at the same time or one after the other
   * @throws NonReadableChannelException when the file was not opened for reading
   */
  public Flow.Publisher<Buffer> publisher(ReadAhead how) {
    return new BlockPublisher(this, how);
  }

  /**
   * Writes block after block, some of them at the same time, in callback style.
   *
   * @param how where, how much at the same time, and whether to sync in the end
   * @param attachment given to the handler
   * @param handler is told how it goes, on the loop's thread, never from inside this call
   * @param <A> the attachment's type
   * @return what takes the blocks
   * @throws NonWritableChannelException when the file was not opened for writing
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> BlockWriter<A> writeBlocks(
      WriteBehind how, A attachment, BlockWriteHandler<? super A> handler) {
    return BlockWriter.start(this, how, attachment, handler);
  }

  /**
   * A stream of bytes into the file, for a thread that may wait, virtual or not. It gathers bytes in blocks, and waits while
   * as many are in flight as may be. {@code flush} waits until what was written so far is in the file (which {@link
   * #force(boolean)} would make durable); {@code close} waits for the rest, and for the sync if one was asked for, and throws
   * if that fails. Any call throws what a write before it has failed with.
   *
   * @param how where, how large the blocks are, how many are in flight, and whether to sync in the end
   * @return a stream; closing it leaves the file open. Its methods throw {@link IllegalStateException} on a loop's thread
   * @throws NonWritableChannelException when the file was not opened for writing
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public OutputStream outputStream(WriteBehind how) {
    return new BlockOutputStream(this, how);
  }

  /**
   * What writes to the file all that a publisher brings.
   *
   * @param how where, how much at the same time, and whether to sync in the end
   * @return a subscriber for one subscription, and the future of its end
   * @throws NonWritableChannelException when the file was not opened for writing
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public BlockSubscriber subscriber(WriteBehind how) {
    return new BlockSubscriber(this, how);
  }

  boolean isReadable() {
    return readable;
  }

  boolean isWritable() {
    return writable;
  }

  boolean isAppend() {
    return append;
  }
}
