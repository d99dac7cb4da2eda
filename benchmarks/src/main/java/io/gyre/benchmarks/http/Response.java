package io.gyre.benchmarks.http;

import java.nio.ByteBuffer;

/** The head of a response. Used again for the next one on the same connection. */
final class Response {
  /** What a head takes at most, without the location. */
  private static final int HEAD_BYTES = 1024;

  private static final byte[] LINE_END = Ascii.bytes("\r\n");
  private static final byte[] SERVER = Ascii.bytes("Server: gyre\r\nDate: ");
  private static final byte[] TYPE = Ascii.bytes("Content-Type: ");
  private static final byte[] LENGTH = Ascii.bytes("Content-Length: ");
  private static final byte[] RANGE = Ascii.bytes("Content-Range: bytes ");
  private static final byte[] RANGES = Ascii.bytes("Accept-Ranges: bytes\r\n");
  private static final byte[] TAG = Ascii.bytes("ETag: ");
  private static final byte[] MODIFIED = Ascii.bytes("Last-Modified: ");
  private static final byte[] LOCATION = Ascii.bytes("Location: ");
  private static final byte[] ALLOW = Ascii.bytes("Allow: GET, HEAD\r\n");
  private static final byte[] NO_SNIFF = Ascii.bytes("X-Content-Type-Options: nosniff\r\n");
  private static final byte[] CLOSE = Ascii.bytes("Connection: close\r\n");
  private static final byte[] KEEP_ALIVE = Ascii.bytes("Connection: keep-alive\r\n");

  Status status;
  String type;
  long contentLength;
  Version version;
  long rangeFirst;
  long size; // of the file, where the range tells it
  String location;
  boolean keepsAlive;
  boolean saysKeepAlive;

  void begin(Status newStatus) {
    status = newStatus;
    type = null;
    contentLength = 0;
    version = null;
    rangeFirst = 0;
    size = 0;
    location = null;
    keepsAlive = false;
    saysKeepAlive = false;
  }

  /** How much a buffer must hold for the head. */
  int maxBytes() {
    return HEAD_BYTES + (location == null ? 0 : location.length());
  }

  /** Writes the head, from the buffer's position on. */
  void write(ByteBuffer out, byte[] date) {
    out.put(status.line).put(SERVER).put(date).put(LINE_END);
    if (type != null) {
      line(out, TYPE, type);
      out.put(NO_SNIFF);
    }
    if (status != Status.NOT_MODIFIED) {
      out.put(LENGTH);
      Ascii.put(out, contentLength);
      out.put(LINE_END);
    }
    range(out);
    if (version != null) {
      line(out, TAG, version.tag());
      out.put(MODIFIED);
      HttpDates.put(out, version.modifiedSecond());
      out.put(LINE_END);
    }
    if (location != null) {
      line(out, LOCATION, location);
    }
    if (status == Status.METHOD_NOT_ALLOWED) {
      out.put(ALLOW);
    }
    if (!keepsAlive) {
      out.put(CLOSE);
    } else if (saysKeepAlive) {
      out.put(KEEP_ALIVE);
    }
    out.put(LINE_END);
  }

  private void range(ByteBuffer out) {
    switch (status) {
      case PARTIAL_CONTENT -> {
        out.put(RANGE);
        Ascii.put(out, rangeFirst);
        out.put((byte) '-');
        Ascii.put(out, rangeFirst + contentLength - 1);
        out.put((byte) '/');
        Ascii.put(out, size);
        out.put(LINE_END);
      }
      case RANGE_NOT_SATISFIABLE -> {
        out.put(RANGE).put((byte) '*').put((byte) '/');
        Ascii.put(out, size);
        out.put(LINE_END);
      }
      case OK -> {
        if (version != null) {
          out.put(RANGES);
        }
      }
      default -> {}
    }
  }

  private static void line(ByteBuffer out, byte[] name, String value) {
    out.put(name);
    Ascii.put(out, value);
    out.put(LINE_END);
  }
}
