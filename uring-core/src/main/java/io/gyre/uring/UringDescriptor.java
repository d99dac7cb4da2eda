package io.gyre.uring;

import io.gyre.bindings.Libc;
import io.gyre.bindings.Liburing;
import io.gyre.driver.DatagramSockets;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Errno;
import io.gyre.driver.HeldLocks;
import io.gyre.driver.Operation;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.util.Set;

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

  /** Whether it was opened with O_DIRECT. */
  boolean direct;

  // Where the file system or the kind of file can't tell what is there: no more tries.
  private volatile boolean neverNow;

  private HeldLocks<Void> locks;

  // Of multishot receives, see ResetGuards: the token of the latest, stale once that has ended; the
  // poll beside them, or null; and what came of that. A broken socket is in error or hung up.
  long receiveToken = UringDriver.WAKE; // nobody's
  Operation guard;
  boolean guardHasFired;
  boolean isBroken;

  /** What only datagram sockets have; null for others. */
  DatagramState datagrams;

  // Whether its close waits for the peer, SO_LINGER: then it is done on a thread that may.
  boolean lingers;

  // From the moment that its close is on the way the number may be somebody else's.
  boolean closeBegun;

  UringDescriptor(String subject, int fd, int fixedIndex) {
    super(subject);
    this.fd = fd;
    this.fixedIndex = fixedIndex;
    this.sqeFd = fixedIndex == NOT_FIXED ? fd : fixedIndex;
    this.sqeFlags = fixedIndex == NOT_FIXED ? 0 : Liburing.IOSQE_FIXED_FILE();
  }

  @Override
  protected String directAlignment() {
    return direct ? KernelPaths.directAlignment(fd) : null;
  }

  /** A stream's, or a listener's, unless it is known for a datagram socket: there is no asking the kernel on any thread. */
  @Override
  public Set<SocketOption<?>> supportedOptions() {
    return datagrams == null ? OptionTable.options() : DatagramSockets.OPTIONS;
  }

  @Override
  public boolean isStream() {
    try (var calls = new FileCalls()) { // which does not block: it moves nothing
      return calls.lseek(fd, 0, Libc.SEEK_CUR()) == -Errno.ESPIPE.number();
    }
  }

  /** With O_DIRECT nothing is there: the kernel would wait for the device all the same. */
  @Override
  public int readNow(ByteBuffer dst, long position) {
    if (direct || neverNow) {
      return NOT_NOW;
    }
    int result = NowaitRead.read(fd, dst, position);
    if (result >= 0) {
      return result;
    }
    neverNow = !NowaitRead.isWorthAnotherTry(result);
    return NOT_NOW;
  }

  /** The locks that it holds. Any thread; few descriptors have any. */
  synchronized HeldLocks<Void> locks() {
    if (locks == null) {
      locks = new HeldLocks<>();
    }
    return locks;
  }

  /** Whether a send may go out now; else it goes when the one before it has. */
  boolean takesTurn(Operation send) {
    var last = lastSend;
    lastSend = send;
    if (last == null) {
      firstSend = send;
      return true;
    }
    last.setBehind(send);
    return false;
  }

  /** Takes a send that waits for its turn out of the line; false if it is not there. */
  @SuppressWarnings("ReferenceEquality") // this very operation
  boolean leavesLine(Operation send) {
    for (var o = firstSend; o != null; o = o.behind()) {
      if (o.behind() == send) {
        o.setBehind(send.behind());
        send.setBehind(null);
        if (lastSend == send) {
          lastSend = o;
        }
        return true;
      }
    }
    return false;
  }

  /** Takes all sends that wait for their turn out of the line. */
  void dissolveLine(OperationList ended) {
    var first = firstSend;
    if (first == null) {
      return;
    }
    for (var send = first.behind(); send != null; ) {
      var following = send.behind();
      send.setBehind(null);
      ended.add(send);
      send = following;
    }
    first.setBehind(null);
    lastSend = first;
  }
}
