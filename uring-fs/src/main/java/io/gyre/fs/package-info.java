/**
 * Files and directories whose operations complete later.
 *
 * <p>{@link io.gyre.fs.AsyncFile} is {@link java.nio.channels.FileChannel} with three styles of each operation: a
 * callback, a future, and a call that waits. It is written over the driver SPI ({@code io.gyre.driver}) and knows no
 * driver: on io_uring a read is a ring entry, on NIO a task of a bounded pool.
 *
 * <p>{@code AsyncFile} itself is a facade. Behind it each capability has a class: {@code Transfers} (single reads and
 * writes), {@code FullTransfers} (those that go on until all is done), {@code Sequential} (those from a position on), {@code
 * BatchRun} (many at once), {@code FileSpace}, {@code FileQueries}, {@code RangeCopies}, {@code RangeLocking}, {@code
 * Opening}; all over {@code OpenFile}.
 *
 * <p>Over {@code AsyncFile} are files as streams, in both directions: {@link io.gyre.fs.BlockReader} reads ahead and {@link
 * io.gyre.fs.BlockWriter} writes behind, on the loop and in callback style; input and output streams, the publisher and
 * {@link io.gyre.fs.BlockSubscriber} are built on those two.
 *
 * <p>{@link io.gyre.fs.PathOperations} is what is done with names, relative to an {@link io.gyre.fs.AsyncDirectory} or, by
 * {@link io.gyre.fs.AsyncFiles}, to the working directory. What takes several operations is written as stages of {@code
 * CompositeFuture}, all on the loop's thread: {@code FileReplacement} is a good one to begin with. {@link
 * io.gyre.fs.FileTree} goes through whole trees; its engine is {@code TreeRun}.
 */
package io.gyre.fs;
