package io.gyre.benchmarks.cli;

import io.gyre.IoHandler;
import io.gyre.fs.AsyncFile;
import java.util.SplittableRandom;

/** Random writes in callback style, over what the file holds. */
final class CallbackWriteLoad extends TransferLoad implements IoHandler<TransferLoad.Request> {
  private static final long SEED = 42;

  CallbackWriteLoad(AsyncFile file, long fileBytes, int block, int depth) {
    super(file, fileBytes, block, depth);
    // Bytes that no device can leave out.
    var random = new SplittableRandom(SEED);
    forEachRequest(
        request -> {
          while (request.memory.hasRemaining()) {
            request.memory.put((byte) random.nextInt());
          }
        });
  }

  @Override
  void transfer(Request request, long position) {
    if (request.pooled != null) {
      file.write(request.pooled, position, request, this);
    } else {
      file.write(request.memory, position, request, this);
    }
  }

  @Override
  public void completed(int result, Request request) {
    succeeded(result, request);
  }

  @Override
  public void failed(Throwable cause, Request request) {
    failed(cause);
  }
}
