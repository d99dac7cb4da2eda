package io.gyre.benchmarks.cli;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Which version of each block was asked to be written, and which was reported written: a side file that the verifier
 * holds the blocks against.
 *
 * <pre>
 *  0        8        16            24       32                 48
 *  +--------+--------+-------------+--------+--------+---------+--------+---------+---
 *  | magic  | run    | block bytes | blocks | issued | acknow- | issued | acknow- | ...
 *  |        |        |             |        |        | ledged  |        | ledged  |
 *  +--------+--------+-------------+--------+--------+---------+--------+---------+---
 *                                           block 0            block 1
 * </pre>
 *
 * The file is mapped: a store is in the page cache at once, which outlives the process, and costs no call. A crash of
 * the process therefore leaves it exact. After a crash of the machine it may be behind the file, never ahead: a version
 * is stored as acknowledged when the block is durable. A store may wait for the disk where the page is being written
 * back: it is paid for only by those who ask for verification.
 *
 * <p>Little-endian; each field is stored whole. {@code issued} is stored with release before the write is submitted,
 * {@code acknowledged} with release after its outcome.
 */
final class WriteJournal implements AutoCloseable {
  private static final long MAGIC = 0x314c_4e4a_4552_5947L; // GYREJNL1
  private static final long RUN = 8;
  private static final long BLOCK_BYTES = 16;
  private static final long BLOCKS = 24;
  private static final int HEADER_BYTES = 32;
  private static final int RECORD_BYTES = 16;
  private static final int ACKNOWLEDGED = 8;
  private static final VarHandle LONG =
      ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();

  private final Path path;
  private final FileChannel channel; // holds the lock
  private final MemorySegment memory;

  private WriteJournal(Path path, FileChannel channel, MemorySegment memory) {
    this.path = path;
    this.channel = channel;
    this.memory = memory;
  }

  /** Goes on with a journal, or begins one. */
  static WriteJournal openToWrite(Path path, int block, long blocks) throws IOException {
    if (!Files.exists(path)) {
      create(path, block, blocks);
    }
    var journal = open(path, false);
    if (journal.blockBytes() != block || journal.blocks() != blocks) {
      try (journal) {
        throw new CommandFailed(
            path
                + ": is the journal of %d blocks of %d bytes, not of %d of %d:"
                    .formatted(journal.blocks(), journal.blockBytes(), blocks, block)
                + " remove it to begin anew");
      }
    }
    return journal;
  }

  /** Opens a journal that nobody writes to. */
  static WriteJournal openToRead(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString());
    }
    return open(path, true);
  }

  /** Whole, or not at all: it gets its name last. */
  private static void create(Path path, int block, long blocks) throws IOException {
    var header =
        ByteBuffer.allocate(HEADER_BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(MAGIC)
            .putLong(ThreadLocalRandom.current().nextLong())
            .putLong(block)
            .putLong(blocks)
            .flip();
    var partial = path.resolveSibling(path.getFileName() + ".part");
    try {
      try (var channel =
          FileChannel.open(
              partial,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        channel.write(ByteBuffer.allocate(1), recordOffset(blocks) - 1);
        channel.write(header, 0);
        channel.force(true);
      }
      Files.move(partial, path, StandardCopyOption.ATOMIC_MOVE);
      try (var folder = FileChannel.open(path.toAbsolutePath().getParent())) {
        folder.force(true); // the name is in there
      }
    } finally {
      Files.deleteIfExists(partial);
    }
  }

  private static WriteJournal open(Path path, boolean toRead) throws IOException {
    Arguments.requireRegularFile(path);
    var channel =
        toRead
            ? FileChannel.open(path, StandardOpenOption.READ)
            : FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      if (channel.tryLock(0, Long.MAX_VALUE, toRead) == null) {
        throw new CommandFailed(path + ": another process is at work with it");
      }
      var mode = toRead ? FileChannel.MapMode.READ_ONLY : FileChannel.MapMode.READ_WRITE;
      // Unmapped when nobody can reach it any more: a write that outlasts its run harms nothing.
      var memory = channel.map(mode, 0, channel.size(), Arena.ofAuto());
      var journal = new WriteJournal(path, channel, memory);
      journal.check();
      journal.memory.load(); // fewer faults later
      return journal;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private void check() {
    if (memory.byteSize() < HEADER_BYTES
        || (long) LONG.get(memory, 0L) != MAGIC
        || !isBlockBytes((long) LONG.get(memory, BLOCK_BYTES))
        || blocks() < 1
        || blocks() > memory.byteSize() / RECORD_BYTES
        || memory.byteSize() != recordOffset(blocks())) {
      throw new CommandFailed(
          path + ": is no journal of read --write --verify, or not a whole one");
    }
  }

  private static boolean isBlockBytes(long bytes) {
    return bytes >= StampedBlock.HEADER_BYTES && bytes <= ReadCommand.MAX_BLOCK_BYTES;
  }

  private static long recordOffset(long block) {
    return HEADER_BYTES + block * RECORD_BYTES;
  }

  /** What tells this file and its journal from all others. */
  long run() {
    return (long) LONG.get(memory, RUN);
  }

  int blockBytes() {
    return (int) (long) LONG.get(memory, BLOCK_BYTES); // checked
  }

  long blocks() {
    return (long) LONG.get(memory, BLOCKS);
  }

  /** Says that the next version of a block will be written; one at a time for each block. */
  long issue(long block) {
    long version = issued(block) + 1;
    LONG.setRelease(memory, recordOffset(block), version);
    return version;
  }

  /** Says that a version of a block was reported written. */
  void acknowledge(long block, long version) {
    LONG.setRelease(memory, recordOffset(block) + ACKNOWLEDGED, version);
  }

  /** The version of a block that was asked for last; 0 when it was never written. */
  long issued(long block) {
    return (long) LONG.getAcquire(memory, recordOffset(block));
  }

  /** The version of a block that was reported written last; 0 when none was. */
  long acknowledged(long block) {
    return (long) LONG.getAcquire(memory, recordOffset(block) + ACKNOWLEDGED);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  @Override
  public String toString() {
    return path.toString();
  }
}
