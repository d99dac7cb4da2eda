package io.gyre.fs;

import io.gyre.driver.FileStatus;
import java.nio.ByteBuffer;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntConsumer;

/**
 * Copies the content of one open file to another: within the kernel where it can, which shares the blocks on file systems
 * that copy on write, else through memory. Holes stay holes.
 */
final class FileCopy {
  /** Ends soon enough for a cancellation, and for who looks at the progress. */
  private static final int PART_BYTES = 8 << 20;

  private static final int BUFFER_BYTES = 128 << 10;
  private static final int LEAST_BYTES = 4 << 10; // most files that have no size are empty
  private static final int BLOCK_BYTES = 512; // of FileStatus.blocks

  private final CompositeFuture<?> owner;
  private final AsyncFile source;
  private final AsyncFile target;
  private final long size;
  private final IntConsumer progress;
  private boolean inKernel = true;
  private ByteBuffer buffer;
  private long position;
  private long end; // of the present piece of data; Long.MAX_VALUE to go on to the end of the file

  /**
   * Makes a copier.
   *
   * @param status the source's, at its opening
   * @param progress takes the number of bytes of each part
   */
  FileCopy(
      CompositeFuture<?> owner,
      AsyncFile source,
      FileStatus status,
      AsyncFile target,
      IntConsumer progress) {
    this.owner = owner;
    this.source = source;
    this.target = target;
    this.size = status.size();
    this.progress = progress;
    // One that takes less space than it is long has holes, or is compressed: looking tells.
    boolean mayHaveHoles = status.blocks() < 0 || status.blocks() * BLOCK_BYTES < size;
    this.end = mayHaveHoles ? 0 : Long.MAX_VALUE;
  }

  CompletableFuture<Void> start() {
    return end == 0 && size > 0 ? copyPieces() : copyToTheEnd();
  }

  /** For files without holes, and those of /proc, which have content but no size. */
  private CompletableFuture<Void> copyToTheEnd() {
    end = Long.MAX_VALUE;
    return CompositeFuture.repeat(this::copyPart);
  }

  private CompletableFuture<Void> copyPieces() {
    return CompositeFuture.repeat(this::copyPiece)
        .thenCompose(nothing -> owner.step(() -> target.truncateAsync(size))); // the last hole
  }

  private CompletableFuture<Boolean> copyPiece() {
    return owner
        .step(() -> source.seekDataAsync(position))
        .thenCompose(
            data -> {
              if (data < 0 || data >= size) {
                return CompletableFuture.completedFuture(false);
              }
              position = data;
              return owner
                  .step(() -> source.seekHoleAsync(data))
                  .thenCompose(
                      hole -> {
                        end = hole < 0 ? size : Math.min(hole, size);
                        return CompositeFuture.repeat(this::copyPart);
                      })
                  .thenApply(nothing -> position >= end && position < size);
            });
  }

  /** Copies some of the piece; false when that is done, or the file has become shorter. */
  private CompletableFuture<Boolean> copyPart() {
    if (position >= end) {
      return CompletableFuture.completedFuture(false);
    }
    if (!inKernel) {
      return copyThroughMemory();
    }
    long count = Math.min(PART_BYTES, end - position);
    return CompositeFuture.andThen(
        owner.step(() -> source.copyRangeAsync(position, target, position, count)),
        (bytes, failure) -> {
          if (failure == null && bytes > 0) {
            return advance(bytes);
          }
          if (failure == null && size > 0 && position >= size) {
            return CompletableFuture.completedFuture(false);
          }
          if (failure instanceof CancellationException) {
            return CompletableFuture.failedFuture(failure);
          }
          // Two file systems, or one that can't; or the end, which files of /proc have anywhere. If
          // it was something else, the transfer through memory says so as well.
          inKernel = false;
          return copyThroughMemory();
        });
  }

  private CompletableFuture<Boolean> advance(int bytes) {
    position += bytes;
    progress.accept(bytes);
    return CompletableFuture.completedFuture(true);
  }

  private CompletableFuture<Boolean> copyThroughMemory() {
    if (buffer == null) {
      buffer = ByteBuffer.allocate(Math.clamp(size - position, LEAST_BYTES, BUFFER_BYTES));
    }
    buffer.clear().limit((int) Math.min(buffer.capacity(), end - position));
    return owner
        .step(() -> source.readAsync(buffer, position))
        .thenCompose(
            bytes -> {
              if (bytes <= 0) {
                return CompletableFuture.completedFuture(false);
              }
              buffer.flip();
              return owner
                  .step(() -> target.writeFullyAsync(buffer, position))
                  .thenCompose(nothing -> advance(bytes));
            });
  }
}
