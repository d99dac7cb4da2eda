package io.gyre.benchmarks.cli;

import io.gyre.fs.AsyncFile;

/** Random reads in future style: a {@code CompletableFuture} a read, whose dependent action starts the next. */
final class FutureReadLoad extends TransferLoad {
  FutureReadLoad(AsyncFile file, long fileBytes, int block, int depth) {
    super(file, fileBytes, block, depth);
  }

  @Override
  void transfer(Request request, long position) {
    var future =
        request.pooled != null
            ? file.readAsync(request.pooled, position)
            : file.readAsync(request.memory, position);
    // The loop's thread completes it, and never before this call returns: the action runs there
    // too.
    var _ =
        future.whenComplete(
            (result, cause) -> {
              if (cause == null) {
                succeeded(result, request);
              } else {
                failed(cause);
              }
            });
  }
}
