package io.gyre.uring;

import static io.gyre.uring.KernelFeature.REGISTERED_FILES;

import io.gyre.bindings.Liburing;
import io.gyre.bindings.io_uring_files_update;
import io.gyre.bindings.io_uring_rsrc_register;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The ring's table of registered files (kernel 5.19). An operation on a registered file saves the kernel from looking up
 * and counting the descriptor, which is dear in a process of many threads, as every JVM is. A file that finds no place
 * here is used by its descriptor.
 */
final class FileTable {
  private static final int MIN_SIZE = 16;

  private final Ring ring;
  private final int[] free;
  private int freeCount;
  private final MemorySegment update = Arena.ofAuto().allocate(io_uring_files_update.layout());
  private final MemorySegment fd = Arena.ofAuto().allocate(ValueLayout.JAVA_INT);

  private FileTable(Ring ring, int size) {
    this.ring = ring;
    this.free = new int[size];
    for (int i = size - 1; i >= 0; i--) {
      free[freeCount++] = i;
    }
    io_uring_files_update.fds(update, fd.address());
  }

  /** Registers a table, smaller than asked for where the limit of open files is lower; maybe one without places. */
  static FileTable register(Ring ring, int wanted, CapabilityReport report) {
    if (!report.allows(REGISTERED_FILES)) {
      return new FileTable(ring, 0);
    }
    if (wanted == 0) {
      report.absent(REGISTERED_FILES, "no fixed files were asked for");
      return new FileTable(ring, 0);
    }
    var argument = Arena.ofAuto().allocate(io_uring_rsrc_register.layout());
    int size = wanted;
    int result;
    do {
      io_uring_rsrc_register.nr(argument, size);
      io_uring_rsrc_register.flags(argument, Liburing.IORING_RSRC_REGISTER_SPARSE());
      result =
          ring.register(
              Liburing.IORING_REGISTER_FILES2(), argument, (int) io_uring_rsrc_register.sizeof());
      if (result == 0) {
        report.used(
            REGISTERED_FILES,
            size == wanted
                ? size + " places"
                : size
                    + " of "
                    + wanted
                    + " places: the limit of open files (ulimit -n) allows no more");
        return new FileTable(ring, size);
      }
      size /= 2;
    } while (size >= MIN_SIZE);
    report.refused(REGISTERED_FILES, -result);
    return new FileTable(ring, 0);
  }

  int size() {
    return free.length;
  }

  /** Returns the place of a descriptor, or {@link UringDescriptor#NOT_FIXED}. */
  int add(int descriptor) {
    if (freeCount == 0) {
      return UringDescriptor.NOT_FIXED;
    }
    int index = free[freeCount - 1];
    if (set(index, descriptor) != 1) {
      return UringDescriptor.NOT_FIXED;
    }
    freeCount--;
    return index;
  }

  void remove(int index) {
    if (index != UringDescriptor.NOT_FIXED) {
      set(index, -1);
      free[freeCount++] = index;
    }
  }

  private int set(int index, int descriptor) {
    fd.set(ValueLayout.JAVA_INT, 0, descriptor);
    io_uring_files_update.offset(update, index);
    return ring.register(Liburing.IORING_REGISTER_FILES_UPDATE(), update, 1);
  }
}
