/**
 * The frame of the comparison that {@code ./gyre bench} runs.
 *
 * <p>A {@link io.gyre.benchmarks.bench.Workload} is something to do, an {@link io.gyre.benchmarks.bench.Arm} is
 * somebody who does it, in a process of its own for each round. {@link io.gyre.benchmarks.bench.Arms} lists them all,
 * {@link io.gyre.benchmarks.bench.Runner} interleaves them over rounds, so that whatever disturbs the machine for a
 * while disturbs all alike, and {@link io.gyre.benchmarks.bench.Report} turns what was measured into a table, a page
 * and a JSON file. What can't run here stays in the list with its reason, and whoever loses is shown like the others.
 */
package io.gyre.benchmarks.bench;
