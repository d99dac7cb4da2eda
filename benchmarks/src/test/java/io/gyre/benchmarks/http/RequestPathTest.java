package io.gyre.benchmarks.http;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Targets, and where they lead. */
final class RequestPathTest {
  private static RequestPath of(String target) throws RequestPath.Refused {
    var parser = new RequestParser(RequestLimits.DEFAULT);
    var head = "GET " + target + " HTTP/1.0\r\n\r\n";
    assertTrue(parser.parse(ByteBuffer.wrap(head.getBytes(StandardCharsets.US_ASCII))));
    return RequestPath.of(parser.request());
  }

  @ParameterizedTest
  @CsvSource({
    "/,'',true,''",
    "/a,a,false,''",
    "/a/b/,a|b,true,''",
    "/a%20b%3fc?d=/../e,a b?c,false,?d=/../e",
    "/...,...,false,''",
    "/..a/b..,..a|b..,false,''",
    "/a%5c..,a\\..,false,''",
    "/%2561,%61,false,''",
    "/a+b,a+b,false,''",
    "http://example.org,'',true,''",
    "HTTP://example.org:8/a,a,false,''",
    "https://example.org?q,'',true,?q"
  })
  void targetsAreDecodedOnce(String target, String names, boolean isDirectory, String query)
      throws RequestPath.Refused {
    var path = of(target);
    var expected = names.isEmpty() ? List.<String>of() : List.of(names.split("\\|"));
    assertEquals(expected, path.names().stream().map(Path::toString).toList());
    assertEquals(isDirectory, path.isDirectory());
    assertEquals(query, path.query());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/..",
        "/../etc/passwd",
        "/a/../../b",
        "/a/..",
        "/%2e%2e/a",
        "/%2E./a",
        "/.%2e/a",
        "/.",
        "/./a",
        "/%2e",
        "/a%2fb",
        "/..%2f..%2fetc",
        "/a%00",
        "/%00",
        "/a%",
        "/a%4",
        "/a%4g",
        "/a%-1",
        "/a#b",
        "a",
        "*",
        "//u@host",
        "http:///a",
        "http://u@example.org/a",
        "ftp://example.org/a",
        "example.org:80"
      })
  void whatLeadsOutOrMakesNoSenseIsRefused(String target) {
    assertThrows(RequestPath.Refused.class, () -> of(target));
  }

  @ParameterizedTest
  @ValueSource(strings = {"//", "//a", "/a//b", "/a//"})
  void anEmptyNameIsNotFound(String target) {
    assertEquals(
        Status.NOT_FOUND, assertThrows(RequestPath.Refused.class, () -> of(target)).status);
  }

  @Test
  void namesAreBytesOfWhateverEncoding() throws RequestPath.Refused {
    var name = new byte[254];
    int length = 0;
    for (int b = 1; b < 256; b++) {
      if (b != '/') {
        name[length++] = (byte) b;
      }
    }
    var path = of("/" + RequestPath.encode(name));
    assertEquals(1, path.names().size());
    assertArrayEquals(name, RequestPath.bytes(path.names().getFirst()));
    var utf8 = "\u00e4\u20ac".getBytes(StandardCharsets.UTF_8);
    assertArrayEquals(utf8, RequestPath.bytes(of("/%c3%a4%E2%82%AC").names().getFirst()));
  }

  @Test
  void namesLongerThanAnyFileSystemTakesAreNotFound() throws RequestPath.Refused {
    assertEquals(1, of("/" + "a".repeat(255)).names().size());
    assertEquals(
        Status.NOT_FOUND,
        assertThrows(RequestPath.Refused.class, () -> of("/" + "a".repeat(256))).status);
    assertEquals(128, of("/a".repeat(128)).names().size());
    assertThrows(RequestPath.Refused.class, () -> of("/a".repeat(129)));
  }

  @Test
  void namesThatBeginWithADotAreHidden() throws RequestPath.Refused {
    assertTrue(of("/a/.git/b").isHidden());
    assertTrue(of("/%2egit").isHidden());
  }

  @Test
  void aRedirectLeadsToThisHost() throws RequestPath.Refused {
    assertEquals("/a%20%3C/b/?c=d", of("/a%20%3c/b?c=d").asDirectory());
    assertEquals("/%5Cevil.example/", of("/%5cevil.example").asDirectory());
  }
}
