package io.gyre.benchmarks.jmh;

import io.gyre.IoRuntime;
import io.gyre.fs.AsyncFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
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
 * One thread that reads 4 KiB at random offsets of a file in the page cache, one read after the other, and waits for each:
 * {@code uring} by the plain call, which need not leave the thread; {@code uring-future} and {@code nio} through a loop; and
 * {@code channel}, a FileChannel.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 2, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class WaitingReadBenchmark {
  private static final int READS = 1000; // so that starting a virtual thread hardly counts
  private static final int BLOCK_BYTES = 4096;
  private static final int BLOCKS = 1 << 14; // 64 MiB

  /** Who reads. */
  @Param({"uring", "uring-future", "nio", "channel"})
  public String reader;

  /** The kind of thread that waits. */
  @Param({"platform", "virtual"})
  public String thread;

  /** Where the bytes go. */
  @Param({"direct", "heap"})
  public String memory;

  private Path path;
  private IoRuntime runtime;
  private FileChannel channel;
  private Reader read;
  private ByteBuffer buffer;
  private long random = 88172645463325252L;

  /** Makes the state; JMH does this. */
  public WaitingReadBenchmark() {}

  @FunctionalInterface
  private interface Reader {
    int read(ByteBuffer dst, long position) throws IOException;
  }

  /**
   * Writes the file and opens it.
   *
   * @throws IOException when the driver does not work here
   */
  @Setup(Level.Trial)
  public void start() throws IOException {
    path = Files.createTempFile("gyre-jmh-", ".data");
    var content = new byte[BLOCKS * BLOCK_BYTES];
    new SplittableRandom(42).nextBytes(content);
    Files.write(path, content);
    buffer =
        memory.equals("direct")
            ? ByteBuffer.allocateDirect(BLOCK_BYTES)
            : ByteBuffer.allocate(BLOCK_BYTES);
    if (reader.equals("channel")) {
      channel = FileChannel.open(path, StandardOpenOption.READ);
      read = channel::read;
      return;
    }
    runtime = IoRuntime.builder().driver(reader.equals("nio") ? "nio" : "uring").start();
    var file = AsyncFile.open(runtime, path, StandardOpenOption.READ);
    read = reader.equals("uring-future") ? (dst, at) -> file.readAsync(dst, at).join() : file::read;
  }

  /**
   * Ends the runtime and deletes the file.
   *
   * @throws IOException when it can't be deleted
   */
  @TearDown(Level.Trial)
  public void stop() throws IOException {
    if (runtime != null) {
      runtime.close();
    } else {
      channel.close();
    }
    Files.delete(path);
  }

  /**
   * A thousand reads.
   *
   * @throws IOException when one fails
   */
  @Benchmark
  @OperationsPerInvocation(READS)
  public void read() throws IOException {
    if (thread.equals("platform")) {
      readAll();
      return;
    }
    var done = new CompletableFuture<Void>();
    Thread.startVirtualThread(
        () -> {
          try {
            readAll();
            done.complete(null);
          } catch (Throwable t) {
            done.completeExceptionally(t);
          }
        });
    done.join();
  }

  private void readAll() throws IOException {
    long x = random;
    for (int i = 0; i < READS; i++) {
      x ^= x << 13;
      x ^= x >>> 7;
      x ^= x << 17;
      int count = read.read(buffer.clear(), (x & (BLOCKS - 1)) * BLOCK_BYTES);
      if (count != BLOCK_BYTES) {
        throw new IOException("a read gave " + count + " bytes");
      }
    }
    random = x;
  }
}
