package io.gyre.benchmarks.jmh;

import io.gyre.Buffer;
import io.gyre.IoRuntime;
import io.gyre.net.ReceiveHandler;
import io.gyre.net.TcpStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A mebibyte received over loopback, of a stream that never ends; with bundles, and with those switched off. What the
 * loop's thread spends on one, kernel included, is {@code loopCpuMicros} by {@code mebibytesReceived}.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 3, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class ReceiveBenchmark {
  private static final int MEBIBYTE = 1 << 20;

  /** What of the kernel's is switched off. */
  @Param({"none", "receive-bundles"})
  public String disabled;

  private IoRuntime runtime;
  private Socket peer;
  private Thread writer;
  private final Semaphore mebibytes = new Semaphore(0);

  /** Makes the state; JMH does this. */
  public ReceiveBenchmark() {}

  /** What an iteration cost. */
  @State(Scope.Thread)
  @AuxCounters(AuxCounters.Type.EVENTS)
  public static class Cost {
    private long mebibytes;
    private long cpuNanos;
    private long cpuNanosBefore;
    private long loop;

    /** Makes the state; JMH does this. */
    public Cost() {}

    /**
     * Begins an iteration.
     *
     * @param benchmark whose loop it is
     */
    @Setup(Level.Iteration)
    public void begin(ReceiveBenchmark benchmark) {
      loop = benchmark.runtime.loops().getFirst().thread().threadId();
      mebibytes = 0;
      cpuNanosBefore = cpuNanos();
    }

    /** Ends an iteration. */
    @TearDown(Level.Iteration)
    public void end() {
      cpuNanos = cpuNanos() - cpuNanosBefore;
    }

    private long cpuNanos() {
      return ManagementFactory.getThreadMXBean().getThreadCpuTime(loop);
    }

    /**
     * How much was received, in all iterations together.
     *
     * @return mebibytes
     */
    public long mebibytesReceived() {
      return mebibytes;
    }

    /**
     * The processor's time that the loop's thread took for it.
     *
     * @return microseconds
     */
    public long loopCpuMicros() {
      return cpuNanos / 1000;
    }
  }

  private static final class Counting implements ReceiveHandler<Semaphore> {
    private int bytes;

    @Override
    public void received(Buffer buffer, Semaphore mebibytes) {
      bytes += buffer.byteBuffer().remaining();
      buffer.release();
      if (bytes >= MEBIBYTE) {
        bytes -= MEBIBYTE;
        mebibytes.release();
      }
    }

    @Override
    public void ended(Semaphore mebibytes) {}

    @Override
    public void failed(Throwable cause, Semaphore mebibytes) {}
  }

  /**
   * Starts the stream.
   *
   * @throws IOException when no driver works here
   */
  @Setup(Level.Trial)
  public void start() throws IOException {
    var builder = IoRuntime.builder().driver("uring");
    if (!disabled.equals("none")) {
      builder.disable(disabled);
    }
    runtime = builder.start();
    try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      var stream =
          TcpStream.connectAsync(runtime, (InetSocketAddress) server.getLocalSocketAddress());
      peer = server.accept();
      stream.join().receiveEach(mebibytes, new Counting());
    }
    writer = Thread.ofPlatform().start(this::write);
  }

  private void write() {
    var bytes = new byte[1 << 18];
    try {
      while (true) {
        peer.getOutputStream().write(bytes);
      }
    } catch (SocketException e) {
      // The end of the trial.
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Ends the stream.
   *
   * @throws IOException never
   * @throws InterruptedException when JMH has no patience
   */
  @TearDown(Level.Trial)
  public void stop() throws IOException, InterruptedException {
    peer.close();
    writer.join();
    runtime.close();
  }

  /**
   * Waits for the next mebibyte.
   *
   * @param cost counts it
   * @throws InterruptedException when JMH has no patience
   */
  @Benchmark
  public void mebibyte(Cost cost) throws InterruptedException {
    mebibytes.acquire();
    cost.mebibytes++;
  }
}
