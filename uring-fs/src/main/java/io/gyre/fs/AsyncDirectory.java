package io.gyre.fs;

import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.driver.Completion;
import io.gyre.driver.Descriptor;
import io.gyre.driver.DirectoryEntry;
import io.gyre.driver.FileStatus;
import io.gyre.driver.FutureHandler;
import io.gyre.driver.Futures;
import io.gyre.driver.IoFuture;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationScope;
import java.io.IOException;
import java.nio.channels.CompletionHandler;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;

/**
 * An open directory: what is done relative to it is done in this very directory, wherever its name leads meanwhile. See
 * {@link PathOperations} for the three styles.
 *
 * <p>On the NIO driver, which goes by the path that it was opened with, that does not hold: where a directory may be
 * replaced while it is worked in, io_uring is to be required.
 */
public final class AsyncDirectory extends PathOperations implements AutoCloseable {
  private static final int ANEW = 1;
  private static final Completion ON_VALUE = PathOperations::valueCame;
  private static final Completion ON_ENTRIES = AsyncDirectory::entriesCame;

  private final Descriptor descriptor;
  private final Path path;
  private final FileSync sync;

  // Listings take turns, since they share the place in the directory that the system remembers. The
  // loop's thread only.
  private final Queue<Listing> waiting = new ArrayDeque<>(2);
  private Listing current;
  private boolean rewound; // since the last of them was asked for

  AsyncDirectory(EventLoop loop, Descriptor descriptor, Path path) {
    super(loop);
    this.descriptor = descriptor;
    this.path = path;
    this.sync = new FileSync(loop, descriptor, path);
  }

  /**
   * Opens a directory and waits for it.
   *
   * @param runtime whose {@link IoRuntime#loop()} it will belong to
   * @param path the directory
   * @param options NOFOLLOW_LINKS to refuse a symbolic link
   * @return the open directory
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public static AsyncDirectory open(IoRuntime runtime, Path path, LinkOption... options)
      throws IOException {
    return AsyncFiles.of(runtime).openDirectory(path, options);
  }

  /**
   * Opens a directory.
   *
   * @param runtime whose {@link IoRuntime#loop()} it will belong to
   * @param path the directory
   * @param options NOFOLLOW_LINKS to refuse a symbolic link
   * @return completes with the open directory
   */
  public static CompletableFuture<AsyncDirectory> openAsync(
      IoRuntime runtime, Path path, LinkOption... options) {
    return AsyncFiles.of(runtime).openDirectoryAsync(path, options);
  }

  /**
   * Opens a directory on a chosen loop.
   *
   * @param loop whose it will be
   * @param path the directory
   * @param attachment given to the handler
   * @param handler called on the loop's thread with the open directory
   * @param options NOFOLLOW_LINKS to refuse a symbolic link
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public static <A> void open(
      EventLoop loop,
      Path path,
      A attachment,
      CompletionHandler<AsyncDirectory, ? super A> handler,
      LinkOption... options) {
    AsyncFiles.of(loop).openDirectory(path, attachment, handler, options);
  }

  /**
   * The path that the directory was opened with, made absolute only if it was so then.
   *
   * @return the path
   */
  public Path path() {
    return path;
  }

  /**
   * For experts: what {@link io.gyre.driver.RawOperation}s work on.
   *
   * @return the descriptor, confined to the loop's thread
   */
  public Descriptor descriptor() {
    return descriptor;
  }

  @Override
  Descriptor base() {
    return descriptor;
  }

  @Override
  Path resolve(Path relative) {
    return path.resolve(relative);
  }

  // ---- entries

  /**
   * Reads the next entries, some hundreds at most, in whatever order the directory has them.
   *
   * <p>The first call begins at the beginning, and {@link #rewind()} does so again. Nothing is read ahead: who asks for
   * more when it is done with these needs no more memory than they take, however many there are. Names that come or go
   * meanwhile may or may not be among them.
   *
   * @param attachment given to the handler
   * @param handler called on the loop's thread with the entries, none at the end
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void nextEntries(
      A attachment, CompletionHandler<List<DirectoryEntry>, ? super A> handler) {
    enqueue(new Listing(false, false, new ArrayList<>(), handler, attachment));
  }

  /**
   * Reads the next entries, some hundreds at most, in whatever order the directory has them.
   *
   * @return completes with the entries, none at the end
   */
  public CompletableFuture<List<DirectoryEntry>> nextEntriesAsync() {
    return IoFuture.start(loop(), future -> nextEntries(future, FutureHandler.of()));
  }

