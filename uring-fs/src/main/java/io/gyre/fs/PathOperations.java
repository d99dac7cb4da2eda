package io.gyre.fs;

import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.driver.Completion;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Errno;
import io.gyre.driver.FileStatus;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.Futures;
import io.gyre.driver.IoFuture;
import io.gyre.driver.OpCode;
import io.gyre.driver.OpenRequest;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationScope;
import io.gyre.driver.PathRequest;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.CompletionHandler;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;

/**
 * What can be done with names: of an open directory, {@link AsyncDirectory}, or of the file system, {@link AsyncFiles}.
 *
 * <p>Each operation comes in the three styles of {@link AsyncFile}: with an attachment and a handler, which is called on
 * the thread of the {@linkplain #loop() loop}, never from inside the call; {@code ...Async}, with a future, whose
 * cancellation cancels the operation; and plain, which waits, and which a loop's thread may not call. Any thread may start
 * them; they run concurrently.
 *
 * <p>Paths are those of the default file system ({@link ProviderMismatchException}), whatever bytes their names have. One
 * that is not absolute is relative to the open directory, also when that was renamed meanwhile; {@code ..} and absolute
 * paths lead out of it, as do symbolic links. The NIO driver goes by the path with which the directory was opened.
 *
 * <p>Bad arguments are thrown at once; everything else goes to the handler or the future: {@link
 * java.nio.file.FileSystemException} and its subclasses, each with the operation and the errno; {@link
 * java.nio.channels.ClosedChannelException} after the directory was closed; {@link UnsupportedOperationException} for what
 * the file system or the driver can't do.
 */
public abstract sealed class PathOperations permits AsyncDirectory, AsyncFiles {
  private static final int NO_FOLLOW = 1;
  private static final int DIRECTORY = 1;

  private static final Completion ON_VALUE = PathOperations::valueCame;
  private static final Completion ON_OPEN = PathOperations::opened;
  private static final Completion ON_DELETE = PathOperations::deleted;
  private static final Completion ON_TWO_NAMES = PathOperations::renamedOrLinked;

  private final EventLoop loop;

  PathOperations(EventLoop loop) {
    this.loop = Objects.requireNonNull(loop, "loop");
  }

  /**
   * The loop that operations run on: its thread calls the handlers, and what they open belongs to it.
   *
   * @return the loop
   */
  public final EventLoop loop() {
    return loop;
  }

  /** What paths are relative to; null for the working directory. */
  abstract Descriptor base();

  /** The path as one that is not relative to an open directory. */
  abstract Path resolve(Path path);

  // ---- opening

  /**
   * Opens a file.
   *
   * @param path relative to this directory, or absolute
   * @param options as for {@link AsyncFile#open(io.gyre.IoRuntime, Path, OpenOption...)}; none means READ
   * @param attachment given to the handler
   * @param handler called on the loop's thread with the open file
   * @param attributes of a file that is created: {@code posix:permissions}, less the process's umask
   * @param <A> the attachment's type
   * @throws UnsupportedOperationException for an option or attribute that is not supported
   * @throws IllegalArgumentException for options that make no sense together
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public final <A> void openFile(
      Path path,
      Set<? extends OpenOption> options,
      A attachment,
      CompletionHandler<AsyncFile, ? super A> handler,
      FileAttribute<?>... attributes) {
    Opening.checkOptions(options);
    var permissions = Opening.permissions(attributes);
    var request =
        new OpenRequest(check(path), Set.copyOf(options), permissions, OpenRequest.Kind.FILE);
    startOpen(new OpeningHere<A>(this, request, attachment, handler));
  }

  /**
   * Opens a file.
   *
   * @param path relative to this directory, or absolute
   * @param options as for {@link AsyncFile#open(io.gyre.IoRuntime, Path, OpenOption...)}; none means READ
   * @param attributes of a file that is created: {@code posix:permissions}, less the process's umask
   * @return completes with the open file
   * @throws UnsupportedOperationException for an option or attribute that is not supported
   * @throws IllegalArgumentException for options that make no sense together
   */
  public final CompletableFuture<AsyncFile> openFileAsync(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes) {
    return IoFuture.start(
        loop(), future -> openFile(path, options, future, FutureHandler.of(), attributes));
  }

