package io.gyre.benchmarks.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Dates, tags, conditions and ranges. */
final class ConditionsTest {
  private static final long SECOND = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT
  private static final Version STRONG = new Version("\"a-1\"", SECOND);
  private static final Version WEAK = new Version("W/\"a-1\"", SECOND);

  private static Request request(String fields) {
    var parser = new RequestParser(RequestLimits.DEFAULT);
    var head = "GET / HTTP/1.1\r\nHost: a\r\n" + fields.replace("|", "\r\n") + "\r\n\r\n";
    assertTrue(parser.parse(ByteBuffer.wrap(head.getBytes(StandardCharsets.US_ASCII))));
    return parser.request();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "X: y; OK; OK",
        "If-None-Match: \"a-1\"; NOT_MODIFIED; NOT_MODIFIED",
        "If-None-Match: W/\"a-1\"; NOT_MODIFIED; NOT_MODIFIED",
        "If-None-Match: \"b\", \"a-1\"; NOT_MODIFIED; NOT_MODIFIED",
        "If-None-Match: *; NOT_MODIFIED; NOT_MODIFIED",
        "If-None-Match: a-1; OK; OK",
        "If-None-Match: \"a-11\"; OK; OK",
        "If-None-Match: \"xa-1\"; OK; OK",
        "If-None-Match: \"b\"|If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT; OK; OK",
        "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT; NOT_MODIFIED; NOT_MODIFIED",
        "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT; NOT_MODIFIED; NOT_MODIFIED",
        "If-Modified-Since: Sun Nov  6 08:49:37 1994; NOT_MODIFIED; NOT_MODIFIED",
        "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT; OK; OK",
        "If-Modified-Since: yesterday; OK; OK",
        "If-Match: \"a-1\"; OK; PRECONDITION_FAILED",
        "If-Match: W/\"a-1\"; PRECONDITION_FAILED; PRECONDITION_FAILED",
        "If-Match: *; OK; OK",
        "If-Match: \"b\"; PRECONDITION_FAILED; PRECONDITION_FAILED",
        "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT; OK; OK",
        "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT; PRECONDITION_FAILED;"
            + " PRECONDITION_FAILED",
        "If-Unmodified-Since: never; OK; OK"
      })
  void conditionsComeToAStatus(String fields, Status strong, Status weak) {
    assertEquals(strong, Conditions.evaluate(request(fields), STRONG));
    assertEquals(weak, Conditions.evaluate(request(fields), WEAK));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "X: y; true; true",
        "If-Range: \"a-1\"; true; false",
        "If-Range: W/\"a-1\"; false; false",
        "If-Range: \"b\"; false; false",
        "If-Range: Sun, 06 Nov 1994 08:49:37 GMT; true; false",
        "If-Range: Sun, 06 Nov 1994 08:49:38 GMT; false; false"
      })
  void aPartIsGivenOfTheSameVersionOnly(String fields, boolean strong, boolean weak) {
    assertEquals(strong, Conditions.allowRange(request(fields), STRONG));
    assertEquals(weak, Conditions.allowRange(request(fields), WEAK));
  }

  @ParameterizedTest
  @CsvSource({
    "bytes=0-0,100,PART,0,1",
    "bytes=10-19,100,PART,10,10",
    "bytes=90-,100,PART,90,10",
    "bytes=90-1000,100,PART,90,10",
    "bytes=-1,100,PART,99,1",
    "bytes=-1000,100,PART,0,100",
    "BYTES=0-,1,PART,0,1",
    "bytes=100-,100,UNSATISFIABLE,0,100",
    "bytes=-0,100,UNSATISFIABLE,0,100",
    "bytes=0-,0,UNSATISFIABLE,0,0",
    "bytes=-1,0,UNSATISFIABLE,0,0",
    "'bytes=0-0,5-6',100,WHOLE,0,100",
    "bytes=5-4,100,WHOLE,0,100",
    "bytes=-,100,WHOLE,0,100",
    "bytes=a-b,100,WHOLE,0,100",
    "bytes=1,100,WHOLE,0,100",
    "bytes=1-2-3,100,WHOLE,0,100",
    "bytes=99999999999999999999-,100,WHOLE,0,100",
    "lines=1-2,100,WHOLE,0,100",
    "bytes=,100,WHOLE,0,100"
  })
  void rangesAreReadOrPassedOver(
      String value, long size, ByteRange.Kind kind, long first, long length) {
    var range = new ByteRange();
    var bytes = ("x" + value + "-1").getBytes(StandardCharsets.US_ASCII);
    range.parse(bytes, 1, bytes.length - 2, size);
    assertEquals(kind, range.kind);
    assertEquals(first, range.first);
    assertEquals(length, range.length);
  }

  @Test
  void datesAreWrittenAsTheJdkWritesThem() {
    var random = new SplittableRandom(7);
    var jdk = DateTimeFormatter.RFC_1123_DATE_TIME;
    for (int i = 0; i < 20_000; i++) {
      long second = random.nextLong(-62_135_596_800L, 253_402_300_800L); // years 1 to 9999
      var out = ByteBuffer.allocate(HttpDates.BYTES);
      HttpDates.put(out, second);
      assertFalse(out.hasRemaining());
      var text = new String(out.array(), StandardCharsets.US_ASCII);
      var time = ZonedDateTime.ofInstant(Instant.ofEpochSecond(second), ZoneOffset.UTC);
      var expected = jdk.format(time);
      // The JDK writes days of the month below 10 with one digit.
      assertEquals(expected.charAt(6) == ' ' ? expected.replace(", ", ", 0") : expected, text);
      assertEquals(second, HttpDates.parse(text));
    }
  }
}
