package io.gyre.faults;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.fs.AsyncFile;
import io.gyre.net.ListenOptions;
import io.gyre.net.ReceiveHandler;
import io.gyre.net.TcpListener;
import io.gyre.net.TcpStream;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Recorder;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.CompletionHandler;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;

/** Queues and buffers that are far too few for what is asked of them, on the real kernel. */
class TinyRingTest {
  private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();

  @TempDir Path dir;

  @DriverTest(drivers = "uring")
  void aCompletionQueueOfFourLosesNoneOfTenThousandNops(TestRuntime driver) throws Exception {
    var loop = driver.start(b -> b.ringEntries(2).completionEntries(4)).loop();
    var nops = new Recorder<Integer>();

    loop.execute(() -> IntStream.range(0, 10_000).forEach(i -> loop.nop(i, nops)));

    nops.await(10_000);
    nops.checkExactlyOnce(10_000);
  }

  /** What waits for peers may come all at once: more than the completion queue holds. */
  @DriverTest(drivers = "uring")
  void outcomesBeyondTheCompletionQueueAreCountedAndKept(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.ringEntries(2).completionEntries(4).receiveBuffers(4, 64));
    int streams = 100;
    try (var server = ServerSocketChannel.open()) {
      server.bind(new InetSocketAddress(LOOPBACK, 0), streams);
      var peers = new ArrayList<SocketChannel>();
      var reads = new Recorder<Integer>();
      for (int i = 0; i < streams; i++) {
        TcpStream.connect(runtime, (InetSocketAddress) server.getLocalAddress())
            .read(ByteBuffer.allocateDirect(8), i, reads);
        peers.add(driver.own(server.accept()));
      }
      var loop = runtime.loop();
      var nop = new Recorder<Integer>();
      loop.nop(0, nop);
      nop.awaitOne(); // every read has reached the kernel
      var answered = new CompletableFuture<Void>();

      loop.execute(
          () -> { // the loop takes nothing until all have answered
            try {
              for (var peer : peers) {
                peer.write(ByteBuffer.allocate(8));
              }
              answered.complete(null);
            } catch (IOException e) {
              answered.completeExceptionally(e);
            }
          });

      Waits.get(answered, "the peers' answers");
      reads.await(streams);
      reads.checkExactlyOnce(streams);
      for (var read : reads.outcomes()) {
        assertEquals(8, read.result(), read::toString);
      }
      assertNotEquals(0, loop.counters().get(Counter.OVERFLOWS));
    }
  }

  @DriverTest
  void aThousandSendersShareFourBuffersAndLoseNoByte(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.receiveBuffers(4, 64));
    int senders = 1000;
    int bytes = 300; // five buffers' worth each
    var done = new AtomicInteger();
    var failures = new Recorder<Object>();
    try (var listener =
        TcpListener.bind(runtime.loop(), new InetSocketAddress(LOOPBACK, 0), options())) {
      listener.acceptEach(
          null,
          new CompletionHandler<TcpStream, Object>() {
            @Override
            public void completed(TcpStream stream, Object attachment) {
              stream.receiveEach(null, new Checking(stream, bytes, done, failures));
            }

            @Override
            public void failed(Throwable cause, Object attachment) {}
          });
      for (int i = 0; i < senders; i++) {
        // Connected without waiting for anything else: at first nobody may be received from.
        var peer = driver.own(SocketChannel.open(listener.localAddress()));
        peer.write(ByteBuffer.wrap(new Pattern(Seeds.SEED).bytes(0, bytes)));
        peer.shutdownOutput();
      }
      Waits.until(
          () -> senders + " streams to end; did: " + done + ", failed: " + failures.outcomes(),
          () -> done.get() + failures.count() == senders);
    }
    assertEquals(0, failures.count(), () -> failures.outcomes().toString());
    if (driver.isUring()) {
      assertNotEquals(0, runtime.loop().counters().get(Counter.OUT_OF_BUFFERS));
    }
  }

  private static ListenOptions options() {
    return ListenOptions.DEFAULT.withBacklog(1024).withReusePort(false);
  }

  /** Checks one stream's bytes, and counts it once it has ended. */
  private static final class Checking implements ReceiveHandler<Object> {
    private final TcpStream stream;
    private final int bytes;
    private final AtomicInteger done;
    private final Recorder<Object> failures;
    private int position;

    Checking(TcpStream stream, int bytes, AtomicInteger done, Recorder<Object> failures) {
      this.stream = stream;
      this.bytes = bytes;
      this.done = done;
      this.failures = failures;
    }

    @Override
    public void received(Buffer buffer, Object attachment) {
      var piece = buffer.byteBuffer();
      int length = piece.remaining();
      try {
        new Pattern(Seeds.SEED).check(piece, piece.position(), piece.limit(), position);
      } finally {
        position += length;
        buffer.release();
      }
    }

    @Override
    public void ended(Object attachment) {
      if (position == bytes) {
        done.incrementAndGet();
      } else {
        failures.failed(new AssertionError("ended after " + position + " bytes"), this);
      }
      var _ = stream.closeAsync();
    }

    @Override
    public void failed(Throwable cause, Object attachment) {
      failures.failed(cause, this);
    }
  }

  @DriverTest
  void closingIsNotLostBehindAFullQueue(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var server = ServerSocketChannel.open()) {
      server.bind(new InetSocketAddress(LOOPBACK, 0), 64);
      for (int round = 0; round < 20; round++) {
        var stream = TcpStream.connect(runtime, (InetSocketAddress) server.getLocalAddress());
        driver.own(server.accept());
        var loop = stream.loop();
        var read = new Recorder<Integer>();
        var nops = new Recorder<Integer>();
        stream.read(ByteBuffer.allocateDirect(8), 0, read);

        loop.execute(
            () -> {
              nops(loop, 100, nops);
              var _ = stream.closeAsync(); // its cancellation finds no room
              nops(loop, 100, nops);
            });

        assertInstanceOf(ClosedChannelException.class, read.awaitOne().cause());
        nops.await(200);
      }
    }
  }

  private static void nops(EventLoop loop, int count, Recorder<Integer> recorder) {
    IntStream.range(0, count).forEach(i -> loop.nop(i, recorder));
  }

  // FileChannel, which NIO reads files with, refuses to read a pipe at a position.
  @DriverTest(drivers = "uring")
  void aBufferReleasedWhileTheKernelHasItIsLentToNobody(TestRuntime driver) throws Exception {
    var path = dir.resolve("fifo");
    assertEquals(0, new ProcessBuilder("mkfifo", path.toString()).start().waitFor());
    var runtime = driver.start();
    var file = AsyncFile.open(runtime, path, READ, WRITE); // does not wait for a writer
    var pool = file.loop().buffers();
    var buffer = pool.acquire(100);
    long address = buffer.address();
    var read = file.readAsync(buffer, 0);
    buffer.release();

    var others = new ArrayList<Buffer>();
    for (int i = 0; i < 50; i++) {
      var other = pool.acquire(100);
      assertNotEquals(address, other.address(), "lent while the kernel may still write to it");
      others.add(other);
    }

    Files.write(path, new byte[] {1, 2, 3});
    assertEquals(3, Waits.get(read, "the read"));
    others.forEach(Buffer::release);
    file.close();
  }

  /** A name is bytes to the kernel: those that are no UTF-8 must arrive as they are. */
  @DriverTest
  void aNameThatIsNotUtf8IsOpened(TestRuntime driver) throws Exception {
    var touch = new ProcessBuilder("sh", "-c", "printf x >\"$(printf 'a\\377b')\"");
    assertEquals(0, touch.directory(dir.toFile()).start().waitFor());
    Path path;
    try (var listed = Files.list(dir)) {
      path = listed.findFirst().orElseThrow();
    }
    try (var file = AsyncFile.open(driver.start(), path, READ)) {
      assertEquals(1, file.read(ByteBuffer.allocate(2), 0));
    }
    Files.delete(path); // JUnit would not know how
  }
}
