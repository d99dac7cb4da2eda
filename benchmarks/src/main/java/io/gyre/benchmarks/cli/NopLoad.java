package io.gyre.benchmarks.cli;

import io.gyre.EventLoop;
import io.gyre.IoHandler;

/** NOPs through the public callback path. */
final class NopLoad extends Load implements IoHandler<Void> {
  private final EventLoop loop;
  private final int depth;

  NopLoad(EventLoop loop, int depth) {
    super(loop);
    this.loop = loop;
    this.depth = depth;
  }

  @Override
  void begin() {
    for (int i = 0; i < depth; i++) {
      inFlight++;
      loop.nop(null, this);
    }
  }

  @Override
  public void completed(int result, Void attachment) {
    done++;
    if (stopping) {
      retire();
    } else {
      loop.nop(null, this);
    }
  }

  @Override
  public void failed(Throwable cause, Void attachment) {
    failed(cause);
  }
}
