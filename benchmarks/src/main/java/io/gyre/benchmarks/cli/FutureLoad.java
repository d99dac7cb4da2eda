package io.gyre.benchmarks.cli;

import io.gyre.benchmarks.load.GroupSync;
import io.gyre.fs.AsyncFile;
import java.util.concurrent.CompletableFuture;

/** Future style: a {@code CompletableFuture} a transfer, whose dependent action starts the next. */
final class FutureLoad extends LoopTransferLoad {
  FutureLoad(
      AsyncFile file,
      Access access,
      BlockPlan plan,
      long fileBytes,
      int block,
      int depth,
      GroupSync sync) {
    super(file, access, plan, fileBytes, block, depth, sync);
  }

  @Override
  void transfer(Request request, long position) {
    // The loop's thread completes it, and never before this call returns: the action runs there
    // too.
    var _ =
        begun(request, position)
            .whenComplete(
                (result, cause) -> {
                  if (cause == null) {
                    transferred(result, request);
                  } else {
                    failed(cause);
                  }
                });
  }

  private CompletableFuture<Integer> begun(Request request, long position) {
    if (access == Access.READ) {
      return request.pooled != null
          ? file.readAsync(request.pooled, position)
          : file.readAsync(request.memory, position);
    }
    return request.pooled != null
        ? file.writeAsync(request.pooled, position)
        : file.writeAsync(request.memory, position);
  }
}
