package io.gyre.nio;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.driver.Descriptor;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class NioFileTest {
  @TempDir private Path folder;
  private Rig rig;

  @BeforeEach
  void open() throws IOException {
    rig = new Rig();
  }

  @AfterEach
  void close() throws IOException {
    rig.close();
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    var path = folder.resolve("file");
    var file =
        rig.openFile(
            path, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
    assertEquals(path.toString(), file.subject());
    var source = ByteBuffer.wrap(new byte[] {0, 1, 2, 3, 4}).position(1);
    var written = rig.submit(OpCode.WRITE, file, o -> o.memory(source).offset(10));
    assertEquals(1, source.position());
    assertEquals(4, rig.await(written));
    assertEquals(5, source.position());
    assertEquals(0, rig.await(rig.submit(OpCode.FSYNC, file)));
    assertEquals(0, rig.await(rig.submit(OpCode.FSYNC, file, o -> o.flags(1))));
    var size = rig.submit(OpCode.SIZE, file);
    assertEquals(0, rig.await(size));
    assertEquals(14, size.longResult);
    var target = ByteBuffer.allocateDirect(16).position(2).limit(10);
    assertEquals(4, rig.await(read(file, target, 10)));
    assertEquals(6, target.position());
    assertEquals(10, target.limit());
    assertEquals(1, target.get(2));
    assertEquals(0, rig.await(rig.close(file)));
    var late = read(file, ByteBuffer.allocate(1), 0);
    rig.await(late);
    assertInstanceOf(ClosedChannelException.class, late.failure);
  }

  @Test
  void readAtAndAfterTheEndGivesZero() throws IOException {
    var path = Files.write(folder.resolve("file"), new byte[10]);
    var file = rig.openFile(path, StandardOpenOption.READ);
    assertEquals(3, rig.await(read(file, ByteBuffer.allocate(8), 7)));
    assertEquals(0, rig.await(read(file, ByteBuffer.allocate(8), 10)));
    assertEquals(0, rig.await(read(file, ByteBuffer.allocate(8), 1L << 40)));
    assertEquals(0, rig.await(read(file, ByteBuffer.allocate(0), 0)));
  }

  @Test
  void largeHeapBuffersGoInPartsButInFull() throws IOException {
    var data = new byte[(3 << 20) + 17];
    new Random(1).nextBytes(data);
    var path = folder.resolve("large");
    var file =
        rig.openFile(
            path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    var source = ByteBuffer.wrap(data);
    assertEquals(
        data.length, rig.await(rig.submit(OpCode.WRITE, file, o -> o.memory(source).offset(5))));
    var back = ByteBuffer.allocate(data.length + 100);
    assertEquals(data.length, rig.await(read(file, back, 5)));
    assertArrayEquals(data, Arrays.copyOf(back.array(), data.length));
  }

  @Test
  void appendIgnoresTheOffset() throws IOException {
    var path = Files.write(folder.resolve("log"), new byte[] {1, 2, 3});
    var file = rig.openFile(path, StandardOpenOption.APPEND);
    var more = ByteBuffer.wrap(new byte[] {4, 5});
    assertEquals(2, rig.await(rig.submit(OpCode.WRITE, file, o -> o.memory(more).offset(0))));
    assertArrayEquals(new byte[] {1, 2, 3, 4, 5}, Files.readAllBytes(path));
  }

  @Test
  void manyReadsAtATimeGetTheirOwnBytes() throws IOException {
    var data = new byte[1 << 20];
    new Random(2).nextBytes(data);
    var file = rig.openFile(Files.write(folder.resolve("file"), data), StandardOpenOption.READ);
    var targets = new ArrayList<ByteBuffer>();
    var reads = new ArrayList<Outcome>();
    for (int i = 0; i < 256; i++) {
      var target = ByteBuffer.allocateDirect(4096);
      targets.add(target);
      reads.add(read(file, target, i * 4096L));
    }
    for (int i = 0; i < 256; i++) {
      assertEquals(4096, rig.await(reads.get(i)));
      assertEquals(ByteBuffer.wrap(data, i * 4096, 4096), targets.get(i).flip());
    }
  }

  @Test
  void openFailuresAreTheKernels() throws IOException {
    var missing = folder.resolve("missing");
    expectOpenFailure(Errno.ENOENT, NoSuchFileException.class, missing, StandardOpenOption.READ);
    var there = Files.createFile(folder.resolve("there"));
    expectOpenFailure(
        Errno.EEXIST,
        FileAlreadyExistsException.class,
        there,
        StandardOpenOption.CREATE_NEW,
        StandardOpenOption.WRITE);
    expectOpenFailure(
        Errno.ENOTDIR, FileSystemException.class, there.resolve("x"), StandardOpenOption.READ);
    expectOpenFailure(Errno.EISDIR, FileSystemException.class, folder, StandardOpenOption.WRITE);
    var longName = folder.resolve("x".repeat(300));
    expectOpenFailure(
        Errno.ENAMETOOLONG, FileSystemException.class, longName, StandardOpenOption.READ);
    var loop = folder.resolve("loop");
    Files.createSymbolicLink(loop, loop);
    expectOpenFailure(Errno.ELOOP, FileSystemException.class, loop, StandardOpenOption.READ);
  }

  private void expectOpenFailure(
      Errno errno, Class<? extends Throwable> type, Path path, OpenOption... options)
      throws IOException {
    var opened = rig.open(path, options);
    assertEquals(-errno.number(), rig.await(opened), () -> path + ": " + opened.failure);
    assertInstanceOf(type, opened.failure);
    assertTrue(
        opened.failure.getMessage().startsWith(path.toString()), opened.failure.getMessage());
    assertTrue(opened.failure.getMessage().contains(errno.name()), opened.failure.getMessage());
  }

  @Test
  void readingADirectoryFails() throws IOException {
    var file = rig.openFile(folder, StandardOpenOption.READ);
    var read = read(file, ByteBuffer.allocate(16), 0);
    assertEquals(-Errno.EISDIR.number(), rig.await(read));
    assertInstanceOf(FileSystemException.class, read.failure);
    assertEquals(folder + ": read: EISDIR (Is a directory)", read.failure.getMessage());
  }

  @Test
  void theWrongDirectionIsABadDescriptor() throws IOException {
    var path = folder.resolve("file");
    var out = rig.openFile(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    assertEquals(-Errno.EBADF.number(), rig.await(read(out, ByteBuffer.allocate(1), 0)));
    var in = rig.openFile(path, StandardOpenOption.READ);
    var write = rig.submit(OpCode.WRITE, in, o -> o.memory(ByteBuffer.allocate(1)).offset(0));
    assertEquals(-Errno.EBADF.number(), rig.await(write));
  }

  @Test
  void directIoNeedsAlignmentAndSaysSo() throws IOException {
    var path = Files.write(folder.resolve("file"), new byte[1 << 16]);
    var opened = rig.open(path, StandardOpenOption.READ, direct());
    if (rig.await(opened) == -Errno.EINVAL.number()) {
      return; // a file system without O_DIRECT
    }
    var file = opened.descriptors.getFirst();
    var memory = Arena.ofAuto().allocate(1 << 16, 1 << 12).asByteBuffer();
    assertEquals(1 << 16, rig.await(read(file, memory, 0)));
    var misaligned = read(file, ByteBuffer.allocateDirect(77), 0);
    assertEquals(-Errno.EINVAL.number(), rig.await(misaligned));
    assertTrue(
        misaligned.failure.getMessage().contains("multiples of"), misaligned.failure.getMessage());
    assertEquals(-Errno.EINVAL.number(), rig.await(read(file, memory.clear(), 3)));
  }

  /**
   * ExtendedOpenOption.DIRECT, which the compiler lets nobody name without a warning who has no module descriptor.
   */
  private static OpenOption direct() {
    try {
      return (OpenOption)
          Class.forName("com.sun.nio.file.ExtendedOpenOption").getField("DIRECT").get(null);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }

  @Test
  void memoryOfAnotherThreadsArenaIsRefusedAndThatOfTheLoopsOwnWorks() throws Exception {
    var file = rig.openFile(Files.write(folder.resolve("f"), new byte[8]), StandardOpenOption.READ);
    try (var arena = Arena.ofConfined()) {
      var read = read(file, arena.allocate(8).asByteBuffer(), 0);
      assertEquals(8, rig.await(read));
    }
    var elsewhere = new CompletableFuture<ByteBuffer>();
    var done = new CountDownLatch(1);
    var other =
        Thread.ofPlatform()
            .start(
                () -> {
                  try (var arena = Arena.ofConfined()) {
                    elsewhere.complete(arena.allocate(8).asByteBuffer());
                    done.await();
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                });
    var read = read(file, elsewhere.get(), 0);
    assertTrue(rig.await(read) < 0);
    assertInstanceOf(RuntimeException.class, read.failure);
    done.countDown();
    other.join();
  }

  @Test
  void whatIsNotForAFileFails() throws IOException {
    var file = rig.openFile(folder, StandardOpenOption.READ);
    var sent = rig.send(file, new byte[1]);
    assertTrue(rig.await(sent) < 0);
    assertInstanceOf(IllegalArgumentException.class, sent.failure);
  }

  private Outcome read(Descriptor file, ByteBuffer into, long offset) {
    return rig.submit(OpCode.READ, file, o -> o.memory(into).offset(offset));
  }
}
