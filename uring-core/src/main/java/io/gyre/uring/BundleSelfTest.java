package io.gyre.uring;

import io.gyre.Buffer;
import io.gyre.bindings.Libc;
import io.gyre.bindings.Liburing;
import io.gyre.driver.Errno;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Receives a known stream in bundles, over a connection of this process with itself: the only kind that makes bundles on
 * all kernels that have them.
 *
 * <p>First in buffers that lie in the ring in disorder. Then with urgent data in it, at which a receive stops short of
 * its buffer's end though there is more: some kernels of 6.13 to 6.15 went on in the next buffer of the same bundle, and
 * nobody could tell where the first part ended. They do that on a busy connection too, when bytes come at the wrong
 * moment.
 */
final class BundleSelfTest implements SelfTest {
  private static final int BUFFERS = 8;
  private static final int BUFFER_BYTES = 64;
  private static final int PARTS = 3; // a part fills some buffers, and leaves one half full
  private static final int PART_BYTES = 5 * BUFFER_BYTES + BUFFER_BYTES / 2;
  private static final int BEFORE_URGENT = BUFFER_BYTES / 4;

  /** Where each of the buffers goes home as which: none keeps its neighbour. */
  private static final int[] DISORDER = {3, 6, 1, 4, 7, 2, 5, 0};

  private static final long SENT = 1;
  private static final long RECEIVED = 2;
  private static final long CONNECTED = 3;
  private static final long ACCEPTED = 4;
  private static final long CANCELLED = 5;

  @Override
  public Outcome run(Kernel kernel, Predicate<KernelFeature> allowed) throws IOException {
    var syscalls = new Syscalls();
    var wakeUp = new WakeUp(syscalls);
    try (var ring = ScratchRing.open(kernel, allowed)) {
      if (!ring.ring().has(Liburing.IORING_FEAT_RECVSEND_BUNDLE())) {
        return Outcome.refused(KernelFeature.RECEIVE_BUNDLES, Errno.EINVAL.number());
      }
      var buffers = BufferRing.register(ring.ring(), BUFFERS, BUFFER_BYTES, wakeUp);
      var connection = Connection.open(ring, new Sockets(syscalls));
      try {
        return new Attempt(ring, buffers, connection).run();
      } finally {
        connection.close();
      }
    } finally {
      wakeUp.close();
    }
  }

  /** Two ends. */
  private record Connection(int from, int to) {
    static Connection open(ScratchRing ring, Sockets sockets) throws IOException {
      var any = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0);
      int listener = sockets.listen(any, 1, false);
      int from = -1;
      try {
        var address = sockets.localAddress(listener, "a self-test");
        from = sockets.open(address);
        var encoded = SocketAddresses.encode(Arena.ofAuto(), address);
        Sqe.write(
            ring.nextSqe(),
            Liburing.IORING_OP_CONNECT(),
            0,
            from,
            encoded.byteSize(),
            encoded.address(),
            0,
            0,
            CONNECTED);
        check(ring.next(), "connect");
        Sqe.write(
            ring.nextSqe(),
            Liburing.IORING_OP_ACCEPT(),
            0,
            listener,
            0,
            0,
            0,
            Libc.SOCK_CLOEXEC(),
            ACCEPTED);
        return new Connection(from, check(ring.next(), "accept"));
      } catch (IOException e) {
        if (from >= 0) {
          Libc.close(from);
        }
        throw e;
      } finally {
        Libc.close(listener);
      }
    }