  /**
   * Reads the next entries, some hundreds at most, in whatever order the directory has them, and waits.
   *
   * @return the entries, none at the end
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public List<DirectoryEntry> nextEntries() throws IOException {
    Futures.requireMayWait();
    return Futures.await(nextEntriesAsync());
  }

  /** Has the entries that are asked for from now on be the first ones. Any thread. */
  public void rewind() {
    if (loop().inLoop()) {
      rewound = true;
    } else {
      loop().execute(this::rewind);
    }
  }

  /**
   * Reads all entries from the beginning.
   *
   * <p>All are in memory then, where {@link #nextEntries(Object, CompletionHandler)} has a part only.
   *
   * @param attachment given to the handler
   * @param handler called on the loop's thread with the entries, without {@code .} and {@code ..}
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void list(A attachment, CompletionHandler<List<DirectoryEntry>, ? super A> handler) {
    enqueue(new Listing(true, true, new ArrayList<>(), handler, attachment));
  }

  /**
   * Reads all entries from the beginning.
   *
   * @return completes with the entries, without {@code .} and {@code ..}
   */
  public CompletableFuture<List<DirectoryEntry>> listAsync() {
    return IoFuture.start(loop(), future -> list(future, FutureHandler.of()));
  }

  /**
   * Reads all entries from the beginning, and waits.
   *
   * @return the entries, without {@code .} and {@code ..}
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public List<DirectoryEntry> list() throws IOException {
    Futures.requireMayWait();
    return Futures.await(listAsync());
  }

  /** Who waits for entries. */
  private record Listing(
      boolean anew,
      boolean all,
      List<DirectoryEntry> found,
      CompletionHandler<List<DirectoryEntry>, ?> handler,
      Object attachment,
      OperationScope scope) {
    Listing(
        boolean anew,
        boolean all,
        List<DirectoryEntry> found,
        CompletionHandler<List<DirectoryEntry>, ?> handler,
        Object attachment) {
      this(
          anew,
          all,
          found,
          Objects.requireNonNull(handler, "handler"),
          attachment,
          OperationScope.current());
    }

    Listing fromTheBeginning() {
      return new Listing(true, all, found, handler, attachment, scope);
    }

    @SuppressWarnings("unchecked") // they were given together
    CompletionHandler<List<DirectoryEntry>, Object> told() {
      return (CompletionHandler<List<DirectoryEntry>, Object>) handler;
    }
  }

  private void enqueue(Listing listing) {
    if (!loop().inLoop()) {
      loop().execute(() -> enqueue(listing));
      return;
    }
    var next = rewound ? listing.fromTheBeginning() : listing;
    rewound = false;
    if (current != null) {
      waiting.add(next);
    } else {
      begin(next);
    }
  }

  private void begin(Listing listing) {
    current = listing;
    readOn(listing, listing.anew);
  }

  private void readOn(Listing listing, boolean anew) {
    if (listing.scope == null) {
      submitList(anew);
      return;
    }
    OperationScope.call(
        listing.scope,
        () -> {
          submitList(anew);
          return null;
        });
  }

  private void submitList(boolean anew) {
    start(OpCode.LIST, null, null, anew ? ANEW : 0, ON_ENTRIES, this, null);
  }

  @SuppressWarnings("unchecked") // as OpCode.LIST says
  private static void entriesCame(Operation operation, int result) {
    var directory = (AsyncDirectory) operation.handler();
    var listing = directory.current;
    if (result < 0) {
      directory.endListing();
      listing.told().failed(operation.failure(result), listing.attachment);
      return;
    }
    var entries = (List<DirectoryEntry>) operation.value();
    if (listing.all && !entries.isEmpty()) {
      listing.found.addAll(entries);
      directory.readOn(listing, false);
      return;
    }
    directory.endListing();
    listing.told().completed(listing.all ? listing.found : entries, listing.attachment);
  }

