package io.gyre.benchmarks.http;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The head of a request: its first line, and those header fields that mean something here. Used again for the next one
 * on the same connection, so that it allocates only when it has to grow.
 */
@SuppressWarnings("EnumOrdinal") // indexes into arrays that nobody stores
final class Request {
  private static final int MOST_KEPT_BYTES = 4096;
  private static final int INITIAL_BYTES = 256;
  private static final byte[] CLOSE = Ascii.bytes("close");
  private static final byte[] KEEP_ALIVE = Ascii.bytes("keep-alive");

  /** What is asked to be done. */
  enum Method {
    GET,
    HEAD,
    /** One that HTTP has, and files do not. */
    OTHER,
    UNKNOWN;

    private static final byte[][] OTHERS = {
      Ascii.bytes("POST"),
      Ascii.bytes("PUT"),
      Ascii.bytes("DELETE"),
      Ascii.bytes("OPTIONS"),
      Ascii.bytes("PATCH"),
      Ascii.bytes("TRACE"),
      Ascii.bytes("CONNECT")
    };
    private static final byte[] GET_NAME = Ascii.bytes("GET");
    private static final byte[] HEAD_NAME = Ascii.bytes("HEAD");

    static Method of(byte[] in, int to) {
      if (is(GET_NAME, in, to)) {
        return GET;
      }
      if (is(HEAD_NAME, in, to)) {
        return HEAD;
      }
      for (var other : OTHERS) {
        if (is(other, in, to)) {
          return OTHER;
        }
      }
      return UNKNOWN;
    }

    private static boolean is(byte[] name, byte[] in, int to) {
      return Arrays.equals(name, 0, name.length, in, 0, to);
    }
  }

  // Method, target and the values of fields, one behind the other.
  private byte[] bytes = new byte[INITIAL_BYTES];
  private int length;
  private final int[] starts = new int[Field.COUNT];
  private final int[] ends = new int[Field.COUNT];

  Method method;
  int methodEnd;
  int targetEnd;
  boolean isHttp10;
  long contentLength;

  /** Why it is refused, after which the connection ends; null when it is not. */
  Status refused;

  void clear() {
    length = 0;
    if (bytes.length
        > MOST_KEPT_BYTES) { // a connection that rests does not hold what one long head took
      bytes = new byte[INITIAL_BYTES];
    }
    Arrays.fill(starts, -1);
    method = Method.UNKNOWN;
    methodEnd = 0;
    targetEnd = 0;
    isHttp10 = false;
    contentLength = 0;
    refused = null;
  }

  byte[] bytes() {
    return bytes;
  }

  int length() {
    return length;
  }

  void append(byte b) {
    if (length == bytes.length) {
      bytes = Arrays.copyOf(bytes, 2 * length);
    }
    bytes[length++] = b;
  }

  /** Forgets what was appended behind a place. */
  void truncate(int to) {
    length = to;
  }

  boolean has(Field field) {
    return starts[field.ordinal()] >= 0;
  }

  /** Begins a field's value, behind the values that it has already. */
  void begin(Field field) {
    int index = field.ordinal();
    int start = length;
    if (starts[index] >= 0) {
      for (int i = starts[index]; i < ends[index]; i++) {
        append(bytes[i]);
      }
      append((byte) ',');
    }
    starts[index] = start;
    ends[index] = length;
  }

  void end(Field field) {
    ends[field.ordinal()] = length;
  }

  int position(Field field) {
    return starts[field.ordinal()];
  }

  int limit(Field field) {
    return ends[field.ordinal()];
  }

  /** The value of a field that is there. */
  String value(Field field) {
    int index = field.ordinal();
    return new String(
        bytes, starts[index], ends[index] - starts[index], StandardCharsets.ISO_8859_1);
  }

  /** Whether a field is there and has a value, given in lower case. */
  boolean is(Field field, byte[] value) {
    int index = field.ordinal();
    return starts[index] >= 0 && Ascii.matches(value, bytes, starts[index], ends[index]);
  }

  /** Whether the client wants the connection to go on. */
  boolean keepsAlive() {
    return !lists(Field.CONNECTION, CLOSE) && (!isHttp10 || lists(Field.CONNECTION, KEEP_ALIVE));
  }

  private boolean lists(Field field, byte[] element) {
    int end = ends[field.ordinal()];
    for (int from = starts[field.ordinal()]; from >= 0 && from < end; ) {
      int comma = from;
      while (comma < end && bytes[comma] != ',') {
        comma++;
      }
      int to = comma;
      while (from < to && isSpace(bytes[from])) {
        from++;
      }
      while (to > from && isSpace(bytes[to - 1])) {
        to--;
      }
      if (Ascii.matches(element, bytes, from, to)) {
        return true;
      }
      from = comma + 1;
    }
    return false;
  }

  private static boolean isSpace(byte b) {
    return b == ' ' || b == '\t';
  }

  /** As far as it came, for a log: the method and the target. */
  String line() {
    var target =
        new String(
            bytes, methodEnd, Math.max(0, targetEnd - methodEnd), StandardCharsets.ISO_8859_1);
    var name = new String(bytes, 0, methodEnd, StandardCharsets.ISO_8859_1);
    return name + " " + target + (isHttp10 ? " HTTP/1.0" : " HTTP/1.1");
  }
}
