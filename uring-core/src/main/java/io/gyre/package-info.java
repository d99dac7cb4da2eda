/**
 * What users of Gyre hold.
 *
 * <p>Start an {@link io.gyre.IoRuntime}, open files ({@code io.gyre.fs}) and sockets ({@code io.gyre.net}) on it, and
 * give operations a handler ({@link io.gyre.IoHandler}) or take a future. Each file or socket belongs to one {@link
 * io.gyre.EventLoop}, a platform thread with a ring of its own; handlers run there and must not block.
 *
 * <pre>{@code
 * try (var runtime = IoRuntime.builder().start();
 *     var file = AsyncFile.open(runtime, Path.of("data"), READ)) {
 *   file.read(buffer, 0, request, handler);                       // a callback, on the loop's thread
 *   CompletableFuture<Integer> n = file.readAsync(buffer, 4096);  // or a future
 * }
 * }</pre>
 *
 * <p>What operations are made of, and what a driver has to do, is in {@link io.gyre.driver}.
 */
package io.gyre;
