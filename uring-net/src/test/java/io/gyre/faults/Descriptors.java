package io.gyre.faults;

import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayDeque;

/** Takes every descriptor that this process may still open, and gives back some. */
final class Descriptors implements AutoCloseable {
  private final ArrayDeque<FileInputStream> held = new ArrayDeque<>();

  /** Takes all but so many. */
  Descriptors(int left) throws IOException {
    try {
      while (true) {
        held.push(new FileInputStream("/dev/null"));
      }
    } catch (FileNotFoundException e) {
      if (!String.valueOf(e.getMessage()).contains("Too many open files")) {
        throw e;
      }
    }
    for (int i = 0; i < left; i++) {
      held.pop().close();
    }
  }

  @Override
  public void close() throws IOException {
    while (!held.isEmpty()) {
      held.pop().close();
    }
  }
}
