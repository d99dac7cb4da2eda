/**
 * Files whose reads and writes complete later.
 *
 * <p>{@link io.gyre.fs.AsyncFile} is {@link java.nio.channels.FileChannel}'s positional half with three styles of each
 * operation: a callback, a future, and a call that waits. It is written over the driver SPI ({@code io.gyre.driver}) and
 * knows no driver: on io_uring a read is a ring entry, on NIO a task of a bounded pool.
 *
 * <p>Over it are files as streams, in both directions: {@link io.gyre.fs.BlockReader} reads ahead and {@link
 * io.gyre.fs.BlockWriter} writes behind, on the loop and in callback style; input and output streams, the publisher and
 * {@link io.gyre.fs.BlockSubscriber} are built on those two.
 */
package io.gyre.fs;
