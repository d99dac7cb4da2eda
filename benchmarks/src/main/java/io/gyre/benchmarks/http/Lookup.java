package io.gyre.benchmarks.http;

import io.gyre.IoHandler;
import io.gyre.driver.DirectoryEntry;
import io.gyre.driver.FileStatus;
import io.gyre.driver.FileType;
import io.gyre.fs.AsyncDirectory;
import io.gyre.fs.AsyncFile;
import java.nio.channels.CompletionHandler;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;

/**
 * Goes down from the directory that is served, name by name, and opens what is there.
 *
 * <p>Each directory on the way is opened relative to the one before, and no symbolic link is followed unless the options say
 * so: whoever renames things meanwhile leads nobody out. (The NIO driver goes by paths, so there it holds only as long as
 * nobody does.) A last name is looked at before it is opened, since opening a FIFO would wait for its other end.
 *
 * <p>One at a time; used again for the next request on the same connection.
 */
final class Lookup {
  private static final Path INDEX = Path.of("index.html");
  private static final LinkOption[] FOLLOW = {};
  private static final LinkOption[] NO_FOLLOW = {LinkOption.NOFOLLOW_LINKS};
  private static final Set<OpenOption> READ = Set.of(StandardOpenOption.READ);
  private static final Set<OpenOption> READ_NO_FOLLOW =
      Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
  static final IoHandler<Void> CLOSED = new Closed();

  /** Takes what was found: one call for each lookup, on the loop's thread. */
  interface Result {
    /** A regular file, which is the receiver's to close. */
    void found(AsyncFile file, FileStatus status, Path name);

    void found(Listing listing);

    /** Whether a directory may be listed now. */
    boolean mayList();

    /** A directory, that was asked for without a slash. */
    void isDirectory();

    /** Whether somebody still waits for it. */
    boolean isWanted();

    /** Nothing that may be had; the cause is null where the status says it all. */
    void failed(Status status, Throwable cause);
  }

  private final AsyncDirectory root;
  private final ServeOptions options;
  private final Result result;
  private final LinkOption[] links;
  private final Set<OpenOption> openOptions;

  private final OnDirectory onDirectory = new OnDirectory();
  private final OnStatus onStatus = new OnStatus();
  private final OnFile onFile = new OnFile();
  private final OnFileStatus onFileStatus = new OnFileStatus();
  private final OnEntries onEntries = new OnEntries();

  private RequestPath path;
  private AsyncDirectory at; // the root, or one that was opened on the way
  private int index;
  private Path last;
  private AsyncFile file;
  private Listing listing;

  Lookup(AsyncDirectory root, ServeOptions options, Result result) {
    this.root = root;
    this.options = options;
    this.result = result;
    this.links = options.followLinks() ? FOLLOW : NO_FOLLOW;
    this.openOptions = options.followLinks() ? READ : READ_NO_FOLLOW;
  }

  void begin(RequestPath wanted) {
    path = wanted;
    at = root;
    index = 0;
    goOn();
  }

  private void goOn() {
    int directories = path.isDirectory() ? path.names().size() : path.names().size() - 1;
    if (index < directories) {
      at.openDirectory(path.names().get(index), null, onDirectory, links);
      return;
    }
    last = path.isDirectory() ? INDEX : path.names().getLast();
    at.status(last, null, onStatus, links);
  }

  /** Moves to a directory, the one before is not needed any more. */
  private void moveTo(AsyncDirectory next) {
    leave();
    at = next;
  }

  private void leave() {
    if (at != root) {
      at.close(null, CLOSED);
      at = root;
    }
  }

  private void fail(Throwable cause) {
    leave();
    var status = statusOf(cause);
    result.failed(status, status.isOurs() ? cause : null);
  }

  private void refuse(Status status) {
    leave();
    result.failed(status, null);
  }

  private static Status statusOf(Throwable cause) {
    return switch (cause) {
      case NoSuchFileException _ -> Status.NOT_FOUND;
      case NotDirectoryException _ -> Status.NOT_FOUND;
      case AccessDeniedException _ -> Status.FORBIDDEN;
      case FileSystemException e when isNoSuchName(String.valueOf(e.getReason())) ->
          Status.NOT_FOUND;
      case FileSystemException e when isNoDescriptorLeft(String.valueOf(e.getReason())) ->
          Status.SERVICE_UNAVAILABLE;
      default -> Status.INTERNAL_SERVER_ERROR;
    };
  }

