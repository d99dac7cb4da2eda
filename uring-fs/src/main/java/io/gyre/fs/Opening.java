package io.gyre.fs;

import io.gyre.EventLoop;
import io.gyre.driver.Completion;
import io.gyre.driver.OpCode;
import io.gyre.driver.OpenRequest;
import io.gyre.driver.Operation;
import java.nio.channels.CompletionHandler;
import java.nio.file.FileSystems;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Objects;
import java.util.Set;

/** An open under way, and whom to tell of it. */
record Opening<A>(
    EventLoop loop,
    OpenRequest request,
    A attachment,
    CompletionHandler<AsyncFile, ? super A> handler) {
  private static final Completion ON_OPEN = Opening::opened;

  static <A> void start(
      EventLoop loop,
      Path path,
      Set<? extends OpenOption> options,
      A attachment,
      CompletionHandler<AsyncFile, ? super A> handler,
      FileAttribute<?>... attributes) {
    Objects.requireNonNull(handler, "handler");
    checkOptions(options);
    if (!path.getFileSystem().equals(FileSystems.getDefault())) {
      throw new ProviderMismatchException("not a path of the default file system: " + path);
    }
    var request =
        new OpenRequest(path, Set.copyOf(options), permissions(attributes), OpenRequest.Kind.FILE);
    var opening = new Opening<A>(loop, request, attachment, handler);
    if (loop.inLoop()) {
      opening.submit();
    } else {
      loop.execute(opening::submit);
    }
  }

  private void submit() {
    var dispatcher = loop.dispatcher();
    dispatcher.submit(dispatcher.acquire(OpCode.OPEN, null, ON_OPEN, null, this).argument(request));
  }

  @SuppressWarnings("unchecked") // the attachment was made by start
  private static void opened(Operation operation, int result) {
    var opening = (Opening<Object>) operation.attachment();
    if (result < 0) {
      opening.handler.failed(operation.failure(result), opening.attachment);
    } else {
      var file = new OpenFile(opening.loop, operation.newDescriptor(), opening.request);
      opening.handler.completed(new AsyncFile(file), opening.attachment);
    }
  }

  static void checkOptions(Set<? extends OpenOption> options) {
    for (var option : options) {
      Objects.requireNonNull(option, "option");
      boolean supported =
          option instanceof StandardOpenOption
              || option instanceof LinkOption
              || option.equals(AsyncFile.DIRECT);
      if (!supported) {
        throw new UnsupportedOperationException("open option " + option + " is not supported");
      }
    }
    if (options.contains(StandardOpenOption.APPEND)) {
      if (options.contains(StandardOpenOption.READ)) {
        throw new IllegalArgumentException("READ and APPEND are not allowed together");
      }
      if (options.contains(StandardOpenOption.TRUNCATE_EXISTING)) {
        throw new IllegalArgumentException("APPEND and TRUNCATE_EXISTING are not allowed together");
      }
    }
  }

  /** The permissions among the attributes, or null. */
  @SuppressWarnings("unchecked") // the name says what the value is
  static Set<PosixFilePermission> permissions(FileAttribute<?>... attributes) {
    Set<PosixFilePermission> permissions = null;
    for (var attribute : attributes) {
      if (!attribute.name().equals("posix:permissions")) {
        throw new UnsupportedOperationException(
            "attribute " + attribute.name() + " can't be set when a file is created");
      }
      permissions = (Set<PosixFilePermission>) attribute.value();
    }
    return permissions;
  }
}
