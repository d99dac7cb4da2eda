/**
 * What every module's tests share: the driver configurations that the contract suite runs on, and
 * the oracle that says after each test that nothing is left behind. A test takes a {@link
 * io.gyre.testing.TestRuntime} and is marked {@link io.gyre.testing.DriverTest}; it then runs once
 * on each driver that is on the class path, on io_uring also with rings so small that everything
 * has to queue.
 */
package io.gyre.testing;
