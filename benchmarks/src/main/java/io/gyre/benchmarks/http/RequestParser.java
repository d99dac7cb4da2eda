package io.gyre.benchmarks.http;

import io.gyre.benchmarks.http.Request.Method;
import java.nio.ByteBuffer;

/**
 * Reads the head of a request byte by byte, wherever what is received was cut. It stops at the byte behind the head, or
 * at the one that is wrong.
 *
 * <p>What two programs could read in two ways is refused, since that is how a request is smuggled past the first of them
 * (RFC 9112, section 11.2): lines that end without CR, lines that are folded, space before a colon, several lengths, a
 * length beside a transfer coding, control characters.
 */
final class RequestParser {
  private static final int MAX_METHOD_BYTES = 32;
  private static final int MAX_EMPTY_LINES = 4;
  private static final byte[] VERSION = Ascii.bytes("HTTP/");
  private static final byte[] CHUNKED = Ascii.bytes("chunked");
  private static final byte[] CONTINUE = Ascii.bytes("100-continue");

  private enum State {
    EMPTY_LINES,
    EMPTY_LINE_END,
    METHOD,
    TARGET,
    VERSION,
    LINE_END,
    FIELD,
    NAME,
    BEFORE_VALUE,
    VALUE,
    FIELD_END,
    END,
    DONE
  }

  private final RequestLimits limits;
  private final Request request = new Request();

  private State state;
  private Field field; // whose value comes, null for one that is passed over
  private int mark; // where the name, or the value, begins in what the request holds
  private int trimmed; // where the value ends, without the space behind it
  private int emptyLines;
  private int lineBytes;
  private int versionBytes;
  private int headerBytes;
  private int headers;

  RequestParser(RequestLimits limits) {
    this.limits = limits;
    reset();
  }

  /** Begins with the next request. */
  void reset() {
    request.clear();
    state = State.EMPTY_LINES;
    field = null;
    emptyLines = 0;
    lineBytes = 0;
    versionBytes = 0;
    headerBytes = 0;
    headers = 0;
  }

  Request request() {
    return request;
  }

  /** Whether a part of a request has come, and its end has not. */
  boolean isUnderWay() {
    return switch (state) {
      case EMPTY_LINES, EMPTY_LINE_END, DONE -> false;
      default -> true;
    };
  }

  /**
   * Reads on.
   *
   * @param in read until the head ends, or to its limit
   * @return whether the head is complete or {@linkplain Request#refused refused}
   */
  boolean parse(ByteBuffer in) {
    while (state != State.DONE && in.hasRemaining()) {
      next(in.get());
    }
    return state == State.DONE;
  }

  private void next(byte b) {
    switch (state) {
      case EMPTY_LINES -> beforeRequest(b);
      case EMPTY_LINE_END -> {
        if (expect(b, '\n') && ++emptyLines > MAX_EMPTY_LINES) {
          refuse(Status.BAD_REQUEST);
        } else if (state != State.DONE) {
          state = State.EMPTY_LINES;
        }
      }
      case METHOD -> method(b);
      case TARGET -> target(b);
      case VERSION -> version(b);
      case LINE_END -> {
        if (expect(b, '\n')) {
          state = State.FIELD;
        }
      }
      case FIELD -> field(b);
      case NAME -> name(b);
      case BEFORE_VALUE, VALUE -> value(b);
      case FIELD_END -> {
        if (count() && expect(b, '\n')) {
          endField();
        }
      }
      case END -> {
        if (expect(b, '\n')) {
          finish();
        }
      }
      case DONE -> throw new AssertionError("nothing is read behind the head");
    }
  }

  private void refuse(Status status) {
    request.refused = status;
    state = State.DONE;
  }

  private boolean expect(byte b, char wanted) {
    if (b != wanted) {
      refuse(Status.BAD_REQUEST);
    }
    return b == wanted;
  }

  // ---- the first line

  /** Robust against one CRLF too many behind the request before, RFC 9112, section 2.2. */
  private void beforeRequest(byte b) {
    if (b == '\r') {
      state = State.EMPTY_LINE_END;
    } else {
      state = State.METHOD;
      method(b);
    }
  }

  private void method(byte b) {
    if (b == ' ' && request.length() > 0) {
      request.method = Method.of(request.bytes(), request.methodEnd);
      state = State.TARGET;
    } else if (!Ascii.isToken(b)) {
      refuse(Status.BAD_REQUEST);
    } else if (request.length() == MAX_METHOD_BYTES) {
      refuse(Status.NOT_IMPLEMENTED);
    } else {
      append(b);
      request.methodEnd = request.length();
      request.targetEnd = request.length();
    }
  }

  private void append(byte b) {
    request.append(b);
    lineBytes++;
  }

