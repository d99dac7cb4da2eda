package io.gyre.driver;

import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Set;

/**
 * What {@link OpCode#OPEN} opens.
 *
 * @param path the file
 * @param options how, in the terms of {@link java.nio.channels.FileChannel#open(Path, Set,
 *     java.nio.file.attribute.FileAttribute[])}, already checked to make sense together
 */
public record OpenRequest(Path path, Set<OpenOption> options) {
  /**
   * The JDK's option for O_DIRECT, {@code com.sun.nio.file.ExtendedOpenOption.DIRECT}. Found by name, since javac warns
   * of any mention of that class; null on a JDK without it.
   */
  public static final OpenOption DIRECT = findDirect();

  private static OpenOption findDirect() {
    try {
      for (Object o : Class.forName("com.sun.nio.file.ExtendedOpenOption").getEnumConstants()) {
        if (o.toString().equals("DIRECT")) {
          return (OpenOption) o;
        }
      }
    } catch (ClassNotFoundException e) {
      // the module jdk.unsupported is not there
    }
    return null;
  }

  /**
   * Whether the page cache is to be bypassed.
   *
   * @return true with {@link #DIRECT}
   */
  public boolean isDirect() {
    return DIRECT != null && options.contains(DIRECT);
  }

  /** Refuses nulls and takes a copy of the options. */
  public OpenRequest {
    Objects.requireNonNull(path, "path");
    options = Set.copyOf(options);
  }
}
