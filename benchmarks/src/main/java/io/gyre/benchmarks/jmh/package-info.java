/**
 * JMH benchmarks of the paths whose cost is to be watched, operation by operation: {@code ./gyre jmh -prof gc}.
 *
 * <p>What a loop does, its own thread must do: each invocation hands a batch to the loop and waits for its end by
 * spinning. The batch is long, so that waking the loop for it, which costs more than hundreds of operations, hardly
 * counts.
 */
package io.gyre.benchmarks.jmh;
