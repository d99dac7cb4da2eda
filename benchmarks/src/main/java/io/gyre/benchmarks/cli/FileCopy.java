package io.gyre.benchmarks.cli;

import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.fs.AsyncFile;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Copies the content of one open file to another, a number of blocks at a time: each is read until it is full or the
 * source ends, then written until it is all written, and then takes the next offset. Confined to the loop's thread, but
 * for {@link #copiedBytes()}.
 *
 * <p>Up to the size that the source had when it was opened, blocks go in parallel. What it has grown by meanwhile
 * follows one block at a time. If it has shrunk, the copy ends where the source was first seen to end.
 */
final class FileCopy {
  private final AsyncFile source;
  private final AsyncFile target;
  private final long sourceBytes;
  private final int blockBytes;
  private final Block[] blocks;
  private final Reads reads = new Reads();
  private final Writes writes = new Writes();
  private final AtomicLong copied = new AtomicLong();
  private final CompletableFuture<Long> ended = new CompletableFuture<>();

  private long nextOffset;
  private long end = Long.MAX_VALUE;
  private int active;
  private Throwable failure;

  private static final class Block {
    final Buffer buffer;
    long offset;
    int filled;
    int written;

    Block(Buffer buffer) {
      this.buffer = buffer;
    }
  }

  FileCopy(AsyncFile source, AsyncFile target, long sourceBytes, int blockBytes, int depth) {
    this.source = source;
    this.target = target;
    this.sourceBytes = sourceBytes;
    this.blockBytes = blockBytes;
    this.blocks = new Block[depth];
    for (int i = 0; i < depth; i++) {
      blocks[i] = new Block(source.loop().buffers().acquire(blockBytes));
    }
  }

  /**
   * Begins. Any thread.
   *
   * @return completes with the number of bytes that the copy should have; more may have been written when the source
   *     has shrunk
   */
  CompletableFuture<Long> start() {
    source
        .loop()
        .execute(
            () -> {
              active = 1; // keeps the end away while blocks are handed out
              for (var block : blocks) {
                if (nextOffset < sourceBytes) {
                  active++;
                  next(block);
                }
              }
              retire(blocks[0]);
            });
    return ended;
  }

  /** How much is written. Any thread. */
  long copiedBytes() {
    return copied.getOpaque();
  }

  void releaseBuffers() {
    for (var block : blocks) {
      block.buffer.release();
    }
  }

  /** Takes the next offset. */
  private void next(Block block) {
    block.offset = nextOffset;
    block.filled = 0;
    block.written = 0;
    nextOffset += blockBytes;
    block.buffer.byteBuffer().clear().limit(blockBytes);
    source.read(block.buffer, block.offset, block, reads);
  }

  /** A block is done: it goes on with the next, unless there is none. */
  private void advance(Block block) {
    if (failure == null && end == Long.MAX_VALUE && nextOffset < sourceBytes) {
      next(block);
    } else {
      retire(block);
    }
  }

  private void retire(Block block) {
    if (--active > 0) {
      return;
    }
    if (failure != null) {
      ended.completeExceptionally(failure);
    } else if (end != Long.MAX_VALUE) {
      ended.complete(end);
    } else {
      active = 1; // the end was not met yet: the source may have grown
      next(block);
    }
  }

  private void fail(Throwable cause, Block block) {
    if (failure == null) {
      failure = cause;
    }
    retire(block);
  }

  private void write(Block block) {
    if (block.filled == 0) {
      advance(block);
    } else {
      block.buffer.byteBuffer().position(0).limit(block.filled);
      target.write(block.buffer, block.offset, block, writes);
    }
  }

  private final class Reads implements IoHandler<Block> {
    @Override
    public void completed(int result, Block block) {
      if (result < 0) {
        end = Math.min(end, block.offset + block.filled);
        write(block);
        return;
      }
      block.filled += result;
      if (block.filled == blockBytes) {
        write(block);
      } else {
        // Short: the end of the file, or the kernel had no more at hand. The next read tells.
        source.read(block.buffer, block.offset + block.filled, block, this);
      }
    }

    @Override
    public void failed(Throwable cause, Block block) {
      fail(cause, block);
    }
  }

  private final class Writes implements IoHandler<Block> {
    @Override
    public void completed(int result, Block block) {
      block.written += result;
      copied.setOpaque(copied.getPlain() + result);
      if (block.written == block.filled) {
        advance(block);
      } else if (result == 0) {
        fail(
            new CommandFailed(
                target + ": a write of " + (block.filled - block.written) + " bytes wrote none"),
            block);
      } else {
        target.write(block.buffer, block.offset + block.written, block, this);
      }
    }

    @Override
    public void failed(Throwable cause, Block block) {
      fail(cause, block);
    }
  }
}
