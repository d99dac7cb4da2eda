package io.gyre.benchmarks.peer;

import java.nio.file.Path;

/**
 * Random aligned reads of one file.
 *
 * @param file what to read
 * @param depth reads in flight
 * @param block bytes a read
 * @param seconds to measure for
 * @param warmupSeconds to run before that
 * @param direct past the page cache
 * @param seed where the positions come from
 */
public record ReadSettings(
    Path file,
    int depth,
    int block,
    double seconds,
    double warmupSeconds,
    boolean direct,
    long seed) {}
