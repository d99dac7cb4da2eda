/**
 * Load for echo servers, in a process of its own. {@link io.gyre.benchmarks.load.NioEchoLoad} is for machines without a
 * C compiler: those in {@code benchmarks/reference} cost less, and so leave more of a measurement to the server.
 * {@link io.gyre.benchmarks.load.WarmUp} and the group commit are what programs that measure share.
 */
package io.gyre.benchmarks.load;
