package io.gyre.driver;

import io.gyre.EventLoop;

/**
 * What operations are started in: told of each that begins and ends, so that it can cancel them. Bound to a thread for
 * the duration of a call, from where {@link EventLoop#execute} carries it over to the loop. Operations that a handler
 * starts are in no scope but their own.
 *
 * <p>For those who build on the SPI; users hold a {@link io.gyre.CancelScope}, or a future.
 */
public interface OperationScope {
  /**
   * Asked before an operation begins, on the loop's thread.
   *
   * @param operation not submitted yet
   * @return what it is to fail with, because the scope has ended; null to let it begin
   */
  Throwable refusal(Operation operation);

  /**
   * Whether an operation that begins now might be refused. Any thread: asked by those who could do without an operation,
   * but not without the scope's consent.
   *
   * @return false only if it would not be refused at this moment
   */
  default boolean mayRefuse() {
    return true;
  }

  /**
   * An operation begins. Called on the loop's thread.
   *
   * @param operation live until {@link #ended}
   */
  void began(Operation operation);

  /**
   * An operation has come to its end and is about to be completed. Called on the loop's thread.
   *
   * @param operation whose {@linkplain Operation#setFailure failure} may be set
   * @param result its result
   */
  void ended(Operation operation, int result);

  /**
   * The scope of the calling thread.
   *
   * @return the innermost, or null
   */
  static OperationScope current() {
    var loop = EventLoop.current();
    if (loop != null) {
      return loop.dispatcher().scope();
    }
    return Bound.SCOPE.isBound() ? Bound.SCOPE.get() : null;
  }

  /**
   * Runs something in a scope, inside of the one that the calling thread is in already.
   *
   * @param scope the scope
   * @param task what to run
   * @param <T> the result's type
   * @param <X> what the task may throw
   * @return the task's result
   * @throws X what the task throws
   */
  static <T, X extends Throwable> T call(
      OperationScope scope, ScopedValue.CallableOp<? extends T, X> task) throws X {
    var outer = current();
    var bound = outer == null ? scope : new Nested(scope, outer);
    var loop = EventLoop.current();
    if (loop == null) {
      return ScopedValue.where(Bound.SCOPE, bound).<T, X>call(task);
    }
    var dispatcher = loop.dispatcher();
    dispatcher.setScope(bound);
    try {
      return task.call();
    } finally {
      dispatcher.setScope(outer);
    }
  }

  /** The binding of threads that are no loop's; those have theirs in the dispatcher, where it costs less. */
  final class Bound {
    private static final ScopedValue<OperationScope> SCOPE = ScopedValue.newInstance();

    private Bound() {}
  }

  /**
   * A scope within a scope: whichever ends first cancels.
   *
   * @param inner the nearer one
   * @param outer the farther one
   */
  record Nested(OperationScope inner, OperationScope outer) implements OperationScope {
    @Override
    public Throwable refusal(Operation operation) {
      var refusal = inner.refusal(operation);
      return refusal != null ? refusal : outer.refusal(operation);
    }

    @Override
    public boolean mayRefuse() {
      return inner.mayRefuse() || outer.mayRefuse();
    }

    @Override
    public void began(Operation operation) {
      inner.began(operation);
      outer.began(operation);
    }

    @Override
    public void ended(Operation operation, int result) {
      inner.ended(operation, result);
      outer.ended(operation, result);
    }
  }
}
