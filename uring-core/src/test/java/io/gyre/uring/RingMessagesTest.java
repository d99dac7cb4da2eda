package io.gyre.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.WaitStrategy;
import io.gyre.bindings.Liburing;
import io.gyre.bindings.LiburingLibrary;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.Errno;
import io.gyre.driver.OperationDispatcher;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Messages between two drivers, on real rings that this thread turns by hand. A wait without limit ends by a wake-up, or
 * the test does not end.
 */
class RingMessagesTest {
  private static final long NO_LIMIT = -1;

  private final MessageKernel kernel = new MessageKernel();
  private final List<UringDriver> open = new ArrayList<>();

  @BeforeAll
  static void loadLiburing() {
    LiburingLibrary.load();
  }

  private UringDriver open(String... disabled) throws IOException {
    var config = new DriverConfig(0, 8, 16, 4, 64, 0, Set.of(disabled), WaitStrategy.park());
    var dispatcher =
        new OperationDispatcher(
            t -> {
              throw new AssertionError(t);
            });
    var driver = UringDriver.open(kernel, config, dispatcher);
    dispatcher.attach(driver);
    open.add(driver);
    driver.turn(0, 16); // starts the read on the eventfd
    return driver;
  }

  private void close(UringDriver driver) {
    open.remove(driver);
    driver.close(true);
  }

  @AfterEach
  void closeAll() {
    List.copyOf(open).forEach(this::close);
  }

  private static long taken(UringDriver driver) {
    return driver.counters().get(Counter.WAKE_UPS);
  }

  @Test
  void aMessageEndsTheWaitAndLeavesTheReadOnTheEventfdArmed() throws IOException {
    var sender = open();
    var target = open();
    for (int i = 1; i <= 100; i++) {
      assertTrue(target.wakeUpByMessage(sender));
      target.turn(NO_LIMIT, 16);
      assertEquals(i, taken(target));
    }
    assertEquals(1, target.counters().get(Counter.SUBMITTED), "one read, started once");
    assertEquals(0, taken(sender));

    target.wakeUp();
    target.turn(NO_LIMIT, 16);
    assertEquals(101, taken(target));
  }

  @ParameterizedTest
  @EnumSource(names = {"EOVERFLOW", "EBADF", "EACCES", "EINVAL", "ENOMEM"})
  void aMessageThatTheKernelRefusesIsNoWakeUp(Errno errno) throws IOException {
    var sender = open();
    var target = open();
    kernel.refusal = errno;
    assertFalse(target.wakeUpByMessage(sender));
    target.wakeUp(); // what the loop does then
    target.turn(NO_LIMIT, 16);
    assertEquals(1, taken(target));
  }

  @Test
  void nothingIsSentToARingThatIsClosed() throws IOException {
    var sender = open();
    var target = open();
    close(target);
    int before = kernel.messages;
    assertTrue(target.wakeUpByMessage(sender), "nobody is left to be woken otherwise");
    assertEquals(before, kernel.messages);
    target.wakeUp(); // writes nowhere
  }

  @Test
  void aRingIsClosedWithMessagesThatNobodyTook() throws IOException {
    var sender = open();
    var target = open();
    for (int i = 0; i < 100; i++) {
      assertTrue(target.wakeUpByMessage(sender));
    }
    close(target);
    close(sender);
  }

  @Test
  void moreMessagesThanTheCompletionQueueHoldsAreAllTaken() throws IOException {
    var sender = open();
    var target = open();
    for (int i = 0; i < 100; i++) {
      assertTrue(target.wakeUpByMessage(sender));
    }
    while (taken(target) < 100) {
      target.turn(NO_LIMIT, 16);
    }
  }

  @Test
  void noMessagesAreSentWhereEitherSideHasThemSwitchedOff() throws IOException {
    var with = open();
    var without = open("msg-ring");
    int before = kernel.messages;
    assertFalse(with.wakeUpByMessage(without));
    assertFalse(without.wakeUpByMessage(with));
    assertFalse(with.wakeUpByMessage(null));
    assertEquals(before, kernel.messages);
  }

  /** The real kernel, but for messages that are counted, and refused when the test says so. */
  private static final class MessageKernel implements Kernel {
    Errno refusal;
    int messages;

    @Override
    public int register(int fd, int opcode, MemorySegment argument, int count) {
      if (opcode == Liburing.IORING_REGISTER_SEND_MSG_RING()) {
        messages++;
        if (refusal != null) {
          return -refusal.number();
        }
      }
      return NATIVE.register(fd, opcode, argument, count);
    }

    @Override
    public int setup(int entries, MemorySegment params) {
      return NATIVE.setup(entries, params);
    }

    @Override
    public int enter(
        int fd, int toSubmit, int minComplete, int flags, MemorySegment argument, long bytes) {
      return NATIVE.enter(fd, toSubmit, minComplete, flags, argument, bytes);
    }

    @Override
    public MemorySegment map(int fd, long bytes, long offset) {
      return NATIVE.map(fd, bytes, offset);
    }

    @Override
    public void unmap(MemorySegment mapped) {
      NATIVE.unmap(mapped);
    }

    @Override
    public void close(int fd) {
      NATIVE.close(fd);
    }
  }
}
