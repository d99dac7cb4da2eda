package io.gyre.benchmarks.cli;

import java.util.concurrent.atomic.AtomicLong;

/** What one loop has echoed. The loop writes, without fences; any thread reads. */
final class EchoCounters {
  final AtomicLong requests = new AtomicLong();
  final AtomicLong bytes = new AtomicLong();
  final AtomicLong connections = new AtomicLong();
  final AtomicLong open = new AtomicLong();
  final AtomicLong errors = new AtomicLong();

  /** Adds to a counter: by its only writer, so that a plain read and an opaque store are enough. */
  static void add(AtomicLong counter, long delta) {
    counter.setOpaque(counter.getPlain() + delta);
  }
}
