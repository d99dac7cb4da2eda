package io.gyre.driver;

import io.gyre.Buffer;
import io.gyre.BufferPool;
import io.gyre.LeaseTracker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteBuffer;

/**
 * What dispatchers and drivers may do with buffers and users may not: whoever lends or unpins a buffer decides when its
 * memory is used for something else. {@link Buffer} hands out the only instance, so that none of this is among its
 * public methods.
 */
public abstract class BufferAccess {
  // Written once, by the static initializer of Buffer, before anybody can have read it.
  private static BufferAccess instance;

  /** For {@link Buffer}. */
  protected BufferAccess() {}

  /**
   * The access; to be kept in a {@code static final} field, so that calls through it are inlined.
   *
   * @return the only instance
   */
  public static BufferAccess get() {
    try {
      MethodHandles.lookup().ensureInitialized(Buffer.class);
    } catch (IllegalAccessException e) {
      throw new LinkageError("Buffer is public", e);
    }
    return instance;
  }

  /**
   * For {@link Buffer}, once.
   *
   * @param access the instance
   */
  protected static void provide(BufferAccess access) {
    if (instance != null) {
      throw new IllegalStateException("the access to buffers was provided before");
    }
    instance = access;
  }

  /**
   * Makes a buffer that is not lent.
   *
   * @param owner takes it back
   * @param memory native memory that is never freed while the buffer or a view of it is reachable; never that of an
   *     arena that somebody can close
   * @param id the owner's number for it
   * @return a buffer at home
   */
  public abstract Buffer create(Buffer.Owner owner, MemorySegment memory, int id);

  /**
   * Lends a buffer that is at home.
   *
   * @param home one of the caller's own
   * @param tracker decides whether this lease is watched
   * @param receiver the operation that the buffer was received for, for messages
   * @return what to give to the user: the buffer, or a handle of its own over the same memory
   * @throws IllegalStateException when it is lent, or an operation on it is under way
   */
  public abstract Buffer lend(Buffer home, LeaseTracker tracker, Operation receiver);

  /**
   * An operation begins: keeps the buffer from going home.
   *
   * @param buffer what it works on
   * @return the generation, to be given to {@link #unpin}
   * @throws IllegalStateException when the buffer was released
   */
  public abstract int pin(Buffer buffer);

  /**
   * An operation has ended.
   *
   * @param buffer what it worked on
   * @param generation what {@link #pin} returned
   * @throws IllegalStateException when there is no such pin; the buffer is untouched then
   */
  public abstract void unpin(Buffer buffer, int generation);

  /**
   * The content, lent or not.
   *
   * @param buffer any
   * @return its view
   */
  public abstract ByteBuffer view(Buffer buffer);

  /**
   * All memory of a pool, to be registered with the kernel.
   *
   * @param pool the loop's
   * @return native memory that stays valid while it is reachable
   */
  public abstract MemorySegment memory(BufferPool pool);

  /**
   * Who owns the buffers of a pool.
   *
   * @param pool the loop's
   * @return for {@link Buffer#isOwnedBy}
   */
  public abstract Buffer.Owner owner(BufferPool pool);

  /**
   * Who watches the leases of a pool, and is to watch those of its loop's driver.
   *
   * @param pool the loop's
   * @return the tracker
   */
  public abstract LeaseTracker tracker(BufferPool pool);
}
