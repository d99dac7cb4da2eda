package io.gyre.benchmarks.http;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Text as HTTP has it: bytes, of which the letters are ASCII. */
final class Ascii {
  // tchar of RFC 9110, section 5.6.2
  private static final boolean[] TOKEN = new boolean[128];

  static {
    for (char c : "!#$%&'*+-.^_`|~0123456789".toCharArray()) {
      TOKEN[c] = true;
    }
    for (char c = 'a'; c <= 'z'; c++) {
      TOKEN[c] = true;
      TOKEN[c - 'a' + 'A'] = true;
    }
  }

  private Ascii() {}

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  static boolean isToken(int b) {
    return b > 0 && TOKEN[b];
  }

  static boolean isDigit(int b) {
    return b >= '0' && b <= '9';
  }

  static int lower(int b) {
    return b >= 'A' && b <= 'Z' ? b + ('a' - 'A') : b;
  }

  /** The value of a hexadecimal digit, or -1. */
  static int hexDigit(int b) {
    return b < 0 ? -1 : Character.digit(b, 16);
  }

  /** Whether a part of an array is a text in lower case, in whatever case it is itself. */
  static boolean matches(byte[] text, byte[] in, int from, int to) {
    if (to - from != text.length) {
      return false;
    }
    for (int i = 0; i < text.length; i++) {
      if (lower(in[from + i]) != text[i]) {
        return false;
      }
    }
    return true;
  }

  /** A number of digits only; -1 when it is none, or too large for a long. */
  static long number(byte[] in, int from, int to) {
    if (from >= to || to - from > 19) {
      return -1;
    }
    long value = 0;
    for (int i = from; i < to; i++) {
      if (!isDigit(in[i])) {
        return -1;
      }
      value = value * 10 + (in[i] - '0');
      if (value < 0) {
        return -1;
      }
    }
    return value;
  }

  static void put(ByteBuffer out, String text) {
    for (int i = 0; i < text.length(); i++) {
      out.put((byte) text.charAt(i));
    }
  }

  /** Writes a number that is not negative. */
  static void put(ByteBuffer out, long value) {
    int digits = 1;
    for (long rest = value; rest >= 10; rest /= 10) {
      digits++;
    }
    int end = out.position() + digits;
    out.position(end);
    long rest = value;
    for (int i = end - 1; i >= end - digits; i--) {
      out.put(i, (byte) ('0' + rest % 10));
      rest /= 10;
    }
  }

  static void putTwoDigits(ByteBuffer out, int value) {
    out.put((byte) ('0' + value / 10)).put((byte) ('0' + value % 10));
  }
}
