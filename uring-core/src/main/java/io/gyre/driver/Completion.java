package io.gyre.driver;

/**
 * Takes the outcome of an {@link Operation}, on the loop's thread: the seam between the dispatcher and what {@code
 * AsyncFile}, {@code TcpStream} and their like make of a result. Implementations are stateless singletons; what belongs
 * to one operation is in its slot.
 */
@FunctionalInterface
public interface Completion {
  /**
   * Called once for each outcome. The slot goes back to the table when this returns, unless {@link Operation#hasMore()}.
   *
   * @param operation the slot, readable until this method returns
   * @param result what the operation returned; negative for a failure, whose cause {@link Operation#failure(int)} makes
   */
  void complete(Operation operation, int result);
}