  /**
   * Opens a file, and waits.
   *
   * @param path relative to this directory, or absolute
   * @param options as for {@link AsyncFile#open(io.gyre.IoRuntime, Path, OpenOption...)}; none means READ
   * @param attributes of a file that is created: {@code posix:permissions}, less the process's umask
   * @return the open file
   * @throws UnsupportedOperationException for an option or attribute that is not supported
   * @throws IllegalArgumentException for options that make no sense together
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public final AsyncFile openFile(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    Futures.requireMayWait();
    return Futures.await(openFileAsync(path, options, attributes));
  }

  /**
   * Opens a file.
   *
   * @param path relative to this directory, or absolute
   * @param options as for {@link AsyncFile#open(io.gyre.IoRuntime, Path, OpenOption...)}; none means READ
   * @return completes with the open file
   */
  public final CompletableFuture<AsyncFile> openFileAsync(Path path, OpenOption... options) {
    return openFileAsync(path, new LinkedHashSet<>(List.of(options)));
  }

  /**
   * Opens a file, and waits.
   *
   * @param path relative to this directory, or absolute
   * @param options as for {@link AsyncFile#open(io.gyre.IoRuntime, Path, OpenOption...)}; none means READ
   * @return the open file
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public final AsyncFile openFile(Path path, OpenOption... options) throws IOException {
    Futures.requireMayWait();
    return Futures.await(openFileAsync(path, options));
  }

  /**
   * Creates a file without a name, to read and write, which is gone when it is closed.
   *
   * <p>O_TMPFILE where the file system has it; elsewhere it is created with a random name, which it loses as soon as it is
   * open.
   *
   * @param directory of the file system where it shall be
   * @param attachment given to the handler
   * @param handler called on the loop's thread with the open file
   * @param attributes {@code posix:permissions}, less the process's umask
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public final <A> void openUnnamedFile(
      Path directory,
      A attachment,
      CompletionHandler<AsyncFile, ? super A> handler,
      FileAttribute<?>... attributes) {
    var permissions = Opening.permissions(attributes);
    Set<OpenOption> options = Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE);
    var request = new OpenRequest(check(directory), options, permissions, OpenRequest.Kind.UNNAMED);
    startOpen(new OpeningHere<A>(this, request, attachment, handler));
  }

  /**
   * Creates a file without a name, to read and write, which is gone when it is closed.
   *
   * @param directory of the file system where it shall be
   * @param attributes {@code posix:permissions}, less the process's umask
   * @return completes with the open file
   */
  public final CompletableFuture<AsyncFile> openUnnamedFileAsync(
      Path directory, FileAttribute<?>... attributes) {
    return IoFuture.start(
        loop(), future -> openUnnamedFile(directory, future, FutureHandler.of(), attributes));
  }

  /**
   * Creates a file without a name, to read and write, which is gone when it is closed, and waits.
   *
   * @param directory of the file system where it shall be
   * @param attributes {@code posix:permissions}, less the process's umask
   * @return the open file
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public final AsyncFile openUnnamedFile(Path directory, FileAttribute<?>... attributes)
      throws IOException {
    Futures.requireMayWait();
    return Futures.await(openUnnamedFileAsync(directory, attributes));
  }

  /**
   * Opens a directory, to work relative to it.
   *
   * <p>What is no directory is a {@link java.nio.file.FileSystemException} that says ENOTDIR.
   *
   * @param path relative to this directory, or absolute
   * @param attachment given to the handler
   * @param handler called on the loop's thread with the open directory
   * @param options NOFOLLOW_LINKS to refuse a symbolic link, as ENOTDIR or ELOOP
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public final <A> void openDirectory(
      Path path,
      A attachment,
      CompletionHandler<AsyncDirectory, ? super A> handler,
      LinkOption... options) {
    Set<OpenOption> none = Set.copyOf(List.of(options));
    var request = new OpenRequest(check(path), none, null, OpenRequest.Kind.DIRECTORY);
    startOpen(new OpeningHere<A>(this, request, attachment, handler));
  }

  /**
   * Opens a directory, to work relative to it.
   *
   * @param path relative to this directory, or absolute
   * @param options NOFOLLOW_LINKS to refuse a symbolic link, as ENOTDIR or ELOOP
   * @return completes with the open directory
   */
  public final CompletableFuture<AsyncDirectory> openDirectoryAsync(
      Path path, LinkOption... options) {
    return IoFuture.start(
        loop(), future -> openDirectory(path, future, FutureHandler.of(), options));
  }

