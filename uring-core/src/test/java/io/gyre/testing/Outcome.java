package io.gyre.testing;

/**
 * How an operation ended.
 *
 * @param attachment what was given along
 * @param result its result; meaningless when it failed
 * @param cause why it failed, or null
 * @param thread who called the handler
 */
public record Outcome<A>(A attachment, int result, Throwable cause, Thread thread) {
  /** Whether it succeeded. */
  public boolean succeeded() {
    return cause == null;
  }
}
