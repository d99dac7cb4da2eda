package io.gyre.benchmarks.cli;

import io.gyre.Buffer;
import io.gyre.benchmarks.load.GroupCommit;
import io.gyre.fs.AsyncFile;
import java.util.SplittableRandom;

/** Writers that append to a log, each its next when the last is durable. */
final class AppendLoad extends TimedLoad {
  private static final long SEED = 42;

  private final GroupCommit log;
  private final Writer[] writers;

  /**
   * Makes a load.
   *
   * @param file empty, and open for writing
   * @param bytes an append
   * @param count writers
   */
  AppendLoad(AsyncFile file, int bytes, int count) {
    super(file.loop());
    this.log = new GroupCommit(file, 0);
    this.writers = new Writer[count];
    var random = new SplittableRandom(SEED);
    for (int i = 0; i < count; i++) {
      var record = file.loop().buffers().acquire(bytes);
      while (record.byteBuffer().hasRemaining()) {
        record.byteBuffer().put((byte) random.nextInt());
      }
      writers[i] = new Writer(record);
    }
  }

  private final class Writer extends GroupCommit.Append {
    private final Buffer record;
    private long startNanos;

    Writer(Buffer record) {
      super(record);
      this.record = record;
    }

    void append(long now) {
      startNanos = now;
      record.byteBuffer().position(0);
      log.append(this);
    }

    @Override
    public void durable() {
      long now = turnNanos();
      record(startNanos, now);
      if (stopping) {
        retire();
      } else {
        append(now);
      }
    }

    @Override
    public void failed(Throwable cause) {
      AppendLoad.this.failed(cause);
    }
  }

  @Override
  void begin() {
    long now = System.nanoTime();
    for (var writer : writers) {
      inFlight++;
      writer.append(now);
    }
  }

  @Override
  long syncs() {
    return log.syncs();
  }

  @Override
  void releaseBuffers() {
    for (var writer : writers) {
      writer.record.release();
    }
  }
}
