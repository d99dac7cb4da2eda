package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.IoRuntime;
import io.gyre.LeakDetection;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Four receive buffers, and many who want one. */
class StarvedReceivesTest {
  private static final int BUFFERS = 4;

  private final Pattern pattern = new Pattern(Seeds.SEED);
  private final List<Socket> peers = new ArrayList<>();
  private final List<TcpStream> streams = new ArrayList<>();

  private static IoRuntime start(TestRuntime driver) throws IOException {
    return driver.start(b -> b.receiveBuffers(BUFFERS, 64));
  }

  private void connect(TestRuntime driver, IoRuntime runtime, int count) throws IOException {
    try (var server = new ServerSocket(0, 16, Peers.LOOPBACK)) {
      server.setSoTimeout(Peers.TIMEOUT_MS);
      for (int i = 0; i < count; i++) {
        var stream =
            TcpStream.connectAsync(runtime, (InetSocketAddress) server.getLocalSocketAddress());
        peers.add(driver.own(server.accept()));
        streams.add(Waits.get(stream, "a connection"));
      }
    }
  }

  /** Gives buffers back from another thread, so that the loop runs out of them meanwhile. */
  private static final class Releaser implements AutoCloseable {
    private final BlockingQueue<Buffer> held = new LinkedBlockingQueue<>();
    private final Thread thread = Thread.ofPlatform().start(this::run);

    void release(Buffer buffer) {
      held.add(buffer);
    }

    private void run() {
      try {
        while (true) {
          held.take().release();
        }
      } catch (InterruptedException e) {
        for (var buffer = held.poll(); buffer != null; buffer = held.poll()) {
          buffer.release();
        }
      }
    }

    @Override
    public void close() {
      thread.interrupt();
      Waits.join(thread);
    }
  }

  /** Checks what it receives, and lets another thread give it back. */
  private static final class Holding extends Peers.Checking {
    private final Releaser releaser;

    Holding(Pattern pattern, Releaser releaser) {
      super(pattern);
      this.releaser = releaser;
    }

    @Override
    public void received(Buffer buffer, Object attachment) {
      var bytes = buffer.byteBuffer();
      pattern.check(bytes, 0, bytes.limit(), received.get());
      received.addAndGet(bytes.limit());
      releaser.release(buffer);
    }
  }

  private Releaser releaser;

  @BeforeEach
  void startReleaser() {
    releaser = new Releaser();
  }

  @AfterEach
  void stopReleaser() {
    releaser.close();
  }

  /** FAULTS 9. */
  @DriverTest
  void aThousandSendersLoseNoByteAndAllProgress(TestRuntime driver) throws Exception {
    int senders = 1_000;
    var runtime = start(driver);
    connect(driver, runtime, senders);
    var receivers = new ArrayList<Peers.Checking>();
    for (int i = 0; i < senders; i++) {
      receivers.add(new Holding(new Pattern(Seeds.SEED + i), releaser));
      streams.get(i).receiveEach(null, receivers.get(i));
    }
    for (int i = 0; i < senders; i++) {
      var out = peers.get(i).getOutputStream();
      out.write(receivers.get(i).pattern.bytes(0, 500 + i));
      peers.get(i).shutdownOutput();
    }
    for (int i = 0; i < senders; i++) {
      assertEquals(500 + i, Waits.get(receivers.get(i).end, "sender " + i));
    }
    var counters = runtime.loops().getFirst().counters();
    assertTrue(counters.get(Counter.OUT_OF_BUFFERS) > 0, "nobody ever went without");
    assertTrue(counters.get(Counter.LOW_ON_BUFFERS) > 0, "the watermark was never met");
  }

  /** A receiver of what never ends. */
  private static final class Greedy implements ReceiveHandler<Object> {
    final AtomicLong received = new AtomicLong();
    private final Releaser releaser;

    Greedy(Releaser releaser) {
      this.releaser = releaser;
    }

    @Override
    public void received(Buffer buffer, Object attachment) {
      received.addAndGet(buffer.byteBuffer().remaining());
      releaser.release(buffer);
    }

    @Override
    public void ended(Object attachment) {}

    @Override
    public void failed(Throwable cause, Object attachment) {}
  }

  @DriverTest
  void thoseInLineGetOneBufferEachInTurn(TestRuntime driver) throws Exception {
    int receivers = 20;
    int rounds = 5;
    var runtime = start(driver);
    var counters = runtime.loops().getFirst().counters();
    connect(driver, runtime, receivers);
    var held = new LinkedBlockingQueue<Buffer>();
    var whose = new ConcurrentLinkedQueue<Integer>();
    for (int i = 0; i < receivers; i++) {
      peers
          .get(i)
          .getOutputStream()
          .write(pattern.bytes(0, 64 * 100)); // for far more than its share
      streams.get(i).receiveEach(i, new Keeping(held, whose));
    }
    Waits.until("all are in line", () -> counters.get(Counter.OUT_OF_BUFFERS) >= receivers);
    Waits.until("all buffers are lent", () -> held.size() == BUFFERS);
    whose.clear();

    for (int delivered = 0; delivered < rounds * receivers; delivered += BUFFERS) {
      int expected = delivered + BUFFERS;
      for (int i = 0; i < BUFFERS; i++) {
        held.take().release();
      }
      Waits.until(expected + " deliveries", () -> whose.size() == expected);
    }

    var order = List.copyOf(whose);
    for (int round = 0; round < rounds; round++) {
      var turn = order.subList(round * receivers, (round + 1) * receivers);
      assertEquals(receivers, Set.copyOf(turn).size(), () -> "somebody was passed over: " + order);
    }
    for (var stream : streams) { // so that what is held is all there is
      Waits.get(stream.closeAsync(), "a close");
    }
    held.forEach(Buffer::release);
  }

