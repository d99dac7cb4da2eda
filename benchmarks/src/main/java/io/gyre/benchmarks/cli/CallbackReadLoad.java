package io.gyre.benchmarks.cli;

import io.gyre.IoHandler;
import io.gyre.fs.AsyncFile;

/** Random reads in callback style: one handler for all, the request as the attachment, nothing allocated. */
class CallbackReadLoad extends TransferLoad implements IoHandler<TransferLoad.Request> {
  CallbackReadLoad(AsyncFile file, long fileBytes, int block, int depth) {
    super(file, fileBytes, block, depth);
  }

  @Override
  void transfer(Request request, long position) {
    if (request.pooled != null) {
      file.read(request.pooled, position, request, this);
    } else {
      file.read(request.memory, position, request, this);
    }
  }

  @Override
  public final void completed(int result, Request request) {
    succeeded(result, request);
  }

  @Override
  public final void failed(Throwable cause, Request request) {
    failed(cause);
  }
}
