package io.gyre.driver;

import io.gyre.BufferPool;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketOption;

/**
 * What carries out operations for one loop: io_uring, or NIO. Confined to the loop's thread, but for {@link #wakeUp()},
 * {@link #capabilities()} and {@link #counters()}.
 *
 * <p>The contract, which one suite holds every driver to:
 *
 * <ul>
 *   <li>Each submitted operation is given to {@link OperationDispatcher#resolve} exactly once without {@link
 *       Operation#hasMore()}, and never from inside {@link #submit}.
 *   <li>Until then the driver may touch the operation's memory; after that it may not.
 *   <li>Operations that need room which is not there wait, in order; they are not refused.
 *   <li>It tells the {@link LoopTelemetry} when it begins and ends to wait, so that a loop that waits is not taken for
 *       one that is stuck.
 * </ul>
 */
public interface Driver {
  /**
   * Takes an operation. It is started now or at the next turn.
   *
   * @param operation a slot of the dispatcher's table
   */
  void submit(Operation operation);

  /**
   * Takes a chain of {@link OpCode#RAW} operations, of which each begins when the one before it has succeeded. By default
   * each is submitted by itself, which is for drivers that fail such operations.
   *
   * @param first of the chain, linked by {@link Operation#behind()}
   */
  default void submitChain(Operation first) {
    for (var operation = first; operation != null; ) {
      var following = operation.behind();
      operation.setBehind(null);
      submit(operation);
      operation = following;
    }
  }

  /**
   * Asks that one operation be cancelled. It resolves with {@link Errno#ECANCELED}, or as it would have.
   *
   * @param operation a live operation that was submitted
   */
  void cancel(Operation operation);

  /**
   * Asks that everything in flight on a descriptor be cancelled. What races with this is delivered as it happened.
   *
   * @param descriptor whose operations to cancel
   */
  void cancelAll(Descriptor descriptor);

  /** Asks that everything in flight be cancelled: shutdown. */
  void cancelAll();

  /**
   * One turn: starts what was submitted, waits for an outcome if asked to, and resolves what is there.
   *
   * <p>A driver that is about to wait {@linkplain SleepFlag#beginSleep() says so}, as late as it can, since from then on
   * others send wake-ups; then it looks at what threads of its own may have left, waits, and {@linkplain
   * SleepFlag#endSleep() says that it is back} before it resolves anything.
   *
   * @param timeoutNanos how long to wait at most when nothing is ready; 0 not at all, negative without limit
   * @param budget how many outcomes to resolve at most
   * @return how many were resolved
   * @throws IOException when the driver cannot go on: the loop stops and fails every waiter
   */
  int turn(long timeoutNanos, int budget) throws IOException;

  /**
   * Whether a turn would find something to do, for a loop that spins: looks, and does not wait. No system call where there
   * is another way.
   *
   * @return true when {@link #turn} is to be called; after one that resolved nothing, and with nothing new, mostly false
   * @throws IOException when the driver cannot go on
   */
  boolean poll() throws IOException;

  /**
   * Ends the wait of a turn that is under way, or the next one's. Any thread may call it; to do so once a sleep at most,
   * only who has {@linkplain SleepFlag#claimWakeUp() claimed} the wake-up.
   */
  void wakeUp();

  /**
   * Ends the wait as {@link #wakeUp()} does, in a way that only another loop has.
   *
   * @param caller the driver of the loop that calls this, which is on its thread
   * @return false when there is none: then it is to be done by {@link #wakeUp()}
   */
  default boolean wakeUpByMessage(Driver caller) {
    return false;
  }

  /**
   * Makes memory known to the driver, so that operations on it may take a quicker form.
   *
   * @param pool the loop's pool
   */
  void register(BufferPool pool);

  /**
   * Opens a listening socket. Does not block.
   *
   * @param request where, and how
   * @return the socket
   * @throws IOException as {@link Errors} names it, for instance a {@link java.net.BindException}
   * @throws UnsupportedOperationException for an option that the driver does not know
   */
  Descriptor listen(ListenRequest request) throws IOException;

  /**
   * Takes a socket out of this driver, without closing it, so that another loop's can {@linkplain #attach take it in}.
   *
   * @param socket an open socket on which nothing was started yet, such as one just accepted; from now on it is none of
   *     this driver's
   * @return what to give to the other driver, or to close
   * @throws UnsupportedOperationException where the driver has no sockets
   */
  default MovingSocket detach(Descriptor socket) {
    throw new UnsupportedOperationException("moving sockets from loop to loop");
  }

  /**
   * Takes a socket in that another loop's driver of the same kind has {@linkplain #detach let go}.
   *
   * @param socket what that driver has given
   * @return the socket, of this driver
   * @throws IllegalArgumentException for a socket of another kind of driver
   */
  default Descriptor attach(MovingSocket socket) {
    throw new UnsupportedOperationException("moving sockets from loop to loop");
  }

  /**
   * Opens a socket to be connected with {@link OpCode#CONNECT}. Does not block.
   *
   * @param remote where it will connect to, which tells the address family
   * @return the socket
   * @throws IOException as {@link Errors} names it
   */
  Descriptor socket(InetSocketAddress remote) throws IOException;

  /**
   * The address that a socket is bound to.
   *
   * @param socket an open socket
   * @return its address
   * @throws IOException when the system does not tell
   */
  InetSocketAddress localAddress(Descriptor socket) throws IOException;

  /**
   * The address that a socket is connected to.
   *
   * @param socket an open socket
   * @return the peer's address
   * @throws IOException when the system does not tell
   */
  InetSocketAddress remoteAddress(Descriptor socket) throws IOException;

  /**
   * Binds a socket that is to be connected to an address of this machine. Does not block.
   *
   * @param socket from {@link #socket}
   * @param local of the same family; port 0 lets the system choose, at the latest when it connects
   * @throws IOException as {@link Errors} names it, for instance a {@link java.net.BindException}
   */
  void bind(Descriptor socket, InetSocketAddress local) throws IOException;

  /**
   * Sets a socket option: one of {@link Descriptor#supportedOptions()}.
   *
   * @param socket an open socket
   * @param option which
   * @param value its value, which {@link SocketOptions#check} has passed
   * @param <T> the value's type
   * @throws IOException when the system refuses
   * @throws UnsupportedOperationException for an option that the driver does not know
   */
  <T> void setOption(Descriptor socket, SocketOption<T> option, T value) throws IOException;

  /**
   * Datagram sockets: what is done to them at once.
   *
   * @return the driver's own, always the same
   * @throws UnsupportedOperationException when the driver has none
   */
  default DatagramSockets datagrams() {
    throw new UnsupportedOperationException("the driver has no datagram sockets");
  }

  /**
   * Reads a socket option: one of {@link Descriptor#supportedOptions()}.
   *
   * @param socket an open socket
   * @param option which
   * @param <T> the value's type
   * @return its value, as the system has it
   * @throws IOException when the system does not tell
   * @throws UnsupportedOperationException for an option that the driver does not know
   */
  <T> T getOption(Descriptor socket, SocketOption<T> option) throws IOException;

  /**
   * What was found when this driver was opened.
   *
   * @return its capabilities
   */
  Capabilities capabilities();

  /**
   * Counters since the driver was opened: those of the {@linkplain OperationDispatcher#telemetry() loop's telemetry}.
   * Written by the loop, readable from any thread, each by itself up to date.
   *
   * @return the live counters
   */
  DriverCounters counters();

  /**
   * Gives everything back to the system.
   *
   * @param drained whether nothing is in flight any more; if not, memory that the kernel may still write to is leaked
   *     on purpose
   */
  void close(boolean drained);
}
