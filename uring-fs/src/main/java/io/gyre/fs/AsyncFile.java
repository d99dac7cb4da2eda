package io.gyre.fs;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.FileSource;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.driver.Descriptor;
import io.gyre.driver.FileStatus;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.Futures;
import io.gyre.driver.IoFuture;
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
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.util.LinkedHashSet;
import java.util.List;
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
 *   <li>{@code ...Async}: a future, which the loop's thread completes, and which no loop's thread may wait for,
 *   <li>plain: waits. A virtual thread parks; a loop's thread may not call it ({@link IllegalStateException}). Where the
 *       system can tell what is in its cache, plain reads of that are done by the calling thread itself, without a hop.
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
public final class AsyncFile implements FileSource, AutoCloseable {
  /**
   * Bypasses the page cache, O_DIRECT: the same object as {@code
   * com.sun.nio.file.ExtendedOpenOption.DIRECT}, which javac warns of. Offsets, lengths and memory
   * must then be multiples of the device's block size; pooled buffers are aligned. Null on a JDK
   * without it.
   */
  public static final OpenOption DIRECT = OpenRequest.DIRECT;

  private final EventLoop loop;
  private final OpenFile file;

  AsyncFile(OpenFile file) {
    this.loop = file.loop;
    this.file = file;
  }

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
    var set = new LinkedHashSet<>(List.of(options));
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
    Opening.start(loop, path, options, attachment, handler, attributes);
  }

  /**
   * The loop that the file belongs to: its handlers run there, and its {@linkplain EventLoop#buffers() buffers} suit the
   * file best.
   *
   * @return the loop
   */
  @Override
  public EventLoop loop() {
    return loop;
  }

  /**
   * For experts: what {@link io.gyre.driver.RawOperation}s work on.
   *
   * @return the descriptor, confined to the loop's thread
   */
  @Override
  public Descriptor descriptor() {
    return file.descriptor;
  }

  @Override
  public boolean isReadable() {
    return file.isReadable();
  }

  /**
   * The path that the file was opened with.
   *
   * @return the path
   */
  public Path path() {
    return file.path;
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
    Transfers.read(file, dst, position, 0, attachment, handler);
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
    Transfers.read(file, dst, position, 0, attachment, handler);
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
    return WaitingReads.read(file, dst, position);
  }

  /**
   * Reads from an offset into what remains of a pooled buffer, and waits.
   *
   * @param dst filled from its position on
   * @param position where in the file, not negative
   * @return the number of bytes, or -1 at the end of the file
   * @throws IOException when the read fails
   * @throws IllegalStateException on a loop's thread, or when the buffer was released
   */
  public int read(Buffer dst, long position) throws IOException {
    return WaitingReads.read(file, dst, position);
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
    Transfers.write(file, src, position, 0, attachment, handler);
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
    Transfers.write(file, src, position, 0, attachment, handler);
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
   * Writes what remains of a pooled buffer at an offset, and waits.
   *
   * @param src written from its position on
   * @param position where in the file, not negative
   * @return the number of bytes, which may be fewer than remain
   * @throws IOException when the write fails
   * @throws IllegalStateException on a loop's thread, or when the buffer was released
   */
  public int write(Buffer src, long position) throws IOException {
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
    Transfers.read(file, dsts, position, attachment, handler);
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
    Transfers.read(file, dsts, position, attachment, handler);
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
   * Reads at an offset into what remains of several pooled buffers, one after the other, and waits.
   *
   * @param dsts filled in order, each from its position on
   * @param position where in the file, not negative
   * @return the number of bytes, which may be fewer than remain, or -1 at the end of the file
   * @throws IOException when the read fails
   * @throws IllegalStateException on a loop's thread, or when one of the buffers was released
   */
  public int read(Buffer[] dsts, long position) throws IOException {
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
    int flags = TransferOption.flags(options, false);
    Transfers.read(file, dst, position, flags, attachment, handler);
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
    int flags = TransferOption.flags(options, false);
    Transfers.read(file, dst, position, flags, attachment, handler);
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
   * Reads into a pooled buffer at an offset in a special way, and waits.
   *
   * @param dst filled from its position on
   * @param position where in the file, not negative
   * @param options how
   * @return the number of bytes, which may be fewer than remain, or -1 at the end of the file
   * @throws IOException when the read fails
   * @throws IllegalStateException on a loop's thread, or when the buffer was released
   */
  public int read(Buffer dst, long position, Set<TransferOption> options) throws IOException {
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
    Transfers.write(file, srcs, position, attachment, handler);
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
    Transfers.write(file, srcs, position, attachment, handler);
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
   * Writes at an offset from what remains of several pooled buffers, one after the other, and waits.
   *
   * @param srcs written in order, each from its position on
   * @param position where in the file, not negative
   * @return the number of bytes, which may be fewer than remain
   * @throws IOException when the write fails
   * @throws IllegalStateException on a loop's thread, or when one of the buffers was released
   */
  public int write(Buffer[] srcs, long position) throws IOException {
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
    int flags = TransferOption.flags(options, true);
    Transfers.write(file, src, position, flags, attachment, handler);
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
    int flags = TransferOption.flags(options, true);
    Transfers.write(file, src, position, flags, attachment, handler);
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
   * Writes a pooled buffer at an offset in a special way, and waits.
   *
   * @param src written from its position on
   * @param position where in the file, not negative
   * @param options how
   * @return the number of bytes, which may be fewer than remain
   * @throws IOException when the write fails
   * @throws IllegalStateException on a loop's thread, or when the buffer was released
   */
  public int write(Buffer src, long position, Set<TransferOption> options) throws IOException {
    Futures.requireMayWait();
    return Futures.await(writeAsync(src, position, options));
  }

  /**
   * Fills what remains of a buffer from an offset: reads until nothing is left to fill.
   *
   * <p>At the end of the file it fails with an {@link java.io.EOFException} that names offset and count, and when the
   * system refuses to go on with a {@link PartialTransferException}; the position stands behind what came. A
   * {@link #close()} or {@link #cancelAll()} meanwhile ends it at the next short read.
   *
   * @param dst filled from its position to its limit; the kernel's until the outcome
   * @param position where in the file, not negative
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which is all that remained
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position
   * @throws NonReadableChannelException when the file was not opened for reading
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void readFully(
      ByteBuffer dst, long position, A attachment, IoHandler<? super A> handler) {
    file.full.read(dst, position, attachment, handler);
  }

  /**
   * Fills what remains of a buffer from an offset.
   *
   * @param dst as for {@link #readFully(ByteBuffer, long, Object, IoHandler)}
   * @param position where in the file, not negative
   * @return completes when all is transferred
   */
  public CompletableFuture<Void> readFullyAsync(ByteBuffer dst, long position) {
    return IoFuture.start(loop, future -> readFully(dst, position, future, FutureHandler.VOID));
  }

  /**
   * Fills what remains of a buffer from an offset. Waits.
   *
   * @param dst filled from its position to its limit
   * @param position where in the file, not negative
   * @throws java.io.EOFException when the file ends before
   * @throws PartialTransferException when the system refuses to go on
   * @throws IOException when it fails otherwise
   * @throws IllegalStateException on a loop's thread
   */
  public void readFully(ByteBuffer dst, long position) throws IOException {
    WaitingReads.readFully(file, dst, position);
  }

  /**
   * Fills what remains of a pooled buffer from an offset: reads until nothing is left to fill.
   *
   * <p>At the end of the file it fails with an {@link java.io.EOFException} that names offset and count, and when the
   * system refuses to go on with a {@link PartialTransferException}; the position stands behind what came. A
   * {@link #close()} or {@link #cancelAll()} meanwhile ends it at the next short read.
   *
   * @param dst filled from its position to its limit; the kernel's until the outcome, even if released meanwhile
   * @param position where in the file, not negative
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which is all that remained
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position
   * @throws NonReadableChannelException when the file was not opened for reading
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void readFully(Buffer dst, long position, A attachment, IoHandler<? super A> handler) {
    file.full.read(dst, position, attachment, handler);
  }

  /**
   * Fills what remains of a pooled buffer from an offset.
   *
   * @param dst as for {@link #readFully(Buffer, long, Object, IoHandler)}
   * @param position where in the file, not negative
   * @return completes when all is transferred
   */
  public CompletableFuture<Void> readFullyAsync(Buffer dst, long position) {
    return IoFuture.start(loop, future -> readFully(dst, position, future, FutureHandler.VOID));
  }

  /**
   * Fills what remains of a pooled buffer from an offset. Waits.
   *
   * @param dst filled from its position to its limit
   * @param position where in the file, not negative
   * @throws java.io.EOFException when the file ends before
   * @throws PartialTransferException when the system refuses to go on
   * @throws IOException when it fails otherwise
   * @throws IllegalStateException on a loop's thread
   */
  public void readFully(Buffer dst, long position) throws IOException {
    WaitingReads.readFully(file, dst, position);
  }

  /**
   * Fills what remains of several buffers from an offset, one after the other: reads until nothing is left to fill.
   *
   * <p>At the end of the file it fails with an {@link java.io.EOFException} that names offset and count, and when the
   * system refuses to go on with a {@link PartialTransferException}; the positions stand behind what came. A
   * {@link #close()} or {@link #cancelAll()} meanwhile ends it at the next short read.
   *
   * @param dsts filled in order, each from its position on; the kernel's until the outcome. The array is copied
   * @param position where in the file, not negative
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which is all that remained
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position, or buffers of more than 2 GiB together
   * @throws NonReadableChannelException when the file was not opened for reading
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void readFully(
      ByteBuffer[] dsts, long position, A attachment, IoHandler<? super A> handler) {
    file.full.read(dsts, position, attachment, handler);
  }

  /**
   * Fills what remains of several buffers from an offset, one after the other.
   *
   * @param dsts as for {@link #readFully(ByteBuffer[], long, Object, IoHandler)}
   * @param position where in the file, not negative
   * @return completes when all is transferred
   */
  public CompletableFuture<Void> readFullyAsync(ByteBuffer[] dsts, long position) {
    return IoFuture.start(loop, future -> readFully(dsts, position, future, FutureHandler.VOID));
  }

  /**
   * Fills what remains of several buffers from an offset, one after the other. Waits.
   *
   * @param dsts filled in order, each from its position on
   * @param position where in the file, not negative
   * @throws java.io.EOFException when the file ends before
   * @throws PartialTransferException when the system refuses to go on
   * @throws IOException when it fails otherwise
   * @throws IllegalStateException on a loop's thread
   */
  public void readFully(ByteBuffer[] dsts, long position) throws IOException {
    Futures.requireMayWait();
    Futures.await(readFullyAsync(dsts, position));
  }

  /**
   * Fills what remains of several pooled buffers from an offset, one after the other: reads until nothing is left to fill.
   *
   * <p>At the end of the file it fails with an {@link java.io.EOFException} that names offset and count, and when the
   * system refuses to go on with a {@link PartialTransferException}; the positions stand behind what came. A
   * {@link #close()} or {@link #cancelAll()} meanwhile ends it at the next short read.
   *
   * @param dsts filled in order, each from its position on; the kernel's until the outcome, even if released meanwhile.
   *     The array is copied
   * @param position where in the file, not negative
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which is all that remained
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position, or buffers of more than 2 GiB together
   * @throws NonReadableChannelException when the file was not opened for reading
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void readFully(
      Buffer[] dsts, long position, A attachment, IoHandler<? super A> handler) {
    file.full.read(dsts, position, attachment, handler);
  }

  /**
   * Fills what remains of several pooled buffers from an offset, one after the other.
   *
   * @param dsts as for {@link #readFully(Buffer[], long, Object, IoHandler)}
   * @param position where in the file, not negative
   * @return completes when all is transferred
   */
  public CompletableFuture<Void> readFullyAsync(Buffer[] dsts, long position) {
    return IoFuture.start(loop, future -> readFully(dsts, position, future, FutureHandler.VOID));
  }

  /**
   * Fills what remains of several pooled buffers from an offset, one after the other. Waits.
   *
   * @param dsts filled in order, each from its position on
   * @param position where in the file, not negative
   * @throws java.io.EOFException when the file ends before
   * @throws PartialTransferException when the system refuses to go on
   * @throws IOException when it fails otherwise
   * @throws IllegalStateException on a loop's thread
   */
  public void readFully(Buffer[] dsts, long position) throws IOException {
    Futures.requireMayWait();
    Futures.await(readFullyAsync(dsts, position));
  }

  /**
   * Writes all that remains of a buffer at an offset, however many writes it takes.
   *
   * <p>When the system refuses to go on, for instance on a full disk, it fails with a {@link PartialTransferException}
   * that tells how many bytes were written; the position stands behind them. A {@link #close()} or {@link #cancelAll()}
   * meanwhile ends it at the next short write.
   *
   * @param src written from its position to its limit; the kernel's until the outcome
   * @param position where in the file, not negative
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which is all that remained
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position
   * @throws NonWritableChannelException when the file was not opened for writing
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void writeFully(
      ByteBuffer src, long position, A attachment, IoHandler<? super A> handler) {
    file.full.write(src, position, attachment, handler);
  }

  /**
   * Writes all that remains of a buffer at an offset.
   *
   * @param src as for {@link #writeFully(ByteBuffer, long, Object, IoHandler)}
   * @param position where in the file, not negative
   * @return completes when all is transferred
   */
  public CompletableFuture<Void> writeFullyAsync(ByteBuffer src, long position) {
    return IoFuture.start(loop, future -> writeFully(src, position, future, FutureHandler.VOID));
  }

  /**
   * Writes all that remains of a buffer at an offset. Waits.
   *
   * @param src written from its position to its limit
   * @param position where in the file, not negative
   * @throws PartialTransferException when the system refuses to go on
   * @throws IOException when it fails otherwise
   * @throws IllegalStateException on a loop's thread
   */
  public void writeFully(ByteBuffer src, long position) throws IOException {
    Futures.requireMayWait();
    Futures.await(writeFullyAsync(src, position));
  }

  /**
   * Writes all that remains of a pooled buffer at an offset, however many writes it takes.
   *
   * <p>When the system refuses to go on, for instance on a full disk, it fails with a {@link PartialTransferException}
   * that tells how many bytes were written; the position stands behind them. A {@link #close()} or {@link #cancelAll()}
   * meanwhile ends it at the next short write.
   *
   * @param src written from its position to its limit; the kernel's until the outcome, even if released meanwhile
   * @param position where in the file, not negative
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which is all that remained
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position
   * @throws NonWritableChannelException when the file was not opened for writing
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void writeFully(
      Buffer src, long position, A attachment, IoHandler<? super A> handler) {
    file.full.write(src, position, attachment, handler);
  }

  /**
   * Writes all that remains of a pooled buffer at an offset.
   *
   * @param src as for {@link #writeFully(Buffer, long, Object, IoHandler)}
   * @param position where in the file, not negative
   * @return completes when all is transferred
   */
  public CompletableFuture<Void> writeFullyAsync(Buffer src, long position) {
    return IoFuture.start(loop, future -> writeFully(src, position, future, FutureHandler.VOID));
  }

  /**
   * Writes all that remains of a pooled buffer at an offset. Waits.
   *
   * @param src written from its position to its limit
   * @param position where in the file, not negative
   * @throws PartialTransferException when the system refuses to go on
   * @throws IOException when it fails otherwise
   * @throws IllegalStateException on a loop's thread
   */
  public void writeFully(Buffer src, long position) throws IOException {
    Futures.requireMayWait();
    Futures.await(writeFullyAsync(src, position));
  }

  /**
   * Writes all that remains of several buffers at an offset, one after the other, however many writes it takes.
   *
   * <p>When the system refuses to go on, for instance on a full disk, it fails with a {@link PartialTransferException}
   * that tells how many bytes were written; the positions stand behind them. A {@link #close()} or {@link #cancelAll()}
   * meanwhile ends it at the next short write.
   *
   * @param srcs written in order, each from its position on; the kernel's until the outcome. The array is copied
   * @param position where in the file, not negative
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which is all that remained
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position, or buffers of more than 2 GiB together
   * @throws NonWritableChannelException when the file was not opened for writing
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void writeFully(
      ByteBuffer[] srcs, long position, A attachment, IoHandler<? super A> handler) {
    file.full.write(srcs, position, attachment, handler);
  }

  /**
   * Writes all that remains of several buffers at an offset, one after the other.
   *
   * @param srcs as for {@link #writeFully(ByteBuffer[], long, Object, IoHandler)}
   * @param position where in the file, not negative
   * @return completes when all is transferred
   */
  public CompletableFuture<Void> writeFullyAsync(ByteBuffer[] srcs, long position) {
    return IoFuture.start(loop, future -> writeFully(srcs, position, future, FutureHandler.VOID));
  }

  /**
   * Writes all that remains of several buffers at an offset, one after the other. Waits.
   *
   * @param srcs written in order, each from its position on
   * @param position where in the file, not negative
   * @throws PartialTransferException when the system refuses to go on
   * @throws IOException when it fails otherwise
   * @throws IllegalStateException on a loop's thread
   */
  public void writeFully(ByteBuffer[] srcs, long position) throws IOException {
    Futures.requireMayWait();
    Futures.await(writeFullyAsync(srcs, position));
  }

  /**
   * Writes all that remains of several pooled buffers at an offset, one after the other, however many writes it takes.
   *
   * <p>When the system refuses to go on, for instance on a full disk, it fails with a {@link PartialTransferException}
   * that tells how many bytes were written; the positions stand behind them. A {@link #close()} or {@link #cancelAll()}
   * meanwhile ends it at the next short write.
   *
   * @param srcs written in order, each from its position on; the kernel's until the outcome, even if released meanwhile.
   *     The array is copied
   * @param position where in the file, not negative
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which is all that remained
   * @param <A> the attachment's type
   * @throws IllegalArgumentException for a negative position, or buffers of more than 2 GiB together
   * @throws NonWritableChannelException when the file was not opened for writing
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void writeFully(
      Buffer[] srcs, long position, A attachment, IoHandler<? super A> handler) {
    file.full.write(srcs, position, attachment, handler);
  }

  /**
   * Writes all that remains of several pooled buffers at an offset, one after the other.
   *
   * @param srcs as for {@link #writeFully(Buffer[], long, Object, IoHandler)}
   * @param position where in the file, not negative
   * @return completes when all is transferred
   */
  public CompletableFuture<Void> writeFullyAsync(Buffer[] srcs, long position) {
    return IoFuture.start(loop, future -> writeFully(srcs, position, future, FutureHandler.VOID));
  }

  /**
   * Writes all that remains of several pooled buffers at an offset, one after the other. Waits.
   *
   * @param srcs written in order, each from its position on
   * @param position where in the file, not negative
   * @throws PartialTransferException when the system refuses to go on
   * @throws IOException when it fails otherwise
   * @throws IllegalStateException on a loop's thread
   */
  public void writeFully(Buffer[] srcs, long position) throws IOException {
    Futures.requireMayWait();
    Futures.await(writeFullyAsync(srcs, position));
  }

  /**
   * Reads from the file's {@linkplain #position() position} into what remains of a buffer, and
   * moves it on by what came.
   *
   * <p>One at a time, as of {@link java.nio.channels.AsynchronousByteChannel}; a handler may start the next. Where there is
   * one position only, a write counts as well: but of a pipe or the like each direction goes by itself.
   *
   * @param dst from its position on; the kernel's until the outcome
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which may be fewer than remain, or -1 at the end of the file
   * @param <A> the attachment's type
   * @throws java.nio.channels.ReadPendingException when a read has not ended
   * @throws java.nio.channels.WritePendingException when a write has not ended
   * @throws NonReadableChannelException when the file was not opened for reading
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void read(ByteBuffer dst, A attachment, IoHandler<? super A> handler) {
    file.sequential.read(dst, attachment, handler);
  }

  /**
   * Reads from the file's {@linkplain #position() position} into what remains of a buffer, and
   * moves it on by what came.
   *
   * @param dst as for {@link #read(ByteBuffer, Object, IoHandler)}
   * @return completes with the number of bytes, which may be fewer than remain, or -1 at the end of the file
   */
  public CompletableFuture<Integer> readAsync(ByteBuffer dst) {
    return IoFuture.start(loop, future -> read(dst, future, FutureHandler.INTEGER));
  }

  /**
   * Reads from the file's {@linkplain #position() position} into what remains of a buffer, and
   * moves it on by what came. Waits.
   *
   * @param dst from its position on
   * @return the number of bytes, which may be fewer than remain, or -1 at the end of the file
   * @throws IOException when the read fails
   * @throws java.nio.channels.ReadPendingException when a read has not ended
   * @throws java.nio.channels.WritePendingException when a write has not ended
   * @throws IllegalStateException on a loop's thread
   */
  public int read(ByteBuffer dst) throws IOException {
    Futures.requireMayWait();
    return file.sequential.readAndWait(dst);
  }

  /**
   * Reads from the file's {@linkplain #position() position} into what remains of a pooled buffer, and
   * moves it on by what came.
   *
   * <p>One at a time, as of {@link java.nio.channels.AsynchronousByteChannel}; a handler may start the next. Where there is
   * one position only, a write counts as well: but of a pipe or the like each direction goes by itself.
   *
   * @param dst from its position on; the kernel's until the outcome, even if released meanwhile
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which may be fewer than remain, or -1 at the end of the file
   * @param <A> the attachment's type
   * @throws java.nio.channels.ReadPendingException when a read has not ended
   * @throws java.nio.channels.WritePendingException when a write has not ended
   * @throws NonReadableChannelException when the file was not opened for reading
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void read(Buffer dst, A attachment, IoHandler<? super A> handler) {
    file.sequential.read(dst, attachment, handler);
  }

  /**
   * Reads from the file's {@linkplain #position() position} into what remains of a pooled buffer, and
   * moves it on by what came.
   *
   * @param dst as for {@link #read(Buffer, Object, IoHandler)}
   * @return completes with the number of bytes, which may be fewer than remain, or -1 at the end of the file
   */
  public CompletableFuture<Integer> readAsync(Buffer dst) {
    return IoFuture.start(loop, future -> read(dst, future, FutureHandler.INTEGER));
  }

  /**
   * Reads from the file's {@linkplain #position() position} into what remains of a pooled buffer, and
   * moves it on by what came. Waits.
   *
   * @param dst from its position on
   * @return the number of bytes, which may be fewer than remain, or -1 at the end of the file
   * @throws IOException when the read fails
   * @throws java.nio.channels.ReadPendingException when a read has not ended
   * @throws java.nio.channels.WritePendingException when a write has not ended
   * @throws IllegalStateException on a loop's thread, or when the buffer was released
   */
  public int read(Buffer dst) throws IOException {
    Futures.requireMayWait();
    return file.sequential.readAndWait(dst);
  }

  /**
   * Writes what remains of a buffer at the file's {@linkplain #position() position}, and
   * moves it on by what was written.
   *
   * <p>One at a time, as for {@link #read(ByteBuffer, Object, IoHandler)}. A file that was opened with APPEND is written at its end,
   * wherever its position stands.
   *
   * @param src from its position on; the kernel's until the outcome
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which may be fewer than remain
   * @param <A> the attachment's type
   * @throws java.nio.channels.ReadPendingException when a read has not ended
   * @throws java.nio.channels.WritePendingException when a write has not ended
   * @throws NonWritableChannelException when the file was not opened for writing
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void write(ByteBuffer src, A attachment, IoHandler<? super A> handler) {
    file.sequential.write(src, attachment, handler);
  }

  /**
   * Writes what remains of a buffer at the file's {@linkplain #position() position}, and
   * moves it on by what was written.
   *
   * @param src as for {@link #write(ByteBuffer, Object, IoHandler)}
   * @return completes with the number of bytes, which may be fewer than remain
   */
  public CompletableFuture<Integer> writeAsync(ByteBuffer src) {
    return IoFuture.start(loop, future -> write(src, future, FutureHandler.INTEGER));
  }

  /**
   * Writes what remains of a buffer at the file's {@linkplain #position() position}, and
   * moves it on by what was written. Waits.
   *
   * @param src from its position on
   * @return the number of bytes, which may be fewer than remain
   * @throws IOException when the write fails
   * @throws java.nio.channels.ReadPendingException when a read has not ended
   * @throws java.nio.channels.WritePendingException when a write has not ended
   * @throws IllegalStateException on a loop's thread
   */
  public int write(ByteBuffer src) throws IOException {
    Futures.requireMayWait();
    return Futures.await(writeAsync(src));
  }

  /**
   * Writes what remains of a pooled buffer at the file's {@linkplain #position() position}, and
   * moves it on by what was written.
   *
   * <p>One at a time, as for {@link #read(Buffer, Object, IoHandler)}. A file that was opened with APPEND is written at its end,
   * wherever its position stands.
   *
   * @param src from its position on; the kernel's until the outcome, even if released meanwhile
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which may be fewer than remain
   * @param <A> the attachment's type
   * @throws java.nio.channels.ReadPendingException when a read has not ended
   * @throws java.nio.channels.WritePendingException when a write has not ended
   * @throws NonWritableChannelException when the file was not opened for writing
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void write(Buffer src, A attachment, IoHandler<? super A> handler) {
    file.sequential.write(src, attachment, handler);
  }

  /**
   * Writes what remains of a pooled buffer at the file's {@linkplain #position() position}, and
   * moves it on by what was written.
   *
   * @param src as for {@link #write(Buffer, Object, IoHandler)}
   * @return completes with the number of bytes, which may be fewer than remain
   */
  public CompletableFuture<Integer> writeAsync(Buffer src) {
    return IoFuture.start(loop, future -> write(src, future, FutureHandler.INTEGER));
  }

  /**
   * Writes what remains of a pooled buffer at the file's {@linkplain #position() position}, and
   * moves it on by what was written. Waits.
   *
   * @param src from its position on
   * @return the number of bytes, which may be fewer than remain
   * @throws IOException when the write fails
   * @throws java.nio.channels.ReadPendingException when a read has not ended
   * @throws java.nio.channels.WritePendingException when a write has not ended
   * @throws IllegalStateException on a loop's thread, or when the buffer was released
   */
  public int write(Buffer src) throws IOException {
    Futures.requireMayWait();
    return Futures.await(writeAsync(src));
  }

  /**
   * Fills what remains of a buffer from the file's {@linkplain #position() position} on: reads until nothing is left to fill,
   * and moves the position on by what came, also when it fails.
   *
   * <p>It fails as {@link #readFully(ByteBuffer, long, Object, IoHandler)} does. One at a time, as for {@link
   * #read(ByteBuffer, Object, IoHandler)}, from the first byte to the last.
   *
   * @param dst filled from its position to its limit; the kernel's until the outcome
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which is all that remained
   * @param <A> the attachment's type
   * @throws ReadOnlyBufferException for a read-only buffer
   * @throws java.nio.channels.ReadPendingException when a read has not ended
   * @throws java.nio.channels.WritePendingException when a write has not ended
   * @throws NonReadableChannelException when the file was not opened for reading
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void readFully(ByteBuffer dst, A attachment, IoHandler<? super A> handler) {
    file.sequential.readFully(dst, attachment, handler);
  }

  /**
   * Fills what remains of a buffer from the file's {@linkplain #position() position} on, and moves that.
   *
   * @param dst as for {@link #readFully(ByteBuffer, Object, IoHandler)}
   * @return completes when all is transferred
   */
  public CompletableFuture<Void> readFullyAsync(ByteBuffer dst) {
    return IoFuture.start(loop, future -> readFully(dst, future, FutureHandler.VOID));
  }

  /**
   * Fills what remains of a buffer from the file's {@linkplain #position() position} on, and moves that. Waits.
   *
   * @param dst filled from its position to its limit
   * @throws java.io.EOFException when the file ends before
   * @throws PartialTransferException when the system refuses to go on
   * @throws IOException when it fails otherwise
   * @throws java.nio.channels.ReadPendingException when a read has not ended
   * @throws java.nio.channels.WritePendingException when a write has not ended
   * @throws IllegalStateException on a loop's thread
   */
  public void readFully(ByteBuffer dst) throws IOException {
    Futures.requireMayWait();
    file.sequential.readFullyAndWait(dst);
  }

  /**
   * Fills what remains of a pooled buffer from the file's {@linkplain #position() position} on: reads until nothing is left to fill,
   * and moves the position on by what came, also when it fails.
   *
   * <p>It fails as {@link #readFully(Buffer, long, Object, IoHandler)} does. One at a time, as for {@link
   * #read(Buffer, Object, IoHandler)}, from the first byte to the last.
   *
   * @param dst filled from its position to its limit; the kernel's until the outcome, even if released meanwhile
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which is all that remained
   * @param <A> the attachment's type
   * @throws IllegalStateException when the buffer was released
   * @throws java.nio.channels.ReadPendingException when a read has not ended
   * @throws java.nio.channels.WritePendingException when a write has not ended
   * @throws NonReadableChannelException when the file was not opened for reading
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void readFully(Buffer dst, A attachment, IoHandler<? super A> handler) {
    file.sequential.readFully(dst, attachment, handler);
  }

  /**
   * Fills what remains of a pooled buffer from the file's {@linkplain #position() position} on, and moves that.
   *
   * @param dst as for {@link #readFully(Buffer, Object, IoHandler)}
   * @return completes when all is transferred
   */
  public CompletableFuture<Void> readFullyAsync(Buffer dst) {
    return IoFuture.start(loop, future -> readFully(dst, future, FutureHandler.VOID));
  }

  /**
   * Fills what remains of a pooled buffer from the file's {@linkplain #position() position} on, and moves that. Waits.
   *
   * @param dst filled from its position to its limit
   * @throws java.io.EOFException when the file ends before
   * @throws PartialTransferException when the system refuses to go on
   * @throws IOException when it fails otherwise
   * @throws java.nio.channels.ReadPendingException when a read has not ended
   * @throws java.nio.channels.WritePendingException when a write has not ended
   * @throws IllegalStateException on a loop's thread, or when the buffer was released
   */
  public void readFully(Buffer dst) throws IOException {
    Futures.requireMayWait();
    file.sequential.readFullyAndWait(dst);
  }

  /**
   * Writes all that remains of a buffer at the file's {@linkplain #position() position}, however many writes it takes, and
   * moves the position on by what was written, also when it fails. A file that was opened with APPEND is written at its end.
   *
   * <p>It fails as {@link #writeFully(ByteBuffer, long, Object, IoHandler)} does. One at a time, as for {@link
   * #read(ByteBuffer, Object, IoHandler)}, from the first byte to the last.
   *
   * @param src written from its position to its limit; the kernel's until the outcome
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which is all that remained
   * @param <A> the attachment's type
   * @throws java.nio.channels.ReadPendingException when a read has not ended
   * @throws java.nio.channels.WritePendingException when a write has not ended
   * @throws NonWritableChannelException when the file was not opened for writing
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void writeFully(ByteBuffer src, A attachment, IoHandler<? super A> handler) {
    file.sequential.writeFully(src, attachment, handler);
  }

  /**
   * Writes all that remains of a buffer at the file's {@linkplain #position() position}, and moves that.
   *
   * @param src as for {@link #writeFully(ByteBuffer, Object, IoHandler)}
   * @return completes when all is transferred
   */
  public CompletableFuture<Void> writeFullyAsync(ByteBuffer src) {
    return IoFuture.start(loop, future -> writeFully(src, future, FutureHandler.VOID));
  }

  /**
   * Writes all that remains of a buffer at the file's {@linkplain #position() position}, and moves that. Waits.
   *
   * @param src written from its position to its limit
   * @throws PartialTransferException when the system refuses to go on
   * @throws IOException when it fails otherwise
   * @throws java.nio.channels.ReadPendingException when a read has not ended
   * @throws java.nio.channels.WritePendingException when a write has not ended
   * @throws IllegalStateException on a loop's thread
   */
  public void writeFully(ByteBuffer src) throws IOException {
    Futures.requireMayWait();
    Futures.await(writeFullyAsync(src));
  }

  /**
   * Writes all that remains of a pooled buffer at the file's {@linkplain #position() position}, however many writes it takes, and
   * moves the position on by what was written, also when it fails. A file that was opened with APPEND is written at its end.
   *
   * <p>It fails as {@link #writeFully(Buffer, long, Object, IoHandler)} does. One at a time, as for {@link
   * #read(Buffer, Object, IoHandler)}, from the first byte to the last.
   *
   * @param src written from its position to its limit; the kernel's until the outcome, even if released meanwhile
   * @param attachment given to the handler
   * @param handler takes the number of bytes, which is all that remained
   * @param <A> the attachment's type
   * @throws IllegalStateException when the buffer was released
   * @throws java.nio.channels.ReadPendingException when a read has not ended
   * @throws java.nio.channels.WritePendingException when a write has not ended
   * @throws NonWritableChannelException when the file was not opened for writing
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void writeFully(Buffer src, A attachment, IoHandler<? super A> handler) {
    file.sequential.writeFully(src, attachment, handler);
  }

  /**
   * Writes all that remains of a pooled buffer at the file's {@linkplain #position() position}, and moves that.
   *
   * @param src as for {@link #writeFully(Buffer, Object, IoHandler)}
   * @return completes when all is transferred
   */
  public CompletableFuture<Void> writeFullyAsync(Buffer src) {
    return IoFuture.start(loop, future -> writeFully(src, future, FutureHandler.VOID));
  }

  /**
   * Writes all that remains of a pooled buffer at the file's {@linkplain #position() position}, and moves that. Waits.
   *
   * @param src written from its position to its limit
   * @throws PartialTransferException when the system refuses to go on
   * @throws IOException when it fails otherwise
   * @throws java.nio.channels.ReadPendingException when a read has not ended
   * @throws java.nio.channels.WritePendingException when a write has not ended
   * @throws IllegalStateException on a loop's thread, or when the buffer was released
   */
  public void writeFully(Buffer src) throws IOException {
    Futures.requireMayWait();
    Futures.await(writeFullyAsync(src));
  }

  /**
   * Where the next read or write without an offset begins. It starts at 0, also of a file opened with APPEND, and is the
   * file's own: neither transfers at an offset nor {@link #truncate(long)} move it. Any thread; of a pipe, or of whatever
   * else has no offsets, it means nothing.
   *
   * @return the offset in bytes
   */
  public long position() {
    return file.sequential.position();
  }

  /**
   * Sets where the next read or write without an offset begins. Any thread.
   *
   * @param newPosition the offset in bytes, not negative; beyond the end of the file, too
   * @return this
   * @throws IllegalArgumentException for a negative position
   * @throws java.nio.channels.ReadPendingException when such a read has not ended
   * @throws java.nio.channels.WritePendingException when such a write has not ended
   */
  public AsyncFile position(long newPosition) {
    file.sequential.position(newPosition);
    return this;
  }

  /**
   * Starts all reads of a batch together, and tells when all have ended.
   *
   * @param batch what to read; not to be touched until the outcome
   * @param attachment given to the handler
   * @param handler takes the number of bytes of all together; fails with the first failure of any, and then also the batch
   *     tells how each has ended
   * @param <A> the attachment's type
   * @throws IllegalArgumentException when the batch's buffers are more than 2 GiB together
   * @throws IllegalStateException when the batch is being read, or one of its buffers was released; no read has begun then
   * @throws NonReadableChannelException when the file was not opened for reading
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void readBatch(ReadBatch batch, A attachment, IoHandler<? super A> handler) {
    batch.run.start(file, attachment, handler);
  }

  /**
   * Starts all reads of a batch together. Cancelling the future cancels those that have not ended.
   *
   * @param batch as for {@link #readBatch(ReadBatch, Object, IoHandler)}
   * @return completes with the number of bytes of all together, when all have ended
   */
  public CompletableFuture<Integer> readBatchAsync(ReadBatch batch) {
    return BatchFuture.start(file, batch);
  }

  /**
   * Does all reads of a batch, and waits for them.
   *
   * @param batch what to read, and then how each has ended
   * @return the number of bytes of all together
   * @throws IOException the first failure, when all have ended
   * @throws IllegalStateException on a loop's thread, or when the batch is being read
   */
  public int readBatch(ReadBatch batch) throws IOException {
    Futures.requireMayWait();
    return Futures.await(readBatchAsync(batch));
  }

  /**
   * Starts all reads of a batch together, and tells of each when it has ended.
   *
   * @param batch what to read; each buffer is the kernel's until its read's outcome, the batch until the last
   * @param attachment given to the handler
   * @param handler takes each outcome
   * @param <A> the attachment's type
   * @throws IllegalArgumentException when the batch's buffers are more than 2 GiB together
   * @throws IllegalStateException when the batch is being read, or one of its buffers was released; no read has begun then
   * @throws NonReadableChannelException when the file was not opened for reading
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void readEach(ReadBatch batch, A attachment, ReadBatchHandler<? super A> handler) {
    batch.run.startEach(file, attachment, handler);
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
    FileSpace.truncate(file, size, attachment, handler);
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
    FileSpace.allocate(file, position, length, keepSize, attachment, handler);
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
    FileSpace.punchHole(file, position, length, attachment, handler);
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
    FileSpace.zeroRange(file, position, length, keepSize, attachment, handler);
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
    FileSpace.advise(file, position, length, advice, attachment, handler);
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
    file.sync.range(position, length, attachment, handler);
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
    FileQueries.status(file, attachment, handler);
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
   * Changes attributes of the file, wherever its name leads: owner, then permissions, then times. NIO does it by the path,
   * and fails with an {@link UnsupportedOperationException} when that is another file's by now.
   *
   * @param change what to change
   * @param attachment given to the handler
   * @param handler takes 0
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void setAttributes(
      AttributeChange change, A attachment, IoHandler<? super A> handler) {
    Attributes.change(file, change, attachment, handler);
  }

  /**
   * Changes attributes of the file: owner, then permissions, then times.
   *
   * @param change what to change
   * @return completes when it is done
   */
  public CompletableFuture<Void> setAttributesAsync(AttributeChange change) {
    return IoFuture.start(loop, future -> setAttributes(change, future, FutureHandler.VOID));
  }

  /**
   * Changes attributes of the file: owner, then permissions, then times, and waits.
   *
   * @param change what to change
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public void setAttributes(AttributeChange change) throws IOException {
    Futures.requireMayWait();
    Futures.await(setAttributesAsync(change));
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
    FileQueries.seekData(file, position, attachment, handler);
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
    FileQueries.seekHole(file, position, attachment, handler);
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
    RangeCopies.copyRange(file, position, target.file, targetPosition, count, attachment, handler);
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
    RangeCopies.splice(file, position, target.file, targetPosition, count, attachment, handler);
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
    RangeLocking.check(position, size);
    var lock = new FileRangeLock(this, position, size, shared);
    RangeLocking.start(file, lock, false, attachment, handler);
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
    RangeLocking.check(position, size);
    var lock = new FileRangeLock(this, position, size, shared);
    RangeLocking.start(file, lock, true, attachment, handler);
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

  <A> void unlock(long position, long size, A attachment, IoHandler<? super A> handler) {
    RangeLocking.unlock(file, position, size, attachment, handler);
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
    FileQueries.size(file, attachment, handler);
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
   * <p>A failure to write data back (EIO, ENOSPC, EDQUOT, or what a device or file server says in their place) is final
   * for this open file: the kernel reports it once and forgets what could not be written, so every later call fails too,
   * without asking it again. Of several at the same time it tells one: a success is reported when all that were under way
   * at its end have ended, and is a failure if one of them has failed so. A failed write counts as well if it was to be durable: with {@link TransferOption#DSYNC} or {@link
   * TransferOption#SYNC}, or of a file that was opened so.
   *
   * @param metaData whether also the metadata that is not needed to read the data back
   * @param attachment given to the handler
   * @param handler takes 0
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void force(boolean metaData, A attachment, IoHandler<? super A> handler) {
    file.sync.force(metaData, attachment, handler);
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
   * Asks that everything in flight on this file be cancelled. It stays open. Streams end: what they have read is still
   * delivered, but no further transfer is started. Any thread; on another than the loop's this covers what that thread has
   * started before.
   *
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public void cancelAll() {
    if (loop.inLoop()) {
      file.cancelAll();
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
    file.noteClose();
    if (loop.inLoop()) {
      loop.dispatcher().close(file.descriptor, false, Operation.NOTIFY, handler, attachment);
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
    return Futures.closing(future -> close(future, FutureHandler.VOID));
  }

  /**
   * Closes the file once what is in flight has ended, and waits for that; on a loop's thread it does not wait.
   *
   * @throws IOException when the system reports an error on close
   */
  @Override
  public void close() throws IOException {
    Futures.awaitUnlessInLoop(closeAsync());
  }

  @Override
  public String toString() {
    return file.path.toString();
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

  OpenFile file() {
    return file;
  }
}
