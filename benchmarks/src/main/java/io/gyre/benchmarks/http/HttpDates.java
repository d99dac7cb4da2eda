package io.gyre.benchmarks.http;

import java.nio.ByteBuffer;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.Locale;

/** Dates as HTTP writes them, RFC 9110, section 5.6.7. */
final class HttpDates {
  /** The length of a date that is written here. */
  static final int BYTES = 29;

  private static final byte[] DAYS = Ascii.bytes("ThuFriSatSunMonTueWed"); // 1970 began on one
  private static final byte[] MONTHS = Ascii.bytes("JanFebMarAprMayJunJulAugSepOctNovDec");
  private static final int SECONDS_A_DAY = 86_400;
  private static final int PIVOT_YEARS_AHEAD = 50;

  private static final DateTimeFormatter FIXED =
      DateTimeFormatter.ofPattern("EEE, dd MMM uuuu HH:mm:ss 'GMT'", Locale.ENGLISH);
  private static final DateTimeFormatter ASCTIME =
      DateTimeFormatter.ofPattern("EEE MMM ppd HH:mm:ss uuuu", Locale.ENGLISH);

  private HttpDates() {}

  /** Writes {@code Sun, 06 Nov 1994 08:49:37 GMT}, without allocating. */
  static void put(ByteBuffer out, long epochSecond) {
    long day = Math.floorDiv(epochSecond, SECONDS_A_DAY);
    int second = (int) Math.floorMod(epochSecond, (long) SECONDS_A_DAY);
    out.put(DAYS, 3 * (int) Math.floorMod(day, 7L), 3).put((byte) ',').put((byte) ' ');

    // Years that begin in March end with the leap day: months then have a simple rule.
    long sinceMarch = day + 719_468; // from the year 0 on
    long era = Math.floorDiv(sinceMarch, 146_097L);
    int dayOfEra = (int) Math.floorMod(sinceMarch, 146_097L);
    int yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
    int dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
    int monthFromMarch = (5 * dayOfYear + 2) / 153;
    int month = monthFromMarch < 10 ? monthFromMarch + 2 : monthFromMarch - 10; // from 0
    int year = (int) (yearOfEra + era * 400) + (month < 2 ? 1 : 0);

    Ascii.putTwoDigits(out, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1);
    out.put((byte) ' ').put(MONTHS, 3 * month, 3).put((byte) ' ');
    Ascii.putTwoDigits(out, year / 100);
    Ascii.putTwoDigits(out, year % 100);
    out.put((byte) ' ');
    Ascii.putTwoDigits(out, second / 3600);
    out.put((byte) ':');
    Ascii.putTwoDigits(out, second / 60 % 60);
    out.put((byte) ':');
    Ascii.putTwoDigits(out, second % 60);
    out.put((byte) ' ').put((byte) 'G').put((byte) 'M').put((byte) 'T');
  }

  /** Reads a date in any of the three forms; {@link Long#MIN_VALUE} when it is none. */
  static long parse(String text) {
    try {
      int comma = text.indexOf(',');
      var format = comma < 0 ? ASCTIME : comma == 3 ? FIXED : rfc850();
      return LocalDateTime.parse(text, format).toEpochSecond(ZoneOffset.UTC);
    } catch (DateTimeException e) {
      return Long.MIN_VALUE;
    }
  }

  /** With a year of two digits, of which more than 50 years ahead is meant as the past. Seldom seen: made anew. */
  private static DateTimeFormatter rfc850() {
    int firstYear = Instant.now().atOffset(ZoneOffset.UTC).getYear() + PIVOT_YEARS_AHEAD - 99;
    return new DateTimeFormatterBuilder()
        .appendPattern("EEEE, dd-MMM-")
        .appendValueReduced(ChronoField.YEAR, 2, 2, firstYear)
        .appendPattern(" HH:mm:ss 'GMT'")
        .toFormatter(Locale.ENGLISH);
  }
}
