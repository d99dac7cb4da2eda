package io.gyre.benchmarks.jmh;

import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.fs.AsyncFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Random reads and writes of 4 KiB of a file that is in the page cache, with pooled buffers: {@value #IN_FLIGHT} at a
 * time, each slot used again from its own completion.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 2, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class FileBenchmark {
  static final int IN_FLIGHT = 128;
  static final int BATCH =
      64 * IN_FLIGHT; // so long that waking the loop, once a batch, hardly counts

  private static final int BLOCK_BYTES = 4096;
  private static final int BLOCKS = 1 << 14; // 64 MiB

  /** The driver. */
  @Param({"uring", "nio"})
  public String driver;

  private Path path;
  private IoRuntime runtime;
  private AsyncFile file;
  private Transfers reads;
  private Transfers writes;

  /** Makes the state; JMH does this. */
  public FileBenchmark() {}

  /**
   * Writes the file and starts the runtime.
   *
   * @throws IOException when the driver does not work here
   */
  @Setup(Level.Trial)
  public void start() throws IOException {
    path = Files.createTempFile("gyre-jmh-", ".data");
    var content = new byte[BLOCKS * BLOCK_BYTES];
    new SplittableRandom(42).nextBytes(content);
    Files.write(path, content);
    runtime = IoRuntime.builder().driver(driver).start();
    file = AsyncFile.open(runtime, path, StandardOpenOption.READ, StandardOpenOption.WRITE);
    reads = new Transfers(file, false);
    writes = new Transfers(file, true);
  }

  /**
   * Ends the runtime and deletes the file.
   *
   * @throws IOException when it can't be deleted
   */
  @TearDown(Level.Trial)
  public void stop() throws IOException {
    runtime.close();
    Files.delete(path);
  }

  /** One batch. */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void read() {
    reads.invoke();
  }

  /** One batch, over what the file holds. */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void write() {
    writes.invoke();
  }

  private static final class Transfers extends Batch implements IoHandler<Buffer> {
    private final AsyncFile file;
    private final boolean write;
    private final Buffer[] buffers = new Buffer[IN_FLIGHT];
    private long random = 88172645463325252L;
    private int toStart;
    private int pending;

    Transfers(AsyncFile file, boolean write) {
      super(file.loop());
      this.file = file;
      this.write = write;
      for (int i = 0; i < IN_FLIGHT; i++) {
        buffers[i] = file.loop().buffers().acquire(BLOCK_BYTES);
      }
    }

    @Override
    public void run() {
      toStart = BATCH - IN_FLIGHT;
      pending = BATCH;
      for (var buffer : buffers) {
        start(buffer);
      }
    }

    private void start(Buffer buffer) {
      long x = random;
      x ^= x << 13;
      x ^= x >>> 7;
      x ^= x << 17;
      random = x;
      buffer.byteBuffer().position(0);
      long position = (x & (BLOCKS - 1)) * BLOCK_BYTES;
      if (write) {
        file.write(buffer, position, buffer, this);
      } else {
        file.read(buffer, position, buffer, this);
      }
    }

    @Override
    public void completed(int result, Buffer buffer) {
      if (result != BLOCK_BYTES) {
        fail(new IOException("a transfer gave " + result + " bytes"));
      }
      ended(buffer);
    }

    @Override
    public void failed(Throwable cause, Buffer buffer) {
      fail(cause);
      ended(buffer);
    }

    private void ended(Buffer buffer) {
      if (--pending == 0) {
        finish();
      } else if (toStart > 0) {
        toStart--;
        start(buffer);
      }
    }
  }
}
