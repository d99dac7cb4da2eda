package io.gyre.benchmarks.cli;

import io.gyre.fs.TreeProgress;
import io.gyre.fs.TreeSummary;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.FileVisitResult;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.atomic.LongAdder;

/** What a copy of several trees has done so far, and what of it failed. Any thread may ask. */
final class CopyMeter {
  private static final int BAR_WIDTH = 32;
  private static final MathContext DIGITS = new MathContext(3);

  private final FailureList failures = new FailureList();
  private final LongAdder files = new LongAdder();
  private final LongAdder directories = new LongAdder();
  private final LongAdder links = new LongAdder();
  private final LongAdder copied = new LongAdder();
  private final LongAdder kept = new LongAdder();

  /** For one call of the library's copy, which counts from 0. */
  final class Part implements TreeProgress {
    private final boolean goesOn;
    private TreeSummary before = new TreeSummary(0, 0, 0, 0, 0, 0);

    /**
     * Makes one.
     *
     * @param goesOn whether failures are listed here, and the rest goes on; else the first ends the call
     */
    Part(boolean goesOn) {
      this.goesOn = goesOn;
    }

    @Override
    public void progressed(Path path, TreeSummary soFar) {
      files.add(soFar.files() - before.files());
      directories.add(soFar.directories() - before.directories());
      links.add(soFar.symbolicLinks() - before.symbolicLinks());
      copied.add(soFar.bytes() - before.bytes());
      before = soFar;
    }

    @Override
    public FileVisitResult failed(Path path, Exception cause) {
      if (!goesOn) {
        return FileVisitResult.TERMINATE;
      }
      failures.add(path, cause);
      return FileVisitResult.CONTINUE;
    }
  }

  void file() {
    files.increment();
  }

  void directory() {
    directories.increment();
  }

  void link() {
    links.increment();
  }

  /** Bytes that were read from a source and written to its copy. */
  void copied(long bytes) {
    copied.add(bytes);
  }

  /** Bytes that were found to be in the copy already. */
  void kept(long bytes) {
    kept.add(bytes);
  }

  long files() {
    return files.sum();
  }

  long directories() {
    return directories.sum();
  }

  long links() {
    return links.sum();
  }

  long copied() {
    return copied.sum();
  }

  long kept() {
    return kept.sum();
  }

  FailureList failures() {
    return failures;
  }

  /** The progress line: how far it is, and how fast bytes were really copied. */
  String bar(long of, double seconds) {
    return bar(copied(), kept(), of, seconds);
  }

  static String bar(long copied, long kept, long of, double seconds) {
    double part = of == 0 ? 1 : Math.min(1, (double) (copied + kept) / of);
    int filled = (int) (part * BAR_WIDTH);
    return String.format(
        Locale.ROOT,
        "[%s%s] %3.0f %%  %.1f of %.1f MB  %s MB/s",
        "#".repeat(filled),
        ".".repeat(BAR_WIDTH - filled),
        Math.floor(part * 100), // 100 % is all of it
        (copied + kept) / 1e6,
        of / 1e6,
        rate(copied, Math.max(seconds, 1e-3)));
  }

  /** Megabytes a second, to three digits however few they are. */
  static String rate(long bytes, double seconds) {
    return bytes == 0
        ? "0"
        : BigDecimal.valueOf(bytes / 1e6 / Math.max(seconds, 1e-9))
            .round(DIGITS)
            .stripTrailingZeros()
            .toPlainString();
  }
}