  /**
   * Opens a directory, to work relative to it, and waits.
   *
   * @param path relative to this directory, or absolute
   * @param options NOFOLLOW_LINKS to refuse a symbolic link, as ENOTDIR or ELOOP
   * @return the open directory
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public final AsyncDirectory openDirectory(Path path, LinkOption... options) throws IOException {
    Futures.requireMayWait();
    return Futures.await(openDirectoryAsync(path, options));
  }

  // ---- names

  /**
   * Creates a directory.
   *
   * @param path relative to this directory, or absolute
   * @param attachment given to the handler
   * @param handler called on the loop's thread with 0
   * @param attributes {@code posix:permissions}, less the process's umask
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public final <A> void createDirectory(
      Path path, A attachment, IoHandler<? super A> handler, FileAttribute<?>... attributes) {
    var request = new PathRequest(check(path), null, Opening.permissions(attributes));
    start(OpCode.MAKE_DIRECTORY, null, request, 0, Operation.NOTIFY, handler, attachment);
  }

  /**
   * Creates a directory.
   *
   * @param path relative to this directory, or absolute
   * @param attributes {@code posix:permissions}, less the process's umask
   * @return completes when it is done
   */
  public final CompletableFuture<Void> createDirectoryAsync(
      Path path, FileAttribute<?>... attributes) {
    return IoFuture.start(
        loop(), future -> createDirectory(path, future, FutureHandler.VOID, attributes));
  }

  /**
   * Creates a directory, and waits.
   *
   * @param path relative to this directory, or absolute
   * @param attributes {@code posix:permissions}, less the process's umask
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public final void createDirectory(Path path, FileAttribute<?>... attributes) throws IOException {
    Futures.requireMayWait();
    Futures.await(createDirectoryAsync(path, attributes));
  }

  /**
   * Removes a file, a symbolic link, or an empty directory.
   *
   * <p>A directory takes two operations; {@link #deleteDirectory(Path, Object, IoHandler)} one. One that is not empty is a
   * {@link java.nio.file.DirectoryNotEmptyException}.
   *
   * @param path relative to this directory, or absolute
   * @param attachment given to the handler
   * @param handler called on the loop's thread with 0
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public final <A> void delete(Path path, A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    var deleting = new Deleting<A>(this, check(path), attachment, handler);
    submit(OpCode.REMOVE, null, new PathRequest(path), 0, ON_DELETE, null, deleting);
  }

  /**
   * Removes a file, a symbolic link, or an empty directory.
   *
   * @param path relative to this directory, or absolute
   * @return completes when it is done
   */
  public final CompletableFuture<Void> deleteAsync(Path path) {
    return IoFuture.start(loop(), future -> delete(path, future, FutureHandler.VOID));
  }

  /**
   * Removes a file, a symbolic link, or an empty directory, and waits.
   *
   * @param path relative to this directory, or absolute
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public final void delete(Path path) throws IOException {
    Futures.requireMayWait();
    Futures.await(deleteAsync(path));
  }

  /**
   * Removes a name that is no directory's.
   *
   * <p>A symbolic link is removed, not followed; a directory is refused with EISDIR.
   *
   * @param path relative to this directory, or absolute
   * @param attachment given to the handler
   * @param handler called on the loop's thread with 0
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public final <A> void deleteFile(Path path, A attachment, IoHandler<? super A> handler) {
    start(
        OpCode.REMOVE,
        null,
        new PathRequest(check(path)),
        0,
        Operation.NOTIFY,
        handler,
        attachment);
  }

  /**
   * Removes a name that is no directory's.
   *
   * @param path relative to this directory, or absolute
   * @return completes when it is done
   */
  public final CompletableFuture<Void> deleteFileAsync(Path path) {
    return IoFuture.start(loop(), future -> deleteFile(path, future, FutureHandler.VOID));
  }

