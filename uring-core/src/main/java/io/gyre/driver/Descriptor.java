package io.gyre.driver;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * An open file or socket as a driver knows it. Confined to its loop's thread, but for {@link #subject()}, {@link
 * #isOpen()}, {@link #supportedOptions()} and for {@link #readNow}, between {@link #beginUse()} and {@link #endUse()}.
 *
 * <p>The dispatcher counts what is in flight on it, and closes it only when that count is zero: io_uring's close does
 * not cancel what is pending, and a number that is closed early is soon somebody else's file.
 */
public abstract class Descriptor {
  /** Life of a descriptor: open, then closing (nothing new is taken), then closed. */
  enum State {
    OPEN,
    CLOSING,
    CLOSED
  }

  /** What {@link #readNow} answers when it would have to wait, or can't tell. */
  public static final int NOT_NOW = -1;

  private static final VarHandle USES;
  private static final int NO_MORE_USES = Integer.MIN_VALUE;

  static {
    try {
      USES = MethodHandles.lookup().findVarHandle(Descriptor.class, "uses", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  // How many other threads are using it at this moment; with the sign bit set, no more may begin.
  // All changes are read-modify-writes of this one word, and so in one order: a use that counted
  // itself before the bit was set holds the close up until it has counted itself out, and then
  // tells the loop; one that comes later sees the bit.
  private volatile int uses;

  private final String subject;
  State state = State.OPEN;
  int inFlight;
  int parked; // of those in flight: see OperationDispatcher.park
  Operation closeWhenIdle;
  Operation alsoClosing; // those who asked for the close again, linked
  private List<Runnable> watchers = List.of(); // a list of its own from the first one on

  // All open descriptors of a loop, so that shutdown finds them.
  Descriptor preceding;
  Descriptor following;

  /**
   * Makes an open descriptor.
   *
   * @param subject the path or the address, for error messages
   */
  protected Descriptor(String subject) {
    this.subject = subject;
  }

  /**
   * What error messages name.
   *
   * @return the path or the address
   */
  public final String subject() {
    return subject;
  }

  /**
   * Another thread than the loop's is about to use this by itself, for so short a time that a close can wait for it. Any
   * thread.
   *
   * @return whether it may, until {@link #endUse()}; false when it is being closed
   */
  public final boolean beginUse() {
    int seen;
    do {
      seen = uses;
      if (seen < 0) {
        return false;
      }
    } while (!USES.compareAndSet(this, seen, seen + 1));
    return true;
  }

  /**
   * The thread that began has used it. Any thread.
   *
   * @return whether a close waits for just that: then {@link OperationDispatcher#usesEnded} is to be called on the loop
   */
  public final boolean endUse() {
    return (int) USES.getAndAdd(this, -1) == NO_MORE_USES + 1;
  }

  /** Whether a close has to wait for a thread that has begun before it. */
  final boolean isUsedByOthers() {
    return (uses & ~NO_MORE_USES) != 0;
  }

  /**
   * Reads what is there, without waiting for a device: what is short may be so because the rest is not there. Called by
   * any thread that {@linkplain #beginUse() uses} this.
   *
   * @param dst what remains of it is filled, and its position moved
   * @param position where in the file
   * @return the number of bytes; 0 at the end of the file; {@link #NOT_NOW} when there is nothing to be had without
   *     waiting, or the driver has no means to tell: then it is to be read by an operation
   */
  public int readNow(ByteBuffer dst, long position) {
    return NOT_NOW;
  }

  /**
   * Adds to what runs when a close is asked for, by a user or by the end of the loop: for those who have nothing in flight
   * that would tell them.
   *
   * @param action called once on the loop's thread, when new operations already fail; it keeps those behind it from being
   *     told if it throws
   */
  public final void watchClosing(Runnable action) {
    if (watchers.isEmpty()) {
      watchers = new ArrayList<>();
    }
    watchers.add(action);
  }

  /**
   * Takes back {@link #watchClosing}. Harmless when the action has run.
   *
   * @param action what was given there
   */
  public final void unwatchClosing(Runnable action) {
    if (!watchers.isEmpty()) {
      watchers.remove(action);
    }
  }

  final void beginClosing() {
    state = State.CLOSING;
    USES.getAndBitwiseOr(this, NO_MORE_USES);
    var told = watchers;
    watchers = List.of();
    told.forEach(Runnable::run);
  }

  /**
   * Whether a close was asked for, so that a driver fails what it still has queued for this descriptor.
   *
   * @return true from the moment that close was called
   */
  public final boolean isClosing() {
    return state != State.OPEN;
  }

  /**
   * Whether no close was asked for yet. Any thread.
   *
   * @return false from the moment on that it does not take operations any more
   */
  public final boolean isOpen() {
    return uses >= 0; // the sign bit is set as its state changes, and can be seen from anywhere
  }

  /**
   * Whether any operation on it has not ended.
   *
   * @return true if so
   */
  public final boolean isInUse() {
    return inFlight > 0;
  }

  /**
   * Whether it has no offsets: a pipe, a terminal and their like, whose two directions are independent. May be a call into
   * the kernel.
   *
   * @return true if so
   */
  public boolean isStream() {
    return false;
  }

  /**
   * The socket options that the driver can set or read. Any thread.
   *
   * @return never changed; empty for what is no socket
   */
  public Set<SocketOption<?>> supportedOptions() {
    return Set.of();
  }

  /**
   * What O_DIRECT demands of transfers, for messages. Asked for when one has failed only: it may be a call into the
   * kernel.
   *
   * @return a clause, or null where the cache is not bypassed or this can't be told
   */
  protected String directAlignment() {
    return null;
  }

  @Override
  public String toString() {
    return subject + " (" + state + ", " + inFlight + " in flight)";
  }
}