    /** With what was not read in it, this resets the connection: nothing lingers. */
    void close() {
      Libc.close(to);
      Libc.close(from);
    }
  }

  private static int check(ScratchRing.Completion completion, String what) throws IOException {
    if (completion == null) {
      throw new IOException(what + ": not answered in time");
    }
    if (completion.result() < 0) {
      throw new IOException(what + ": " + Errno.describe(-completion.result()));
    }
    return completion.result();
  }

  private static final class Attempt {
    private final ScratchRing ring;
    private final BufferRing buffers;
    private final Connection connection;
    private final MemorySegment stream = Arena.ofAuto().allocate(PARTS * PART_BYTES);
    private final List<Buffer> lent = new ArrayList<>();
    private boolean armed;
    private int sent;
    private int received;
    private boolean severalAtOnce;

    Attempt(ScratchRing ring, BufferRing buffers, Connection connection) {
      this.ring = ring;
      this.buffers = buffers;
      this.connection = connection;
      for (int i = 0; i < stream.byteSize(); i++) { // so that no buffer is like another
        stream.set(ValueLayout.JAVA_BYTE, i, (byte) (i + i / BUFFER_BYTES));
      }
    }

    Outcome run() throws IOException {
      send(PART_BYTES);
      var outcome = receive();
      if (!outcome.passed()) {
        return outcome;
      }
      giveBackInDisorder();
      send(PART_BYTES);
      outcome = receive();
      if (!outcome.passed()) {
        return outcome;
      }
      if (!severalAtOnce) {
        return Outcome.failed("what did not fit one buffer came in two completions");
      }
      giveBackInDisorder();
      send(BEFORE_URGENT);
      send(Arena.ofAuto().allocate(1), Libc.MSG_OOB()); // a byte that is not part of the stream
      send(PART_BYTES - BEFORE_URGENT);
      return receive();
    }

    private void send(int bytes) throws IOException {
      int done = send(stream.asSlice(sent, bytes), 0);
      if (done != bytes) {
        throw new IOException("send: " + done + " bytes of " + bytes + " went out");
      }
      sent += bytes;
    }

    private int send(MemorySegment bytes, int flags) throws IOException {
      Sqe.write(
          ring.nextSqe(),
          Liburing.IORING_OP_SEND(),
          0,
          connection.from,
          0,
          bytes.address(),
          (int) bytes.byteSize(),
          Libc.MSG_NOSIGNAL() | flags,
          SENT);
      return check(ring.next(), "send");
    }

    /** Receives what was sent, in bundles, and ends the multishot. */
    private Outcome receive() throws IOException {
      while (received < sent) {
        if (!armed) {
          arm();
        }
        var completion = ring.next();
        if (completion == null) {
          return Outcome.failed((sent - received) + " bytes never came");
        }
        armed = completion.hasMore();
        if (completion.failed(Errno.ENOBUFS)) {
          return Outcome.failed("it used up more buffers than it filled");
        }
        check(completion, "receive");
        var outcome = take(completion.buffer(), completion.result());
        if (!outcome.passed()) {
          return outcome;
        }
      }
      return Outcome.PASSED;
    }

    /** So that what is sent next is all there when it is received. */
    private void disarm() throws IOException {
      if (armed) {
        Sqe.write(
            ring.nextSqe(), Liburing.IORING_OP_ASYNC_CANCEL(), 0, -1, 0, RECEIVED, 0, 0, CANCELLED);
        for (int outcomes = 0; outcomes < 2; outcomes++) {
          var completion = ring.next();
          if (completion == null || completion.result() > 0) {
            throw new IOException("cancel: answered " + completion);
          }
        }
        armed = false;
      }
    }

    private void arm() {
      armed = true;
      long sqe = ring.nextSqe();
      Sqe.write(
          sqe,
          Liburing.IORING_OP_RECV(),
          Liburing.IOSQE_BUFFER_SELECT(),
          connection.to,
          0,
          0,
          0,
          0,
          RECEIVED);
      Sqe.ioprio(sqe, Liburing.IORING_RECV_MULTISHOT() | Liburing.IORING_RECVSEND_BUNDLE());
    }

    /** Checks a bundle as the driver reads it. */
    private Outcome take(int first, int bytes) {
      int current = first;
      int left = bytes;
      while (left > 0) {
        int part = Math.min(left, buffers.length(current));
        left -= part;
        severalAtOnce |= left > 0;
        int following = left > 0 ? buffers.following(current) : -1;
        var buffer = buffers.take(current, part, null);
        lent.add(buffer);
        var expected = stream.asSlice(received, part);
        if (MemorySegment.ofBuffer(buffer.byteBuffer()).mismatch(expected) >= 0) {
          return Outcome.failed(
              "bytes " + received + " to " + (received + part) + " came otherwise");
        }
        received += part;
        current = following;
      }
      return Outcome.PASSED;
    }

    private void giveBackInDisorder() throws IOException {
      disarm();
      for (int i : DISORDER) {
        if (i < lent.size()) {
          lent.get(i).release();
        }
      }
      lent.clear();
      buffers.publish();
    }
  }
}
