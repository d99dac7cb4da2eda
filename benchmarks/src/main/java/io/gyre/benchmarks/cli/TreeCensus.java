package io.gyre.benchmarks.cli;

import io.gyre.driver.FileStatus;
import io.gyre.driver.FileType;
import io.gyre.fs.TreeEntry;
import io.gyre.fs.TreeVisitor;
import java.nio.file.FileVisitResult;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/** Adds up the sizes in a tree. Confined to the loop's thread until the walk has ended, but for {@link #entries()}. */
final class TreeCensus implements TreeVisitor {
  private static final int BLOCK_BYTES = 512; // of FileStatus.blocks

  private final Set<Object> severalNames = new HashSet<>(); // files seen that have some
  private final FailureList failures = new FailureList();
  private final AtomicLong entries = new AtomicLong();
  private long bytes;
  private long content;
  private long allocated;

  @Override
  public FileVisitResult visit(TreeEntry entry) {
    entries.setOpaque(entries.getPlain() + 1);
    var status = entry.status();
    if (entry.type() == FileType.REGULAR) {
      content += content(status);
    }
    if (entry.type() == FileType.DIRECTORY
        || status.links() == 1
        || severalNames.add(status.fileKey())) {
      bytes += entry.type() == FileType.REGULAR ? status.size() : 0;
      allocated = status.blocks() < 0 || allocated < 0 ? -1 : allocated + space(status);
    }
    return FileVisitResult.CONTINUE;
  }

  @Override
  public FileVisitResult failed(Path path, Exception cause) {
    failures.add(path, cause);
    return FileVisitResult.CONTINUE;
  }

  private static long space(FileStatus status) {
    return status.blocks() * BLOCK_BYTES;
  }

  /** How much there is to copy: holes have no content. */
  static long content(FileStatus status) {
    return status.blocks() < 0 ? status.size() : Math.min(status.size(), space(status));
  }

  /** How many there are so far. Any thread. */
  long entries() {
    return entries.getOpaque();
  }

  /** The sum of all files' sizes, a file of several names once. */
  long bytes() {
    return bytes;
  }

  /** The space that everything takes, a file of several names once; -1 where that is not told. */
  long allocated() {
    return allocated;
  }

  /** The sum of what a copy of each name would have to copy. */
  long content() {
    return content;
  }

  FailureList failures() {
    return failures;
  }
}