  /** A link that is not followed, a file in place of a directory, a name that no file system takes. */
  private static boolean isNoSuchName(String reason) {
    return reason.contains("ELOOP")
        || reason.contains("ENOTDIR")
        || reason.contains("ENAMETOOLONG")
        || reason.contains("EINVAL");
  }

  private static boolean isNoDescriptorLeft(String reason) {
    return reason.contains("EMFILE") || reason.contains("ENFILE");
  }

  private void lookedAt(FileStatus status) {
    switch (status.type()) {
      case REGULAR -> at.openFile(last, openOptions, null, onFile);
      case DIRECTORY -> {
        if (path.isDirectory()) {
          refuse(Status.NOT_FOUND); // a directory named index.html
        } else {
          leave();
          result.isDirectory();
        }
      }
      default -> refuse(Status.NOT_FOUND);
    }
  }

  private void noIndex() {
    if (!options.listings()) {
      refuse(Status.NOT_FOUND);
      return;
    }
    if (!result.mayList()) {
      refuse(Status.SERVICE_UNAVAILABLE);
      return;
    }
    if (at == root) {
      // One of its own, since who reads the entries moves on in the directory.
      root.openDirectory(Path.of("."), null, onDirectory);
    } else {
      beginListing();
    }
  }

  private void beginListing() {
    listing = new Listing();
    at.nextEntries(null, onEntries);
  }

  private void endListing() {
    var whole = listing;
    listing = null;
    leave();
    result.found(whole);
  }

  private final class OnDirectory implements CompletionHandler<AsyncDirectory, Void> {
    @Override
    public void completed(AsyncDirectory directory, Void attachment) {
      moveTo(directory);
      if (index < path.names().size()) {
        index++;
        goOn();
      } else {
        beginListing();
      }
    }

    @Override
    public void failed(Throwable cause, Void attachment) {
      fail(cause);
    }
  }

  private final class OnStatus implements CompletionHandler<FileStatus, Void> {
    @Override
    public void completed(FileStatus status, Void attachment) {
      lookedAt(status);
    }

    @Override
    public void failed(Throwable cause, Void attachment) {
      if (path.isDirectory() && cause instanceof NoSuchFileException) {
        noIndex();
      } else {
        fail(cause);
      }
    }
  }

  private final class OnFile implements CompletionHandler<AsyncFile, Void> {
    @Override
    public void completed(AsyncFile opened, Void attachment) {
      leave();
      file = opened;
      opened.status(null, onFileStatus);
    }

    @Override
    public void failed(Throwable cause, Void attachment) {
      fail(cause);
    }
  }

  /** What was looked at before may be gone; this is what is open. */
  private final class OnFileStatus implements CompletionHandler<FileStatus, Void> {
    @Override
    public void completed(FileStatus status, Void attachment) {
      var opened = take();
      if (status.type() == FileType.REGULAR) {
        result.found(opened, status, last);
      } else {
        opened.close(null, CLOSED);
        refuse(Status.NOT_FOUND);
      }
    }

    @Override
    public void failed(Throwable cause, Void attachment) {
      take().close(null, CLOSED);
      fail(cause);
    }

    private AsyncFile take() {
      var opened = file;
      file = null;
      return opened;
    }
  }

  private final class OnEntries implements CompletionHandler<List<DirectoryEntry>, Void> {
    @Override
    public void completed(List<DirectoryEntry> entries, Void attachment) {
      if (!entries.isEmpty() && result.isWanted() && listing.add(entries, options)) {
        at.nextEntries(null, this);
      } else {
        endListing();
      }
    }

    @Override
    public void failed(Throwable cause, Void attachment) {
      listing = null;
      fail(cause);
    }
  }

  /** Nothing was written: a close that fails loses nothing. */
  private static final class Closed implements IoHandler<Void> {
    @Override
    public void completed(int result, Void attachment) {}

    @Override
    public void failed(Throwable cause, Void attachment) {}
  }
}
