package io.gyre.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.bindings.Liburing;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.RawOperation;
import io.gyre.testing.SeedReport;
import io.gyre.testing.Seeds;
import io.gyre.uring.SimulatedFile.Listener;
import io.gyre.uring.SimulatedFile.Socket;
import io.gyre.uring.SimulatedLoop.Asked;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** One fault at a time, where a simulated kernel can make it happen at the one moment that matters. */
@ExtendWith(SeedReport.class)
class SimulatedFaultsTest {
  private static final SimulatedFaults EVERYTHING_TAKES_TIME =
      new SimulatedFaults(1000, 0, 0, 0, 0, 0, 0, 1000);
  private static final SimulatedFaults CANCELS_COME_LATE =
      new SimulatedFaults(1000, 0, 0, 0, 1000, 0, 0, 1000);

  private static SimulatedKernel kernel(SimulatedFaults faults) {
    return new SimulatedKernel(new SplittableRandom(Seeds.SEED), faults);
  }

  private static SimulatedLoop loop(SimulatedFaults faults, int sq, int cq) throws IOException {
    return loop(kernel(faults), sq, cq);
  }

  private static SimulatedLoop loop(SimulatedKernel kernel, int sq, int cq) throws IOException {
    var config = new DriverConfig(0, sq, cq, 4, 64, 16);
    return new SimulatedLoop(
        kernel,
        config,
        t -> {
          throw new AssertionError(t);
        });
  }

  private static void fill(Socket socket, int bytes) {
    for (int i = 0; i < bytes; i++) {
      socket.inbound.add((byte) i);
    }
  }

  private static void turn(SimulatedLoop loop, int times) throws IOException {
    for (int i = 0; i < times; i++) {
      loop.turn();
    }
  }

  // ---- memory

  @Test
  void memoryThatIsReleasedUnderAReadGoesToNobody() throws IOException {
    var loop = loop(EVERYTHING_TAKES_TIME, 8, 8);
    var file = loop.file("/simulated");
    loop.kernel.operations().content("/simulated").ensure(1000);
    var buffer = loop.pool.acquire(1000);
    var read = loop.ask(OpCode.READ, file, o -> o.memory(buffer));
    loop.turn(0, 1024);
    buffer.release();
    assertFalse(read.ended());

    var others = takeAll(loop);
    others.forEach(other -> assertNotSame(buffer, other));
    loop.turnUntil(read::ended);
    assertEquals(1000, read.result);
    var last = takeAll(loop);
    assertEquals(List.of(buffer), last);
    last.forEach(Buffer::release);
    others.forEach(Buffer::release);
    loop.end();
  }

  private static List<Buffer> takeAll(SimulatedLoop loop) {
    var taken = new ArrayList<Buffer>();
    for (var b = loop.pool.tryAcquire(1); b != null; b = loop.pool.tryAcquire(1)) {
      taken.add(b);
    }
    return taken;
  }

  @Test
  void aResetInTheMiddleOfASendKeepsTheMemoryUntilTheKernelSaysSo() throws IOException {
    var loop = loop(SimulatedFaults.NONE, 8, 8);
    var socket = Socket.connected();
    var buffer = loop.pool.acquire(4000);
    var send = loop.ask(OpCode.SEND, loop.socket(socket), o -> o.memory(buffer));
    loop.turn();
    buffer.release();
    assertFalse(send.ended(), "nobody receives");
    takeAll(loop)
        .forEach(
            other -> {
              assertNotSame(buffer, other);
              other.release();
            });

    socket.breakOff();
    loop.turnUntil(send::ended);
    assertInstanceOf(IOException.class, send.failure);
    assertTrue(takeAll(loop).stream().peek(Buffer::release).anyMatch(b -> b == buffer));
    loop.end();
  }

  // ---- resets

