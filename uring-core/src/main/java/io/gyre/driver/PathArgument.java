package io.gyre.driver;

import java.nio.file.Path;

/** An operation's argument that names a path, which is then what messages name. */
public interface PathArgument {
  /**
   * The path.
   *
   * @return absolute, or relative to the operation's descriptor or to the working directory; null when the argument is
   *     for the descriptor itself
   */
  Path path();
}
