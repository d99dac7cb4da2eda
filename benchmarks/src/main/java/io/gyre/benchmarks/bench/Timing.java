package io.gyre.benchmarks.bench;

/**
 * How long an arm runs.
 *
 * @param warmupSeconds before anything is measured
 * @param seconds what is measured
 */
public record Timing(double warmupSeconds, double seconds) {}