  /** The kernel has told of the bytes, and waits for an edge. */
  private static void resetBehindBytes(SimulatedLoop loop, Socket socket, Asked receive)
      throws IOException {
    turn(loop, 3);
    assertFalse(receive.ended());
    socket.inbound.add((byte) 1);
    socket.peer.breakOff();
    loop.turnUntil(receive::ended);
    assertEquals(-Errno.ECONNRESET.number(), receive.result);
    assertEquals(1, socket.delivered.size());
  }

  @Test
  void aResetThatComesWithBytesIsNotMissed() throws IOException {
    var loop = loop(SimulatedFaults.NONE, 8, 8);
    var socket = Socket.connected();
    var receive = loop.ask(OpCode.RECEIVE_MULTISHOT, loop.socket(socket));
    resetBehindBytes(loop, socket, receive);
    loop.end();
  }

  @Test
  void aResetThatComesWithBytesIsNotMissedWhenAllWasCancelledBefore() throws IOException {
    var loop = loop(SimulatedFaults.NONE, 8, 8);
    var socket = Socket.connected();
    var descriptor = loop.socket(socket);
    var first = loop.ask(OpCode.RECEIVE_MULTISHOT, descriptor);
    turn(loop, 3);
    loop.dispatcher.cancelAll(descriptor);
    // At the earliest moment that there is: what was cancelled with it may not have ended yet.
    var second = new Asked[1];
    first.whenTold = a -> second[0] = loop.ask(OpCode.RECEIVE_MULTISHOT, descriptor);
    loop.turnUntil(first::ended);
    assertEquals(-Errno.ECANCELED.number(), first.result);
    resetBehindBytes(loop, socket, second[0]);
    loop.end();
  }

  @Test
  void aCloseLeavesNothingInTheKernelThatWaitsForAReset() throws IOException {
    var loop = loop(SimulatedFaults.NONE, 8, 8);
    var descriptor = loop.socket(Socket.connected());
    var receive = loop.ask(OpCode.RECEIVE_MULTISHOT, descriptor);
    turn(loop, 3);
    loop.driver.cancel(receive.operation);
    loop.turnUntil(receive::ended);
    loop.turnUntil(loop.close(descriptor)::ended); // the kernel refuses one with anything in flight
    loop.end();
  }

  // ---- the queues

  @Test
  void aCancellationIsNotLostWhenTheQueueIsFull() throws IOException {
    var loop = loop(SimulatedFaults.NONE, 2, 8);
    var receive = loop.ask(OpCode.RECEIVE_MULTISHOT, loop.socket(Socket.connected()));
    turn(loop, 3);
    var nops = new ArrayList<Asked>();
    for (int i = 0; i < 50; i++) {
      nops.add(loop.ask(OpCode.NOP, null));
    }
    loop.driver.cancel(receive.operation);
    loop.turnUntil(receive::ended);
    assertEquals(-Errno.ECANCELED.number(), receive.result);
    loop.turnUntil(() -> nops.stream().allMatch(Asked::ended));
    loop.end();
  }

  @Test
  void creditKeepsTenThousandNopsFromOverflowingAQueueOfFour() throws IOException {
    var loop = loop(EVERYTHING_TAKES_TIME, 4, 4);
    var told = new AtomicInteger();
    for (int i = 0; i < 10_000; i++) {
      loop.ask(OpCode.NOP, null).whenTold = a -> told.incrementAndGet();
    }
    loop.turnUntil(() -> told.get() == 10_000);
    assertEquals(0, loop.kernel.overflows());
    loop.end();
  }

  @Test
  void whatWaitsForPeersMayOverflowAndIsNotLost() throws IOException {
    var loop = loop(SimulatedFaults.NONE, 4, 4);
    var sockets = new ArrayList<Socket>();
    var receives = new ArrayList<Asked>();
    for (int i = 0; i < 100; i++) {
      var socket = Socket.connected();
      sockets.add(socket);
      var memory = ByteBuffer.allocateDirect(10);
      receives.add(loop.ask(OpCode.RECEIVE, loop.socket(socket), o -> o.memory(memory)));
    }
    turn(loop, 100);
    sockets.forEach(s -> fill(s, 7));
    loop.turnUntil(() -> receives.stream().allMatch(Asked::ended));
    receives.forEach(r -> assertEquals(7, r.result));
    assertTrue(loop.kernel.overflows() > 0);
    assertTrue(loop.driver.counters().get(Counter.OVERFLOWS) > 0);
    loop.end();
  }

