package io.gyre.benchmarks.cli;

import io.gyre.benchmarks.cli.TransferLoad.Request;
import java.util.ArrayList;
import java.util.List;

/** Every block once, held against a {@link WriteJournal}. */
final class CheckedBlocks extends BlockPlan {
  private static final int MAX_TOLD = 20;

  private final WriteJournal journal;
  private final int block;
  private final long blocks;
  private final List<String> told = new ArrayList<>();
  private long next;
  private long acknowledged;
  private long interrupted;
  private long bad;

  /**
   * Makes a plan; blocks that the journal knows and the file does not have are bad already.
   *
   * @param fileBlocks how many whole blocks the file has
   */
  CheckedBlocks(WriteJournal journal, long fileBlocks) {
    this.journal = journal;
    this.block = journal.blockBytes();
    this.blocks = Math.min(fileBlocks, journal.blocks());
    for (long missing = blocks; missing < journal.blocks(); missing++) {
      if (journal.acknowledged(missing) > 0) {
        acknowledged++;
        bad(missing, "missing: the file ends before it");
      }
    }
  }

  long blocks() {
    return blocks;
  }

  /** How many were reported written. */
  long acknowledged() {
    return acknowledged;
  }

  /** How many were being written when the writer ended, and are not whole. */
  long interrupted() {
    return interrupted;
  }

  /** How many are not what was reported. */
  long bad() {
    return bad;
  }

  /** A line for each of the first that are bad. */
  List<String> told() {
    return told;
  }

  @Override
  long next(Request request) {
    return next < blocks ? next++ : NONE;
  }

  @Override
  void ended(Request request) {
    check(request.block, request.stamped);
  }

  void check(long index, StampedBlock found) {
    long expected = journal.acknowledged(index);
    long issued = journal.issued(index);
    if (expected > issued) {
      bad(index, "the journal is damaged: of version " + issued + " at most");
      return;
    }
    if (expected > 0) {
      acknowledged++;
    }
    boolean whole = found.hasMagic() && found.checksum() == found.computeChecksum();
    if (!whole) {
      // A file system promises nothing about a write that was cut short, not even the old version.
      // A block that was never written holds what it held before.
      if (issued > expected) {
        interrupted++;
      } else if (expected > 0) {
        bad(index, damage(found));
      }
    } else if (found.run() != journal.run() || found.length() != block) {
      if (expected > 0) {
        bad(index, "lost: found a block of another run, " + describe(found));
      }
    } else if (found.offset() != index * block) {
      bad(
          index,
          "misdirected: found the block of offset " + found.offset() + ", " + describe(found));
    } else if (found.version() < expected) {
      bad(index, "stale: found " + describe(found));
    }
  }

  private static String damage(StampedBlock found) {
    return found.hasMagic()
        ? String.format(
            "damaged: found checksum %08x over content of checksum %08x, in the header offset %d"
                + " and %s",
            found.checksum(), found.computeChecksum(), found.offset(), describe(found))
        : "lost: found no block at all";
  }

  private static String describe(StampedBlock found) {
    return "version " + found.version();
  }

  private void bad(long index, String found) {
    bad++;
    if (told.size() < MAX_TOLD) {
      told.add(
          "block %d at offset %d: expected version %d or later, %s"
              .formatted(index, index * block, journal.acknowledged(index), found));
    }
  }
}
