package io.gyre.benchmarks.cli;

import io.gyre.Buffer;
import io.gyre.fs.AsyncFile;
import io.gyre.fs.BlockReadHandler;
import io.gyre.fs.ReadAhead;

/** A file read as a stream of blocks in callback style, again and again. What is timed is from one block to the next. */
final class BlocksLoad extends TimedLoad implements BlockReadHandler<Void> {
  private final AsyncFile file;
  private final ReadAhead how;
  private long lastNanos;

  /**
   * Makes a load.
   *
   * @param file what to read
   * @param block bytes at a time
   * @param depth how many blocks are read ahead
   */
  BlocksLoad(AsyncFile file, int block, int depth) {
    super(file.loop());
    this.file = file;
    this.how = ReadAhead.DEFAULT.blockBytes(block).depth(depth);
  }

  @Override
  void begin() {
    inFlight++;
    lastNanos = System.nanoTime();
    file.readBlocks(how, null, this);
  }

  @Override
  public Next block(Buffer block, Void attachment) {
    block.release();
    long now = turnNanos();
    record(lastNanos, now);
    lastNanos = now;
    if (stopping) {
      retire();
      return Next.STOP;
    }
    return Next.CONTINUE;
  }

  @Override
  public void ended(Void attachment) {
    if (stopping) {
      retire();
    } else {
      file.readBlocks(how, null, this);
    }
  }

  @Override
  public void failed(Throwable cause, Void attachment) {
    failed(cause);
  }

  @Override
  void releaseBuffers() {
    // It has none of its own.
  }
}
