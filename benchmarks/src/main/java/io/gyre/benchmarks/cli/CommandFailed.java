package io.gyre.benchmarks.cli;

/** The work could not be done, for a reason that the message says in whole: no cause, no stack trace needed. */
final class CommandFailed extends RuntimeException {
  private static final long serialVersionUID = 1L;

  CommandFailed(String message) {
    super(message);
  }
}
