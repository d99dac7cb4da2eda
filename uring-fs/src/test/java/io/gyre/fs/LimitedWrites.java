package io.gyre.fs;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;

import io.gyre.fs.WriteBehind.Sync;
import io.gyre.testing.DriverConfiguration;
import io.gyre.testing.Pattern;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;

/**
 * Writes to a file more than it may hold: the process's limit stands in the middle of a block. Run by a test, in a JVM of its
 * own.
 */
final class LimitedWrites {
  private static final int BLOCK = 10_000;

  private LimitedWrites() {}

  /** Takes a {@link DriverConfiguration}, the file, and the limit in bytes. */
  public static void main(String[] arguments) throws Exception {
    var path = Path.of(arguments[1]);
    int limit = Integer.parseInt(arguments[2]);
    var pattern = new Pattern(Seeds.SEED);
    try (var driver = new TestRuntime(DriverConfiguration.valueOf(arguments[0]))) {
      var runtime = driver.start();
      try (var file = AsyncFile.open(runtime, path, WRITE, CREATE)) {
        var subscriber = file.subscriber(WriteBehind.DEFAULT.depth(4).sync(Sync.DATA));
        var cancelled = new CompletableFuture<Void>();
        var subscription =
            new Flow.Subscription() {
              private long offered;

              @Override
              public void request(long n) {
                for (long i = 0; i < n; i++) {
                  var block = runtime.loop().buffers().acquire(BLOCK);
                  pattern.fill(block.byteBuffer(), offered);
                  offered += BLOCK;
                  subscriber.onNext(block);
                }
              }

              @Override
              public void cancel() {
                cancelled.complete(null);
              }
            };
        // On the loop, where it requests more as well: one at a time, as a publisher has to.
        runtime.loop().execute(() -> subscriber.onSubscribe(subscription));
        var failure = Waits.failure(IOException.class, subscriber.completion(), "too much");
        check(failure.getMessage().contains("EFBIG"), "the failure is " + failure);
        Waits.get(cancelled, "the cancellation");
        check(subscriber.written() == limit, "written are " + subscriber.written());
      }
    }
    var bytes = Files.readAllBytes(path);
    check(bytes.length == limit, "the file has " + bytes.length);
    pattern.check(bytes, 0, limit, 0);
    System.out.println("checked");
  }

  private static void check(boolean condition, String otherwise) {
    if (!condition) {
      throw new AssertionError(otherwise);
    }
  }
}
