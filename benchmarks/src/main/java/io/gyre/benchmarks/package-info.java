/**
 * The programs of Gyre: {@code cli} is what {@code ./gyre} runs, {@code bench} compares polling with completion, {@code
 * peer} and {@code load} are the processes that it starts beside us, {@code jmh} measures the small.
 */
package io.gyre.benchmarks;
