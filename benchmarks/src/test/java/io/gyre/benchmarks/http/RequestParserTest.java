package io.gyre.benchmarks.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Heads of requests, in whatever pieces they come. */
final class RequestParserTest {
  private static final RequestLimits LIMITS = new RequestLimits(64, 200, 5, 100);
  private static final String WHOLE =
      String.join(
          "\r\n",
          "",
          "GET /a%20b?c=d HTTP/1.1",
          "Host: example.org:80",
          "X-Other:  \t",
          "If-None-Match: \"a\" \t",
          "IF-NONE-MATCH:W/\"b\"",
          "Content-Length: 5",
          "",
          "");
  private static final String BEHIND = "12345GET";

  private final RequestParser parser = new RequestParser(LIMITS);

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  private Request parse(String head) {
    parser.reset();
    var in = bytes(head);
    assertTrue(parser.parse(in), "more is wanted behind " + head);
    return parser.request();
  }

  private void assertWhole(Request request) {
    assertNull(request.refused);
    assertEquals(Request.Method.GET, request.method);
    assertEquals("GET /a%20b?c=d HTTP/1.1", request.line());
    assertEquals("example.org:80", request.value(Field.HOST));
    assertEquals("\"a\",W/\"b\"", request.value(Field.IF_NONE_MATCH));
    assertEquals(5, request.contentLength);
    assertFalse(request.has(Field.RANGE));
    assertTrue(request.keepsAlive());
  }

  @Test
  void aHeadIsReadTheSameWhereverItIsCut() {
    var whole = bytes(WHOLE + BEHIND).array();
    int head = WHOLE.length();
    for (int first = 0; first <= head; first++) {
      for (int second = first; second <= head; second++) {
        parser.reset();
        var cut1 = ByteBuffer.wrap(whole, 0, first);
        var cut2 = ByteBuffer.wrap(whole, first, second - first);
        var rest = ByteBuffer.wrap(whole, second, whole.length - second);
        assertEquals(first == head, parser.parse(cut1));
        assertEquals(second == head, parser.parse(cut2));
        assertTrue(parser.parse(rest));
        assertEquals(head, rest.position(), "what is behind the head is left");
        assertWhole(parser.request());
      }
    }
  }

  @Test
  void aHeadIsReadByteByByte() {
    for (int round = 0; round < 2; round++) {
      parser.reset();
      assertFalse(parser.isUnderWay());
      for (int i = 0; i < WHOLE.length(); i++) {
        assertEquals(
            i == WHOLE.length() - 1, parser.parse(bytes(WHOLE.substring(i, i + 1))), "at " + i);
        assertEquals(i > 1 && i < WHOLE.length() - 1, parser.isUnderWay());
      }
      assertWhole(parser.request());
    }
  }

