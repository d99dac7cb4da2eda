package io.gyre.faults;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.fs.AsyncFile;
import io.gyre.net.ListenOptions;
import io.gyre.net.ReceiveHandler;
import io.gyre.net.TcpListener;
import io.gyre.net.TcpStream;
import io.gyre.testing.DriverConfiguration;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.CompletionHandler;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Writes and reads a file and echoes streams, checks every byte, and ends with nothing left behind:
 * what must still be right while something about the kernel is not. Also a program.
 */
final class CheckedWork {
  private static final int BLOCKS = 64;
  private static final int BLOCK_BYTES = 1000;
  private static final int CONNECTIONS = 8;
  private static final int ECHOED_BYTES = 8_000;

  private CheckedWork() {}

  /**
   * Says {@code driver=NAME} and, at the end, {@code checked}; or why no runtime started.
   *
   * @param args the configuration; then, if given, drivers to ask for one by one instead of its own
   */
  public static void main(String[] args) throws Exception {
    var configuration = DriverConfiguration.valueOf(args[0]);
    var drivers =
        args.length > 1 ? List.of(args).subList(1, args.length) : List.of(configuration.driver());
    for (var name : drivers) {
      try (var driver = new TestRuntime(configuration)) {
        var runtime = driver.start(b -> b.driver(name));
        System.out.println("driver=" + runtime.driverName());
        System.out.println(runtime.loop().capabilities());
        run(runtime.loop());
        driver.closeAndWait(runtime);
      } catch (IOException e) {
        System.out.println("not started: " + e.getMessage());
        continue;
      }
      System.out.println("checked");
    }
  }

  /** Works on one loop. Not on its thread. */
  static void run(EventLoop loop) throws IOException {
    files(loop);
    echo(loop);
  }

  /** Opens a file on this loop, where a runtime by itself takes each in turn. */
  static AsyncFile openOn(EventLoop loop, Path path, OpenOption... options) {
    var opened =
        CompletableFuture.completedFuture(path)
            .thenComposeAsync(p -> AsyncFile.openAsync(loop.runtime(), p, options), loop);
    return Waits.get(opened, "open");
  }

  private static void files(EventLoop loop) throws IOException {
    var pattern = new Pattern(Seeds.SEED);
    var path = Files.createTempFile("gyre-checked", null);
    try {
      var file = openOn(loop, path, READ, WRITE);
      var results = new CompletableFuture<?>[BLOCKS];
      for (int i = 0; i < BLOCKS; i++) {
        long position = (long) i * BLOCK_BYTES;
        results[i] =
            file.writeAsync(ByteBuffer.wrap(pattern.bytes(position, BLOCK_BYTES)), position);
      }
      Waits.get(CompletableFuture.allOf(results), "writes");
      var read = new ByteBuffer[BLOCKS];
      for (int i = 0; i < BLOCKS; i++) {
        read[i] = ByteBuffer.allocateDirect(BLOCK_BYTES);
        results[i] = file.readAsync(read[i], (long) i * BLOCK_BYTES);
      }
      Waits.get(CompletableFuture.allOf(results), "reads");
      for (int i = 0; i < BLOCKS; i++) {
        if (read[i].hasRemaining()) {
          throw new AssertionError("a short read of block " + i + ": " + read[i]);
        }
        pattern.check(read[i], 0, BLOCK_BYTES, (long) i * BLOCK_BYTES);
      }
      file.close();
    } finally {
      Files.delete(path);
    }
  }

  private static void echo(EventLoop loop) throws IOException {
    var anyPort = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    try (var listener = TcpListener.bind(loop, anyPort, ListenOptions.DEFAULT)) {
      listener.acceptEach(null, new Echo());
      for (int i = 0; i < CONNECTIONS; i++) {
        var pattern = new Pattern(Seeds.SEED + i);
        try (var stream = TcpStream.connect(loop.runtime(), listener.localAddress())) {
          var written = stream.writeAsync(ByteBuffer.wrap(pattern.bytes(0, ECHOED_BYTES)));
          var back = ByteBuffer.allocate(ECHOED_BYTES);
          while (back.hasRemaining()) {
            if (Waits.get(stream.readAsync(back), "echo") <= 0) {
              throw new AssertionError("the stream ended after " + back);
            }
          }
          Waits.get(written, "write");
          pattern.check(back, 0, ECHOED_BYTES, 0);
        }
      }
    }
  }

  /** Sends back what it receives, until the end. */
  static final class Echo
      implements CompletionHandler<TcpStream, Object>, ReceiveHandler<Object>, IoHandler<Object> {
    @Override
    public void completed(TcpStream accepted, Object attachment) {
      accepted.receiveEach(accepted, this);
    }

    @Override
    public void received(Buffer buffer, Object stream) {
      ((TcpStream) stream).write(buffer, stream, this);
      buffer.release(); // lent on until the write has ended
    }

    @Override
    public void completed(int result, Object stream) {}

    @Override
    public void ended(Object stream) {
      close(stream);
    }

    @Override
    public void failed(Throwable cause, Object stream) {
      close(stream); // of the listener, which has no attachment, this is the end
    }

    private static void close(Object stream) {
      if (stream != null) {
        var _ = ((TcpStream) stream).closeAsync();
      }
    }
  }
}
