package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.IoHandler;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.CompletionHandler;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;

/** FAULTS 26: a server that feeds many of whom most do not read. */
class SlowConsumersTest {
  private static final int SLOW = 1_000;
  private static final int QUICK = 8;
  private static final int PIECE = 4096;
  private static final int SOURCE = 1 << 16;
  private static final long QUICK_BYTES = 1 << 20;
  private static final WriteBufferWaterMark MARK = new WriteBufferWaterMark(8 << 10, 16 << 10);

  /** Beyond what a thousand operations, streams and sockets take; far below what unbounded queues do. */
  private static final long MOST_HEAP = 64L << 20;

  private final Pattern pattern = new Pattern(Seeds.SEED);
  private final ByteBuffer source =
      ByteBuffer.allocateDirect(SOURCE).put(pattern.bytes(0, SOURCE)).flip();
  private final ConcurrentLinkedQueue<TcpStream> fed = new ConcurrentLinkedQueue<>();

  /** Writes the source again and again, as much as the stream says is sensible. */
  private final class Feed implements IoHandler<Object> {
    private final TcpStream stream;
    private final IoHandler<Object> written = new Written();
    private int position;
    private boolean broken;

    Feed(TcpStream stream) {
      this.stream = stream;
    }

    void goOn() {
      if (broken) {
        return; // it would be writable for ever
      }
      while (stream.isWritable()) {
        stream.write(source.slice(position, PIECE), null, written);
        position = (position + PIECE) % SOURCE;
      }
      stream.writable(null, this);
    }

    @Override
    public void completed(int result, Object attachment) {
      goOn();
    }

    @Override
    public void failed(Throwable cause, Object attachment) {} // it is closed

    private final class Written implements IoHandler<Object> {
      @Override
      public void completed(int result, Object attachment) {}

      @Override
      public void failed(Throwable cause, Object attachment) {
        broken = true; // the peer has gone, or this end
      }
    }
  }

  private final class Feeding implements CompletionHandler<TcpStream, Object> {
    @Override
    public void completed(TcpStream stream, Object attachment) {
      stream.setWriteBufferWaterMark(MARK);
      fed.add(stream);
      new Feed(stream).goOn();
    }

    @Override
    public void failed(Throwable cause, Object attachment) {}
  }

  private static List<Socket> connect(TestRuntime driver, TcpListener listener, int count)
      throws IOException {
    var peers = new ArrayList<Socket>();
    for (int i = 0; i < count; i++) {
      var peer = driver.own(new Socket());
      peer.setSoTimeout(Peers.TIMEOUT_MS);
      peer.setReceiveBufferSize(PIECE);
      peer.connect(listener.localAddress(), Peers.TIMEOUT_MS);
      peers.add(peer);
    }
    return peers;
  }

  private void check(InputStream in, long bytes) throws IOException {
    for (long position = 0; position < bytes; position += PIECE) {
      Peers.check(in, pattern, position % SOURCE, PIECE);
    }
  }

  private static long usedHeap() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  @DriverTest
  void aThousandSlowConsumersTakeLittleMemoryAndKeepNobodyWaiting(TestRuntime driver)
      throws Exception {
    var runtime = driver.start();
    var options = ListenOptions.DEFAULT.withStreamOption(StandardSocketOptions.SO_SNDBUF, PIECE);
    try (var listener = TcpListener.bind(runtime, Peers.anyPort(), options)) {
      long before = usedHeap();
      listener.acceptEach(null, new Feeding());
      var slow = connect(driver, listener, SLOW);
      Waits.until(
          "all slow ones have enough",
          () -> fed.size() == SLOW && fed.stream().noneMatch(TcpStream::isWritable));
      var stuck = List.copyOf(fed);

      var reading = new ArrayList<Future<Void>>();
      for (var peer : connect(driver, listener, QUICK)) {
        var reader =
            new FutureTask<Void>(
                () -> {
                  check(peer.getInputStream(), QUICK_BYTES);
                  peer.close();
                  return null;
                });
        Thread.ofPlatform().start(reader);
        reading.add(reader);
      }
      for (var reader : reading) {
        reader.get(); // every read of it has a limit
      }

      for (var stream : stuck) {
        assertFalse(stream.isWritable(), "it waits as before");
        assertTrue(stream.queuedBytes() <= MARK.highBytes() + PIECE, () -> "queued: " + stream);
      }
      assertEquals(0, runtime.loop().buffers().lentBytes(), "pooled buffers");
      long heap = usedHeap() - before;
      assertTrue(heap < MOST_HEAP, () -> heap + " bytes of heap");

      check(slow.getFirst().getInputStream(), QUICK_BYTES); // at last: nothing is lost
      var closes = stuck.stream().map(TcpStream::closeAsync).toList();
      for (var close : closes) {
        Waits.get(close, "a close");
      }
    }
  }
}
