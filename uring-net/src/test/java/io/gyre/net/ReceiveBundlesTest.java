package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.IoRuntime;
import io.gyre.driver.Capabilities.Status;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import io.gyre.uring.KernelFeature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * More comes at once than fits one buffer. Where the kernel makes bundles of that, a handler is called for each buffer
 * of one completion, and may do as it likes in the middle.
 */
class ReceiveBundlesTest {
  private static final int SMALL = 64;

  private final Pattern pattern = new Pattern(Seeds.SEED);
  private final RandomGenerator random = Seeds.random(0);
  private Releaser releaser;

  private record Connected(TcpStream stream, Socket peer) {
    void write(byte[] bytes) throws IOException {
      peer.getOutputStream().write(bytes);
    }

    /** Writes on a thread of its own, and says that this is all. */
    void writeAllInBackground(Pattern pattern, int length) {
      Thread.ofPlatform()
          .start(
              () -> {
                try {
                  for (int done = 0; done < length; done += 10_007) {
                    write(pattern.bytes(done, Math.min(10_007, length - done)));
                  }
                  peer.shutdownOutput();
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
    }
  }

  private static Connected connect(TestRuntime driver, IoRuntime runtime) throws IOException {
    try (var server = new ServerSocket(0, 16, Peers.LOOPBACK)) {
      server.setSoTimeout(Peers.TIMEOUT_MS);
      var connecting =
          TcpStream.connectAsync(runtime, (InetSocketAddress) server.getLocalSocketAddress());
      var peer = driver.own(server.accept());
      return new Connected(Waits.get(connecting, "a connection"), peer);
    }
  }

  /** Gives buffers back from another thread, in disorder. */
  private static final class Releaser implements AutoCloseable {
    private final BlockingQueue<Buffer> held = new LinkedBlockingQueue<>();
    private final Thread thread = Thread.ofPlatform().start(this::run);

    void release(Buffer buffer) {
      held.add(buffer);
    }

    private void run() {
      var taken = new ArrayList<Buffer>();
      try {
        while (true) {
          taken.add(held.take());
          held.drainTo(taken);
          Collections.shuffle(taken);
          taken.forEach(Buffer::release);
          taken.clear();
        }
      } catch (InterruptedException e) {
        held.forEach(Buffer::release);
      }
    }

    @Override
    public void close() {
      thread.interrupt();
      Waits.join(thread);
    }
  }

  @BeforeEach
  void startReleaser() {
    releaser = new Releaser();
  }

  @AfterEach
  void stopReleaser() {
    releaser.close();
  }

  /** Checks what it receives; then something happens, with the buffer too. */
  private class Reacting extends Peers.Checking {
    private final List<Buffer> kept = new ArrayList<>();
    Runnable reaction = () -> {};
    int buffers;
    Throwable failure;

    Reacting(Pattern pattern) {
      super(pattern);
    }

    @Override
    public void received(Buffer buffer, Object attachment) {
      buffers++;
      var bytes = buffer.byteBuffer();
      pattern.check(bytes, bytes.position(), bytes.limit(), received.get());
      received.addAndGet(bytes.remaining());
      giveBack(buffer);
      reaction.run();
    }

    void giveBack(Buffer buffer) {
      buffer.release();
    }

    /** Back in disorder, on the loop. */
    void giveBackLater(Buffer buffer) {
      kept.add(buffer);
      while (kept.size() > 1 || (kept.size() == 1 && random.nextBoolean())) {
        kept.remove(random.nextInt(kept.size())).release();
      }
    }

    @Override
    public void failed(Throwable cause, Object attachment) {
      failure = cause;
      super.failed(cause, attachment);
    }

    @Override
    public void ended(Object attachment) {
      kept.forEach(Buffer::release);
      super.ended(attachment);
    }
  }

  private void streamsComeInOrder(TestRuntime driver, int count, int bytes, int length)
      throws IOException {
    var runtime = driver.start(b -> b.receiveBuffers(count, bytes));
    var receivers =
        List.of(
            new Reacting(new Pattern(Seeds.SEED + 1)),
            new Reacting(new Pattern(Seeds.SEED + 2)) {
              @Override
              void giveBack(Buffer buffer) {
                giveBackLater(buffer);
              }
            },
            new Reacting(new Pattern(Seeds.SEED + 3)) {
              @Override
              void giveBack(Buffer buffer) {
                releaser.release(buffer);
              }
            });
    for (var receiver : receivers) {
      var connected = connect(driver, runtime);
      connected.stream.receiveEach(null, receiver);
      connected.writeAllInBackground(receiver.pattern, length);
    }
    for (var receiver : receivers) {
      assertEquals(length, Waits.get(receiver.end, "the end of a stream"));
    }
    allBuffersCanBeHad(driver, runtime, count, bytes);
  }

  /** Takes so many buffers at once: none of them was lost. */
  private void allBuffersCanBeHad(TestRuntime driver, IoRuntime runtime, int count, int bytes)
      throws IOException {
    var connected = connect(driver, runtime);
    var held = new LinkedBlockingQueue<Buffer>();
    connected.stream.receiveEach(
        null,
        new ReceiveHandler<>() {
          @Override
          public void received(Buffer buffer, Object attachment) {
            held.add(buffer);
          }

          @Override
          public void ended(Object attachment) {}

          @Override
          public void failed(Throwable cause, Object attachment) {}
        });
    var writer =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    connected.write(new byte[(count + 1) * bytes]);
                  } catch (IOException e) {
                    throw new UncheckedIOException(e);
                  }
                });
    Waits.until(() -> "all buffers, got " + held.size(), () -> held.size() == count);
    Waits.get(connected.stream.closeAsync(), "a close");
    held.forEach(Buffer::release);
    connected.peer.close();
    Waits.join(writer);
  }

