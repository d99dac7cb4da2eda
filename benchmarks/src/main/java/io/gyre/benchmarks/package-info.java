/** Benchmarks. */
package io.gyre.benchmarks;
