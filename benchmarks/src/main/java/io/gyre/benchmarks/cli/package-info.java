/**
 * The command line, {@code ./gyre}: start at {@link io.gyre.benchmarks.cli.Main}.
 *
 * <p>One class a command, which checks its options and prints its results; what a command does to files and sockets is
 * in a class of its own ({@code TransferLoad}, {@code NopLoad}, {@code EchoServer}, {@code ResumedCopy}), written over the
 * public API alone. Whatever goes wrong ends as one line on standard error: exit status 2 when the options make no
 * sense, 1 when the work failed.
 */
package io.gyre.benchmarks.cli;