  /**
   * Removes a name that is no directory's, and waits.
   *
   * @param path relative to this directory, or absolute
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public final void deleteFile(Path path) throws IOException {
    Futures.requireMayWait();
    Futures.await(deleteFileAsync(path));
  }

  /**
   * Removes an empty directory.
   *
   * <p>One that is not empty is a {@link java.nio.file.DirectoryNotEmptyException}; what is no directory, a symbolic link
   * to one included, is refused with ENOTDIR.
   *
   * @param path relative to this directory, or absolute
   * @param attachment given to the handler
   * @param handler called on the loop's thread with 0
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public final <A> void deleteDirectory(Path path, A attachment, IoHandler<? super A> handler) {
    start(
        OpCode.REMOVE,
        null,
        new PathRequest(check(path)),
        DIRECTORY,
        Operation.NOTIFY,
        handler,
        attachment);
  }

  /**
   * Removes an empty directory.
   *
   * @param path relative to this directory, or absolute
   * @return completes when it is done
   */
  public final CompletableFuture<Void> deleteDirectoryAsync(Path path) {
    return IoFuture.start(loop(), future -> deleteDirectory(path, future, FutureHandler.VOID));
  }

  /**
   * Removes an empty directory, and waits.
   *
   * @param path relative to this directory, or absolute
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public final void deleteDirectory(Path path) throws IOException {
    Futures.requireMayWait();
    Futures.await(deleteDirectoryAsync(path));
  }

  /**
   * Renames or moves within a file system.
   *
   * <p>To another file system is a {@link java.nio.file.FileSystemException} that says EXDEV.
   *
   * @param source the present name, relative to this directory
   * @param targetDirectory what the new name is relative to, such as this; of the same loop
   * @param target the new name
   * @param option what happens to what has that name
   * @param attachment given to the handler
   * @param handler called on the loop's thread with 0
   * @param <A> the attachment's type
   * @throws IllegalArgumentException when the other directory belongs to another loop
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public final <A> void rename(
      Path source,
      PathOperations targetDirectory,
      Path target,
      RenameOption option,
      A attachment,
      IoHandler<? super A> handler) {
    startWithTwoNames(
        OpCode.RENAME, source, targetDirectory, target, option.flags, attachment, handler);
  }

  /**
   * Renames or moves within a file system.
   *
   * @param source the present name, relative to this directory
   * @param targetDirectory what the new name is relative to, such as this; of the same loop
   * @param target the new name
   * @param option what happens to what has that name
   * @return completes when it is done
   * @throws IllegalArgumentException when the other directory belongs to another loop
   */
  public final CompletableFuture<Void> renameAsync(
      Path source, PathOperations targetDirectory, Path target, RenameOption option) {
    return IoFuture.start(
        loop(),
        future -> rename(source, targetDirectory, target, option, future, FutureHandler.VOID));
  }

  /**
   * Renames or moves within a file system, and waits.
   *
   * @param source the present name, relative to this directory
   * @param targetDirectory what the new name is relative to, such as this; of the same loop
   * @param target the new name
   * @param option what happens to what has that name
   * @throws IllegalArgumentException when the other directory belongs to another loop
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public final void rename(
      Path source, PathOperations targetDirectory, Path target, RenameOption option)
      throws IOException {
    Futures.requireMayWait();
    Futures.await(renameAsync(source, targetDirectory, target, option));
  }

  /**
   * Creates a symbolic link.
   *
   * @param link the name to create, relative to this directory
   * @param target what the link says, taken as it is
   * @param attachment given to the handler
   * @param handler called on the loop's thread with 0
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public final <A> void createSymbolicLink(
      Path link, Path target, A attachment, IoHandler<? super A> handler) {
    var request = new PathRequest(check(link), check(target));
    start(OpCode.SYMBOLIC_LINK, null, request, 0, Operation.NOTIFY, handler, attachment);
  }

  /**
   * Creates a symbolic link.
   *
   * @param link the name to create, relative to this directory
   * @param target what the link says, taken as it is
   * @return completes when it is done
   */
  public final CompletableFuture<Void> createSymbolicLinkAsync(Path link, Path target) {
    return IoFuture.start(
        loop(), future -> createSymbolicLink(link, target, future, FutureHandler.VOID));
  }

