/**
 * The driver for machines without io_uring: a {@link java.nio.channels.Selector} for sockets, a bounded pool of threads
 * for files. Users never see it; {@code IoRuntime} finds {@link io.gyre.nio.NioDriverProvider} by {@link
 * java.util.ServiceLoader}.
 *
 * <pre>
 *  submit --&gt; ReceiveSide, SendSide, NioListener        FileWork --&gt; pool's threads
 *                  |            ^                           ^              |
 *                  v            | ready                     +-- MPSC queue +
 *             Readiness (selector, run queue)               |
 *                  |                                        |
 *                  +--------&gt; Outcomes --&gt; dispatcher &lt;-----+
 * </pre>
 *
 * <p>{@link io.gyre.nio.NioDriver#turn} is where everything happens, on the loop's thread: it selects once, and lets
 * each channel that can go on take one step at a time, so that a busy one does not starve the rest. Nothing is resolved
 * anywhere else. Other threads meet the loop in three places only, all of them queues: results of file work, receive
 * buffers that are given back, and {@link io.gyre.nio.Waker}.
 *
 * <p>NIO reports failures as exceptions, io_uring as errno. {@link io.gyre.nio.Errnos} turns the one into the other, so
 * that {@link io.gyre.driver.Errors} words them the same on both drivers.
 */
package io.gyre.nio;
