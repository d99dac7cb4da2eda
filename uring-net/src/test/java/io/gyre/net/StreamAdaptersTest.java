package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.atomic.AtomicLong;

class StreamAdaptersTest {
  private static final int MUCH = 2 << 20;

  private final Pattern pattern = new Pattern(Seeds.SEED);

  /** Runs something on a virtual thread. */
  private static <T> CompletableFuture<T> virtually(Callable<T> task) {
    var done = new CompletableFuture<T>();
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                done.complete(task.call());
              } catch (Throwable t) {
                done.completeExceptionally(t);
              }
            });
    return done;
  }

  /** Not on a virtual one, whose waits for plain sockets would have the JDK open descriptors. */
  private static void onThread(Runnable task) {
    Thread.ofPlatform().start(task);
  }

  private void writeToPeer(StreamPair pair, long bytes) {
    try {
      var out = pair.peer().getOutputStream();
      for (long at = 0; at < bytes; at += 10_000) {
        out.write(pattern.bytes(at, (int) Math.min(10_000, bytes - at)));
      }
      pair.peer().shutdownOutput();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // ---- java.io

  @DriverTest
  void anInputStreamReadsToTheEndOnAVirtualThread(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      var read =
          virtually(
              () -> {
                var in = pair.stream().inputStream();
                assertEquals(pattern.at(0) & 0xFF, in.read());
                assertEquals(0, in.read(new byte[5], 2, 0));
                var bytes = new byte[1_000];
                long position = 1;
                for (int n = in.read(bytes, 100, 900); n >= 0; n = in.read(bytes, 100, 900)) {
                  pattern.check(Arrays.copyOfRange(bytes, 100, 100 + n), 0, n, position);
                  position += n;
                }
                assertEquals(-1, in.read(), "and so it stays");
                return position;
              });
      writeToPeer(pair, 300_000);
      assertEquals(300_000, Waits.get(read, "the reader"));
    }
  }

  @DriverTest
  void anOutputStreamWritesAllInOrderOnAVirtualThread(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      var wrote =
          virtually(
              () -> {
                var out = pair.stream().outputStream();
                out.write(pattern.at(0));
                out.write(pattern.bytes(0, 300_000), 1, 299_999);
                out.flush();
                out.close();
                return pair.stream().queuedBytes();
              });
      assertEquals(300_000, Peers.checkToEnd(pair.peer().getInputStream(), pattern));
      assertEquals(0, Waits.get(wrote, "the writer"));
      Waits.failure(
          ClosedChannelException.class,
          pair.stream().writeAsync(ByteBuffer.allocate(1)),
          "a write after the output stream's close");
    }
  }

  @DriverTest
  void anInterruptEndsTheReadOrWriteAndLeavesTheStreamOpen(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      var stream = pair.stream();
      var ended =
          virtually(
              () -> {
                Thread.currentThread().interrupt();
                assertThrows(InterruptedIOException.class, () -> stream.inputStream().read());
                assertTrue(Thread.interrupted(), "it stays set");
                Thread.currentThread().interrupt();
                var failure =
                    assertThrows(
                        InterruptedIOException.class,
                        () -> stream.outputStream().write(pattern.bytes(0, MUCH)));
                assertTrue(Thread.interrupted());
                return failure.bytesTransferred;
              });
      int wentOut = Waits.get(ended, "the interrupted thread");
      stream.write(pattern.fill(ByteBuffer.allocate(10), wentOut));
      Peers.check(pair.peer().getInputStream(), pattern, 0, wentOut + 10);
      pair.peer().getOutputStream().write(7);
      assertEquals(7, stream.inputStream().read());
    }
  }

  @DriverTest
  void closingTheInputStreamClosesTheConnectionUnderWhoReads(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      var in = pair.stream().inputStream();
      var read = virtually(in::read);
      in.close();
      assertInstanceOf(IOException.class, Waits.failure(read, "the reader"));
      assertEquals(-1, pair.peer().getInputStream().read());
      assertThrows(ClosedChannelException.class, in::read);
      in.close();
      assertThrows(ClosedChannelException.class, () -> pair.stream().outputStream().write(1));
    }
  }

  @DriverTest
  void aCancellationAndTheRuntimesEndAreIoExceptions(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var pair = StreamPair.open(runtime)) {
      var in = pair.stream().inputStream();
      var read = virtually(in::read);
      while (!read.isDone()) {
        pair.stream().cancelAll(); // it may not have begun the first time
        Thread.onSpinWait();
      }
      assertInstanceOf(InterruptedIOException.class, Waits.failure(read, "the reader"));
      driver.closeAndWait(runtime);
      assertThrows(IOException.class, in::read);
      assertThrows(IOException.class, () -> pair.stream().outputStream().write(1));
    }
  }

  // ---- reactive streams

  /** Takes some at a time, and checks them. */
  private final class Consumer implements Flow.Subscriber<Buffer> {
    final CompletableFuture<Long> end = new CompletableFuture<>();
    final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();
    final AtomicLong received = new AtomicLong();
    final AtomicLong pieces = new AtomicLong();
    private final long first;
    private final boolean more;

    Consumer(long first, boolean more) {
      this.first = first;
      this.more = more;
    }

    @Override
    public void onSubscribe(Flow.Subscription s) {
      subscription.complete(s);
      if (first > 0) {
        s.request(first);
      }
    }

    @Override
    public void onNext(Buffer buffer) {
      var bytes = buffer.byteBuffer();
      pattern.check(bytes, bytes.position(), bytes.limit(), received.get());
      received.addAndGet(bytes.remaining());
      buffer.release();
      pieces.incrementAndGet();
      if (more) {
        subscription.join().request(1);
      }
    }

    @Override
    public void onError(Throwable cause) {
      end.completeExceptionally(cause);
    }

    @Override
    public void onComplete() {
      end.complete(received.get());
    }
  }

  @DriverTest
  void aPublisherBringsTheWholeStreamOneByOne(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      var consumer = new Consumer(1, true);
      pair.stream().publisher().subscribe(consumer);
      writeToPeer(pair, 500_000);
      assertEquals(500_000, Waits.get(consumer.end, "the end"));
    }
  }

  @DriverTest
  void withoutDemandThePeerIsHeldBackAndNothingIsLost(TestRuntime driver) throws Exception {
    int total = 64 << 20; // more than the two ends hold
    try (var pair = StreamPair.open(driver.start())) {
      var consumer = new Consumer(3, false);
      pair.stream().publisher().subscribe(consumer);
      var wrote =
          CompletableFuture.runAsync(() -> writeToPeer(pair, total), StreamAdaptersTest::onThread);
      Waits.until("what was requested", () -> consumer.pieces.get() == 3);
      // A turn later there is still no more than that, and the peer has not ended.
      Waits.get(pair.stream().writableAsync(), "some turns");
      assertEquals(3, consumer.pieces.get());
      assertTrue(!wrote.isDone(), "nothing holds the peer back");
      consumer.subscription.join().request(Long.MAX_VALUE);
      assertEquals(total, Waits.get(consumer.end, "the end"));
      Waits.get(wrote, "the peer");
    }
  }

  @DriverTest
  void aSecondSubscriberIsTold(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      var publisher = pair.stream().publisher();
      var first = new Consumer(1, true);
      var second = new Consumer(1, true);
      publisher.subscribe(first);
      publisher.subscribe(second);
      assertInstanceOf(IllegalStateException.class, Waits.failure(second.end, "the second"));
      writeToPeer(pair, 100);
      assertEquals(100, Waits.get(first.end, "the first"));
    }
  }

  @DriverTest
  void aCancelledSubscriptionLeavesTheStreamOpen(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      var consumer = new Consumer(1, false);
      pair.stream().publisher().subscribe(consumer);
      pair.peer().getOutputStream().write(pattern.bytes(0, 10));
      Waits.until("something", () -> consumer.received.get() > 0);
      consumer.subscription.join().cancel();
      pair.peer().getOutputStream().write(new byte[100_000]); // released, or left in the socket
      assertEquals(5, pair.stream().write(pattern.fill(ByteBuffer.allocate(5), 0)));
      Peers.check(pair.peer().getInputStream(), pattern, 0, 5);
    }
  }

  @DriverTest
  void aStreamThatIsReadAlreadyAndAClosedOneAreErrors(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      pair.stream().receiveEach(null, new Peers.Checking(pattern));
      var consumer = new Consumer(1, true);
      pair.stream().publisher().subscribe(consumer);
      assertInstanceOf(
          java.nio.channels.ReadPendingException.class,
          Waits.failure(consumer.end, "a second reader"));
      pair.stream().close();
      var late = new Consumer(1, true);
      pair.stream().publisher().subscribe(late);
      Waits.failure(ClosedChannelException.class, late.end, "a reader of a closed stream");
    }
  }

  @DriverTest
  void aSubscriberWritesAllInOrderAndQueuesNoMoreThanTheMarkAndAFew(TestRuntime driver)
      throws Exception {
    int piece = 4_000;
    int count = 300;
    var runtime = driver.start();
    var publisher = new SubmissionPublisher<Buffer>(Thread::startVirtualThread, 2);
    try (var pair = StreamPair.openTiny(runtime)) {
      var subscriber = pair.stream().subscriber();
      publisher.subscribe(subscriber);
      var most = new AtomicLong();
      var offered =
          virtually(
              () -> {
                try (publisher) {
                  for (int i = 0; i < count; i++) {
                    var taken = Waits.get(runtime.loop().buffers().acquireAsync(piece), "a buffer");
                    pattern.fill(taken.byteBuffer(), (long) i * piece);
                    publisher.submit(taken);
                    most.accumulateAndGet(pair.stream().queuedBytes(), Math::max);
                  }
                }
                return null;
              });
      Peers.check(pair.peer().getInputStream(), pattern, 0, piece * count);
      Waits.get(offered, "the publisher");
      assertEquals((long) piece * count, Waits.get(subscriber.completion(), "the subscriber"));
      long bound = WriteBufferWaterMark.DEFAULT.highBytes() + 10L * pooled(piece);
      assertTrue(most.get() <= bound, () -> most + " bytes were queued");
      assertEquals(0, runtime.loop().buffers().lentBytes());
    }
  }

  /** What a pool gives for so many bytes may be larger, and is filled. */
  private static int pooled(int bytes) {
    return Integer.highestOneBit(bytes) * 2;
  }

  @DriverTest
  void aFailureOfTheStreamCancelsTheSubscriptionAndReleasesAll(TestRuntime driver)
      throws Exception {
    var runtime = driver.start();
    try (var pair = StreamPair.openTiny(runtime)) {
      var subscriber = pair.stream().subscriber();
      var cancelled = new CompletableFuture<Void>();
      subscriber.onSubscribe(subscription(new CompletableFuture<>(), cancelled));
      for (int i = 0; i < 8; i++) {
        subscriber.onNext(runtime.loop().buffers().acquire(256 << 10));
      }
      pair.awaitInput();
      pair.stream().close();
      Waits.failure(ClosedChannelException.class, subscriber.completion(), "the subscriber");
      Waits.get(cancelled, "the publisher is told");
      subscriber.onNext(runtime.loop().buffers().acquire(100));
      Waits.until("all released", () -> runtime.loop().buffers().lentBytes() == 0);
    }
  }

  @DriverTest
  void aFailureOfThePublisherIsTheSubscribersOnceItsWritesHaveEnded(TestRuntime driver)
      throws Exception {
    var runtime = driver.start();
    try (var pair = StreamPair.open(runtime)) {
      var subscriber = pair.stream().subscriber();
      var requested = new CompletableFuture<Long>();
      subscriber.onSubscribe(subscription(requested, new CompletableFuture<>()));
      assertTrue(Waits.get(requested, "a request") > 0);
      var buffer = runtime.loop().buffers().acquire(100);
      pattern.fill(buffer.byteBuffer(), 0);
      int bytes = buffer.byteBuffer().limit();
      subscriber.onNext(buffer);
      var cause = new IOException("the source failed");
      subscriber.onError(cause);
      assertSame(cause, Waits.failure(subscriber.completion(), "the subscriber"));
      pair.stream().shutdownOutput();
      assertEquals(bytes, Peers.checkToEnd(pair.peer().getInputStream(), pattern));
    }
  }

  private static Flow.Subscription subscription(
      CompletableFuture<Long> requested, CompletableFuture<Void> cancelled) {
    return new Flow.Subscription() {
      @Override
      public void request(long n) {
        requested.complete(n);
      }

      @Override
      public void cancel() {
        cancelled.complete(null);
      }
    };
  }

  @DriverTest
  void aStreamIsPipedIntoAnother(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    try (var from = StreamPair.open(runtime);
        var to = StreamPair.openTiny(runtime)) {
      var subscriber = to.stream().subscriber();
      from.stream().publisher().subscribe(subscriber);
      var wrote =
          CompletableFuture.runAsync(() -> writeToPeer(from, MUCH), StreamAdaptersTest::onThread);
      var piped =
          subscriber
              .completion()
              .thenCompose(n -> to.stream().shutdownOutputAsync().thenApply(v -> n));
      assertEquals(MUCH, Peers.checkToEnd(to.peer().getInputStream(), pattern));
      assertEquals(MUCH, Waits.get(piped, "the pipe"));
      Waits.get(wrote, "the peer");
      assertArrayEquals(new byte[0], to.peer().getInputStream().readAllBytes());
    }
  }
}
