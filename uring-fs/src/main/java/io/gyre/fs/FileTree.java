package io.gyre.fs;

import io.gyre.EventLoop;
import io.gyre.IoRuntime;
import io.gyre.driver.Futures;
import java.io.IOException;
import java.nio.channels.CompletionHandler;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.file.CopyOption;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * Whole trees: walks, copies and removes them with many entries under way at a time, in the three styles of {@link
 * PathOperations}.
 *
 * <p>Everything is done relative to open directories, one name at a time: trees may be deeper than the system's longest
 * path, and a directory that is renamed or replaced by a link meanwhile leads nowhere else. (The NIO driver goes by whole
 * paths, and has neither.) A walk and what a copy reads have a directory open while names in it are left; a removal, and
 * what a copy writes, until all in it is done. That is 256 directories at most, or twice the parallelism if that is more,
 * and beyond those one for each level of the tree; for a copy, twice as many. Where the process may not open so many it
 * fails, with a {@link java.nio.file.FileSystemException} that names EMFILE.
 *
 * <p>Memory is bounded by the depth, not by how wide the tree is: of each directory on the way down some hundred names are
 * known. Cancelling the future cancels what is under way, and the future completes when that has ended and every directory
 * is closed.
 */
public final class FileTree {
  private final EventLoop loop;

  private FileTree(EventLoop loop) {
    this.loop = loop;
  }

  /**
   * Trees, on one of a runtime's loops. Holds nothing, and so need not be kept or closed.
   *
   * @param runtime on whose {@link IoRuntime#loop()} operations will run
   * @return a new object
   */
  public static FileTree on(IoRuntime runtime) {
    return on(runtime.loop());
  }

  /**
   * Trees, on a chosen loop.
   *
   * @param loop on which operations will run, and whose thread calls visitors
   * @return a new object
   */
  public static FileTree on(EventLoop loop) {
    return new FileTree(Objects.requireNonNull(loop, "loop"));
  }

  private EventLoop loop() {
    return loop;
  }

  /**
   * Shows what is in a tree, the root included, to a visitor.
   *
   * @param root where to begin; a symbolic link only if links are followed
   * @param options how, such as {@link TreeOptions#DEFAULT}
   * @param visitor takes each entry, on the loop's thread
   * @param attachment given to the handler
   * @param handler called on the loop's thread with what was seen
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void walk(
      Path root,
      TreeOptions options,
      TreeVisitor visitor,
      A attachment,
      CompletionHandler<TreeSummary, ? super A> handler) {
    CompositeFuture.tell(loop(), () -> walkAsync(root, options, visitor), attachment, handler);
  }

  /**
   * Shows what is in a tree, the root included, to a visitor.
   *
   * @param root where to begin; a symbolic link only if links are followed
   * @param options how, such as {@link TreeOptions#DEFAULT}
   * @param visitor takes each entry, on the loop's thread
   * @return completes with what was seen
   */
  public CompletableFuture<TreeSummary> walkAsync(
      Path root, TreeOptions options, TreeVisitor visitor) {
    PathOperations.check(root);
    Objects.requireNonNull(options, "options");
    Objects.requireNonNull(visitor, "visitor");
    return CompositeFuture.start(loop, owner -> new TreeWalk(owner, options, visitor).run(root));
  }

  /**
   * Shows what is in a tree, the root included, to a visitor, and waits.
   *
   * @param root where to begin; a symbolic link only if links are followed
   * @param options how, such as {@link TreeOptions#DEFAULT}
   * @param visitor takes each entry, on the loop's thread
   * @return what was seen
   * @throws IOException what the first failure was, unless the visitor went on
   * @throws IllegalStateException on a loop's thread
   */
  public TreeSummary walk(Path root, TreeOptions options, TreeVisitor visitor) throws IOException {
    Futures.requireMayWait();
    return Futures.await(walkAsync(root, options, visitor));
  }

