package io.gyre.nio;

import io.gyre.driver.Descriptor;
import java.io.IOException;

/** A descriptor that is a channel. */
abstract class NioDescriptor extends Descriptor {
  NioDescriptor(String subject) {
    super(subject);
  }

  /** Closes the channel. A second time does nothing. */
  abstract void close() throws IOException;
}
