package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.IoHandler;
import io.gyre.driver.FutureHandler;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.CompletableFuture;

/** The half of a connection that is read, closed by itself. */
class ShutdownInputTest {
  private final Pattern pattern = new Pattern(Seeds.SEED);

  @DriverTest
  void aReadUnderWayFindsTheEnd(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      var stream = pair.stream();
      var read = stream.readAsync(ByteBuffer.allocate(10));
      Waits.get(stream.shutdownInputAsync(), "the shutdown");
      assertEquals(-1, Waits.get(read, "the read"));
    }
  }

  @DriverTest
  void readsFindTheEndEvenOfWhatTheKernelHas(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      var stream = pair.stream();
      pair.peer().getOutputStream().write(pattern.bytes(0, 1_000));
      assertEquals(1, stream.read(ByteBuffer.allocate(1))); // so it has come
      stream.shutdownInput();
      assertEquals(-1, stream.read(ByteBuffer.allocate(10)));
      pair.peer().getOutputStream().write(1);
      assertEquals(-1, stream.read(ByteBuffer.allocate(10)));
      assertEquals(0, stream.read(ByteBuffer.allocate(0)));
      var receiver = new Peers.Checking(pattern);
      stream.receiveEach(null, receiver);
      assertEquals(0, Waits.get(receiver.end, "the receiver"));
      stream.shutdownInput(); // a second time
      assertEquals(-1, stream.read(ByteBuffer.allocate(10)));
    }
  }

  @DriverTest
  void aReceiverIsToldOfTheEnd(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      var receiver = new Peers.Checking(pattern);
      pair.stream().receiveEach(null, receiver);
      pair.peer().getOutputStream().write(pattern.bytes(0, 5_000));
      receiver.await(5_000);
      pair.stream().shutdownInput();
      assertEquals(5_000, Waits.get(receiver.end, "the receiver"));
    }
  }

  @DriverTest
  void aReceiverThatPausesIsToldOfTheEnd(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    for (int turns : new int[] {0, 1, 2, 20}) {
      try (var pair = StreamPair.open(runtime)) {
        var stream = pair.stream();
        var receiver = new Peers.Checking(pattern);
        stream.receiveEach(null, receiver);
        pair.peer().getOutputStream().write(pattern.bytes(0, 5_000));
        receiver.await(5_000);
        stream.pauseReceiving();
        for (int i = 0; i < turns; i++) { // in which the pause settles, or does not: both must end
          var turned = new CompletableFuture<Void>();
          stream.loop().nop(turned, FutureHandler.VOID);
          Waits.get(turned, "a turn of the loop");
        }
        stream.shutdownInput();
        assertEquals(5_000, Waits.get(receiver.end, "the receiver"));
      }
    }
  }

  @DriverTest
  void writingGoesOnToItsOwnEnd(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      var stream = pair.stream();
      int length = 2 << 20;
      var before = stream.writeAsync(ByteBuffer.wrap(pattern.bytes(0, length)));
      stream.shutdownInput();
      var behind = stream.writeAsync(ByteBuffer.wrap(pattern.bytes(length, length)));
      var end = stream.shutdownOutputAsync();
      assertEquals(2L * length, Peers.checkToEnd(pair.peer().getInputStream(), pattern));
      assertEquals(length, Waits.get(before, "the write before"));
      assertEquals(length, Waits.get(behind, "the write behind"));
      Waits.get(end, "the end of the output");
    }
  }

  /** Fault 17 from the other side: what the peer has ended is read to its end, and answered. */
  @DriverTest
  void whatThePeerHasEndedIsReadToItsEndWhileWritingGoesOn(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.openTiny(driver.start())) {
      var stream = pair.stream();
      int length = 2 << 20;
      var receiver = new Peers.Checking(pattern);
      stream.receiveEach(null, receiver);
      pair.peer().getOutputStream().write(pattern.bytes(0, length));
      pair.peer().shutdownOutput();
      assertEquals(length, Waits.get(receiver.end, "the receiver"));
      var answer = stream.writeAsync(ByteBuffer.wrap(pattern.bytes(0, length)));
      Peers.check(pair.peer().getInputStream(), pattern, 0, length);
      assertEquals(length, Waits.get(answer, "the answer"));
      assertEquals(-1, stream.read(ByteBuffer.allocate(1)), "the end, again");
      stream.shutdownInput(); // of what has ended already
      stream.shutdownOutput();
      assertEquals(-1, pair.peer().getInputStream().read());
    }
  }

  @DriverTest
  void theCallbackComesOnTheLoopAndAClosedStreamRefuses(TestRuntime driver) throws Exception {
    var pair = StreamPair.open(driver.start());
    var stream = pair.stream();
    var told = new CompletableFuture<Boolean>();
    stream.shutdownInput(
        told,
        new IoHandler<CompletableFuture<Boolean>>() {
          @Override
          public void completed(int result, CompletableFuture<Boolean> to) {
            to.complete(result == 0 && stream.loop().inLoop());
          }

          @Override
          public void failed(Throwable cause, CompletableFuture<Boolean> to) {
            to.completeExceptionally(cause);
          }
        });
    assertTrue(Waits.get(told, "the callback"));
    pair.close();
    assertThrows(ClosedChannelException.class, stream::shutdownInput);
    assertThrows(ClosedChannelException.class, () -> stream.read(ByteBuffer.allocate(1)));
    assertThrows(NullPointerException.class, () -> stream.shutdownInput(null, null));
  }

  @DriverTest
  void aPeerThatSendsOnIsResetByTheClose(TestRuntime driver) throws Exception {
    try (var pair = StreamPair.open(driver.start())) {
      pair.stream().shutdownInput();
      pair.peer().getOutputStream().write(pattern.bytes(0, 1_000));
      pair.stream().close();
      assertThrows(
          IOException.class,
          () -> {
            while (true) {
              pair.peer().getOutputStream().write(pattern.bytes(0, 1_000));
            }
          });
    }
  }
}
