/**
 * The io_uring driver. Not exported: {@link java.util.ServiceLoader} finds it.
 *
 * <p>Start at {@link io.gyre.uring.UringDriver}, which turns operations into submission queue entries and completion
 * queue entries into outcomes. {@link io.gyre.uring.Ring} is the pair of queues that is shared with the kernel; who
 * writes what, and with which memory order, is written there. {@link io.gyre.uring.BufferRing} lends the kernel buffers
 * to receive into. {@link io.gyre.uring.Syscalls} is what is done at once and without the ring.
 *
 * <p>{@link io.gyre.uring.KernelFeature} names what a kernel may have or lack, {@link io.gyre.uring.SelfTests} tries it,
 * and {@link io.gyre.uring.CapabilityReport} says what the driver may use and what it does.
 *
 * <p>Everything here is confined to one loop's thread, but for {@link io.gyre.uring.WakeUp}, {@code BufferRing.recycle},
 * and what {@link io.gyre.driver.Driver} says any thread may call.
 */
package io.gyre.uring;
