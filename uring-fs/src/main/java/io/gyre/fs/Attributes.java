package io.gyre.fs;

import io.gyre.driver.FutureHandler;
import io.gyre.driver.IoFuture;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.util.concurrent.CompletableFuture;

/** Changes attributes of an open file, whatever its name leads to. */
final class Attributes {
  private Attributes() {}

  /** Any thread. */
  static CompletableFuture<Void> change(AsyncFile file, AttributeChange change) {
    return IoFuture.start(file.loop(), future -> submit(file, change, future));
  }

  private static void submit(AsyncFile file, AttributeChange change, IoFuture<Void> future) {
    var loop = file.loop();
    if (!loop.inLoop()) {
      loop.execute(() -> submit(file, change, future));
      return;
    }
    var dispatcher = loop.dispatcher();
    dispatcher.submit(
        dispatcher
            .acquire(
                OpCode.SET_ATTRIBUTES,
                file.descriptor(),
                Operation.NOTIFY,
                FutureHandler.VOID,
                future)
            .argument(change.request(null)));
  }
}
