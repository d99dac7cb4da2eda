package io.gyre.nio;

import io.gyre.driver.DirectoryEntry;
import io.gyre.driver.Errors;
import io.gyre.driver.FileStatus;
import io.gyre.driver.FileType;
import io.gyre.driver.HeldLocks;
import io.gyre.driver.OpenRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** An open file or directory. Its channel is used on the pool's threads. */
final class NioFile extends NioDescriptor {
  private static final int ENTRIES_A_TIME = 256;

  private final Path path;
  private final FileChannel channel;
  private final boolean append;
  private final boolean direct;
  private final FileStatus atOpening;
  private final HeldLocks<FileLock> locks = new HeldLocks<>();

  private DirectoryStream<Path> names; // guarded by this
  private Iterator<Path> remaining; // guarded by this

  /**
   * Makes a file.
   *
   * @param atOpening what was said of it when it was opened, or null where that could not be told
   */
  NioFile(
      String subject, Path path, FileChannel channel, OpenRequest request, FileStatus atOpening) {
    super(subject);
    this.path = path.toAbsolutePath();
    this.channel = channel;
    this.append = request.isAppend();
    this.direct = request.isDirect();
    this.atOpening = atOpening;
  }

  FileChannel channel() {
    return channel;
  }

  Path path() {
    return path;
  }

  HeldLocks<FileLock> locks() {
    return locks;
  }

  /** Whether writes go to the end of the file, wherever they were asked to go. */
  boolean isAppend() {
    return append;
  }

  /** Whether it was opened to bypass the cache. */
  boolean isDirect() {
    return direct;
  }

  @Override
  protected String directAlignment() {
    return direct && atOpening != null ? Errors.directAlignment(atOpening) : null;
  }

  boolean isDirectory() {
    return atOpening != null && atOpening.isDirectory();
  }

  /** Of what has no offsets java.nio refuses them, where the kernel does not care. */
  @Override
  public boolean isStream() {
    return isPipe() || (atOpening != null && atOpening.type() == FileType.SOCKET);
  }

  boolean isPipe() {
    return atOpening != null && atOpening.type() == FileType.FIFO;
  }

  /** Whether the two are open on the same file. */
  boolean isWhatOtherIs(NioFile other) {
    return this == other
        || (atOpening != null
            && other.atOpening != null
            && atOpening.fileKey().equals(other.atOpening.fileKey()));
  }

  /** Whether the path still leads to this file. */
  boolean isWhatPathNames() {
    if (atOpening == null) {
      return false;
    }
    try {
      return Attributes.read(path).fileKey().equals(atOpening.fileKey());
    } catch (IOException e) {
      return false;
    }
  }

  /** The next names in this directory; none at the end. */
  @SuppressWarnings("StreamResourceLeak") // closed with the file
  synchronized List<DirectoryEntry> list(boolean anew) throws IOException {
    if (names == null || anew) {
      endList();
      names = Files.newDirectoryStream(path);
      remaining = names.iterator();
    }
    var entries = new ArrayList<DirectoryEntry>();
    try {
      while (entries.size() < ENTRIES_A_TIME && remaining.hasNext()) {
        addEntry(remaining.next(), entries);
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    return entries;
  }

  private static void addEntry(Path child, List<DirectoryEntry> entries) throws IOException {
    try {
      var type = Attributes.typeOf(child);
      entries.add(new DirectoryEntry(child.getFileName(), type, 0));
    } catch (NoSuchFileException e) {
      // gone meanwhile
    }
  }

  private void endList() throws IOException {
    if (names != null) {
      names.close();
      names = null;
      remaining = null;
    }
  }

  @Override
  void close() throws IOException {
    synchronized (this) {
      endList();
    }
    channel.close();
  }

  static boolean isDirectoryItself(Path path) throws IOException {
    return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
        .isDirectory();
  }
}