  // ---- enter

  @Test
  void whenTheKernelLostCompletionsEverybodyIsTold() throws IOException {
    var loop = loop(EVERYTHING_TAKES_TIME, 8, 8);
    var waiting = new ArrayList<Asked>();
    for (int i = 0; i < 20; i++) {
      waiting.add(loop.ask(OpCode.NOP, null));
    }
    waiting.add(loop.ask(OpCode.RECEIVE_MULTISHOT, loop.socket(Socket.connected())));
    loop.turn(0, 1024);
    loop.kernel.failEnter(Errno.EBADR);
    var failure = assertThrows(IOException.class, loop::turn);
    assertTrue(failure.getMessage().contains("EBADR"), failure::getMessage);

    loop.dispatcher.failAll(failure); // as the event loop does
    loop.driver.close(false);
    waiting.forEach(w -> assertEquals(failure, w.failure));
  }

  @Test
  void aStormOfInterruptionsLosesNothing() throws IOException {
    enterFailures(Errno.EINTR);
  }

  @Test
  void aKernelWithoutMemoryForRequestsIsAskedAgain() throws IOException {
    enterFailures(Errno.EAGAIN);
  }

  @Test
  void aKernelThatIsBusyIsAskedAgain() throws IOException {
    enterFailures(Errno.EBUSY);
  }

  private static void enterFailures(Errno errno) throws IOException {
    var loop = loop(EVERYTHING_TAKES_TIME, 4, 8);
    var socket = Socket.connected();
    var receive =
        loop.ask(OpCode.RECEIVE, loop.socket(socket), o -> o.memory(ByteBuffer.allocateDirect(10)));
    for (int i = 0; i < 100; i++) {
      var nop = loop.ask(OpCode.NOP, null);
      for (int k = 0; k < 10; k++) {
        loop.kernel.failEnter(errno);
      }
      long enters = loop.kernel.enters();
      loop.turnUntil(nop::ended);
      assertTrue(loop.kernel.enters() - enters > 10, "each failure costs a call, none is skipped");
    }
    fill(socket, 10);
    loop.turnUntil(receive::ended);
    assertEquals(10, receive.result);
    loop.end();
  }

  @Test
  void anOperationThatFailsWithEagainSaysSo() throws IOException {
    var loop = loop(new SimulatedFaults(0, 0, 1000, 0, 0, 0, 0, 0), 4, 8);
    var file = loop.file("/simulated");
    var seen = new ArrayList<String>();
    while (seen.stream().noneMatch(m -> m.contains("EAGAIN"))) {
      var read = loop.ask(OpCode.READ, file, o -> o.memory(ByteBuffer.allocateDirect(10)));
      loop.turnUntil(read::ended);
      seen.add(assertInstanceOf(IOException.class, read.failure).getMessage());
      assertTrue(seen.size() < 1000, seen::toString);
    }
    loop.kernel.faults(SimulatedFaults.NONE);
    loop.end();
  }

  @Test
  void aKernelWithLittleMemoryGivesASmallerRing() throws IOException {
    var loop = loop(kernel(SimulatedFaults.NONE).outOfMemoryAtSetup(2), 64, 64);
    assertTrue(
        loop.driver.capabilities().toString().contains("16 submissions, 16 completions"),
        () -> loop.driver.capabilities().toString());
    loop.end();
  }

  // ---- cancelling

