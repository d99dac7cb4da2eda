package io.gyre.benchmarks.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/** Says in one line what went wrong. */
final class Failures {
  private Failures() {}

  static String describe(Throwable failure) {
    return switch (failure) {
      case CompletionException e when e.getCause() != null -> describe(e.getCause());
      case ExecutionException e when e.getCause() != null -> describe(e.getCause());
      case CommandFailed e -> oneLine(e.getMessage());
      case FileSystemException e -> oneLine(e.getFile() + ": " + reason(e));
      case IOException e when e.getMessage() != null -> oneLine(e.getMessage());
      case IllegalArgumentException e when e.getMessage() != null -> oneLine(e.getMessage());
      default -> oneLine(failure.toString()); // its class is part of what it says
    };
  }

  /** What is behind the wrappings of futures. */
  static Throwable unwrap(Throwable failure) {
    return failure instanceof CompletionException && failure.getCause() != null
        ? unwrap(failure.getCause())
        : failure;
  }

  /** What is wrong with the file, without its name. */
  static String reason(FileSystemException failure) {
    return switch (failure) {
      case NoSuchFileException e -> "no such file";
      case AccessDeniedException e -> "permission denied";
      default ->
          failure.getReason() == null ? failure.getClass().getSimpleName() : failure.getReason();
    };
  }

  static String oneLine(String text) {
    return text == null ? "" : text.strip().replaceAll("\\s*\\R\\s*", "; ");
  }
}
