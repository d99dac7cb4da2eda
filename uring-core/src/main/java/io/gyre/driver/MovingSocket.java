package io.gyre.driver;

/**
 * A socket on its way from one loop to another: {@linkplain Driver#detach taken out} of the one's driver, and not yet
 * {@linkplain Driver#attach taken in} by the other's. Whoever holds it has to bring it there, or to close it. Passed from
 * thread to thread as any object is, by what orders the one's writes before the other's reads: a loop's inbox does.
 */
public interface MovingSocket {
  /**
   * What error messages name.
   *
   * @return the address
   */
  String subject();

  /** Closes it: nobody takes it in. Once only, and not after it was taken in. Any thread; does not block. */
  void close();
}
