package io.gyre.uring;

import io.gyre.bindings.Libc;
import io.gyre.driver.MovingSocket;

/**
 * A socket between two rings: its plain number, which is the process's and so the same on every thread.
 *
 * <p>Not by IORING_MSG_SEND_FD (kernel 6.0), which puts what is in one ring's table into another's, for what it would
 * save is not to be had: addresses and options are asked for by the number, so a socket has one anyhow; and to be sent it
 * would have to be in the accepting ring's table, into which it gets by a call that costs as much as the one that it saves,
 * to the other's. A direct accept, which puts it there without a call, gives no number. So a socket that is to move is not
 * in the accepting ring's table at all, and gets into its own by the one call that any other gets there by. What wakes the
 * other loop is a message of ring to ring all the same, where the kernel has that: see {@link RingMessages}.
 */
record MovingDescriptor(String subject, int fd, boolean lingers) implements MovingSocket {
  @Override
  public void close() {
    Libc.close(fd);
  }
}
