package io.gyre.benchmarks.peer;

import java.nio.file.Path;
import java.util.Locale;

/** Small files in many folders: how they are called, how large they are, and in which order they are read. */
public final class SmallFiles {
  private static final int FILES_IN_FOLDER = 1000;
  private static final int SMALLEST = 1024;
  private static final int SIZES = 3073;
  private static final int STEP = 769;
  private static final int STRIDE = 61_803; // shares no divisor with a power of ten

  /** Bytes of the largest. */
  public static final int LARGEST = SMALLEST + SIZES - 1;

  private SmallFiles() {}

  /** The paths of some files, made once: what is measured is not how strings are put together. */
  public static Path[] paths(Path folder, int count) {
    var paths = new Path[count];
    for (int i = 0; i < count; i++) {
      paths[i] =
          folder
              .resolve(String.format(Locale.ROOT, "%03d", i / FILES_IN_FOLDER))
              .resolve(String.format(Locale.ROOT, "%06d", i));
    }
    return paths;
  }

  /** How large a file is: 1 to 4 KiB. */
  public static int bytes(int file) {
    return SMALLEST + (int) ((long) file * STEP % SIZES);
  }

  /** Which file is read as the n-th: each once in a pass, if their number is a power of ten, and neighbours far apart. */
  public static int file(long n, int count) {
    return (int) (n % count * STRIDE % count);
  }
}
