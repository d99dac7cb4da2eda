package io.gyre.nio;

/**
 * What the sockets of a driver share.
 *
 * @param readiness who can go on
 * @param outcomes the way out
 * @param buffers what multishot receives fill
 * @param views of the memory of operations
 */
record DriverParts(Readiness readiness, Outcomes outcomes, ReceiveBuffers buffers, Views views) {}
