package io.gyre.driver;

import java.util.ArrayList;
import java.util.List;

/**
 * An open file or socket as a driver knows it. Confined to its loop's thread, but for {@link #subject()}.
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

  private final String subject;
  State state = State.OPEN;
  int inFlight;
  Operation closeWhenIdle;
  Operation alsoClosing; // those who asked for the close again, linked
  private Runnable onClosing;
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
   * Sets what runs when a close is asked for, by a user or by the end of the loop: for those who have nothing in flight
   * that would tell them.
   *
   * @param action called once on the loop's thread, when new operations already fail; null for nothing
   */
  public final void onClosing(Runnable action) {
    this.onClosing = action;
  }

  /**
   * Adds to what runs when a close is asked for, as {@link #onClosing} sets it: for those who share the descriptor with
   * others of their kind.
   *
   * @param action called once on the loop's thread, when new operations already fail; must not throw
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
    var action = onClosing;
    if (action != null) {
      onClosing = null;
      action.run();
    }
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
   * Whether any operation on it has not ended.
   *
   * @return true if so
   */
  public final boolean isInUse() {
    return inFlight > 0;
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
