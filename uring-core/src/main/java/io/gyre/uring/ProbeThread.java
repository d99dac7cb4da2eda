package io.gyre.uring;

/** Runs what needs a platform thread of its own for a moment. */
final class ProbeThread {
  private ProbeThread() {}

  /** Returns when it is done, interrupted or not. */
  static void run(Runnable work) {
    var thread = Thread.ofPlatform().name("gyre-probe").unstarted(work);
    thread.start();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