  /**
   * A cancellation and a connection that come at the same time, in every order that a seed finds: a
   * million times in all.
   */
  @RepeatedTest(10)
  void aCancelledAcceptHasOneOutcomeAndLosesNoConnection(RepetitionInfo repetition)
      throws IOException {
    var random = new SplittableRandom(Seeds.SEED + repetition.getCurrentRepetition());
    var racing = new SimulatedFaults(400, 0, 0, 0, 500, 100, 20, 0);
    var loop = loop(new SimulatedKernel(random.split(), racing), 4, 8);
    var fd = loop.kernel.operations().listen(1);
    var listener = (Listener) loop.kernel.operations().file(fd);
    var descriptor = loop.driver.newDescriptor("a listener", fd);
    int accepted = 0;
    int cancelled = 0;
    for (int i = 0; i < 100_000; i++) {
      var accept = loop.ask(OpCode.ACCEPT, descriptor);
      accept.whenTold =
          a -> {
            if (a.brought != null) {
              loop.dispatcher.discard(a.brought);
            }
          };
      int order = random.nextInt(8);
      if ((order & 1) != 0) {
        loop.turn(0, 1024);
      }
      if ((order & 2) != 0) {
        listener.backlog.add(Socket.connected());
      }
      if ((order & 4) != 0) {
        loop.turn(0, 1024);
      }
      if (!accept.ended()) {
        loop.driver.cancel(accept.operation);
      }
      loop.turnUntil(accept::ended);
      if (accept.failure == null) {
        accepted++;
      } else {
        assertEquals(-Errno.ECANCELED.number(), accept.result);
        cancelled++;
      }
      listener.backlog.clear();
    }
    assertTrue(accepted > 10_000 && cancelled > 10_000, accepted + " and " + cancelled);
    loop.end();
  }

  @Test
  void whatACancellationCameTooLateForIsDelivered() throws IOException {
    var loop = loop(CANCELS_COME_LATE, 8, 8);
    loop.kernel.operations().content("/simulated").ensure(100);
    var memory = ByteBuffer.allocateDirect(100);
    var read = loop.ask(OpCode.READ, loop.file("/simulated"), o -> o.memory(memory));
    loop.turn(0, 1024);
    loop.driver.cancel(read.operation);
    loop.turnUntil(read::ended);
    assertEquals(100, read.result);
    assertEquals(0, memory.remaining());
    loop.end();
  }

  @Test
  void aStaleCancellationLeavesTheNextUserOfTheSlotAlone() throws IOException {
    var loop = loop(SimulatedFaults.NONE, 2, 8);
    var socket = Socket.connected();
    var descriptor = loop.socket(socket);
    var first = loop.ask(OpCode.RECEIVE, descriptor, o -> o.memory(ByteBuffer.allocateDirect(1)));
    long token = first.operation.token();
    turn(loop, 3);
    fillQueue(loop, 2);
    loop.driver.cancel(first.operation); // finds no room, and waits
    loop.driver.cancel(first.operation);
    fill(socket, 1);
    turnWithAFullQueue(loop, first);
    assertEquals(1, first.result);

    var second = loop.ask(OpCode.RECEIVE, descriptor, o -> o.memory(ByteBuffer.allocateDirect(1)));
    for (int i = 0; i < 20 && (int) second.operation.token() != (int) token; i++) {
      second = loop.ask(OpCode.RECEIVE, descriptor, o -> o.memory(ByteBuffer.allocateDirect(1)));
    }
    assertEquals((int) token, (int) second.operation.token(), "the same slot");
    turn(loop, 20);
    assertFalse(second.ended());
    loop.end();
  }