  /**
   * Copies a file, a symbolic link, or a directory and what is in it.
   *
   * <p>Content is copied within the kernel where it can (copy_file_range(2), which shares blocks on file systems that copy
   * on write); holes stay holes. Symbolic links are copied as links unless they are followed. Hard links become files
   * of their own; pipes, sockets and devices fail.
   *
   * <p>What is created has the permissions of its source, less the process's umask; with COPY_ATTRIBUTES all of them but
   * the bits set-user-id, set-group-id and sticky, its times, and, if permitted, owner and group. With REPLACE_EXISTING
   * directories are filled up, files and links are removed and created anew; without, whatever exists is a {@link
   * java.nio.file.FileAlreadyExistsException}. When it ends early what has been copied stays, but no file in part.
   *
   * @param source what to copy
   * @param target what shall be the copy, which does not exist, or is replaced
   * @param options how, such as {@link TreeOptions#DEFAULT}
   * @param progress is told how it comes along
   * @param attachment given to the handler
   * @param handler called on the loop's thread with what was copied
   * @param how REPLACE_EXISTING, COPY_ATTRIBUTES, or none
   * @param <A> the attachment's type
   * @throws UnsupportedOperationException for another option
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void copy(
      Path source,
      Path target,
      TreeOptions options,
      TreeProgress progress,
      A attachment,
      CompletionHandler<TreeSummary, ? super A> handler,
      CopyOption... how) {
    CompositeFuture.tell(
        loop(), () -> copyAsync(source, target, options, progress, how), attachment, handler);
  }

  /**
   * Copies a file, a symbolic link, or a directory and what is in it.
   *
   * @param source what to copy
   * @param target what shall be the copy, which does not exist, or is replaced
   * @param options how, such as {@link TreeOptions#DEFAULT}
   * @param progress is told how it comes along
   * @param how REPLACE_EXISTING, COPY_ATTRIBUTES, or none
   * @return completes with what was copied
   * @throws UnsupportedOperationException for another option
   */
  public CompletableFuture<TreeSummary> copyAsync(
      Path source, Path target, TreeOptions options, TreeProgress progress, CopyOption... how) {
    PathOperations.check(source);
    PathOperations.check(target);
    Objects.requireNonNull(options, "options");
    Objects.requireNonNull(progress, "progress");
    var set = copyOptions(how);
    return CompositeFuture.start(
        loop, owner -> new TreeCopy(owner, options, target, set, progress).run(source));
  }

  /**
   * Copies a file, a symbolic link, or a directory and what is in it, and waits.
   *
   * @param source what to copy
   * @param target what shall be the copy, which does not exist, or is replaced
   * @param options how, such as {@link TreeOptions#DEFAULT}
   * @param progress is told how it comes along
   * @param how REPLACE_EXISTING, COPY_ATTRIBUTES, or none
   * @return what was copied
   * @throws UnsupportedOperationException for another option
   * @throws IOException what the first failure was, unless the progress went on
   * @throws IllegalStateException on a loop's thread
   */
  public TreeSummary copy(
      Path source, Path target, TreeOptions options, TreeProgress progress, CopyOption... how)
      throws IOException {
    Futures.requireMayWait();
    return Futures.await(copyAsync(source, target, options, progress, how));
  }

  /**
   * Removes a file, a symbolic link, or a directory and what is in it.
   *
   * <p>Of the options the parallelism counts. A directory in which something failed stays, without a failure of its own.
   *
   * @param root what to remove; a symbolic link is never followed
   * @param options how, such as {@link TreeOptions#DEFAULT}
   * @param progress is told how it comes along
   * @param attachment given to the handler
   * @param handler called on the loop's thread with what was removed
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void delete(
      Path root,
      TreeOptions options,
      TreeProgress progress,
      A attachment,
      CompletionHandler<TreeSummary, ? super A> handler) {
    CompositeFuture.tell(loop(), () -> deleteAsync(root, options, progress), attachment, handler);
  }

  /**
   * Removes a file, a symbolic link, or a directory and what is in it.
   *
   * @param root what to remove; a symbolic link is never followed
   * @param options how, such as {@link TreeOptions#DEFAULT}
   * @param progress is told how it comes along
   * @return completes with what was removed
   */
  public CompletableFuture<TreeSummary> deleteAsync(
      Path root, TreeOptions options, TreeProgress progress) {
    PathOperations.check(root);
    Objects.requireNonNull(options, "options");
    Objects.requireNonNull(progress, "progress");
    var all =
        new TreeOptions(options.parallelism(), Integer.MAX_VALUE, false, false, options.durable());
    return CompositeFuture.start(loop, owner -> new TreeDelete(owner, all, progress).run(root));
  }

  /**
   * Removes a file, a symbolic link, or a directory and what is in it, and waits.
   *
   * @param root what to remove; a symbolic link is never followed
   * @param options how, such as {@link TreeOptions#DEFAULT}
   * @param progress is told how it comes along
   * @return what was removed
   * @throws IOException what the first failure was, unless the progress went on
   * @throws IllegalStateException on a loop's thread
   */
  public TreeSummary delete(Path root, TreeOptions options, TreeProgress progress)
      throws IOException {
    Futures.requireMayWait();
    return Futures.await(deleteAsync(root, options, progress));
  }

  /** Copies one entry; for directories, without what is in it. */
  CompletableFuture<Void> copyEntry(
      Path source, Path target, TreeOptions options, CopyOption... how) {
    var set = copyOptions(how);
    return CompositeFuture.start(
        loop,
        owner ->
            new TreeCopy(owner, options, target, set, TreeProgress.NONE)
                .run(source)
                .thenAccept(copied -> {}));
  }

  private static Set<CopyOption> copyOptions(CopyOption... how) {
    for (var option : how) {
      boolean known =
          option == StandardCopyOption.REPLACE_EXISTING
              || option == StandardCopyOption.COPY_ATTRIBUTES
              || option
                  == LinkOption
                      .NOFOLLOW_LINKS; // which is how it is unless TreeOptions say otherwise
      if (!known) {
        throw new UnsupportedOperationException("copy option " + option + " is not supported");
      }
    }
    return Set.copyOf(List.of(how));
  }
}