  @Test
  void parsingAllocatesNothing() {
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    var in = bytes(WHOLE);
    long least = Long.MAX_VALUE;
    for (int round = 0; round < 20 && least > 0; round++) { // until all classes are there
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 100; i++) {
        parser.reset();
        parser.parse(in.clear());
      }
      least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
    }
    assertEquals(0, least);
    assertWhole(parser.request());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET / HTTP/1.1\nHost: a\r\n\r\n", // a line that ends without CR
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\rHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", // folded
        "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n",
        "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\t HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\u00fc HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        "GET / http/1.1\r\nHost: a\r\n\r\n",
        "GET /\r\n\r\n",
        " GET / HTTP/1.1\r\n\r\n",
        "G\u00e9T / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.x\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", // no Host
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: a\r\nTransfer-Encoding: b\r\n\r\n",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\rGET / HTTP/1.1\r\n\r\n"
      })
  void whatCouldBeReadInTwoWaysIsRefused(String head) {
    assertEquals(Status.BAD_REQUEST, parse(head).refused);
  }

  @ParameterizedTest
  @CsvSource({
    "POST,Transfer-Encoding: chunked,LENGTH_REQUIRED",
    "POST,Transfer-Encoding: gzip,NOT_IMPLEMENTED",
    "POST,Content-Length: 101,CONTENT_TOO_LARGE",
    "GET,Expect: tea,EXPECTATION_FAILED"
  })
  void whatIsNotDoneIsNamed(String method, String field, Status status) {
    assertEquals(status, parse(method + " / HTTP/1.1\r\nHost: a\r\n" + field + "\r\n\r\n").refused);
  }

  @Test
  void anotherMajorVersionIsNotSupported() {
    assertEquals(Status.VERSION_NOT_SUPPORTED, parse("PRI * HTTP/2.0\r\n\r\n").refused);
    assertNull(parse("GET / HTTP/1.2\r\nHost: a\r\n\r\n").refused);
  }

  @Test
  void lengthsUpToTheLimitsAreReadAndNotOneByteMore() {
    // The method counts, the spaces and the version do not.
    assertNull(parse("GET /" + "a".repeat(60) + " HTTP/1.1\r\nHost: a\r\n\r\n").refused);
    assertEquals(
        Status.URI_TOO_LONG,
        parse("GET /" + "a".repeat(61) + " HTTP/1.1\r\nHost: a\r\n\r\n").refused);
    assertEquals(Status.NOT_IMPLEMENTED, parse("M".repeat(33)).refused);
    assertNull(parse("GET / HTTP/1.1\r\nHost: a\r\n" + "X: a\r\n".repeat(4) + "\r\n").refused);
    assertEquals(
        Status.HEADERS_TOO_LARGE,
        parse("GET / HTTP/1.1\r\nHost: a\r\n" + "X: a\r\n".repeat(5) + "\r\n").refused);
    int left = 200 - "Host: a\r\n".length() - "X:\r\n".length();
    assertNull(parse("GET / HTTP/1.1\r\nHost: a\r\nX:" + "a".repeat(left) + "\r\n\r\n").refused);
    assertEquals(
        Status.HEADERS_TOO_LARGE,
        parse("GET / HTTP/1.1\r\nHost: a\r\nX:" + "a".repeat(left + 1) + "\r\n\r\n").refused);
    assertEquals(Status.HEADERS_TOO_LARGE, parse("GET / HTTP/1.1\r\n" + "X".repeat(201)).refused);
  }

  @Test
  void aListThatComesInPartsCountsAsOftenAsItIsCopied() {
    // 13 bytes a line at most, but the first one's 60 are copied with each that follows.
    var head = "GET / HTTP/1.1\r\nHost: a\r\nConnection: " + "a".repeat(60) + "\r\n";
    assertNull(parse(head + "Connection:\r\n\r\n").refused);
    assertEquals(
        Status.HEADERS_TOO_LARGE, parse(head + "Connection:\r\n".repeat(2) + "\r\n").refused);
    assertEquals(
        Status.HEADERS_TOO_LARGE, parse(head + "Connection:\r\n".repeat(3) + "\r\n").refused);
  }

  @ParameterizedTest
  @CsvSource({
    "HTTP/1.1,X: y,true",
    "HTTP/1.1,Connection: close,false",
    "HTTP/1.1,'Connection: keep-alive, CLOSE',false",
    "HTTP/1.1,Connection: closer,true",
    "HTTP/1.0,X: y,false",
    "HTTP/1.0,Connection: Keep-Alive,true",
    "HTTP/1.0,'Connection: keep-alive , close',false"
  })
  void aConnectionGoesOnWhenBothWantThat(String version, String field, boolean goesOn) {
    var request = parse("GET / " + version + "\r\nHost: a\r\n" + field + "\r\n\r\n");
    assertNull(request.refused);
    assertEquals(goesOn, request.keepsAlive());
  }

  @ParameterizedTest
  @CsvSource({"GET,GET", "HEAD,HEAD", "POST,OTHER", "TRACE,OTHER", "get,UNKNOWN", "BREW,UNKNOWN"})
  void methodsAreToldApart(String method, Request.Method expected) {
    assertEquals(expected, parse(method + " / HTTP/1.1\r\nHost: a\r\n\r\n").method);
  }
}