  private void endListing() {
    current = waiting.poll();
    if (current != null) {
      begin(current);
    }
  }

  // ---- the directory itself

  /**
   * Asks for what there is to know of the directory itself.
   *
   * @param attachment given to the handler
   * @param handler called on the loop's thread with its status
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void status(A attachment, CompletionHandler<FileStatus, ? super A> handler) {
    start(OpCode.ATTRIBUTES, null, null, 0, ON_VALUE, handler, attachment);
  }

  /**
   * Asks for what there is to know of the directory itself.
   *
   * @return completes with its status
   */
  public CompletableFuture<FileStatus> statusAsync() {
    return IoFuture.start(loop(), future -> status(future, FutureHandler.of()));
  }

  /**
   * Asks for what there is to know of the directory itself, and waits.
   *
   * @return its status
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public FileStatus status() throws IOException {
    Futures.requireMayWait();
    return Futures.await(statusAsync());
  }

  /**
   * Changes attributes of the directory itself: owner, then permissions, then times.
   *
   * @param change what to change
   * @param attachment given to the handler
   * @param handler called on the loop's thread with 0
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void setAttributes(
      AttributeChange change, A attachment, IoHandler<? super A> handler) {
    start(
        OpCode.SET_ATTRIBUTES,
        null,
        change.request(null),
        0,
        Operation.NOTIFY,
        handler,
        attachment);
  }

  /**
   * Changes attributes of the directory itself: owner, then permissions, then times.
   *
   * @param change what to change
   * @return completes when it is done
   */
  public CompletableFuture<Void> setAttributesAsync(AttributeChange change) {
    return IoFuture.start(loop(), future -> setAttributes(change, future, FutureHandler.VOID));
  }

  /**
   * Changes attributes of the directory itself: owner, then permissions, then times, and waits.
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
   * Makes the directory's names durable: fsync(2).
   *
   * <p>What was created, renamed or removed in it outlives a power failure only after this. It says nothing of the files'
   * content. A failure to write back (EIO, ENOSPC, EDQUOT) is final for this open directory, as for {@link
   * AsyncFile#force(boolean, Object, IoHandler)}.
   *
   * @param attachment given to the handler
   * @param handler called on the loop's thread with 0
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void force(A attachment, IoHandler<? super A> handler) {
    sync.force(true, attachment, handler);
  }

  /**
   * Makes the directory's names durable: fsync(2).
   *
   * @return completes when it is done
   */
  public CompletableFuture<Void> forceAsync() {
    return IoFuture.start(loop(), future -> force(future, FutureHandler.VOID));
  }

  /**
   * Makes the directory's names durable: fsync(2), and waits.
   *
   * @throws IOException when the device fails
   * @throws IllegalStateException on a loop's thread
   */
  public void force() throws IOException {
    Futures.requireMayWait();
    Futures.await(forceAsync());
  }

  /**
   * Closes the directory once what is relative to it has ended; new operations fail from now on.
   *
   * @param attachment given to the handler
   * @param handler takes 0, also when it was closed before
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended, which has closed it
   */
  public <A> void close(A attachment, IoHandler<? super A> handler) {
    Objects.requireNonNull(handler, "handler");
    if (loop().inLoop()) {
      loop().dispatcher().close(descriptor, false, Operation.NOTIFY, handler, attachment);
    } else {
      loop().execute(() -> close(attachment, handler));
    }
  }

  /**
   * Closes the directory once what is relative to it has ended; new operations fail from now on.
   *
   * @return completes when it is closed
   */
  public CompletableFuture<Void> closeAsync() {
    return Futures.closing(future -> close(future, FutureHandler.VOID));
  }

  /**
   * Closes the directory once what is relative to it has ended, and waits for that; on a loop's thread it does not wait.
   *
   * @throws IOException when the system reports an error on close
   */
  @Override
  public void close() throws IOException {
    Futures.awaitUnlessInLoop(closeAsync());
  }

  @Override
  public String toString() {
    return path.toString();
  }
}
