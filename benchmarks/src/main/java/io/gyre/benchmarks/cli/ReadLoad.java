package io.gyre.benchmarks.cli;

import io.gyre.Buffer;
import io.gyre.BufferPool;
import io.gyre.driver.DriverCounters;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.fs.AsyncFile;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * Random reads of one file. What all reads need is made before the first: neither the requests nor the latencies
 * allocate afterwards.
 */
abstract class ReadLoad extends Load {
  static final int ALIGNMENT = BufferPool.MIN_BUFFER_BYTES;

  private static final long SLOWEST_NANOS = TimeUnit.SECONDS.toNanos(60);

  // One look at the clock a turn: what came back with one call into the kernel became visible at
  // one
  // time. A look for each read would cost a fiftieth of a read, and the reference in C takes none.
  private final DriverCounters counters;
  private long turn = -1;
  private long turnNanos;

  /** One of the reads in flight, with memory of its own. */
  static final class Request {
    final Buffer pooled; // null where the block is larger than the pool's buffers
    final ByteBuffer memory;
    long startNanos;

    Request(Buffer pooled, ByteBuffer memory) {
      this.pooled = pooled;
      this.memory = memory;
    }
  }

  private final Histogram latencies = new Histogram(1, SLOWEST_NANOS, 3);
  private final int block;
  private final int expected;
  private final long blocks;
  private final Request[] requests;
  private long random = new SplittableRandom(42).nextLong() | 1;

  final AsyncFile file;

  /**
   * Makes a load.
   *
   * @param file what to read
   * @param fileBytes its size, at least 1
   * @param block bytes a read; a smaller file is read whole
   * @param depth reads in flight
   */
  ReadLoad(AsyncFile file, long fileBytes, int block, int depth) {
    super(file.loop());
    this.counters = file.loop().counters();
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

  /** Reads into the request's memory, from its position on. */
  abstract void read(Request request, long position);

  @Override
  final void begin() {
    long now = System.nanoTime();
    for (var request : requests) {
      inFlight++;
      start(request, now);
    }
  }

  private long turnNanos() {
    long current = counters.get(Counter.TURNS);
    if (turn != current) {
      turn = current;
      turnNanos = System.nanoTime();
    }
    return turnNanos;
  }

  private void start(Request request, long now) {
    request.startNanos = now;
    request.memory.position(0);
    read(request, nextPosition());
  }

  /** xorshift64: a shift or three an offset, and the same offsets in every run. */
  private long nextPosition() {
    long x = random;
    x ^= x << 13;
    x ^= x >>> 7;
    x ^= x << 17;
    random = x;
    return Math.unsignedMultiplyHigh(x, blocks) * block;
  }

  final void succeeded(int result, Request request) {
    // The moment at which one read ends is the one at which the next begins.
    long now = turnNanos();
    latencies.recordValue(Math.min(now - request.startNanos, SLOWEST_NANOS));
    done++;
    if (result != expected) {
      failed(new CommandFailed(file + ": a read gave " + result + " of " + expected + " bytes"));
    } else if (stopping) {
      retire();
    } else {
      start(request, now);
    }
  }

  @Override
  final void resetStatistics() {
    super.resetStatistics();
    latencies.reset();
  }

  /** A latency in microseconds; safe to ask once {@link #ended()} has completed. */
  final double percentileMicros(double percentile) {
    return latencies.getTotalCount() == 0 ? 0 : latencies.getValueAtPercentile(percentile) / 1e3;
  }

  final void releaseBuffers() {
    for (var request : requests) {
      if (request.pooled != null) {
        request.pooled.release();
      }
    }
  }
}
