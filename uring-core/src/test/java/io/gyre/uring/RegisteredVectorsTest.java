package io.gyre.uring;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gyre.Buffer;
import io.gyre.BufferPool;
import io.gyre.BufferPools;
import io.gyre.WaitStrategy;
import io.gyre.bindings.Liburing;
import io.gyre.bindings.LiburingLibrary;
import io.gyre.bindings.io_uring_sqe;
import io.gyre.driver.Capabilities.Status;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import io.gyre.testing.NativeDescriptors;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Which form the entries of vectored operations take, on the real kernel. */
class RegisteredVectorsTest {
  private static final int ENTRIES = 8;
  private static final int POOL_BYTES = 1 << 20;

  /** Keeps an eye on the entries. */
  private static final class WatchedKernel extends OtherKernel {
    private MemorySegment entries;

    @Override
    public MemorySegment map(int fd, long bytes, long offset) {
      var mapped = super.map(fd, bytes, offset);
      if (offset == Liburing.IORING_OFF_SQES()) {
        entries = mapped;
      }
      return mapped;
    }

    /** Of the entry that an operation had. */
    int opcode(long token) {
      for (long entry = 0; entry < ENTRIES * Sqe.BYTES; entry += Sqe.BYTES) {
        if (entries.get(ValueLayout.JAVA_LONG, entry + io_uring_sqe.user_data$offset()) == token) {
          return entries.get(ValueLayout.JAVA_BYTE, entry);
        }
      }
      throw new AssertionError("no entry of " + token);
    }
  }

  private final WatchedKernel kernel = new WatchedKernel();
  private final OperationDispatcher dispatcher = new OperationDispatcher(t -> {});
  private final NativeDescriptors.Pipe pipe = NativeDescriptors.pipe();
  private final UringDescriptor in = new UringDescriptor("in", pipe.readEnd(), -1);
  private final UringDescriptor out = new UringDescriptor("out", pipe.writeEnd(), -1);
  private BufferPool pool;
  private UringDriver driver;
  private int result;

  @BeforeAll
  static void loadLiburing() {
    LiburingLibrary.load();
  }

  private void open(String... disabled) throws IOException {
    var tests = SelfTests.with(KernelFeature.named(Set.of(disabled)));
    var waiting = WaitStrategy.park();
    var config = new DriverConfig(0, ENTRIES, 16, 4, 64, 16, Set.of(disabled), waiting);
    driver = UringDriver.open(kernel, tests, config, dispatcher);
    dispatcher.attach(driver);
    pool = BufferPools.create(POOL_BYTES);
    driver.register(pool);
    // Which pipes can be, in packets; all that counts here is that they are taken for it.
    in.direct = true;
    out.direct = true;
  }

  @AfterEach
  void close() {
    driver.close(true);
    NativeDescriptors.close(pipe.readEnd());
    NativeDescriptors.close(pipe.writeEnd());
  }

  private Status vectors() {
    var name = KernelFeature.REGISTERED_VECTORS.configurationName();
    return driver.capabilities().feature(name).orElseThrow().status();
  }

  /** Runs it to its end, and says by which opcode. */
  private int run(Operation operation, int expected) throws IOException {
    long token = operation.token();
    dispatcher.submit(operation);
    result = -1;
    while (result == -1) {
      driver.turn(-1, 16);
    }
    assertEquals(expected, result);
    return kernel.opcode(token);
  }

  private Operation operation(OpCode code, UringDescriptor descriptor) {
    return dispatcher.acquire(code, descriptor, (op, r) -> result = r, null, null);
  }

  private Buffer filled(String text) {
    var buffer = pool.acquire(16);
    buffer.byteBuffer().put(text.getBytes(US_ASCII)).flip();
    return buffer;
  }

  private int write(Buffer... buffers) throws IOException {
    return run(operation(OpCode.WRITEV, out).vector(buffers), 6);
  }

  private void readBack() {
    assertArrayEquals("abcdef".getBytes(US_ASCII), NativeDescriptors.read(pipe.readEnd(), 16));
  }

