/**
 * Files whose reads and writes complete later.
 *
 * <p>{@link io.gyre.fs.AsyncFile} is {@link java.nio.channels.FileChannel}'s positional half with three styles of each
 * operation: a callback, a future, and a call that waits. It is written over the driver SPI ({@code io.gyre.driver}) and
 * knows no driver: on io_uring a read is a ring entry, on NIO a task of a bounded pool.
 */
package io.gyre.fs;
