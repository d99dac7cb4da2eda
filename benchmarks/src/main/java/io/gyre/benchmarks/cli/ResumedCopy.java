package io.gyre.benchmarks.cli;

import io.gyre.driver.FileStatus;
import io.gyre.driver.FileType;
import io.gyre.fs.AsyncFile;
import io.gyre.fs.AsyncFiles;
import io.gyre.fs.AttributeChange;
import io.gyre.fs.FileTree;
import io.gyre.fs.TreeEntry;
import io.gyre.fs.TreeOptions;
import io.gyre.fs.TreeVisitor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.AccessDeniedException;
import java.nio.file.CopyOption;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Semaphore;

/**
 * Goes on with a copy that was interrupted. What a file's copy holds is compared with the source from the start; from the
 * first byte on that differs, or is missing, it is copied. Nothing else is believed: not sizes, not times. Waits, on
 * virtual threads.
 *
 * <p>Of a tree all names are in memory.
 */
final class ResumedCopy {
  private static final int BLOCK_BYTES = 1 << 20;
  private static final Set<PosixFilePermission> OWNER_ALL =
      EnumSet.of(
          PosixFilePermission.OWNER_READ,
          PosixFilePermission.OWNER_WRITE,
          PosixFilePermission.OWNER_EXECUTE);

  private final AsyncFiles files;
  private final FileTree trees;
  private final TreeOptions options;
  private final Collection<CopyOption> how;
  private final CopyMeter meter;

  /**
   * Makes a copier.
   *
   * @param options how many at a time, and whether what is copied is made durable
   * @param how COPY_ATTRIBUTES or nothing
   */
  ResumedCopy(
      AsyncFiles files,
      FileTree trees,
      TreeOptions options,
      Collection<CopyOption> how,
      CopyMeter meter) {
    this.files = files;
    this.trees = trees;
    this.options = options;
    this.how = how;
    this.meter = meter;
  }

  // ---- trees

