package io.gyre.fs;

import io.gyre.driver.FutureHandler;
import io.gyre.driver.IoFuture;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.util.concurrent.CompletableFuture;

/** Changes attributes of an open file, whatever its name leads to. */
final class Attributes {
  private Attributes() {}

  /** The loop's thread only. */
  static CompletableFuture<Void> change(AsyncFile file, AttributeChange change) {
    var dispatcher = file.loop().dispatcher();
    return IoFuture.start(
        file.loop(),
        future ->
            dispatcher.submit(
                dispatcher
                    .acquire(
                        OpCode.SET_ATTRIBUTES,
                        file.descriptor(),
                        Operation.NOTIFY,
                        FutureHandler.VOID,
                        future)
                    .argument(change.request(null))));
  }
}
