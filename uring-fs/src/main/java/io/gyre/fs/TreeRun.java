package io.gyre.fs;

import io.gyre.driver.DirectoryEntry;
import io.gyre.driver.FileStatus;
import io.gyre.driver.FileType;
import java.nio.file.FileVisitResult;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.function.Supplier;

/**
 * Goes through a tree with a bounded number of entries under way. All on the loop's thread.
 *
 * <p>The deepest directory that has entries left goes first. So of each directory on the way down one part of its names is
 * in memory, however many there are, and nothing else waits. The next part is read when the last name of the former is
 * taken, which tells early whether a directory is still needed.
 *
 * <p>So many directories are open at a time that the way down of each entry under way could be among them. Once there are
 * {@link #openLimit()} a further one is opened only when nothing is under way that may open, read or close one: then the
 * deepest with names left has all that is open above it, and one more for each level below it suffices to come to an end.
 */
abstract class TreeRun {
  private static final int OPEN_LIMIT = 256;

  static final LinkOption[] FOLLOW = {};
  static final LinkOption[] NO_FOLLOW = {LinkOption.NOFOLLOW_LINKS};

  final CompositeFuture<?> owner;
  final TreeOptions options;
  final AsyncFiles files;

  long fileCount;
  long directoryCount;
  long linkCount;
  long otherCount;
  long byteCount;
  long failureCount;

  private final List<Node> stack = new ArrayList<>(); // with names left or to be read, deepest last
  private final Set<AsyncDirectory> open = new HashSet<>();
  private final CompletableFuture<TreeSummary> ended = new CompletableFuture<>();
  private int underWay; // entries, parts being read, directories being left or closed
  private int opening; // entries under way that may open a directory
  private int changing; // of what is under way, all that may change which directories are open
  private final Queue<Node> toSettle = new ArrayDeque<>();
  private boolean going;
  private boolean stopped;
  private boolean closing;
  private Throwable failure;

  /** A directory that has been entered. */
  static final class Node {
    final Node parent;
    final Path name;
    final Path path;
    final int depth;
    final FileStatus status;
    final AsyncDirectory directory;
    AsyncDirectory target; // copies only
    FileStatus targetBefore; // copies only
    int removed; // removals only: since its names were last read from the beginning
    boolean incomplete; // something in it failed

    private final Queue<DirectoryEntry> names = new ArrayDeque<>();
    private boolean reading;
    private boolean exhausted;
    private int taken; // names under way, which need the directory open
    private int entered; // directories in it that have not been left
    private boolean released;

    Node(Place place, FileStatus status, AsyncDirectory directory) {
      this.parent = place.parent;
      this.name = place.name;
      this.path = place.path;
      this.depth = place.depth;
      this.status = status;
      this.directory = directory;
    }

    private boolean hasNamesLeft() {
      return !names.isEmpty() || !exhausted;
    }

    void skipTheRest() {
      names.clear();
      exhausted = true;
    }
  }

  /** Where an entry is. */
  record Place(Node parent, PathOperations where, Path name, Path path, int depth) {}

  TreeRun(CompositeFuture<?> owner, TreeOptions options) {
    this.owner = owner;
    this.options = options;
    this.files = AsyncFiles.of(owner.loop());
  }

  // ---- what is done with the entries

  /** Does all there is to do with an entry; a directory is {@linkplain #enter entered}. */
  abstract CompletableFuture<?> handle(Place place, FileType type);

  /** All in a directory has been handled. */
  abstract CompletableFuture<?> leave(Node node);

  /** Whether a directory has to be open until what is in it has been left. */
  abstract boolean keepsOpen();

  /** What to do about a failure. */
  abstract FileVisitResult failed(Path path, Exception cause);

  /** How many directories may be open before they are opened one by one; a copy has two for each of its source. */
  int openLimit() {
    return Math.max(OPEN_LIMIT, 2 * Math.min(options.parallelism(), Integer.MAX_VALUE / 2));
  }

  // ---- for those

  TreeSummary summary() {
    return new TreeSummary(
        fileCount, directoryCount, linkCount, otherCount, byteCount, failureCount);
  }

