package io.gyre.benchmarks.cli;

import io.gyre.Buffer;
import io.gyre.BufferPool;
import io.gyre.fs.AsyncFile;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * Reads or writes of one file, at random unless a subclass says otherwise. What all of them need is made before the first:
 * neither the requests nor the latencies allocate afterwards.
 */
abstract class TransferLoad extends TimedLoad {
  static final int ALIGNMENT = BufferPool.MIN_BUFFER_BYTES;

  /** One of those in flight, with memory of its own. */
  static final class Request {
    final Buffer pooled; // null where the block is larger than the pool's buffers
    final ByteBuffer memory;
    long startNanos;

    Request(Buffer pooled, ByteBuffer memory) {
      this.pooled = pooled;
      this.memory = memory;
    }
  }

  private final int block;
  private final int expected;
  private final long blocks;
  private final Request[] requests;
  private long random = new SplittableRandom(42).nextLong() | 1;

  final AsyncFile file;

  /**
   * Makes a load.
   *
   * @param file what to read or write
   * @param fileBytes its size, at least 1
   * @param block bytes at a time; a smaller file is read whole
   * @param depth how many are in flight
   */
  TransferLoad(AsyncFile file, long fileBytes, int block, int depth) {
    super(file.loop());
    this.file = file;
    this.block = block;
    this.expected = (int) Math.min(block, fileBytes);
    this.blocks = Math.max(1, fileBytes / block);
    this.requests = new Request[depth];
    for (int i = 0; i < depth; i++) {
      requests[i] = request();
    }
  }

  private Request request() {
    if (block <= BufferPool.MAX_BUFFER_BYTES) {
      var pooled = file.loop().buffers().acquire(block);
      return new Request(pooled, pooled.byteBuffer());
    }
    var aligned = ByteBuffer.allocateDirect(block + ALIGNMENT).alignedSlice(ALIGNMENT);
    return new Request(null, aligned.limit(block).slice());
  }

  /** Reads into the request's memory, or writes it, from its position on. */
  abstract void transfer(Request request, long position);

  @Override
  final void begin() {
    long now = System.nanoTime();
    for (var request : requests) {
      inFlight++;
      start(request, now);
    }
  }

  private void start(Request request, long now) {
    request.startNanos = now;
    request.memory.position(0);
    transfer(request, nextBlock(blocks) * block);
  }

  /** Which block is next. xorshift64: a shift or three an offset, and the same offsets in every run. */
  long nextBlock(long blocks) {
    long x = random;
    x ^= x << 13;
    x ^= x >>> 7;
    x ^= x << 17;
    random = x;
    return Math.unsignedMultiplyHigh(x, blocks);
  }

  final void succeeded(int result, Request request) {
    // The moment at which one ends is the one at which the next begins.
    long now = turnNanos();
    record(request.startNanos, now);
    if (result != expected) {
      failed(
          new CommandFailed(file + ": a transfer gave " + result + " of " + expected + " bytes"));
    } else if (stopping) {
      retire();
    } else {
      start(request, now);
    }
  }

  final void forEachRequest(Consumer<Request> action) {
    for (var request : requests) {
      action.accept(request);
    }
  }

  @Override
  final void releaseBuffers() {
    for (var request : requests) {
      if (request.pooled != null) {
        request.pooled.release();
      }
    }
  }
}
