package io.gyre.benchmarks.cli;

import io.gyre.IoHandler;
import io.gyre.benchmarks.load.GroupSync;
import io.gyre.fs.AsyncFile;

/** Callback style: one handler for all, the request as the attachment, nothing allocated. */
final class CallbackLoad extends LoopTransferLoad implements IoHandler<TransferLoad.Request> {
  CallbackLoad(
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
    if (access == Access.READ) {
      if (request.pooled != null) {
        file.read(request.pooled, position, request, this);
      } else {
        file.read(request.memory, position, request, this);
      }
    } else {
      if (request.pooled != null) {
        file.write(request.pooled, position, request, this);
      } else {
        file.write(request.memory, position, request, this);
      }
    }
  }

  @Override
  public void completed(int result, Request request) {
    transferred(result, request);
  }

  @Override
  public void failed(Throwable cause, Request request) {
    failed(cause);
  }
}