  /**
   * Creates a symbolic link, and waits.
   *
   * @param link the name to create, relative to this directory
   * @param target what the link says, taken as it is
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public final void createSymbolicLink(Path link, Path target) throws IOException {
    Futures.requireMayWait();
    Futures.await(createSymbolicLinkAsync(link, target));
  }

  /**
   * Gives a file a further name, a hard link.
   *
   * @param existing the present name, relative to this directory; a symbolic link is not followed
   * @param linkDirectory what the further name is relative to, such as this; of the same loop
   * @param link the name to create
   * @param attachment given to the handler
   * @param handler called on the loop's thread with 0
   * @param <A> the attachment's type
   * @throws IllegalArgumentException when the other directory belongs to another loop
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public final <A> void createLink(
      Path existing,
      PathOperations linkDirectory,
      Path link,
      A attachment,
      IoHandler<? super A> handler) {
    startWithTwoNames(OpCode.LINK, existing, linkDirectory, link, 0, attachment, handler);
  }

  /**
   * Gives a file a further name, a hard link.
   *
   * @param existing the present name, relative to this directory; a symbolic link is not followed
   * @param linkDirectory what the further name is relative to, such as this; of the same loop
   * @param link the name to create
   * @return completes when it is done
   * @throws IllegalArgumentException when the other directory belongs to another loop
   */
  public final CompletableFuture<Void> createLinkAsync(
      Path existing, PathOperations linkDirectory, Path link) {
    return IoFuture.start(
        loop(), future -> createLink(existing, linkDirectory, link, future, FutureHandler.VOID));
  }

  /**
   * Gives a file a further name, a hard link, and waits.
   *
   * @param existing the present name, relative to this directory; a symbolic link is not followed
   * @param linkDirectory what the further name is relative to, such as this; of the same loop
   * @param link the name to create
   * @throws IllegalArgumentException when the other directory belongs to another loop
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public final void createLink(Path existing, PathOperations linkDirectory, Path link)
      throws IOException {
    Futures.requireMayWait();
    Futures.await(createLinkAsync(existing, linkDirectory, link));
  }

  /**
   * Reads what a symbolic link says.
   *
   * <p>What is no link is a {@link java.nio.file.FileSystemException} that says EINVAL.
   *
   * @param link relative to this directory, or absolute
   * @param attachment given to the handler
   * @param handler called on the loop's thread with its target as it stands there
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public final <A> void readSymbolicLink(
      Path link, A attachment, CompletionHandler<Path, ? super A> handler) {
    start(OpCode.READ_LINK, null, new PathRequest(check(link)), 0, ON_VALUE, handler, attachment);
  }

  /**
   * Reads what a symbolic link says.
   *
   * @param link relative to this directory, or absolute
   * @return completes with its target as it stands there
   */
  public final CompletableFuture<Path> readSymbolicLinkAsync(Path link) {
    return IoFuture.start(loop(), future -> readSymbolicLink(link, future, FutureHandler.of()));
  }

  /**
   * Reads what a symbolic link says, and waits.
   *
   * @param link relative to this directory, or absolute
   * @return its target as it stands there
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public final Path readSymbolicLink(Path link) throws IOException {
    Futures.requireMayWait();
    return Futures.await(readSymbolicLinkAsync(link));
  }

  /**
   * Removes a file that is of use to nobody; one that is not there is fine. When the loop is about to end, or has, no
   * operation can: then this thread does, by the path.
   */
  final CompletableFuture<Void> discardFile(Path path) {
    CompletableFuture<Void> removal;
    try {
      removal = deleteFileAsync(path);
    } catch (ShutdownChannelGroupException e) {
      removal = CompletableFuture.failedFuture(e);
    }
    return removal.exceptionallyCompose(
        failure ->
            switch (CompositeFuture.unwrap(failure)) {
              case NoSuchFileException e -> CompletableFuture.completedFuture(null);
              case CancellationException e -> discardNow(path);
              case ClosedChannelException e -> discardNow(path); // the directory, by the loop's end
              case ShutdownChannelGroupException e -> discardNow(path);
              case Throwable t -> CompletableFuture.failedFuture(t);
            });
  }