  <U> CompletableFuture<U> step(Supplier<CompletableFuture<U>> operation) {
    return owner.step(operation);
  }

  /** Asks for the status of an entry, or of what it leads to, if it leads anywhere. */
  CompletableFuture<FileStatus> status(Place place) {
    var where = place.where;
    if (!options.followLinks()) {
      return step(() -> where.statusAsync(place.name, NO_FOLLOW));
    }
    return step(() -> where.statusAsync(place.name))
        .exceptionallyCompose(
            failure ->
                CompositeFuture.unwrap(failure) instanceof java.nio.file.NoSuchFileException
                    ? step(() -> where.statusAsync(place.name, NO_FOLLOW))
                    : CompletableFuture.failedFuture(failure));
  }

  LinkOption[] links() {
    return options.followLinks() ? FOLLOW : NO_FOLLOW;
  }

  /** Takes a directory that was opened; it will be closed, whatever happens. */
  AsyncDirectory hold(AsyncDirectory directory) {
    open.add(directory);
    return directory;
  }

  CompletableFuture<Void> release(AsyncDirectory directory) {
    return open.remove(directory)
        ? directory.closeAsync()
        : CompletableFuture.completedFuture(null);
  }

  /** Has what is in a directory handled. */
  void enter(Node node) {
    if (node.parent != null) {
      node.parent.entered++;
    }
    stack.add(node);
    read(node);
  }

  /** Has its names handled once more. */
  void readAgain(Node node) {
    node.directory.rewind();
    node.exhausted = false;
    node.removed = 0;
    stack.add(node);
    read(node);
  }

  /** Whether an ancestor is this very directory. */
  static boolean isLoop(Node parent, FileStatus status) {
    for (var node = parent; node != null; node = node.parent) {
      if (node.status != null && node.status.fileKey().equals(status.fileKey())) {
        return true;
      }
    }
    return false;
  }

  /** Ends it all. */
  void stop(Throwable cause) {
    stopped = true;
    if (failure == null) {
      failure = cause;
    } else if (cause != null
        && !cause.equals(failure)
        && !(cause instanceof CancellationException)) { // they come from all that is under way
      failure.addSuppressed(cause);
    }
  }

  // ---- how it goes

  CompletableFuture<TreeSummary> run(Path root) {
    take(new Place(null, files, root, root, 0), FileType.UNKNOWN);
    return ended;
  }

  /** Starts what may be started. What ends at once calls this again, which must not nest: trees are deep and wide. */
  private void goOn() {
    if (going) {
      return;
    }
    going = true;
    try {
      while (settleOne() || takeOne()) {}
    } catch (Throwable t) { // whatever it is, somebody waits
      stop(t);
    } finally {
      going = false;
    }
    if (underWay == 0) {
      end();
    }
  }

  private boolean settleOne() {
    var node = toSettle.poll();
    if (node == null) {
      return false;
    }
    settle(node);
    return true;
  }

  private boolean takeOne() {
    if (stopped || underWay >= options.parallelism()) {
      return false;
    }
    var node = deepestWithNames();
    if (node == null) {
      return false;
    }
    if (mayBeDirectory(node.names.element().type())
        && changing > 0
        && open.size() + opening >= openLimit()) {
      return false;
    }
    var entry = node.names.remove();
    var path = node.path.resolve(entry.name());
    take(new Place(node, node.directory, entry.name(), path, node.depth + 1), entry.type());
    if (node.names.isEmpty() && !node.exhausted && !node.reading) {
      read(node);
    }
    return true;
  }

  private boolean mayBeDirectory(FileType type) {
    return type == FileType.DIRECTORY
        || type == FileType.UNKNOWN
        || (type == FileType.SYMBOLIC_LINK && options.followLinks());
  }

  private Node deepestWithNames() {
    for (int i = stack.size() - 1; i >= 0; i--) {
      var node = stack.get(i);
      if (!node.names.isEmpty()) {
        return node;
      }
      if (!node.hasNamesLeft()) {
        stack.remove(i);
      }
    }
    return null;
  }