  @DriverTest
  void fourSmallBuffersKeepTheOrderOfThreeStreams(TestRuntime driver) throws Exception {
    streamsComeInOrder(driver, 4, SMALL, 100_000);
  }

  @DriverTest
  void manySmallBuffersKeepTheOrderOfThreeStreams(TestRuntime driver) throws Exception {
    streamsComeInOrder(driver, 256, SMALL, 500_000);
  }

  @DriverTest
  void manyLargeBuffersKeepTheOrderOfThreeStreams(TestRuntime driver) throws Exception {
    streamsComeInOrder(driver, 256, 4096, 5_000_000);
  }

  /** So many bytes are there before they are asked for: as many as a bundle can hold. */
  private Connected filled(TestRuntime driver, IoRuntime runtime, int bytes) throws IOException {
    var connected = connect(driver, runtime);
    connected.write(pattern.bytes(0, bytes));
    return connected;
  }

  @DriverTest(drivers = "uring")
  void manyBuffersAreOneCompletion(TestRuntime driver) throws Exception {
    int buffers = 200;
    var runtime = driver.start(b -> b.receiveBuffers(256, SMALL).completionEntries(256));
    var loop = runtime.loop();
    var connected = filled(driver, runtime, buffers * SMALL);
    long before = loop.counters().get(Counter.COMPLETED);
    var receiver = new Reacting(pattern);

    connected.stream.receiveEach(null, receiver);

    receiver.await((long) buffers * SMALL);
    connected.peer.close();
    Waits.get(receiver.end, "the end of the stream");
    long completions = loop.counters().get(Counter.COMPLETED) - before;
    assertEquals(buffers, receiver.buffers);
    var feature = loop.capabilities().feature(bundles()).orElseThrow();
    if (feature.status() == Status.USED) {
      assertTrue(completions < buffers / 4, completions + " completions");
    } else {
      assertTrue(completions > buffers, completions + " completions, and " + feature);
    }
  }

  private static String bundles() {
    return KernelFeature.RECEIVE_BUNDLES.configurationName();
  }

  @DriverTest
  void pausesInTheMiddleLoseNothing(TestRuntime driver) throws Exception {
    int length = 60_000;
    var runtime = driver.start(b -> b.receiveBuffers(64, SMALL));
    var connected = filled(driver, runtime, length);
    var stream = connected.stream;
    var receiver = new Reacting(pattern);
    receiver.reaction =
        () -> {
          switch (random.nextInt(8)) {
            case 0 -> {
              stream.pauseReceiving();
              stream.resumeReceiving();
            }
            case 1 -> {
              stream.pauseReceiving();
              runtime.loop().execute(stream::resumeReceiving);
            }
            default -> {}
          }
        };

    stream.receiveEach(null, receiver);
    connected.peer.shutdownOutput();

    assertEquals(length, Waits.get(receiver.end, "the end of the stream"));
    allBuffersCanBeHad(driver, runtime, 64, SMALL);
  }

