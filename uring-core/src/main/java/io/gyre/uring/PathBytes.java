package io.gyre.uring;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A path as the kernel takes it: its bytes, whatever encoding they are in, and a zero. */
final class PathBytes {
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
        // What toString gives may have lost bytes that the locale's encoding has no character for;
        // the URI escapes each byte as it is.
        return unescape(path.toUri().getRawPath());
      }
    }
    return string.getBytes(StandardCharsets.US_ASCII);
  }

  private static byte[] unescape(String raw) {
    var bytes = new byte[raw.length()];
    int length = 0;
    for (int i = 0; i < raw.length(); i++) {
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
}
