package io.gyre.driver;

/** Of {@link OpCode#SEND}: how to send. */
public final class SendFlags {
  /**
   * From the operation's own memory, which the system then needs until the peer has acknowledged it: the operation resolves
   * when it does not any more. A driver that can't do that copies, which nobody notices.
   */
  public static final int ZERO_COPY = 1;

  private SendFlags() {}
}
