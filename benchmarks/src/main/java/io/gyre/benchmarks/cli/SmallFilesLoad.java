package io.gyre.benchmarks.cli;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.benchmarks.peer.SmallFiles;
import io.gyre.fs.AsyncFile;
import java.nio.channels.CompletionHandler;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/** Opens, reads and closes small files, a number of them at a time. */
final class SmallFilesLoad extends TimedLoad {
  private static final Set<StandardOpenOption> OPTIONS = Set.of(StandardOpenOption.READ);

  private final Path[] paths;
  private final Slot[] slots;
  private long next;

  /**
   * Makes a load.
   *
   * @param paths the files, as {@link SmallFiles} makes them
   * @param depth how many at a time
   */
  SmallFilesLoad(EventLoop loop, Path[] paths, int depth) {
    super(loop);
    this.paths = paths;
    this.slots = new Slot[depth];
    for (int i = 0; i < depth; i++) {
      slots[i] = new Slot(loop.buffers().acquire(SmallFiles.LARGEST));
    }
  }

  /** One of those at work, with a buffer that any of the files fits into. */
  private final class Slot {
    private final Buffer buffer;
    private AsyncFile open;
    private int file;
    private long startNanos;

    Slot(Buffer buffer) {
      this.buffer = buffer;
    }

    void start(long now) {
      startNanos = now;
      file = SmallFiles.file(next++, paths.length);
      AsyncFile.open(loop(), paths[file], OPTIONS, this, OPENED);
    }

    void opened(AsyncFile result) {
      open = result;
      buffer.byteBuffer().position(0);
      open.read(buffer, 0, this, READ);
    }

    void read(int bytes) {
      if (bytes != SmallFiles.bytes(file)) {
        failed(new CommandFailed(paths[file] + ": a read gave " + bytes + " bytes"));
      } else {
        open.close(this, CLOSED);
      }
    }

    void closed() {
      long now = turnNanos();
      record(startNanos, now);
      if (stopping) {
        retire();
      } else {
        start(now);
      }
    }

    void failed(Throwable cause) {
      SmallFilesLoad.this.failed(cause);
    }
  }

  private static final CompletionHandler<AsyncFile, Slot> OPENED =
      new CompletionHandler<>() {
        @Override
        public void completed(AsyncFile file, Slot slot) {
          slot.opened(file);
        }

        @Override
        public void failed(Throwable cause, Slot slot) {
          slot.failed(cause);
        }
      };

  private static final IoHandler<Slot> READ =
      new IoHandler<>() {
        @Override
        public void completed(int bytes, Slot slot) {
          slot.read(bytes);
        }

        @Override
        public void failed(Throwable cause, Slot slot) {
          slot.failed(cause);
        }
      };

  private static final IoHandler<Slot> CLOSED =
      new IoHandler<>() {
        @Override
        public void completed(int result, Slot slot) {
          slot.closed();
        }

        @Override
        public void failed(Throwable cause, Slot slot) {
          slot.failed(cause);
        }
      };

  @Override
  void begin() {
    long now = System.nanoTime();
    for (var slot : slots) {
      inFlight++;
      slot.start(now);
    }
  }

  @Override
  void releaseBuffers() {
    for (var slot : slots) {
      slot.buffer.release();
    }
  }
}
