package io.gyre.uring;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.EventLoop;
import io.gyre.OperationChain;
import io.gyre.bindings.Liburing;
import io.gyre.driver.Errno;
import io.gyre.driver.RawHandler;
import io.gyre.driver.RawOperation;
import io.gyre.testing.DriverTest;
import io.gyre.testing.NativeDescriptors;
import io.gyre.testing.Recorder;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RawOperationTest {
  private static final int ETIME_IS_SUCCESS = 1 << 5;
  private static final int TIMEOUT_MULTISHOT = 1 << 6;

  private record Told(Object attachment, int result, int flags, Throwable cause, int errno) {}

  private static final class Tellings implements RawHandler<Object> {
    final List<Told> told = new CopyOnWriteArrayList<>();

    @Override
    public void completed(int result, int completionFlags, Object attachment) {
      told.add(new Told(attachment, result, completionFlags, null, 0));
    }

    @Override
    public void failed(Throwable cause, int errno, Object attachment) {
      told.add(new Told(attachment, -1, 0, cause, errno));
    }

    List<Told> await(int count) {
      Waits.until(() -> count + " outcomes, got " + told.size(), () -> told.size() >= count);
      return List.copyOf(told);
    }
  }

  private static void onLoop(EventLoop loop, Runnable task) {
    Waits.get(CompletableFuture.runAsync(task, loop), "a task");
  }

  private static RawOperation nop() {
    return RawOperation.of(Liburing.IORING_OP_NOP()).build();
  }

  private static RawOperation read(int fd, MemorySegment into) {
    return RawOperation.of(Liburing.IORING_OP_READ())
        .fd(fd)
        .addr(into)
        .length((int) into.byteSize())
        .offset(-1)
        .build();
  }

  private static RawOperation write(int fd, MemorySegment from) {
    return RawOperation.of(Liburing.IORING_OP_WRITE())
        .fd(fd)
        .addr(from)
        .length((int) from.byteSize())
        .offset(-1)
        .build();
  }

  private static NativeDescriptors.Pipe pipe(TestRuntime driver) {
    var pipe = NativeDescriptors.pipe();
    driver.own(() -> NativeDescriptors.close(pipe.readEnd()));
    driver.own(() -> NativeDescriptors.close(pipe.writeEnd()));
    return pipe;
  }

  @DriverTest(drivers = "uring")
  void nopsMoreThanTheQueuesHoldAllEnd(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var tellings = new Tellings();
    int many = 1000;
    for (int i = 0; i < many; i++) {
      var _ = loop.submitRaw(nop(), i, tellings);
    }
    var told = tellings.await(many);
    assertEquals(many, told.stream().map(Told::attachment).distinct().count());
    assertTrue(told.stream().allMatch(t -> t.cause == null && t.result == 0));
  }

  @DriverTest(drivers = "uring")
  void readsAndWritesOnADescriptorOfTheUsers(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var pipe = pipe(driver);
    var tellings = new Tellings();
    var into = ByteBuffer.allocateDirect(10); // its memory lives as long as it does
    var read = loop.submitRaw(read(pipe.readEnd(), MemorySegment.ofBuffer(into)), "r", tellings);
    var from = Arena.ofAuto().allocateFrom(ValueLayout.JAVA_BYTE, (byte) 1, (byte) 2, (byte) 3);
    var write = loop.submitRaw(write(pipe.writeEnd(), from), "w", tellings);

    var told = tellings.await(2);
    assertTrue(told.stream().allMatch(t -> t.result == 3), told::toString);
    assertEquals(1, into.get(0));
    assertEquals(3, into.get(2));
    read.cancel();
    write.cancel();
  }

  @DriverTest(drivers = "uring")
  void aPooledBufferIsPinnedUntilTheEndAlsoWhenReleasedBefore(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var pipe = pipe(driver);
    var tellings = new Tellings();
    var buffer = loop.buffers().acquire(4096);
    var bytes = buffer.byteBuffer();
    var operation =
        RawOperation.of(Liburing.IORING_OP_READ()).fd(pipe.readEnd()).addr(buffer).build();
    assertEquals(4096, operation.length());
    var _ = loop.submitRaw(operation, "read", tellings);
    onLoop(loop, () -> {});
    buffer.release();
    assertTrue(loop.buffers().lentBytes() >= 4096, "still pinned");

    NativeDescriptors.write(pipe.writeEnd(), (byte) 42);

    assertEquals(1, tellings.await(1).getFirst().result);
    assertEquals(42, bytes.get(0));
    Waits.until("the buffer to go home", () -> loop.buffers().lentBytes() == 0);
    assertThrows(IllegalStateException.class, () -> loop.submitRaw(operation, "late", tellings));
  }

  @DriverTest(drivers = "uring")
  void aTimeoutThatHasRunEndsWithEtime(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var tellings = new Tellings();
    var _ = loop.submitRaw(timeout(1_000_000, 0), "timeout", tellings);
    var told = tellings.await(1).getFirst();
    assertEquals(Errno.ETIME.number(), told.errno);
    assertTrue(told.cause.getMessage().contains("IORING_OP_TIMEOUT"), told::toString);
    assertTrue(told.cause.getMessage().contains("ETIME"), told::toString);
  }

  private static RawOperation timeout(long nanos, int flags) {
    var spec = Arena.ofAuto().allocateFrom(ValueLayout.JAVA_LONG, 0, nanos);
    return RawOperation.of(Liburing.IORING_OP_TIMEOUT())
        .addr(spec)
        .length(1)
        .opFlags(flags)
        .build();
  }

  @DriverTest(drivers = "uring")
  void multishotsTellThatMoreFollows(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    int fd = NativeDescriptors.eventfd();
    driver.own(() -> NativeDescriptors.close(fd));
    var tellings = new Tellings();
    var poll =
        RawOperation.of(Liburing.IORING_OP_POLL_ADD())
            .fd(fd)
            .length(Liburing.IORING_POLL_ADD_MULTI())
            .opFlags(1)
            .build();
    var registration = loop.submitRaw(poll, "poll", tellings);
    NativeDescriptors.signal(fd);
    assertEquals(RawHandler.MORE, tellings.await(1).getFirst().flags & RawHandler.MORE);
    NativeDescriptors.signal(fd);
    tellings.await(2);
    registration.cancel();
    var last = tellings.await(3).getLast();
    assertInstanceOf(CancellationException.class, last.cause);
    assertEquals(Errno.ECANCELED.number(), last.errno);
  }

  @DriverTest(drivers = "uring")
  void anOutcomeThatIsNotTheLastComesAsItIsAlsoWhenNegative(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var tellings = new Tellings();
    var registration = loop.submitRaw(timeout(1_000_000, TIMEOUT_MULTISHOT), "ticks", tellings);
    for (var told : tellings.await(10)) {
      assertEquals(-Errno.ETIME.number(), told.result);
      assertEquals(RawHandler.MORE, told.flags & RawHandler.MORE);
    }
    registration.cancel();
    Waits.until("the end", () -> tellings.told.getLast().errno == Errno.ECANCELED.number());
  }

  @DriverTest(drivers = "uring")
  void fieldsThatOthersDoNotSetAreClearedBehindIt(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var from = pipe(driver);
    var to = pipe(driver);
    var tellings = new Tellings();
    for (int i = 0; i < 600; i++) { // round the submission queue at least twice
      NativeDescriptors.write(from.writeEnd(), (byte) i);
      var splice =
          RawOperation.of(Liburing.IORING_OP_SPLICE())
              .fd(to.writeEnd())
              .fileIndex(from.readEnd())
              .addr(-1)
              .offset(-1)
              .length(1)
              .build();
      var _ = loop.submitRaw(splice, i, tellings);
      assertNull(tellings.await(2 * i + 1).getLast().cause);
      assertArrayEquals(new byte[] {(byte) i}, NativeDescriptors.read(to.readEnd(), 10));
      // Would be refused with a file index that was left behind: it has none.
      var socket = RawOperation.of(Liburing.IORING_OP_SOCKET()).fd(2).offset(1).length(0).build();
      var _ = loop.submitRaw(socket, i, tellings);
      int fd = tellings.await(2 * i + 2).getLast().result;
      assertTrue(fd > 2, "a descriptor, not a place in the table of registered files: " + fd);
      NativeDescriptors.close(fd);
    }
  }

  @DriverTest(drivers = "uring")
  void whatTheKernelRefusesNamesTheOpcode(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var tellings = new Tellings();
    var _ = loop.submitRaw(read(999_999, Arena.ofAuto().allocate(1)), "read", tellings);
    var told = tellings.await(1).getFirst();
    assertInstanceOf(FileSystemException.class, told.cause);
    assertEquals(Errno.EBADF.number(), told.errno);
    assertTrue(
        told.cause.getMessage().contains("IORING_OP_READ on descriptor 999999"), told::toString);
  }

  @DriverTest(drivers = "uring")
  void inAChainEachBeginsAfterTheOneBefore(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var pipe = pipe(driver);
    var tellings = new Tellings();
    var into = Arena.ofAuto().allocate(1);
    for (int round = 0; round < 200; round++) {
      // The read would find the pipe empty if it began before the write.
      var from = Arena.ofAuto().allocateFrom(ValueLayout.JAVA_BYTE, (byte) round);
      var _ =
          loop.chain()
              .then(write(pipe.writeEnd(), from), 3 * round, tellings)
              .then(read(pipe.readEnd(), into), 3 * round + 1, tellings)
              .then(nop(), 3 * round + 2, tellings)
              .submit();
      var told = tellings.await(3 * round + 3);
      assertTrue(told.stream().allMatch(t -> t.cause == null), told::toString);
      assertEquals((byte) round, into.get(ValueLayout.JAVA_BYTE, 0));
    }
    assertEquals(600, tellings.told.stream().map(Told::attachment).distinct().count());
  }

  @DriverTest(drivers = "uring")
  void whatFollowsAFailureIsCancelled(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var tellings = new Tellings();
    var _ =
        loop.chain()
            .then(nop(), "nop", tellings)
            .then(read(999_999, Arena.ofAuto().allocate(1)), "fails", tellings)
            .then(nop(), "second", tellings)
            .then(nop(), "third", tellings)
            .submit();
    var told = tellings.await(4);
    assertNull(find(told, "nop").cause);
    assertEquals(Errno.EBADF.number(), find(told, "fails").errno);
    assertInstanceOf(CancellationException.class, find(told, "second").cause);
    assertInstanceOf(CancellationException.class, find(told, "third").cause);
  }

  private static Told find(List<Told> told, Object attachment) {
    var found = told.stream().filter(t -> t.attachment.equals(attachment)).toList();
    assertEquals(1, found.size(), () -> attachment + " is told once: " + told);
    return found.getFirst();
  }

  @DriverTest(drivers = "uring")
  void cancellingAChainEndsAllOfIt(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var pipe = pipe(driver);
    var tellings = new Tellings();
    var registration =
        loop.chain()
            .then(nop(), "done", tellings)
            .then(read(pipe.readEnd(), Arena.ofAuto().allocate(1)), "waits", tellings)
            .then(read(pipe.readEnd(), Arena.ofAuto().allocate(1)), "behind", tellings)
            .submit();
    tellings.await(1);
    registration.cancel();
    var told = tellings.await(3);
    assertNull(find(told, "done").cause);
    assertInstanceOf(CancellationException.class, find(told, "waits").cause);
    assertInstanceOf(CancellationException.class, find(told, "behind").cause);
  }

  @DriverTest(drivers = "uring")
  void cancellingRacesEachStepOfAChainAndNothingHangs(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    var pipe = pipe(driver);
    var tellings = new Tellings();
    int rounds = 500;
    for (int i = 0; i < rounds; i++) {
      var registration =
          loop.chain()
              .then(nop(), "a" + i, tellings)
              .then(timeout(20_000, ETIME_IS_SUCCESS), "b" + i, tellings)
              .then(read(pipe.readEnd(), Arena.ofAuto().allocate(1)), "c" + i, tellings)
              .submit();
      if (i % 3 == 0) {
        tellings.await(3 * i + 1);
      } else if (i % 3 == 1) {
        tellings.await(3 * i + 2);
      }
      registration.cancel();
      tellings.await(3 * i + 3);
    }
    assertEquals(3L * rounds, tellings.told.stream().map(Told::attachment).distinct().count());
  }

  @DriverTest(drivers = "uring")
  void shutdownEndsChains(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var loop = runtime.loop();
    var pipe = pipe(driver);
    var tellings = new Tellings();
    int chains = 20;
    for (int i = 0; i < chains; i++) {
      var _ =
          loop.chain()
              .then(timeout(50_000L * i, ETIME_IS_SUCCESS), "a" + i, tellings)
              .then(read(pipe.readEnd(), Arena.ofAuto().allocate(1)), "b" + i, tellings)
              .then(nop(), "c" + i, tellings)
              .submit();
    }
    driver.closeAndWait(runtime);
    assertEquals(3 * chains, tellings.told.size());
    assertEquals(3L * chains, tellings.told.stream().map(Told::attachment).distinct().count());
  }

  @DriverTest(drivers = "uring")
  void chainsAsLongAsTheQueueFitAndLongerOnesAreRefused(TestRuntime driver) throws Exception {
    var loop = driver.start(b -> b.ringEntries(4)).loop();
    var tellings = new Tellings();
    for (int i = 0; i < 50; i++) {
      chainOfNops(loop, 4, tellings);
      chainOfNops(loop, 3, tellings);
      loop.nop(i, new Recorder<>());
    }
    var told = tellings.await(350);
    assertTrue(told.stream().allMatch(t -> t.cause == null), told::toString);

    chainOfNops(loop, 5, tellings);
    for (var refused : tellings.await(355).subList(350, 355)) {
      assertInstanceOf(IllegalArgumentException.class, refused.cause);
      assertTrue(refused.cause.getMessage().contains("ringEntries"), refused::toString);
      assertEquals(0, refused.errno);
    }
  }

  private static void chainOfNops(EventLoop loop, int length, Tellings tellings) {
    var chain = loop.chain();
    for (int i = 0; i < length; i++) {
      chain.then(nop(), i, tellings);
    }
    var _ = chain.submit();
  }

  @DriverTest(drivers = "uring")
  void aChainIsSubmittedOnceAndNotEmpty(TestRuntime driver) throws Exception {
    var loop = driver.start().loop();
    assertThrows(IllegalStateException.class, () -> loop.chain().submit());
    var tellings = new Tellings();
    OperationChain chain = loop.chain().then(nop(), "nop", tellings);
    var _ = chain.submit();
    assertThrows(IllegalStateException.class, chain::submit);
    tellings.await(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ASYNC_CANCEL",
        "POLL_REMOVE",
        "TIMEOUT_REMOVE",
        "FILES_UPDATE",
        "FIXED_FD_INSTALL",
        "PROVIDE_BUFFERS",
        "REMOVE_BUFFERS",
        "READ_MULTISHOT",
        "MSG_RING",
        "URING_CMD",
        "MADVISE",
        "RECV_ZC",
        "NOP128",
        "URING_CMD128"
      })
  void opcodesThatBreakTheRuntimesBookkeepingAreRefused(String name) throws Exception {
    int opcode = (int) Liburing.class.getMethod("IORING_OP_" + name).invoke(null);
    var failure = assertThrows(IllegalArgumentException.class, () -> RawOperation.of(opcode));
    assertTrue(
        failure.getMessage().startsWith("IORING_OP_" + name + " is refused: "),
        failure::getMessage);
  }

  @Test
  void opcodesHaveTheNumbersOfTheHeaders() throws Exception {
    for (int i = 0; i < Liburing.IORING_OP_LAST(); i++) {
      String said;
      try {
        said = RawOperation.of(i).build().toString();
      } catch (IllegalArgumentException e) {
        said = e.getMessage();
      }
      var name = said.split("[ :]", 2)[0];
      assertEquals(i, (int) Liburing.class.getMethod(name).invoke(null), name);
    }
    assertThrows(IllegalArgumentException.class, () -> RawOperation.of(Liburing.IORING_OP_LAST()));
    assertThrows(IllegalArgumentException.class, () -> RawOperation.of(-1));
  }

  @Test
  void memoryThatMayBeFreedOrIsTooSmallIsRefused() {
    var read = RawOperation.of(Liburing.IORING_OP_READ());
    try (var confined = Arena.ofConfined();
        var shared = Arena.ofShared()) {
      refused("Arena.ofAuto", () -> read.addr(confined.allocate(1)));
      refused("Arena.ofAuto", () -> read.addr(shared.allocate(1)));
      refused("Arena.ofAuto", () -> read.holding(shared.allocate(1)));
    }
    refused("heap", () -> read.addr(MemorySegment.ofArray(new byte[1])));
    refused("needs 9 bytes", () -> read.addr(Arena.ofAuto().allocate(8)).length(9).build());
    refused("negative", () -> read.length(-1).build());
    refused("memory, not a number", () -> read.addr(4096).length(1).build());
    var fallocate = RawOperation.of(Liburing.IORING_OP_FALLOCATE());
    refused("a number", () -> fallocate.addr(Arena.ofAuto().allocate(8)).build());
    var openat = RawOperation.of(Liburing.IORING_OP_OPENAT()).fileIndex(1);
    refused("registered files", openat::build);
    var splice = RawOperation.of(Liburing.IORING_OP_SPLICE()).opFlags(1 << 31);
    refused("registered files", splice::build);
    var statx = RawOperation.of(Liburing.IORING_OP_STATX());
    refused("needs 256 bytes", () -> statx.addr2(Arena.ofAuto().allocate(255)).build());
    refused("ioprio", () -> RawOperation.of(0).ioprio(1 << 16).build());
  }

  private static void refused(String why, org.junit.jupiter.api.function.Executable call) {
    var failure = assertThrows(IllegalArgumentException.class, call);
    assertTrue(failure.getMessage().contains(why), failure::getMessage);
  }
}