  @Test
  void aCancellationByDescriptorThatWaitedLeavesTheNextUserOfTheNumberAlone() throws IOException {
    var loop = loop(SimulatedFaults.NONE, 2, 8);
    var socket = Socket.connected();
    var descriptor = loop.socket(socket);
    var receive = loop.ask(OpCode.RECEIVE_MULTISHOT, descriptor);
    turn(loop, 3);
    fillQueue(loop, 2);
    var close = loop.close(descriptor); // its cancellation finds no room, and waits
    socket.inputEnded = true;
    turnWithAFullQueue(loop, receive);
    fillQueue(loop, 1); // the close has the other place
    loop.turnUntil(close::ended);

    var next = loop.socket(Socket.connected());
    assertEquals(descriptor.fd, next.fd);
    var nextReceive = loop.ask(OpCode.RECEIVE_MULTISHOT, next);
    turn(loop, 20);
    assertFalse(nextReceive.ended());
    loop.end();
  }

  /** Until an operation has ended; a cancellation finds no room meanwhile. */
  private static void turnWithAFullQueue(SimulatedLoop loop, SimulatedLoop.Asked asked)
      throws IOException {
    loop.turn();
    for (int i = 0; i < 100 && !asked.ended(); i++) {
      fillQueue(loop, 2);
      loop.turn();
    }
    assertTrue(asked.ended());
  }

  private static void fillQueue(SimulatedLoop loop, int nops) {
    for (int i = 0; i < nops; i++) {
      loop.ask(OpCode.NOP, null);
    }
  }

  @Test
  void aRefusalOfEverythingOptionalIsNoReasonToFail() throws IOException {
    var kernel =
        kernel(SimulatedFaults.NONE)
            .withoutSetupFlags(
                Liburing.IORING_SETUP_NO_SQARRAY()
                    | Liburing.IORING_SETUP_DEFER_TASKRUN()
                    | Liburing.IORING_SETUP_SINGLE_ISSUER()
                    | Liburing.IORING_SETUP_COOP_TASKRUN()
                    | Liburing.IORING_SETUP_TASKRUN_FLAG()
                    | Liburing.IORING_SETUP_SUBMIT_ALL())
            .refusing(Liburing.IORING_REGISTER_PBUF_RING(), Errno.EINVAL)
            .refusing(Liburing.IORING_REGISTER_RING_FDS(), Errno.EINVAL)
            .refusing(Liburing.IORING_REGISTER_IOWQ_MAX_WORKERS(), Errno.EINVAL)
            .refusing(Liburing.IORING_REGISTER_FILES2(), Errno.EMFILE)
            .refusing(Liburing.IORING_REGISTER_BUFFERS(), Errno.ENOMEM);
    var loop = loop(kernel, 8, 8);
    var socket = Socket.connected();
    fill(socket, 100);
    socket.inputEnded = true;
    var receive = loop.ask(OpCode.RECEIVE_MULTISHOT, loop.socket(socket));
    loop.turnUntil(receive::ended);
    assertEquals(0, receive.result);
    assertNull(receive.failure);
    loop.end();
  }

  @Test
  void aKernelThatLacksWhatCannotBeDoneWithoutIsTooOld() {
    for (int feature : List.of(Liburing.IORING_FEAT_EXT_ARG(), Liburing.IORING_FEAT_NODROP())) {
      var kernel = kernel(SimulatedFaults.NONE).withoutFeatures(feature);
      var refused = assertThrows(Ring.SetupException.class, () -> loop(kernel, 8, 8));
      var diagnosis = Diagnosis.of(refused.errno(), refused.getMessage(), "", "5.4.0");
      assertTrue(diagnosis.reason().contains("5.4.0 is too old"), diagnosis::reason);
      kernel.checkClosed();
    }
  }