  private void take(Place place, FileType type) {
    int opens = mayBeDirectory(type) ? 1 : 0;
    underWay++;
    opening += opens;
    changing += opens;
    if (place.parent != null) {
      place.parent.taken++;
    }
    after(
        guarded(() -> handle(place, type)),
        (nothing, cause) -> {
          underWay--;
          opening -= opens;
          changing -= opens;
          if (cause != null) {
            fail(place.parent, place.path, cause);
          }
          if (place.parent != null) {
            place.parent.taken--;
            toSettle.add(place.parent);
          }
          goOn();
        });
  }

  private void read(Node node) {
    node.reading = true;
    underWay++;
    changing++;
    after(
        guarded(() -> step(node.directory::nextEntriesAsync)),
        (entries, cause) -> {
          node.reading = false;
          underWay--;
          changing--;
          if (cause != null) {
            fail(node, node.path, cause);
            node.skipTheRest();
          } else if (entries.isEmpty()) {
            node.exhausted = true;
          } else if (!node.exhausted) { // else the rest is to be skipped
            node.names.addAll(entries);
          }
          toSettle.add(node);
          goOn();
        });
  }

  /** Leaves a directory when nothing in it is left to do, and closes it as soon as it is not needed. */
  private void settle(Node node) {
    if (stopped || node.hasNamesLeft() || node.reading || node.taken > 0 || node.released) {
      return;
    }
    if (node.entered > 0) {
      if (!keepsOpen()) {
        close(node.directory);
      }
      return;
    }
    underWay++;
    changing++;
    after(
        guarded(() -> leave(node)),
        (nothing, cause) -> {
          underWay--;
          changing--;
          if (cause != null) {
            fail(node, node.path, cause);
          }
          left(node);
          goOn();
        });
  }

  private void left(Node node) {
    if (node.hasNamesLeft() && !stopped) {
      return; // it is read again
    }
    node.released = true;
    close(node.directory);
    if (node.parent != null) {
      node.parent.entered--;
      node.parent.incomplete |= node.incomplete;
      toSettle.add(node.parent);
    }
  }

  private void close(AsyncDirectory directory) {
    if (!open.contains(directory)) {
      return;
    }
    underWay++;
    changing++;
    after(
        release(directory),
        (nothing, cause) -> {
          underWay--;
          changing--;
          goOn();
        });
  }

  private static <U> CompletableFuture<U> guarded(
      Supplier<? extends CompletableFuture<? extends U>> start) {
    try {
      return start.get().thenApply(result -> result);
    } catch (Thrown t) {
      return CompletableFuture.failedFuture(t);
    } catch (Throwable t) { // also what a user's handler throws
      return CompletableFuture.failedFuture(new Thrown(t));
    }
  }

  private <U> void after(CompletableFuture<U> first, BiConsumer<U, Throwable> next) {
    var _ = // next deals with failures
        first.whenComplete(
            (result, cause) -> {
              try {
                next.accept(result, cause);
              } catch (Throwable t) { // nobody would go on with this
                stop(t);
                goOn();
              }
            });
  }

  /** Something threw, which is no failure of an entry. */
  static final class Thrown extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Thrown(Throwable cause) {
      super(cause);
    }
  }

  private void fail(Node node, Path path, Throwable cause) {
    if (node != null) {
      node.incomplete = true;
    }
    var failed = CompositeFuture.unwrap(cause);
    if (failed instanceof Thrown thrown) {
      stop(thrown.getCause());
    } else if (failed instanceof CancellationException || !(failed instanceof Exception e)) {
      stop(failed);
    } else if (!stopped) {
      failureCount++;
      decide(path, e);
    }
  }

  private void decide(Path path, Exception cause) {
    try {
      if (failed(path, cause) == FileVisitResult.TERMINATE) {
        stop(cause);
      }
    } catch (Throwable t) { // the user's
      stop(t);
    }
  }

  private void end() {
    if (closing) {
      return;
    }
    closing = true;
    var last = new ArrayList<CompletableFuture<Void>>();
    for (var directory : open) {
      last.add(directory.closeAsync());
    }
    after(
        CompletableFuture.allOf(last.toArray(CompletableFuture[]::new)),
        (nothing, cause) -> {
          if (failure != null) {
            ended.completeExceptionally(failure);
          } else {
            ended.complete(summary());
          }
        });
  }
}
