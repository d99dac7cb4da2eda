package io.gyre.benchmarks.cli;

import io.gyre.Buffer;
import io.gyre.BufferPool;
import io.gyre.benchmarks.load.GroupSync;
import io.gyre.fs.AsyncFile;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;

/**
 * Reads or writes blocks of one file, a number of them at a time: a {@link BlockPlan} says which, a subclass in which
 * style. What all of them need is made before the first: neither the requests nor the latencies allocate afterwards.
 */
abstract class TransferLoad extends TimedLoad {
  static final int ALIGNMENT = BufferPool.MIN_BUFFER_BYTES;
  private static final long SEED = 42;

  /** One of those in flight, with memory of its own. */
  final class Request implements GroupSync.Waiter {
    final Buffer pooled; // null where the block is larger than the pool's buffers
    final ByteBuffer memory;
    final StampedBlock stamped;
    long block;
    long version; // of what is written, where the plan gives one
    long startNanos;

    Request(Buffer pooled, ByteBuffer memory) {
      this.pooled = pooled;
      this.memory = memory;
      this.stamped = new StampedBlock(memory);
    }

    @Override
    public void durable() {
      ended(this);
    }

    @Override
    public void failed(Throwable cause) {
      TransferLoad.this.failed(cause);
    }
  }

  private final int block;
  private final int expected;
  private final Request[] requests;

  final AsyncFile file;
  final BlockPlan plan;
  final Access access;

  /** What is done to each block. */
  enum Access {
    READ,
    WRITE
  }

  /**
   * Makes a load.
   *
   * @param file what to read or write
   * @param access which of the two
   * @param plan which blocks
   * @param fileBytes the file's size, at least 1
   * @param block bytes at a time; a smaller file is read whole
   * @param depth how many are in flight
   */
  TransferLoad(
      AsyncFile file, Access access, BlockPlan plan, long fileBytes, int block, int depth) {
    super(file.loop());
    this.file = file;
    this.access = access;
    this.plan = plan;
    this.block = block;
    this.expected = (int) Math.min(block, fileBytes);
    this.requests = new Request[depth];
    var random = new SplittableRandom(SEED);
    for (int i = 0; i < depth; i++) {
      requests[i] = request();
      if (access == Access.WRITE) {
        fill(requests[i].memory, random);
      }
    }
  }

  private Request request() {
    if (block <= BufferPool.MAX_BUFFER_BYTES) {
      var pooled = file.loop().buffers().acquire(block);
      return new Request(pooled, pooled.byteBuffer());
    }
    // A slice is cut at both ends.
    var aligned = ByteBuffer.allocateDirect(block + 2 * ALIGNMENT).alignedSlice(ALIGNMENT);
    return new Request(null, aligned.limit(block).slice());
  }

  /** Bytes that no device can leave out. */
  private static void fill(ByteBuffer memory, SplittableRandom random) {
    while (memory.hasRemaining()) {
      memory.put((byte) random.nextInt());
    }
  }

  /** How many whole blocks a file has, or 1: a file that is smaller is read whole. */
  static long blocks(long fileBytes, int block) {
    return Math.max(1, fileBytes / block);
  }

  /** Starts a request of which nothing is in flight: the calling thread is its own now, or the loop's. */
  abstract void start(Request request, long now);

  @Override
  final void begin() {
    long now = System.nanoTime();
    inFlight = requests.length;
    for (var request : requests) {
      start(request, now);
    }
  }

  /**
   * Gives a request its next block.
   *
   * @return false when there is none
   */
  final boolean take(Request request, long now) {
    request.startNanos = now;
    request.block = plan.next(request);
    return request.block >= 0;
  }

  /** Makes its memory ready for the transfer. */
  final long prepare(Request request) {
    long position = request.block * block;
    request.memory.position(0);
    if (access == Access.WRITE) {
      plan.beforeWrite(request, position);
    }
    return position;
  }

  /** Why a transfer is none, or null. */
  final CommandFailed complaint(int result) {
    return result == expected
        ? null
        : new CommandFailed(file + ": a transfer gave " + result + " of " + expected + " bytes");
  }

  /** A request is through, fsync and all, if there is one. */
  abstract void ended(Request request);

  @Override
  final void releaseBuffers() {
    for (var request : requests) {
      if (request.pooled != null) {
        request.pooled.release();
      }
    }
  }
}
