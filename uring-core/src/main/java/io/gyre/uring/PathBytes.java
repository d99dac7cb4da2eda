package io.gyre.uring;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.URI;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/**
 * A path as the kernel takes it: its bytes, whatever encoding they are in, and a zero; and back. What a path's string says
 * may have lost bytes that the locale's encoding has no character for; its URI escapes each byte as it is.
 */
final class PathBytes {
  private static final Path ROOT = Path.of("/");

  /** Of names, which java.nio gives and takes by it; not that of what is in files. */
  private static final Charset ENCODING =
      Charset.forName(System.getProperty("sun.jnu.encoding"), StandardCharsets.UTF_8);

  private static final String FILE_SCHEME = "file:///";

  private PathBytes() {}

  static MemorySegment encode(Arena arena, Path path) {
    var bytes = bytes(path);
    var segment = arena.allocate(bytes.length + 1L);
    MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, bytes.length);
    return segment;
  }

  private static byte[] bytes(Path path) {
    var string = path.toString();
    if (string.isEmpty()) {
      return new byte[] {'.'}; // java.nio's empty path is the working directory
    }
    for (int i = 0; i < string.length(); i++) {
      if (string.charAt(i) >= 0x80) {
        return saysAll(string, path) ? string.getBytes(ENCODING) : escaped(path);
      }
    }
    return string.getBytes(StandardCharsets.US_ASCII);
  }

  /** Whether the string has lost nothing of the path. */
  private static boolean saysAll(String string, Path path) {
    try {
      return Path.of(string).equals(path);
    } catch (InvalidPathException e) { // it has a substitute, for which there are no bytes
      return false;
    }
  }

  /** Asks the file system whether it is a directory, which a loop should not wait for: only for what the string lost. */
  private static byte[] escaped(Path path) {
    // A URI is absolute, which a path that is relative to some directory must not become.
    return path.isAbsolute()
        ? unescape(path.toUri().getRawPath(), 0)
        : unescape(ROOT.resolve(path).toUri().getRawPath(), 1);
  }

  private static byte[] unescape(String raw, int from) {
    var bytes = new byte[raw.length()];
    int length = 0;
    for (int i = from; i < raw.length(); i++) {
      char c = raw.charAt(i);
      if (c == '%') {
        bytes[length++] = (byte) Integer.parseInt(raw, i + 1, i + 3, 16);
        i += 2;
      } else {
        bytes[length++] = (byte) c;
      }
    }
    // A directory's URI ends in a slash, which the path did not.
    int end = length > 1 && bytes[length - 1] == '/' ? length - 1 : length;
    return java.util.Arrays.copyOf(bytes, end);
  }

  /** The path that the kernel's bytes say: a name, or what a symbolic link says. */
  static Path decode(byte[] bytes) {
    for (byte b : bytes) {
      if (b < 0) {
        return decodeEscaped(bytes);
      }
    }
    return Path.of(new String(bytes, StandardCharsets.US_ASCII));
  }

  private static Path decodeEscaped(byte[] bytes) {
    boolean absolute = bytes[0] == '/';
    var uri = new StringBuilder(FILE_SCHEME.length() + 3 * bytes.length).append(FILE_SCHEME);
    for (byte b : bytes) {
      if (b == '/') {
        uri.append('/');
      } else {
        uri.append('%').append(String.format("%02X", b));
      }
    }
    int doubled = absolute ? 1 : 0; // the scheme ends in the root's slash
    var path = Path.of(URI.create(FILE_SCHEME + uri.substring(FILE_SCHEME.length() + doubled)));
    return absolute ? path : path.subpath(0, path.getNameCount()); // relativize would normalize
  }
}