  /** Copies a directory and what is in it. */
  void tree(Path source, Path target) throws IOException, InterruptedException {
    var directories = new ArrayList<TreeEntry>();
    var others = new ArrayList<TreeEntry>();
    trees.walk(
        source,
        options,
        new TreeVisitor() {
          @Override
          public FileVisitResult visit(TreeEntry entry) {
            (entry.type() == FileType.DIRECTORY ? directories : others).add(entry);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult failed(Path path, Exception cause) {
            meter.failures().add(path, cause);
            return FileVisitResult.CONTINUE;
          }
        });
    var missing = new HashSet<Path>();
    for (var directory : directories) { // each before what is in it
      if (isIn(missing, directory)
          || !attempt(
              directory, () -> make(copyOf(directory, source, target), directory.status()))) {
        missing.add(directory.path());
      }
    }
    // What stands in a directory's place may be a link, and must not lead to somewhere else.
    others.removeIf(entry -> isIn(missing, entry));
    directories.removeIf(directory -> missing.contains(directory.path()));
    copyAll(others, source, target);
    for (var directory : directories.reversed()) { // what is in it changes its times
      attempt(directory, () -> finish(copyOf(directory, source, target), directory.status()));
    }
  }

  private static boolean isIn(Set<Path> directories, TreeEntry entry) {
    return entry.depth() > 0 && directories.contains(entry.path().getParent());
  }

  private static Path copyOf(TreeEntry entry, Path source, Path target) {
    return entry.depth() == 0 ? target : target.resolve(source.relativize(entry.path()));
  }

  private void copyAll(List<TreeEntry> entries, Path source, Path target)
      throws InterruptedException {
    var places = new Semaphore(options.parallelism());
    for (var entry : entries) {
      places.acquire();
      Thread.ofVirtual()
          .name("gyre-cp")
          .start(
              () -> {
                try {
                  attempt(entry, () -> entry(entry, copyOf(entry, source, target)));
                } finally {
                  places.release();
                }
              });
    }
    places.acquire(options.parallelism());
  }

  private interface Action {
    void run() throws IOException;
  }

  private boolean attempt(TreeEntry entry, Action action) {
    try {
      action.run();
      return true;
    } catch (IOException | RuntimeException e) {
      meter.failures().add(entry.path(), e);
      return false;
    }
  }

  private void entry(TreeEntry entry, Path target) throws IOException {
    if (entry.type() == FileType.REGULAR
        && Files.isRegularFile(target, LinkOption.NOFOLLOW_LINKS)) {
      file(entry.path(), target);
      return;
    }
    var replacing = new ArrayList<>(how);
    replacing.add(StandardCopyOption.REPLACE_EXISTING);
    trees.copy(
        entry.path(), target, options, meter.new Part(false), replacing.toArray(CopyOption[]::new));
  }

  private void make(Path target, FileStatus status) throws IOException {
    if (Files.isDirectory(target, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
      throw new NotDirectoryException(target.toString());
    }
    var atFirst = EnumSet.copyOf(OWNER_ALL);
    atFirst.addAll(status.permissions());
    files.createDirectory(target, PosixFilePermissions.asFileAttribute(atFirst));
  }

  private void finish(Path target, FileStatus status) throws IOException {
    if (preserves()) {
      give(status, change -> files.setAttributes(target, change));
    } else if (!status.permissions().containsAll(OWNER_ALL)) {
      var permissions = EnumSet.copyOf(files.status(target).permissions());
      permissions.removeIf(p -> OWNER_ALL.contains(p) && !status.permissions().contains(p));
      files.setAttributes(target, AttributeChange.NONE.withPermissions(permissions));
    }
    if (options.durable()) {
      force(target);
    }
    meter.directory();
  }

  /** Makes the names in a directory durable. */
  void force(Path directory) throws IOException {
    try (var open = files.openDirectory(directory)) {
      open.force();
    }
  }

  // ---- files

  /**
   * Copies a regular file to one that exists, or not.
   *
   * @return how many bytes were there already
   */
  long file(Path source, Path target) throws IOException {
    try (var from = files.openFile(source, StandardOpenOption.READ)) {
      var status = from.status();
      var atFirst = EnumSet.copyOf(status.permissions());
      atFirst.add(PosixFilePermission.OWNER_READ);
      atFirst.add(PosixFilePermission.OWNER_WRITE);
      Set<OpenOption> open =
          Set.of(
              StandardOpenOption.CREATE,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              LinkOption.NOFOLLOW_LINKS);
      long same;
      try (var to = files.openFile(target, open, PosixFilePermissions.asFileAttribute(atFirst))) {
        if (to.tryLock(0, Long.MAX_VALUE, false) == null) {
          throw new FileSystemException(
              target.toString(), null, "another process is writing to it");
        }
        same = copyWhatDiffers(from, status.size(), to);
        if (preserves()) {
          give(status, to::setAttributes);
        }
        if (options.durable()) {
          to.force(true);
        }
      }
      meter.file();
      return same;
    }
  }

  private long copyWhatDiffers(AsyncFile from, long size, AsyncFile to) throws IOException {
    var block = ByteBuffer.allocateDirect(BLOCK_BYTES);
    long same = sameBytes(from, to, block, ByteBuffer.allocateDirect(BLOCK_BYTES));
    if (to.size() > same) {
      to.truncate(same); // what would be left in a hole otherwise
    }
    long position = same;
    while (position < size) {
      long data = from.seekData(position);
      if (data < 0 || data >= size) {
        break;
      }
      long hole = from.seekHole(data);
      position = copyRange(from, data, hole < 0 ? size : Math.min(hole, size), to, block);
      if (position < Math.min(size, data + 1)) {
        break; // the source has become shorter
      }
    }
    if (to.size() < Math.min(size, from.size())) {
      to.truncate(Math.min(size, from.size())); // the last hole
    }
    if (from.size() > size) {
      copyRange(from, size, Long.MAX_VALUE, to, block); // it has grown
    }
    return same;
  }

  /** From where on two files differ. */
  private long sameBytes(AsyncFile from, AsyncFile to, ByteBuffer ours, ByteBuffer theirs)
      throws IOException {
    long position = 0;
    while (true) {
      fill(to, position, theirs, (int) Math.min(BLOCK_BYTES, Math.max(0, to.size() - position)));
      fill(from, position, ours, theirs.limit());
      int differs = ours.mismatch(theirs);
      int same = differs < 0 ? ours.remaining() : differs;
      meter.kept(same);
      position += same;
      if (differs >= 0 || same == 0) {
        return position;
      }
    }
  }

  /** Reads a number of bytes, or up to the end of the file. */
  private static void fill(AsyncFile file, long position, ByteBuffer into, int bytes)
      throws IOException {
    into.clear().limit(bytes);
    while (into.hasRemaining() && file.read(into, position + into.position()) > 0) {}
    into.flip();
  }

  /** Returns where it has come to: the end, or that of the source. */
  private long copyRange(AsyncFile from, long begin, long end, AsyncFile to, ByteBuffer block)
      throws IOException {
    long position = begin;
    while (position < end) {
      fill(from, position, block, (int) Math.min(BLOCK_BYTES, end - position));
      if (!block.hasRemaining()) {
        break;
      }
      int bytes = block.remaining();
      to.writeFully(block, position);
      meter.copied(bytes);
      position += bytes;
    }
    return position;
  }

  // ---- attributes

  private boolean preserves() {
    return how.contains(StandardCopyOption.COPY_ATTRIBUTES);
  }

  private interface Receiver {
    void set(AttributeChange change) throws IOException;
  }

  /** Everything, and without privileges everything but the owner. */
  private static void give(FileStatus status, Receiver receiver) throws IOException {
    var all = AttributeChange.to(status);
    try {
      receiver.set(all);
    } catch (AccessDeniedException e) {
      receiver.set(all.withOwner(-1, -1));
    }
  }
}