  @Test
  void pooledBuffersMakeItTheFixedForm() throws IOException {
    open();
    assertEquals(Status.USED, vectors(), "on this kernel");
    var from = new Buffer[] {filled("abc"), filled("def")};
    assertEquals(Liburing.IORING_OP_WRITEV_FIXED(), write(from));

    var to = new Buffer[] {pool.acquire(16), pool.acquire(16)};
    to[0].byteBuffer().position(2).limit(6); // not from the start
    int opcode = run(operation(OpCode.READV, in).vector(to), 6);
    assertEquals(Liburing.IORING_OP_READV_FIXED(), opcode);
    assertEquals('a', to[0].byteBuffer().get(2));
    assertEquals('d', to[0].byteBuffer().get(5));
    assertEquals('e', to[1].byteBuffer().get(0));
    assertEquals('f', to[1].byteBuffer().get(1));
    for (var buffer : new Buffer[] {from[0], from[1], to[0], to[1]}) {
      buffer.release();
    }
  }

  @Test
  void oneThatAnotherPoolHasMakesItThePlainForm() throws IOException {
    open();
    var other = BufferPools.create(POOL_BYTES);
    var foreign = other.acquire(16);
    foreign.byteBuffer().put((byte) 'd').put((byte) 'e').put((byte) 'f').flip();
    var own = filled("abc");
    assertEquals(Liburing.IORING_OP_WRITEV(), write(own, foreign));
    readBack();
    own.release();
    foreign.release();
  }

  @Test
  void anEmptyOneMakesItThePlainForm() throws IOException {
    open();
    var buffers = new Buffer[] {filled("abc"), filled(""), filled("def")};
    assertEquals(Liburing.IORING_OP_WRITEV(), write(buffers));
    readBack();
    for (var buffer : buffers) {
      buffer.release();
    }
  }

  @Test
  void filesThatAreReadByCallsOfTheirOwnAreReadByThePlainForm() throws IOException {
    open();
    int fd = NativeDescriptors.open("/proc/self/cmdline");
    var to = new Buffer[] {pool.acquire(16), pool.acquire(16)};
    var read = operation(OpCode.READV, new UringDescriptor("cmdline", fd, -1)).vector(to);
    assertEquals(Liburing.IORING_OP_READV(), run(read, 32));
    var commandLine = Files.readAllBytes(Path.of("/proc/self/cmdline"));
    for (int i = 0; i < 32; i++) {
      assertEquals(commandLine[i], to[i / 16].byteBuffer().get(i % 16));
    }
    NativeDescriptors.close(fd);
    to[0].release();
    to[1].release();
  }

  @Test
  void buffersOfTheUsersAreOfThePlainForm() throws IOException {
    open();
    var buffers =
        new ByteBuffer[] {
          ByteBuffer.wrap(new byte[] {'a', 'b', 'c'}), ByteBuffer.allocateDirect(3)
        };
    buffers[1].put(0, new byte[] {'d', 'e', 'f'});
    int opcode = run(operation(OpCode.WRITEV, out).vector(buffers), 6);
    assertEquals(Liburing.IORING_OP_WRITEV(), opcode);
    readBack();
  }

  @Test
  void switchedOffItIsThePlainForm() throws IOException {
    open("registered-vectors");
    assertEquals(Status.SWITCHED_OFF, vectors());
    var buffers = new Buffer[] {filled("abc"), filled("def")};
    assertEquals(Liburing.IORING_OP_WRITEV(), write(buffers));
    readBack();
    buffers[0].release();
    buffers[1].release();
  }

  @Test
  void withoutRegisteredMemoryItIsAbsentAndThePlainForm() throws IOException {
    open("registered-buffers");
    assertEquals(Status.ABSENT, vectors());
    var buffers = new Buffer[] {filled("abc"), filled("def")};
    assertEquals(Liburing.IORING_OP_WRITEV(), write(buffers));
    readBack();
    buffers[0].release();
    buffers[1].release();
  }
}