  @Test
  void aWaitingReceiveHoldsNoBufferWithoutBufferRings() throws IOException {
    var kernel =
        kernel(SimulatedFaults.NONE).refusing(Liburing.IORING_REGISTER_PBUF_RING(), Errno.EINVAL);
    var loop = loop(kernel, 8, 8);
    var buffers = loop.driver.receiveBuffers();
    var sockets = new ArrayList<Socket>();
    var receives = new ArrayList<SimulatedLoop.Asked>();
    for (int i = 0; i < 3 * buffers.count(); i++) {
      var socket = Socket.connected();
      sockets.add(socket);
      receives.add(loop.ask(OpCode.RECEIVE_MULTISHOT, loop.socket(socket)));
    }
    turn(loop, 20);
    assertEquals(sockets.size(), kernel.inFlight().size() - 1, "all wait, and the wake-up");
    assertEquals(buffers.count(), buffers.available());
    for (var socket : sockets) {
      fill(socket, 10);
      socket.inputEnded = true;
    }
    loop.turnUntil(() -> receives.stream().allMatch(SimulatedLoop.Asked::ended));
    receives.forEach(r -> assertEquals(0, r.result));
    loop.end();
  }

  @Test
  void aCancelledSendThatWentOutInPartIsNotGoneOnWith() throws IOException {
    var loop = loop(SimulatedFaults.NONE, 8, 8);
    var send =
        loop.ask(
            OpCode.SEND,
            loop.socket(Socket.connected()),
            o -> o.memory(ByteBuffer.allocateDirect(1000)));
    turn(loop, 3);
    loop.driver.cancel(send.operation); // the kernel answers with what went out
    loop.turnUntil(send::ended);
    assertEquals(-Errno.ECANCELED.number(), send.result);
    loop.end();
  }

  @Test
  void aSendThatIsCancelledWhileItWaitsForAnotherNeverGoesOut() throws IOException {
    var loop = loop(SimulatedFaults.NONE, 8, 8);
    var socket = Socket.connected();
    var descriptor = loop.socket(socket);
    var memory = ByteBuffer.allocateDirect(1000);
    var first = loop.ask(OpCode.SEND, descriptor, o -> o.memory(memory.duplicate()));
    var second = loop.ask(OpCode.SEND, descriptor, o -> o.memory(memory.duplicate()));
    turn(loop, 3);
    loop.driver.cancel(second.operation);
    loop.turnUntil(second::ended); // at once: the first cannot go on, for nobody reads
    assertEquals(-Errno.ECANCELED.number(), second.result);
    assertFalse(first.ended());
    loop.turnUntil(
        () -> {
          socket.peer.inbound.clear();
          return first.ended();
        });
    assertEquals(1000, first.result);
    loop.end();
  }

  /** The cancellation of a link that waits must not take, turn after turn, the place that its chain waits for. */
  @Test
  void aChainAsLongAsTheQueueBeginsThoughALinkOfItIsCancelled() throws IOException {
    var loop = loop(SimulatedFaults.NONE, 2, 8);
    var file = loop.file("/simulated");
    var nop = raw(loop, RawOperation.of(Liburing.IORING_OP_NOP()).build());
    var sync = raw(loop, RawOperation.of(Liburing.IORING_OP_FSYNC()).on(file).build());
    loop.kernel.raw(token -> token == nop.operation.token() || token == sync.operation.token());
    nop.operation.setBehind(sync.operation);
    loop.dispatcher.submitChain(nop.operation);
    var close = loop.close(file);
    loop.turnUntil(() -> nop.ended() && sync.ended() && close.ended());
    assertEquals(0, nop.result);
    assertEquals(-Errno.ECANCELED.number(), sync.result);
    loop.end();
  }

  private static Asked raw(SimulatedLoop loop, RawOperation raw) {
    var asked = new Asked();
    asked.operation =
        loop.dispatcher
            .acquire(OpCode.RAW, raw.descriptor(), SimulatedLoop.COMPLETION, asked, null)
            .argument(raw);
    return asked;
  }

  @Test
  void aCloseThatShutdownCancelsIsAskedForAgain() throws IOException {
    var loop = loop(EVERYTHING_TAKES_TIME, 8, 8);
    var close = loop.close(loop.file("/simulated"));
    loop.turn(0, 1024);
    assertFalse(close.ended());
    loop.end(); // finds what is open still
    assertEquals(0, close.result);
  }
}
