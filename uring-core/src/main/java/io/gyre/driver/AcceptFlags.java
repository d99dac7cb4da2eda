package io.gyre.driver;

/** Of {@link OpCode#ACCEPT} and {@link OpCode#ACCEPT_MULTISHOT}: what becomes of what is accepted. */
public final class AcceptFlags {
  /** It is {@linkplain Driver#detach detached} at once: a driver need not make it ready for operations. */
  public static final int TO_MOVE = 1;

  private AcceptFlags() {}
}
