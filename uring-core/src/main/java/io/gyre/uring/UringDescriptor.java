package io.gyre.uring;

import io.gyre.bindings.Liburing;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Operation;

/** A file or socket of the ring: its number, and its place in the ring's file table if it has one. */
final class UringDescriptor extends Descriptor {
  static final int NOT_FIXED = -1;

  final int fd;
  final int fixedIndex;

  // How an entry names it: by its place in the table, or by its number.
  final int sqeFd;
  final int sqeFlags;

  // Sends go out one at a time, since two in flight on one socket may overtake each other. Each
  // waits behind the one before it. These are the one under way and the last, or null when there is
  // none.
  Operation firstSend;
  Operation lastSend;

  // From the moment that its close is on the way the number may be somebody else's.
  boolean closeBegun;

  UringDescriptor(String subject, int fd, int fixedIndex) {
    super(subject);
    this.fd = fd;
    this.fixedIndex = fixedIndex;
    this.sqeFd = fixedIndex == NOT_FIXED ? fd : fixedIndex;
    this.sqeFlags = fixedIndex == NOT_FIXED ? 0 : Liburing.IOSQE_FIXED_FILE();
  }
}
