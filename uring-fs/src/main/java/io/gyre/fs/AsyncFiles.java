package io.gyre.fs;

import io.gyre.EventLoop;
import io.gyre.IoRuntime;
import io.gyre.driver.Descriptor;
import java.nio.file.Path;

/**
 * The file system by plain paths: {@link java.nio.file.Files} in the three styles of {@link PathOperations}, under the
 * names that it has there. Relative paths are relative to the working directory.
 */
public final class AsyncFiles extends PathOperations {
  private AsyncFiles(EventLoop loop) {
    super(loop);
  }

  /**
   * The file system, on one of a runtime's loops. Holds nothing, and so need not be kept or closed.
   *
   * @param runtime on whose {@link IoRuntime#loop()} operations will run
   * @return a new object
   */
  public static AsyncFiles of(IoRuntime runtime) {
    return new AsyncFiles(runtime.loop());
  }

  /**
   * The file system, on a chosen loop.
   *
   * @param loop on which operations will run
   * @return a new object
   */
  public static AsyncFiles of(EventLoop loop) {
    return new AsyncFiles(loop);
  }

  @Override
  Descriptor base() {
    return null;
  }

  @Override
  Path resolve(Path path) {
    return path;
  }

  @Override
  public String toString() {
    return "the file system on " + loop();
  }
}
