package io.gyre.faults;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import io.gyre.testing.DriverConfiguration;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.nio.ByteBuffer;
import java.nio.file.Files;

/**
 * A program whose heap buffers are larger than what it may have of direct memory to copy them to.
 */
final class OutOfDirectMemory {
  private static final int TOO_MUCH = 48 << 20;

  private OutOfDirectMemory() {}

  public static void main(String[] args) throws Exception {
    try (var driver = new TestRuntime(DriverConfiguration.valueOf(args[0]))) {
      var loop = driver.start().loop();
      var path = Files.createTempFile("gyre", null);
      var file = CheckedWork.openOn(loop, path, READ, WRITE);
      var large = ByteBuffer.allocate(TOO_MUCH);
      Waits.failure(OutOfMemoryError.class, file.readAsync(large, 0), "read");
      Waits.failure(OutOfMemoryError.class, file.writeAsync(large, 0), "write");
      if (large.position() != 0) {
        throw new AssertionError("moved: " + large);
      }
      file.close();
      Files.delete(path);
      CheckedWork.run(loop);
    }
    System.out.println("checked");
  }
}
