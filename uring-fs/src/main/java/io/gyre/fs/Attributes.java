package io.gyre.fs;

import io.gyre.IoHandler;
import io.gyre.driver.AttributeRequest;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.util.Objects;

/** Changes attributes of an open file, whatever its name leads to. */
final class Attributes {
  private Attributes() {}

  static void change(
      OpenFile file, AttributeChange change, Object attachment, IoHandler<?> handler) {
    Objects.requireNonNull(handler, "handler");
    start(file, change.request(null), attachment, handler);
  }

  private static void start(
      OpenFile file, AttributeRequest request, Object attachment, IoHandler<?> handler) {
    if (file.loop.inLoop()) {
      file.submit(
          file.operation(OpCode.SET_ATTRIBUTES, Operation.NOTIFY, handler, attachment)
              .argument(request));
    } else {
      file.loop.execute(() -> start(file, request, attachment, handler));
    }
  }
}