  @DriverTest
  void whatIsCancelledInTheMiddleGoesOnAtTheNextByte(TestRuntime driver) throws Exception {
    int length = 60_000;
    var runtime = driver.start(b -> b.receiveBuffers(64, SMALL));
    var connected = filled(driver, runtime, length);
    connected.peer.shutdownOutput();
    long position = 0;
    int cancelled = 0;
    CompletableFuture<Long> end;
    do {
      var receiver = new Reacting(pattern);
      receiver.received.set(position);
      int at = 1 + random.nextInt(100);
      receiver.reaction =
          () -> {
            if (receiver.buffers == at) {
              connected.stream.cancelAll();
            }
          };
      connected.stream.receiveEach(null, receiver);
      end = receiver.end;
      Waits.until("an end", end::isDone);
      position = receiver.received.get();
      if (end.isCompletedExceptionally()) {
        assertInstanceOf(CancellationException.class, receiver.failure);
        cancelled++;
      }
    } while (end.isCompletedExceptionally());
    assertEquals(length, position);
    assertTrue(cancelled > 0, "nothing was cancelled");
    allBuffersCanBeHad(driver, runtime, 64, SMALL);
  }

  @DriverTest
  void aCloseInTheMiddleLosesNoBuffer(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.receiveBuffers(64, SMALL));
    for (int at = 1; at <= 64; at += 9) {
      int closeAt = at;
      var connected = filled(driver, runtime, 100 * SMALL);
      var receiver = new Reacting(pattern);
      receiver.reaction =
          () -> {
            if (receiver.buffers == closeAt) {
              var _ = connected.stream.closeAsync();
            }
          };

      connected.stream.receiveEach(null, receiver);

      assertInstanceOf(ClosedChannelException.class, Waits.failure(receiver.end, "a close"));
    }
    allBuffersCanBeHad(driver, runtime, 64, SMALL);
  }

  @DriverTest
  void aResetInTheMiddleEndsInAFailureBehindWhatCame(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.receiveBuffers(64, SMALL));
    for (int at = 0; at < 640; at += 9) {
      int resetAt = 1 + at % 64;
      var connected = filled(driver, runtime, 300 * SMALL);
      var receiver = new Reacting(pattern);
      receiver.reaction =
          () -> {
            if (receiver.buffers == resetAt) {
              try {
                Peers.reset(connected.peer);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            }
          };

      connected.stream.receiveEach(null, receiver);

      assertInstanceOf(IOException.class, Waits.failure(receiver.end, "a reset"));
      assertTrue(receiver.buffers >= resetAt, receiver.buffers + " of " + resetAt);
      Waits.get(connected.stream.closeAsync(), "a close");
    }
    allBuffersCanBeHad(driver, runtime, 64, SMALL);
  }

  @DriverTest
  void aHandlerThatThrowsIsCalledForTheNextBufferAllTheSame(TestRuntime driver) throws Exception {
    int buffers = 50;
    var thrown = driver.expectThrown();
    var runtime = driver.start(b -> b.receiveBuffers(64, SMALL));
    var connected = filled(driver, runtime, buffers * SMALL);
    connected.peer.shutdownOutput();
    var receiver = new Reacting(pattern);
    receiver.reaction =
        () -> {
          throw new IllegalStateException("a handler's own");
        };

    connected.stream.receiveEach(null, receiver);

    assertEquals((long) buffers * SMALL, Waits.get(receiver.end, "the end of the stream"));
    assertEquals(receiver.buffers, thrown.size());
  }

  /** At urgent data the kernel stops short of a buffer's end, though there is more behind it. */
  @DriverTest
  void urgentDataLeavesNoHole(TestRuntime driver) throws Exception {
    var runtime = driver.start(b -> b.receiveBuffers(64, SMALL));
    for (int i = 0; i < 20; i++) {
      int before = 1 + random.nextInt(200);
      int length = before + random.nextInt(1000);
      var connected = filled(driver, runtime, before);
      connected.peer.sendUrgentData(i); // not part of the stream
      connected.write(pattern.bytes(before, length - before));
      connected.peer.shutdownOutput();
      var receiver = new Reacting(pattern);

      connected.stream.receiveEach(null, receiver);

      assertEquals(length, Waits.get(receiver.end, "the end of the stream"));
    }
  }
}
