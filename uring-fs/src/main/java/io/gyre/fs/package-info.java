/**
 * Files whose reads and writes complete later.
 *
 * <p>{@link io.gyre.fs.AsyncFile} is {@link java.nio.channels.FileChannel} with three styles of each operation: a
 * callback, a future, and a call that waits. It is written over the driver SPI ({@code io.gyre.driver}) and knows no
 * driver: on io_uring a read is a ring entry, on NIO a task of a bounded pool.
 *
 * <p>{@code AsyncFile} itself is a facade. Behind it each capability has a class: {@code Transfers} (single reads and
 * writes), {@code FullTransfers} (those that go on until all is done), {@code Sequential} (those from a position on), {@code
 * BatchRun} (many at once), {@code FileSpace}, {@code FileQueries}, {@code RangeCopies}, {@code RangeLocking}, {@code
 * Opening}; all over {@code OpenFile}.
 */
package io.gyre.fs;
