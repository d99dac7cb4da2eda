package io.gyre.faults;

import static java.nio.file.StandardOpenOption.READ;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.Scheduler;
import io.gyre.net.ListenOptions;
import io.gyre.net.ReceiveHandler;
import io.gyre.net.TcpListener;
import io.gyre.net.TcpStream;
import io.gyre.testing.DriverConfiguration;
import io.gyre.testing.Recorder;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;

/**
 * A program of two loops, one of which comes to the enter that fails for good; the other does not,
 * because it makes fewer. Run under strace.
 */
final class DyingRing {
  /** Which enter of a thread fails: more than the second loop makes in all. */
  static final int FAILING_ENTER = 500;

  private DyingRing() {}

  public static void main(String[] args) throws Exception {
    var runtime =
        new TestRuntime(DriverConfiguration.URING)
            .start(b -> b.scheduler(Scheduler.threadPerCore(2)));
    try (runtime) {
      run(runtime, args[0]);
    }
    System.out.println("checked");
  }

  private static void run(IoRuntime runtime, String errno) throws Exception {
    var dying = runtime.loops().get(0);
    var living = runtime.loops().get(1);

    var anyPort = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    var listener = TcpListener.bind(dying, anyPort, ListenOptions.DEFAULT);
    var accepted = listener.acceptAsync();
    var peer = new Socket();
    peer.setSoTimeout((int) Waits.PATIENCE.toMillis());
    peer.connect(listener.localAddress());
    var stream = Waits.get(accepted, "a connection");
    var waiters = new ArrayList<CompletableFuture<?>>();
    waiters.add(listener.acceptAsync());
    waiters.add(received(stream));
    waiters.add(nopsUntilFailure(dying));

    for (var waiter : waiters) {
      var failure = Waits.failure(waiter, "what waits on the dead ring");
      check(mentions(failure, errno), "the cause is named, not " + failure);
    }
    Waits.join(dying.thread());
    // Who is at the other end must not wait for ever for a ring that does nothing any more.
    check(peer.getInputStream().read() == -1, "the peer sees the end of the stream");
    peer.close();
    try (var refused = new Socket()) {
      refused.connect(listener.localAddress());
      throw new AssertionError("nobody accepts there any more, yet it connected");
    } catch (ConnectException expected) {
      // as it should be
    }
    checkRefused(() -> stream.read(ByteBuffer.allocate(1), null, new Recorder<Object>()));
    checkRefused(() -> dying.nop(null, new Recorder<Object>()));
    checkRefused(() -> dying.execute(() -> {}));

    readOn(living);
  }

  private static CompletableFuture<Void> received(TcpStream stream) {
    var future = new CompletableFuture<Void>();
    stream.receiveEach(
        null,
        new ReceiveHandler<Object>() {
          @Override
          public void received(Buffer buffer, Object attachment) {
            buffer.release();
          }

          @Override
          public void ended(Object attachment) {
            future.complete(null);
          }

          @Override
          public void failed(Throwable cause, Object attachment) {
            future.completeExceptionally(cause);
          }
        });
    return future;
  }

  private static CompletableFuture<Void> nopsUntilFailure(EventLoop loop) {
    var future = new CompletableFuture<Void>();
    loop.nop(
        null,
        new IoHandler<Object>() {
          @Override
          public void completed(int result, Object attachment) {
            loop.nop(null, this);
          }

          @Override
          public void failed(Throwable cause, Object attachment) {
            future.completeExceptionally(cause);
          }
        });
    return future;
  }

  private static void readOn(EventLoop loop) throws Exception {
    var path = Files.write(Files.createTempFile("gyre", null), new byte[] {42});
    var file = CheckedWork.openOn(loop, path, READ);
    check(file.loop() == loop, "the file belongs to the other loop");
    var bytes = ByteBuffer.allocate(1);
    check(Waits.get(file.readAsync(bytes, 0), "read") == 1, "one byte");
    check(bytes.get(0) == 42, "that byte");
    file.close();
    Files.delete(path);
  }

  private static void checkRefused(Runnable call) {
    try {
      call.run();
    } catch (ShutdownChannelGroupException expected) {
      return;
    }
    throw new AssertionError("a loop that has ended took work");
  }

  private static boolean mentions(Throwable failure, String errno) {
    for (var t = failure; t != null; t = t.getCause()) {
      if (String.valueOf(t.getMessage()).contains(errno)) {
        return true;
      }
    }
    return false;
  }

  private static void check(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }
}
