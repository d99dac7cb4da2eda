/**
 * The seam between what users hold and what does the work: for those who write drivers, or new kinds of files and
 * sockets. Users need nothing of this.
 *
 * <p>{@code AsyncFile} and its like take an {@link io.gyre.driver.Operation} from the loop's {@link
 * io.gyre.driver.OperationDispatcher}, fill it in and submit it. The {@link io.gyre.driver.Driver} carries it out and
 * resolves it at a later {@linkplain io.gyre.driver.Driver#turn turn}; the dispatcher then calls the operation's {@link
 * io.gyre.driver.Completion}, which calls the user's handler. All of this is confined to the loop's thread.
 *
 * <p>Drivers are found by {@link java.util.ServiceLoader} as {@link io.gyre.driver.DriverProvider}s.
 */
package io.gyre.driver;