  /** Keeps what it receives, and notes whose it was. */
  private record Keeping(Queue<Buffer> held, Queue<Integer> whose)
      implements ReceiveHandler<Integer> {
    @Override
    public void received(Buffer buffer, Integer attachment) {
      whose.add(attachment);
      held.add(buffer);
    }

    @Override
    public void ended(Integer attachment) {}

    @Override
    public void failed(Throwable cause, Integer attachment) {}
  }

  @DriverTest
  void greedyStreamsDoNotKeepTheOthersFromTheirTurn(TestRuntime driver) throws Exception {
    int greedy = 8;
    int modest = 40;
    var runtime = start(driver);
    connect(driver, runtime, greedy + modest);
    var floods = new ArrayList<Greedy>();
    var writers = new ArrayList<Thread>();
    var modestOnes = new ArrayList<Peers.Checking>();
    for (int i = 0; i < greedy; i++) {
      floods.add(new Greedy(releaser));
      streams.get(i).receiveEach(null, floods.get(i));
      var out = peers.get(i).getOutputStream();
      writers.add(Thread.ofPlatform().start(() -> flood(out)));
    }
    for (int i = greedy; i < greedy + modest; i++) {
      var receiver = new Holding(pattern, releaser);
      modestOnes.add(receiver);
      streams.get(i).receiveEach(null, receiver);
      peers.get(i).getOutputStream().write(pattern.bytes(0, 2_000)); // 32 buffers' worth
      peers.get(i).shutdownOutput();
    }
    Waits.until("the floods flow", () -> floods.stream().allMatch(f -> f.received.get() > 0));

    for (var receiver : modestOnes) { // the floods never end by themselves
      assertEquals(2_000, Waits.get(receiver.end, "a modest one"));
    }
    for (var flood : floods) {
      long before = flood.received.get();
      Waits.until("each flood goes on", () -> flood.received.get() > before);
    }
    assertTrue(
        runtime.loops().getFirst().counters().get(Counter.OUT_OF_BUFFERS) > 0,
        "nobody ever went without: this shows nothing");
    for (int i = 0; i < greedy; i++) {
      peers.get(i).close();
    }
    writers.forEach(Waits::join);
  }

  private static void flood(OutputStream out) {
    var bytes = new byte[1 << 16];
    try {
      while (true) {
        out.write(bytes);
      }
    } catch (IOException e) {
      // closed: the test is over
    }
  }

  @DriverTest
  void receivedBuffersThatAreDroppedComeBackAndAreNamed(TestRuntime driver) throws Exception {
    var runtime =
        driver.start(b -> b.receiveBuffers(BUFFERS, 64).leakDetection(LeakDetection.FULL));
    connect(driver, runtime, 1);
    var dropped = new AtomicLong();
    streams
        .getFirst()
        .receiveEach(
            null,
            new ReceiveHandler<>() {
              @Override
              public void received(Buffer buffer, Object attachment) {
                pattern.check(buffer.byteBuffer(), 0, buffer.byteBuffer().limit(), dropped.get());
                dropped.addAndGet(buffer.byteBuffer().limit());
              }

              @Override
              public void ended(Object attachment) {}

              @Override
              public void failed(Throwable cause, Object attachment) {}
            });
    int total = 64 * BUFFERS * 5; // five times what there is
    peers.getFirst().getOutputStream().write(pattern.bytes(0, total));
    Waits.until(
        () -> total + " bytes, got " + dropped,
        () -> {
          System.gc();
          return dropped.get() == total;
        });
    assertTrue(runtime.loops().getFirst().buffers().leaks() >= BUFFERS * 4);
  }

  @DriverTest
  void aStaleReceivedBufferIsRefusedForEverWhenItIsWatched(TestRuntime driver) throws Exception {
    var runtime =
        driver.start(b -> b.receiveBuffers(BUFFERS, 64).leakDetection(LeakDetection.FULL));
    connect(driver, runtime, 1);
    var stream = streams.getFirst();
    var failures = new ArrayList<Throwable>();
    var stale = new Buffer[1];
    var pieces = new AtomicLong();
    stream.receiveEach(
        null,
        new ReceiveHandler<>() {
          @Override
          public void received(Buffer buffer, Object attachment) {
            if (stale[0] != null) {
              for (Runnable use : List.<Runnable>of(stale[0]::release, stale[0]::byteBuffer)) {
                try {
                  use.run();
                } catch (IllegalStateException e) {
                  failures.add(e);
                }
              }
            }
            stale[0] = buffer;
            buffer.release();
            pieces.incrementAndGet();
          }

          @Override
          public void ended(Object attachment) {}

          @Override
          public void failed(Throwable cause, Object attachment) {}
        });
    for (int i = 1; i <= 20; i++) { // many times round the ring of four
      try {
        peers.getFirst().getOutputStream().write(1);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      int expected = i;
      Waits.until("piece " + i, () -> pieces.get() == expected);
    }
    assertEquals(2 * 19, failures.size());
  }
}