  private CompletableFuture<Void> discardNow(Path path) {
    try {
      Files.deleteIfExists(resolve(path));
      return CompletableFuture.completedFuture(null);
    } catch (IOException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  // ---- attributes

  /**
   * Asks for what there is to know of a file.
   *
   * @param path relative to this directory, or absolute
   * @param attachment given to the handler
   * @param handler called on the loop's thread with its status
   * @param options NOFOLLOW_LINKS for that of a symbolic link itself
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public final <A> void status(
      Path path,
      A attachment,
      CompletionHandler<FileStatus, ? super A> handler,
      LinkOption... options) {
    start(
        OpCode.ATTRIBUTES,
        null,
        new PathRequest(check(path)),
        flags(options),
        ON_VALUE,
        handler,
        attachment);
  }

  /**
   * Asks for what there is to know of a file.
   *
   * @param path relative to this directory, or absolute
   * @param options NOFOLLOW_LINKS for that of a symbolic link itself
   * @return completes with its status
   */
  public final CompletableFuture<FileStatus> statusAsync(Path path, LinkOption... options) {
    return IoFuture.start(loop(), future -> status(path, future, FutureHandler.of(), options));
  }

  /**
   * Asks for what there is to know of a file, and waits.
   *
   * @param path relative to this directory, or absolute
   * @param options NOFOLLOW_LINKS for that of a symbolic link itself
   * @return its status
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public final FileStatus status(Path path, LinkOption... options) throws IOException {
    Futures.requireMayWait();
    return Futures.await(statusAsync(path, options));
  }

  /**
   * Changes attributes of a file: owner, then permissions, then times.
   *
   * <p>When one is refused those before it have changed. Linux has no permissions of symbolic links.
   *
   * @param path relative to this directory, or absolute
   * @param change what to change
   * @param attachment given to the handler
   * @param handler called on the loop's thread with 0
   * @param options NOFOLLOW_LINKS for that of a symbolic link itself
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public final <A> void setAttributes(
      Path path,
      AttributeChange change,
      A attachment,
      IoHandler<? super A> handler,
      LinkOption... options) {
    start(
        OpCode.SET_ATTRIBUTES,
        null,
        change.request(check(path)),
        flags(options),
        Operation.NOTIFY,
        handler,
        attachment);
  }

  /**
   * Changes attributes of a file: owner, then permissions, then times.
   *
   * @param path relative to this directory, or absolute
   * @param change what to change
   * @param options NOFOLLOW_LINKS for that of a symbolic link itself
   * @return completes when it is done
   */
  public final CompletableFuture<Void> setAttributesAsync(
      Path path, AttributeChange change, LinkOption... options) {
    return IoFuture.start(
        loop(), future -> setAttributes(path, change, future, FutureHandler.VOID, options));
  }

  /**
   * Changes attributes of a file: owner, then permissions, then times, and waits.
   *
   * @param path relative to this directory, or absolute
   * @param change what to change
   * @param options NOFOLLOW_LINKS for that of a symbolic link itself
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public final void setAttributes(Path path, AttributeChange change, LinkOption... options)
      throws IOException {
    Futures.requireMayWait();
    Futures.await(setAttributesAsync(path, change, options));
  }

  // ---- how it is done

  static Path check(Path path) {
    if (!path.getFileSystem().equals(FileSystems.getDefault())) {
      throw new ProviderMismatchException("not a path of the default file system: " + path);
    }
    return path;
  }

  private static int flags(LinkOption... options) {
    return options.length == 0 ? 0 : NO_FOLLOW; // there is but one
  }

  final void start(
      OpCode code,
      PathOperations other,
      Object argument,
      int flags,
      Completion completion,
      Object handler,
      Object attachment) {
    Objects.requireNonNull(handler, "handler");
    submit(code, other, argument, flags, completion, handler, attachment);
  }

  private void submit(
      OpCode code,
      PathOperations other,
      Object argument,
      int flags,
      Completion completion,
      Object handler,
      Object attachment) {
    if (!loop.inLoop()) {
      loop.execute(() -> submit(code, other, argument, flags, completion, handler, attachment));
      return;
    }
    var operation =
        loop.dispatcher()
            .acquire(code, base(), completion, handler, attachment)
            .argument(argument)
            .flags(flags);
    loop.dispatcher().submit(other == null ? operation : operation.other(other.base(), 0));
  }

  /** What an open operation needs until it ends. */
  private record OpeningHere<A>(
      PathOperations where,
      OpenRequest request,
      A attachment,
      CompletionHandler<?, ? super A> handler) {
    @SuppressWarnings("unchecked") // the request's kind tells what is opened
    void completed(Object result) {
      ((CompletionHandler<Object, ? super A>) handler).completed(result, attachment);
    }

    void failed(Throwable cause) {
      handler.failed(cause, attachment);
    }
  }

  private void startOpen(OpeningHere<?> opening) {
    Objects.requireNonNull(opening.handler, "handler");
    submit(OpCode.OPEN, null, opening.request, 0, ON_OPEN, null, opening);
  }

  private static void opened(Operation operation, int result) {
    var opening = (OpeningHere<?>) operation.attachment();
    var where = opening.where;
    var request = opening.request;
    if (result < 0) {
      if (request.kind() == OpenRequest.Kind.UNNAMED && isWithoutUnnamedFiles(result)) {
        again(operation, () -> where.startOpen(withRandomName(opening)));
      } else {
        opening.failed(operation.failure(result));
      }
      return;
    }
    var path = where.resolve(request.path());
    opening.completed(
        request.kind() == OpenRequest.Kind.DIRECTORY
            ? new AsyncDirectory(where.loop, operation.newDescriptor(), path)
            : new AsyncFile(
                new OpenFile(
                    where.loop,
                    operation.newDescriptor(),
                    new OpenRequest(
                        path, request.options(), request.permissions(), request.kind()))));
  }

  /** What a kernel or file system says that does not know O_TMPFILE: open(2). */
  private static boolean isWithoutUnnamedFiles(int result) {
    return result == -Errno.EOPNOTSUPP.number() || result == -Errno.EISDIR.number();
  }

  private static <A> OpeningHere<A> withRandomName(OpeningHere<A> opening) {
    var unnamed = opening.request;
    Set<OpenOption> options = new LinkedHashSet<>(unnamed.options());
    options.add(StandardOpenOption.CREATE_NEW);
    options.add(StandardOpenOption.DELETE_ON_CLOSE);
    var path = unnamed.path().resolve(".gyre-" + UUID.randomUUID());
    var request = new OpenRequest(path, options, unnamed.permissions(), OpenRequest.Kind.FILE);
    return new OpeningHere<>(opening.where, request, opening.attachment, opening.handler);
  }

  /** Starts what takes the place of an operation that has ended, in the same scope. */
  private static void again(Operation ended, Runnable start) {
    var scope = ended.scope();
    if (scope == null) {
      start.run();
      return;
    }
    OperationScope.call(
        scope,
        () -> {
          start.run();
          return null;
        });
  }

  /** What the removal of something, whatever it is, needs until it ends. */
  private record Deleting<A>(
      PathOperations where, Path path, A attachment, IoHandler<? super A> handler) {
    void deleteDirectory() {
      where.deleteDirectory(path, attachment, handler);
    }

    void ended(Operation operation, int result) {
      if (result < 0) {
        handler.failed(operation.failure(result), attachment);
      } else {
        handler.completed(0, attachment);
      }
    }
  }

  private static void deleted(Operation operation, int result) {
    var deleting = (Deleting<?>) operation.attachment();
    if (result == -Errno.EISDIR.number()) {
      again(operation, deleting::deleteDirectory);
    } else {
      deleting.ended(operation, result);
    }
  }

  /** What a rename or a link needs until it ends. */
  private record TwoNames<A>(
      String source, String target, A attachment, IoHandler<? super A> handler) {
    void ended(Operation operation, int result) {
      if (result < 0) {
        handler.failed(
            PathFailures.withBothNames(operation.failure(result), source, target), attachment);
      } else {
        handler.completed(0, attachment);
      }
    }
  }

  private <A> void startWithTwoNames(
      OpCode code,
      Path source,
      PathOperations other,
      Path target,
      int flags,
      A attachment,
      IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (!other.loop.equals(loop)) {
      throw new IllegalArgumentException(
          other + " belongs to another loop than " + this + ": open both on the same");
    }
    var request = new PathRequest(check(source), check(target));
    var names =
        new TwoNames<A>(
            resolve(source).toString(), other.resolve(target).toString(), attachment, handler);
    submit(code, other, request, flags, ON_TWO_NAMES, null, names);
  }

  private static void renamedOrLinked(Operation operation, int result) {
    ((TwoNames<?>) operation.attachment()).ended(operation, result);
  }

  @SuppressWarnings("unchecked") // the method that started it says what comes
  static void valueCame(Operation operation, int result) {
    var handler = (CompletionHandler<Object, Object>) operation.handler();
    if (result < 0) {
      handler.failed(operation.failure(result), operation.attachment());
    } else {
      handler.completed(operation.value(), operation.attachment());
    }
  }
}
