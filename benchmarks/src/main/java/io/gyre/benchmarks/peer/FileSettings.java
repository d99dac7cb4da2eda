package io.gyre.benchmarks.peer;

import java.nio.file.Path;

/**
 * What to do with a file, or with a folder of small ones.
 *
 * @param path the file or the folder
 * @param depth reads or writes in flight, or threads
 * @param block bytes a read, write or append
 * @param write whether to write instead of read
 * @param sequential whether one block follows the other, instead of at random
 * @param direct past the page cache
 * @param files how many files the folder holds
 * @param seconds to measure for
 * @param warmupSeconds to run before that
 * @param seed where positions come from
 */
public record FileSettings(
    Path path,
    int depth,
    int block,
    boolean write,
    boolean sequential,
    boolean direct,
    int files,
    double seconds,
    double warmupSeconds,
    long seed) {
  String unit() {
    return write ? "write" : "read";
  }
}
