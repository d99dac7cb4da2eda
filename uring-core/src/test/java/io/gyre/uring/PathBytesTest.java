package io.gyre.uring;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PathBytesTest {
  /** As Latin-1, so that each character is one byte: UTF-8, and what is none. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "a",
        "/a",
        "../a",
        "./a/..",
        "\u00c3\u00a9",
        "/\u00c3\u00a9",
        "../\u00c3\u00a9",
        "./\u00c3\u00a9/../x",
        "/../\u00c3\u00a9",
        "\u00e9",
        "/x/\u00e9",
        "../\u00e9",
        "%41\u00c3\u00a9",
        "\u00ef\u00bf\u00bd",
        "a b\u00e9\u00ff"
      })
  void bytesComeBackAsTheyAre(String latin1) {
    var bytes = latin1.getBytes(StandardCharsets.ISO_8859_1);
    try (var arena = Arena.ofConfined()) {
      var encoded = PathBytes.encode(arena, PathBytes.decode(bytes));
      var expected = java.util.Arrays.copyOf(bytes, bytes.length + 1);
      assertArrayEquals(expected, encoded.toArray(ValueLayout.JAVA_BYTE));
    }
  }
}
