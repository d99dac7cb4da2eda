package io.gyre.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.LeaseTracker;
import io.gyre.driver.FakeDriver.FakeDescriptor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class OperationDispatcherTest {
  private static final BufferAccess BUFFERS = BufferAccess.get();

  private final List<Throwable> thrown = new ArrayList<>();
  private final FakeDriver driver = new FakeDriver();
  private final OperationDispatcher dispatcher = new OperationDispatcher(thrown::add);
  private final FakeDescriptor file = new FakeDescriptor("/some/file");
  private final List<String> events = new ArrayList<>();

  private final Completion record =
      (operation, result) ->
          events.add(
              operation.attachment()
                  + " "
                  + (result < 0 ? operation.failure(result).getClass().getSimpleName() : result));

  @BeforeEach
  void attach() {
    dispatcher.attach(driver);
    dispatcher.opened(file);
  }

  private Operation submit(OpCode code, Descriptor descriptor, String name) {
    var operation = dispatcher.acquire(code, descriptor, record, null, name);
    dispatcher.submit(operation);
    return operation;
  }

  private void close(boolean cancelInFlight, String name) {
    dispatcher.close(file, cancelInFlight, record, null, name);
  }

  @Test
  void anOutcomeGoesToTheCompletionOnceAndGivesTheSlotBack() {
    var operation = submit(OpCode.READ, file, "read");
    long token = operation.token();
    assertEquals(1, dispatcher.inFlight());

    dispatcher.resolve(operation, 12);

    assertEquals(List.of("read 12"), events);
    assertEquals(0, dispatcher.inFlight());
    assertNull(dispatcher.find(token));
  }

  @Test
  void oneDriverIsAttachedOnce() {
    assertThrows(IllegalStateException.class, () -> dispatcher.attach(new FakeDriver()));
    assertSame(driver, dispatcher.driver());
  }

  @Test
  void anOutcomeThatIsNotTheLastKeepsTheSlot() {
    var operation =
        dispatcher.acquire(
            OpCode.ACCEPT_MULTISHOT,
            file,
            (o, result) -> events.add(result + " " + o.hasMore()),
            null,
            null);
    dispatcher.submit(operation);

    dispatcher.resolveMore(operation, 1);
    dispatcher.resolveMore(operation, 2);
    assertEquals(1, dispatcher.inFlight());
    dispatcher.resolve(operation, 0);

    assertEquals(List.of("1 true", "2 true", "0 false"), events);
    assertEquals(0, dispatcher.inFlight());
  }

  @Test
  void theOutcomeMovesTheBuffersPositionAndLeavesItsLimit() {
    var buffer = ByteBuffer.allocate(100).position(10).limit(60);
    var operation =
        dispatcher.acquire(OpCode.READ, file, record, null, "read").memory(buffer).offset(7);
    dispatcher.submit(operation);
    assertEquals(50, operation.memoryLength());
    assertEquals(10, buffer.position());

    dispatcher.resolve(operation, 20);

    assertEquals(30, buffer.position());
    assertEquals(60, buffer.limit());
  }

  @Test
  void aFailureLeavesTheBuffersPosition() {
    var buffer = ByteBuffer.allocate(100).position(10);
    var operation = dispatcher.acquire(OpCode.READ, file, record, null, "read").memory(buffer);
    dispatcher.submit(operation);

    dispatcher.resolve(operation, -Errno.EIO.number());

    assertEquals(10, buffer.position());
    assertEquals(List.of("read FileSystemException"), events);
  }

  @Test
  void aBufferThatTheUserTouchedMeanwhileHurtsNobodyElse() {
    var buffer = ByteBuffer.allocate(100);
    var operation = dispatcher.acquire(OpCode.READ, file, record, null, "read").memory(buffer);
    dispatcher.submit(operation);
    buffer.limit(5);

    dispatcher.resolve(operation, 50); // the driver's turn must go on

    assertEquals(1, events.size(), "the operation still ends");
    assertEquals(0, dispatcher.inFlight());
  }

  @Test
  void aHandlerThatThrowsIsReportedAndTheSlotGivenBack() {
    var failure = new IllegalStateException("thrown");
    var operation =
        dispatcher.acquire(
            OpCode.NOP,
            null,
            (o, result) -> {
              throw failure;
            },
            null,
            null);
    dispatcher.submit(operation);

    dispatcher.resolve(operation, 0);

    assertEquals(List.of(failure), thrown);
    assertEquals(0, dispatcher.inFlight());
  }

  @Test
  void closeOfAnIdleDescriptorGoesToTheDriverAtOnce() {
    close(false, "close");

    assertEquals(List.of("submit CLOSE /some/file"), driver.calls);
    dispatcher.resolve(driver.submitted.getFirst(), 0);
    assertEquals(List.of("close 0"), events);
    assertFalse(dispatcher.hasOpen());
  }

  @Test
  void closeWaitsForWhatIsInFlight() {
    var first = submit(OpCode.READ, file, "first");
    var second = submit(OpCode.READ, file, "second");

    close(false, "close");
    assertTrue(file.isClosing());
    assertEquals(2, driver.submitted.size(), "not closed yet");
    dispatcher.resolve(second, 1);
    assertEquals(2, driver.submitted.size(), "not closed yet");
    dispatcher.resolve(first, 1);

    assertEquals(3, driver.submitted.size());
    assertEquals(OpCode.CLOSE, driver.submitted.getLast().code());
    dispatcher.resolve(driver.submitted.getLast(), 0);
    assertEquals(List.of("second 1", "first 1", "close 0"), events);
    assertFalse(dispatcher.hasOpen());
    assertFalse(driver.calls.contains("cancel all of /some/file"));
  }

  @Test
  void closeOfASocketCancelsFirstAndClosesLast() {
    var receive = submit(OpCode.RECEIVE, file, "receive");

    close(true, "close");
    assertEquals(List.of("submit RECEIVE /some/file", "cancel all of /some/file"), driver.calls);
    dispatcher.resolve(receive, -Errno.ECANCELED.number());

    assertEquals("submit CLOSE /some/file", driver.calls.getLast());
    assertEquals(1, events.size());
    assertTrue(events.getFirst().contains("Closed"), events::toString);
  }

  @Test
  void aDriverThatCancelsAtOnceStillSeesOneClose() {
    var receive = submit(OpCode.RECEIVE, file, "receive");
    driver.onCancelAll = d -> dispatcher.resolve(receive, -Errno.ECANCELED.number());

    close(true, "close");

    assertEquals(1, driver.submitted.stream().filter(o -> o.code() == OpCode.CLOSE).count());
  }

  @Test
  void closingAgainEndsWithZeroOnceItIsClosedAndClosesOnce() {
    close(false, "first");
    close(false, "second");
    assertEquals(List.of(), events, "never inside the call");

    assertEquals(0, dispatcher.resolveDeferred(), "it is not closed yet");
    dispatcher.resolve(driver.submitted.getFirst(), 0);
    close(false, "third");
    dispatcher.resolveDeferred();

    assertEquals(List.of("first 0", "second 0", "third 0"), events);
    assertEquals(1, driver.submitted.size());
  }

  @Test
  void anOperationOnAClosedDescriptorFailsAtTheNextTurnAndNeverReachesTheDriver() {
    close(false, "close");
    dispatcher.resolve(driver.submitted.getFirst(), 0);
    var failures = new ArrayList<Throwable>();
    var operation =
        dispatcher.acquire(
            OpCode.READ, file, (o, result) -> failures.add(o.failure(result)), null, null);

    dispatcher.submit(operation);
    assertEquals(List.of(), failures, "never inside the call");
    assertTrue(dispatcher.hasDeferred());
    dispatcher.resolveDeferred();

    assertInstanceOf(ClosedChannelException.class, failures.getFirst());
    assertTrue(failures.getFirst().getMessage().contains("read"));
    assertTrue(failures.getFirst().getMessage().contains("/some/file"));
    assertEquals(1, driver.submitted.size());
    assertEquals(0, dispatcher.inFlight());
  }

  @Test
  void aDescriptorIsClosedForGoodAlsoWhenALateOperationOutlivesItsClose() {
    close(false, "close");
    submit(OpCode.READ, file, "late");

    dispatcher.resolve(driver.submitted.getFirst(), 0); // the close ends in the same turn
    dispatcher.resolveDeferred();

    assertEquals(2, events.size());
    assertFalse(dispatcher.hasOpen(), "shutdown would wait for it until its deadline");
  }

  @Test
  void operationsDeferredByHandlersWaitForTheNextTurn() {
    close(false, "close");
    dispatcher.resolve(driver.submitted.getFirst(), 0);
    events.clear();
    Completion again =
        (operation, result) -> {
          events.add("failed");
          if (events.size() < 10) {
            submit(OpCode.READ, file, "again " + events.size());
          }
        };
    dispatcher.submit(dispatcher.acquire(OpCode.READ, file, again, null, null));

    assertEquals(1, dispatcher.resolveDeferred());
    assertEquals(1, events.size(), "what a handler added is the next turn's");
    assertTrue(dispatcher.hasDeferred());
    assertEquals(1, dispatcher.resolveDeferred());
    assertEquals(2, events.size());
    assertFalse(dispatcher.hasDeferred());
    assertEquals(0, dispatcher.resolveDeferred());
  }

  @Test
  void deferredOperationsEndInOrder() {
    close(false, "close");
    dispatcher.resolve(driver.submitted.getFirst(), 0);
    events.clear();
    for (int i = 0; i < 5; i++) {
      submit(OpCode.READ, file, "read" + i);
    }
    assertEquals(5, dispatcher.resolveDeferred());
    for (int i = 0; i < 5; i++) {
      assertTrue(events.get(i).startsWith("read" + i), events::toString);
    }
  }

  @Test
  void stoppingCancelsAndClosesEverythingAndRefusesWhatIsNew() {
    var other = new FakeDescriptor("/other");
    dispatcher.opened(other);
    var read = submit(OpCode.READ, file, "read");

    dispatcher.stop();

    assertTrue(file.isClosing());
    assertTrue(other.isClosing());
    assertTrue(driver.calls.contains("cancel all"), driver.calls::toString);
    assertTrue(driver.calls.contains("cancel all of /some/file"), driver.calls::toString);
    assertTrue(driver.calls.contains("submit CLOSE /other"), driver.calls::toString);
    submit(OpCode.NOP, null, "nop");
    assertFalse(driver.calls.contains("submit NOP "));
    dispatcher.resolveDeferred();
    assertEquals(List.of("nop CancellationException"), events);
    dispatcher.resolve(read, -Errno.ECANCELED.number());
    driver.submitted.stream()
        .filter(o -> o.code() == OpCode.CLOSE)
        .toList()
        .forEach(o -> dispatcher.resolve(o, 0));
    assertEquals(0, dispatcher.inFlight());
    assertFalse(dispatcher.hasOpen());
  }

  @Test
  void cancellationThatIsNotACloseIsACancellation() {
    var failures = new ArrayList<Throwable>();
    var operation =
        dispatcher.acquire(
            OpCode.RECEIVE, file, (o, result) -> failures.add(o.failure(result)), null, null);
    dispatcher.submit(operation);
    dispatcher.resolve(operation, -Errno.ECANCELED.number());

    assertInstanceOf(CancellationException.class, failures.getFirst());
    assertTrue(failures.getFirst().getMessage().contains("receive /some/file"));
  }

  @Test
  void failingAllTellsEveryoneOnce() {
    submit(OpCode.READ, file, "a");
    submit(OpCode.READ, file, "b");
    submit(OpCode.NOP, null, "c");

    dispatcher.failAll(new IllegalStateException("the ring is broken"));
    dispatcher.failAll(new IllegalStateException("again"));

    assertEquals(3, events.size());
    assertTrue(
        events.stream().allMatch(e -> e.endsWith("IllegalStateException")), events::toString);
  }

  @Test
  void failingAllAlsoTellsThoseThatHandlersSubmitMeanwhile() {
    var left = new AtomicInteger(5);
    var ended = new AtomicInteger();
    Completion again =
        new Completion() {
          @Override
          public void complete(Operation operation, int result) {
            ended.incrementAndGet();
            if (left.getAndDecrement() > 0) {
              dispatcher.submit(dispatcher.acquire(OpCode.NOP, null, this, null, null));
            }
          }
        };
    var first = dispatcher.acquire(OpCode.NOP, null, again, null, null);
    var second = dispatcher.acquire(OpCode.NOP, null, again, null, null);
    dispatcher.submit(first);
    dispatcher.submit(second);
    dispatcher.resolve(first, 0); // its slot, below the second's, is free again, and taken again

    dispatcher.failAll(new IllegalStateException("the ring is broken"));
    while (dispatcher.hasDeferred()) {
      dispatcher.resolveDeferred();
    }

    assertEquals(7, ended.get(), "two, and five submitted by handlers");
  }

  @Test
  void aPooledBufferIsPinnedFromSubmissionToTheLastOutcome() {
    var recycled = new AtomicInteger();
    var buffer = buffer(recycled);
    BUFFERS.lend(buffer, LeaseTracker.OFF, null);
    var operation = dispatcher.acquire(OpCode.READ, file, record, null, "read").memory(buffer);

    dispatcher.submit(operation);
    buffer.release();
    assertEquals(0, recycled.get(), "the kernel has it");
    dispatcher.resolve(operation, 10);

    assertEquals(1, recycled.get());
  }

  @Test
  void aReleasedBufferIsRefusedAndTheSlotGivenBack() {
    var buffer = buffer(new AtomicInteger());
    BUFFERS.lend(buffer, LeaseTracker.OFF, null);
    buffer.release();
    var operation = dispatcher.acquire(OpCode.READ, file, record, null, "read").memory(buffer);

    assertThrows(IllegalStateException.class, () -> dispatcher.submit(operation));

    assertEquals(0, dispatcher.inFlight());
    assertEquals(List.of(), driver.submitted);
    close(false, "close");
    assertEquals(1, driver.submitted.size(), "nothing is counted as in flight on the file");
  }

  @Test
  void aBufferOfAnOperationThatIsRefusedIsUnpinned() {
    var recycled = new AtomicInteger();
    var buffer = buffer(recycled);
    BUFFERS.lend(buffer, LeaseTracker.OFF, null);
    close(false, "close");
    dispatcher.resolve(driver.submitted.getFirst(), 0);

    dispatcher.submit(dispatcher.acquire(OpCode.READ, file, record, null, "r").memory(buffer));
    buffer.release();
    assertEquals(0, recycled.get());
    dispatcher.resolveDeferred();

    assertEquals(1, recycled.get());
  }

  private static Buffer buffer(AtomicInteger recycled) {
    return BUFFERS.create(
        b -> recycled.incrementAndGet(), MemorySegment.ofBuffer(ByteBuffer.allocateDirect(64)), 1);
  }

  @Test
  void discardingTellsNobody() {
    dispatcher.discard(file);
    dispatcher.resolve(driver.submitted.getFirst(), 0);
    assertEquals(List.of(), events);
    assertEquals(List.of(), thrown);
    assertFalse(dispatcher.hasOpen());
  }

  @Test
  void descriptorsLeaveTheListInAnyOrder() {
    var second = new FakeDescriptor("2");
    var third = new FakeDescriptor("3");
    dispatcher.opened(second);
    dispatcher.opened(third);
    for (var descriptor : List.of(second, file, third)) {
      assertTrue(dispatcher.hasOpen());
      dispatcher.discard(descriptor);
      dispatcher.resolve(driver.submitted.getLast(), 0);
    }
    assertFalse(dispatcher.hasOpen());
  }

  @Test
  void aCloseWaitsForThreadsThatHaveBegunToUseTheDescriptor() {
    assertTrue(file.beginUse());
    assertTrue(file.beginUse());

    close(false, "close");
    assertFalse(file.beginUse());
    submit(OpCode.READ, file, "too late");
    dispatcher.resolveDeferred();
    assertEquals(List.of(), driver.submitted);

    assertFalse(file.endUse());
    assertTrue(file.endUse());
    assertEquals(List.of(), driver.submitted);
    dispatcher.usesEnded(file);
    assertEquals(1, driver.submitted.size());
    assertEquals(OpCode.CLOSE, driver.submitted.getFirst().code());
    dispatcher.usesEnded(file);
    assertEquals(1, driver.submitted.size());
    dispatcher.resolve(driver.submitted.getFirst(), 0);
    assertEquals(List.of("too late Closed", "close 0"), events);
  }

  @Test
  void aCloseWaitsForOperationsAndUsesWhicheverEndsLast() {
    var read = submit(OpCode.READ, file, "read");
    assertTrue(file.beginUse());
    close(false, "close");
    assertTrue(file.endUse());
    dispatcher.usesEnded(file);
    assertEquals(List.of(read), driver.submitted);

    dispatcher.resolve(read, 1);

    assertEquals(OpCode.CLOSE, driver.submitted.getLast().code());
  }
}
