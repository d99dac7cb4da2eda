package io.gyre.driver;

import java.nio.channels.OverlappingFileLockException;
import java.util.ArrayList;
import java.util.List;

/**
 * The ranges of a file that one descriptor holds locks on, or is about to. The kernel would turn a second lock of a range
 * into a change of the first, which then nobody holds twice; as java.nio does, this is refused. Any thread.
 *
 * @param <L> what the driver keeps for each
 */
public final class HeldLocks<L> {
  private final List<Held<L>> held = new ArrayList<>(); // guarded by this

  private static final class Held<L> {
    final long position;
    final long length;
    L lock;

    Held(long position, long length) {
      this.position = position;
      this.length = length;
    }

    boolean is(long otherPosition, long otherLength) {
      return position == otherPosition && length == otherLength;
    }

    boolean overlaps(long otherPosition, long otherLength) {
      return position - otherPosition < otherLength && otherPosition - position < length;
    }
  }

  /** Makes an empty one. */
  public HeldLocks() {}

  /**
   * Marks a range.
   *
   * @param position where it begins
   * @param length how long it is, more than 0
   * @throws OverlappingFileLockException when a part of it is held
   */
  public synchronized void reserve(long position, long length) {
    for (var other : held) {
      if (other.overlaps(position, length)) {
        throw new OverlappingFileLockException();
      }
    }
    held.add(new Held<>(position, length));
  }

  /**
   * Keeps what the driver has for a range that was reserved.
   *
   * @param position where it begins
   * @param length how long it is
   * @param lock what to keep
   */
  public synchronized void locked(long position, long length, L lock) {
    for (var own : held) {
      if (own.is(position, length)) {
        own.lock = lock;
      }
    }
  }

  /**
   * Finds what is kept for a range, which stays held: to end a lock before anybody else can take its range.
   *
   * @param position where it begins
   * @param length how long it is
   * @return what was kept for it, or null
   * @throws IllegalStateException when exactly this range is not held
   */
  public synchronized L find(long position, long length) {
    return held.get(indexOf(position, length)).lock;
  }

  /**
   * Forgets a range.
   *
   * @param position where it begins
   * @param length how long it is
   * @return what was kept for it, or null
   * @throws IllegalStateException when exactly this range is not held
   */
  public synchronized L release(long position, long length) {
    return held.remove(indexOf(position, length)).lock;
  }

  private int indexOf(long position, long length) {
    for (int i = 0; i < held.size(); i++) {
      if (held.get(i).is(position, length)) {
        return i;
      }
    }
    throw new IllegalStateException("no lock is held on " + length + " bytes at " + position);
  }
}