  private void target(byte b) {
    if (b == ' ' && request.targetEnd > request.methodEnd) {
      state = State.VERSION;
    } else if (b <= ' ' || b == 0x7f) { // bytes beyond ASCII are negative
      refuse(Status.BAD_REQUEST);
    } else if (lineBytes >= limits.requestLineBytes()) {
      refuse(Status.URI_TOO_LONG);
    } else {
      append(b);
      request.targetEnd = request.length();
    }
  }

  private void version(byte b) {
    int at = versionBytes++;
    int minorAt = VERSION.length + 2;
    if (at < VERSION.length) {
      expect(b, (char) VERSION[at]);
    } else if (at == VERSION.length) {
      if (!Ascii.isDigit(b)) {
        refuse(Status.BAD_REQUEST);
      } else if (b != '1') {
        refuse(Status.VERSION_NOT_SUPPORTED);
      }
    } else if (at == minorAt - 1) {
      expect(b, '.');
    } else if (at == minorAt) {
      request.isHttp10 = b == '0';
      if (!Ascii.isDigit(b)) {
        refuse(Status.BAD_REQUEST);
      }
    } else if (expect(b, '\r')) {
      state = State.LINE_END;
    }
  }

  // ---- the fields

  /** Counts a byte of the header; whether there may be one more. */
  private boolean count() {
    if (++headerBytes > limits.headerBytes()) {
      refuse(Status.HEADERS_TOO_LARGE);
      return false;
    }
    return true;
  }

  private void field(byte b) {
    if (b == '\r') {
      state = State.END;
    } else if (++headers > limits.headers()) {
      refuse(Status.HEADERS_TOO_LARGE);
    } else {
      mark = request.length();
      state = State.NAME;
      name(b);
    }
  }

  private void name(byte b) {
    if (!count()) {
      return;
    }
    if (b == ':' && request.length() > mark) {
      field = Field.of(request.bytes(), mark, request.length());
      request.truncate(mark);
      beginValue();
    } else if (Ascii.isToken(b)) {
      request.append(b);
    } else {
      refuse(Status.BAD_REQUEST); // a folded line, too, begins with what is in no name
    }
  }

  private void beginValue() {
    state = State.BEFORE_VALUE;
    if (field == null) {
      return;
    }
    if (request.has(field) && !field.isList) {
      refuse(Status.BAD_REQUEST);
      return;
    }
    if (request.has(field)) { // what it has is copied, and counts as if it had come again
      headerBytes += request.limit(field) - request.position(field);
      if (!count()) {
        return;
      }
    }
    request.begin(field);
    trimmed = request.length();
  }

  private void value(byte b) {
    if (!count()) {
      return;
    }
    boolean isSpace = b == ' ' || b == '\t';
    if (b == '\r') {
      state = State.FIELD_END;
    } else if (!isSpace && ((b >= 0 && b < ' ') || b == 0x7f)) {
      refuse(Status.BAD_REQUEST);
    } else if (isSpace && state == State.BEFORE_VALUE) {
      return;
    } else {
      state = State.VALUE;
      if (field != null) {
        request.append(b);
        if (!isSpace) {
          trimmed = request.length();
        }
      }
    }
  }

  private void endField() {
    if (field != null) {
      request.truncate(trimmed);
      request.end(field);
    }
    state = State.FIELD;
  }

  // ---- the whole

  private void finish() {
    state = State.DONE;
    request.refused = checkHost();
    if (request.refused == null) {
      request.refused = checkContent();
    }
    if (request.refused == null
        && request.has(Field.EXPECT)
        && !request.isHttp10
        && !request.is(Field.EXPECT, CONTINUE)) {
      request.refused = Status.EXPECTATION_FAILED;
    }
  }

  private Status checkHost() {
    if (!request.has(Field.HOST)) {
      return request.isHttp10 ? null : Status.BAD_REQUEST;
    }
    for (int i = request.position(Field.HOST); i < request.limit(Field.HOST); i++) {
      byte b = request.bytes()[i];
      boolean isPlain = b > ' ' && b < 0x7f && "/\\@?#<>\"{}|^`,".indexOf(b) < 0;
      if (!isPlain) {
        return Status.BAD_REQUEST;
      }
    }
    return null;
  }

  private Status checkContent() {
    if (request.has(Field.TRANSFER_ENCODING)) {
      if (request.has(Field.CONTENT_LENGTH) || request.isHttp10) {
        return Status.BAD_REQUEST;
      }
      return request.is(Field.TRANSFER_ENCODING, CHUNKED)
          ? Status.LENGTH_REQUIRED
          : Status.NOT_IMPLEMENTED;
    }
    if (request.has(Field.CONTENT_LENGTH)) {
      request.contentLength =
          Ascii.number(
              request.bytes(),
              request.position(Field.CONTENT_LENGTH),
              request.limit(Field.CONTENT_LENGTH));
      if (request.contentLength < 0) {
        return Status.BAD_REQUEST;
      }
      if (request.contentLength > limits.contentBytes()) {
        return Status.CONTENT_TOO_LARGE;
      }
    }
    return null;
  }
}
