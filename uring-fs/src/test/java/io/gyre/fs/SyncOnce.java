package io.gyre.fs;

import static java.nio.file.StandardOpenOption.WRITE;

import io.gyre.IoRuntime;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Path;

/** Forces a file twice on the fallback, and prints what came of it. */
final class SyncOnce {
  private SyncOnce() {}

  public static void main(String... arguments) throws IOException {
    try (var runtime = IoRuntime.builder().driver("nio").start();
        var file = AsyncFile.open(runtime, Path.of(arguments[0]), WRITE)) {
      file.write(ByteBuffer.allocate(10), 0);
      for (int i = 0; i < 2; i++) {
        try {
          file.force(false);
          System.out.println("no failure");
        } catch (FileSystemException e) {
          System.out.println(e.getMessage());
        }
      }
    }
  }
}
