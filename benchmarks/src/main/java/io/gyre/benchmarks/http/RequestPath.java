package io.gyre.benchmarks.http;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Where a request's target leads: names to go down, one by one. Percent signs are decoded once, after the target was cut at
 * its slashes, so that no name holds a slash, and none is {@code ..}: nothing here leads up.
 *
 * @param names of which each is one name, and none is a dot or two
 * @param isDirectory whether the target ends with a slash
 * @param isHidden whether a name begins with a dot
 * @param query from the question mark on; empty without one
 */
record RequestPath(List<Path> names, boolean isDirectory, boolean isHidden, String query) {
  private static final int MAX_NAME_BYTES = 255; // NAME_MAX
  private static final int MAX_NAMES = 128;
  private static final byte[] SCHEME = Ascii.bytes("http://");
  private static final byte[] SECURE_SCHEME = Ascii.bytes("https://");
  private static final String PLAIN =
      "-._~!$&'()*+,;=:@"; // of a name in a URI, beside letters and digits
  private static final char[] HEX = "0123456789ABCDEF".toCharArray();

  /** A target that leads nowhere. */
  static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;
    final transient Status status;

    Refused(Status status) {
      super(status.name(), null, false, false); // part of the traffic: no stack trace
      this.status = status;
    }
  }

  /** Reads the target of a GET or HEAD. */
  static RequestPath of(Request request) throws Refused {
    var bytes = request.bytes();
    int end = request.targetEnd;
    int from = pathStart(bytes, request.methodEnd, end);
    int to = from;
    while (to < end && bytes[to] != '?') {
      if (bytes[to] == '#') {
        throw new Refused(Status.BAD_REQUEST);
      }
      to++;
    }
    var query = new String(bytes, to, end - to, StandardCharsets.ISO_8859_1);
    if (from == to) { // http://host alone
      return new RequestPath(List.of(), true, false, query);
    }
    if (bytes[from] != '/') {
      throw new Refused(Status.BAD_REQUEST);
    }
    return cut(bytes, from + 1, to, query);
  }

  /** Where the path begins: behind the authority of an absolute target, RFC 9112, section 3.2.2. */
  private static int pathStart(byte[] bytes, int from, int end) throws Refused {
    int authority = from;
    for (var scheme : List.of(SCHEME, SECURE_SCHEME)) {
      int behind = from + scheme.length;
      if (behind <= end && Ascii.matches(scheme, bytes, from, behind)) {
        authority = behind;
      }
    }
    if (authority == from) {
      return from;
    }
    int at = authority;
    while (at < end && bytes[at] != '/' && bytes[at] != '?') {
      if (bytes[at] == '@' || bytes[at] == '#') {
        throw new Refused(Status.BAD_REQUEST);
      }
      at++;
    }
    if (at == authority) {
      throw new Refused(Status.BAD_REQUEST); // no host
    }
    return at;
  }

  private static RequestPath cut(byte[] bytes, int from, int to, String query) throws Refused {
    var names = new ArrayList<Path>(4);
    boolean hidden = false;
    int start = from;
    while (start < to) {
      int slash = start;
      while (slash < to && bytes[slash] != '/') {
        slash++;
      }
      var name = decode(bytes, start, slash);
      if (name.length == 0 || name.length > MAX_NAME_BYTES || names.size() == MAX_NAMES) {
        throw new Refused(Status.NOT_FOUND);
      }
      hidden |= name[0] == '.';
      names.add(path(name));
      start = slash + 1;
    }
    return new RequestPath(names, to == from || bytes[to - 1] == '/', hidden, query);
  }

  private static byte[] decode(byte[] bytes, int from, int to) throws Refused {
    var name = new byte[to - from];
    int length = 0;
    for (int i = from; i < to; i++) {
      int b = bytes[i];
      if (b == '%') {
        int high = i + 2 < to ? Ascii.hexDigit(bytes[i + 1]) : -1;
        int low = i + 2 < to ? Ascii.hexDigit(bytes[i + 2]) : -1;
        if (high < 0 || low < 0) {
          throw new Refused(Status.BAD_REQUEST);
        }
        b = high << 4 | low;
        i += 2;
        if (b == 0 || b == '/') {
          throw new Refused(Status.BAD_REQUEST);
        }
      }
      name[length++] = (byte) b;
    }
    var whole = Arrays.copyOf(name, length);
    if (isDots(whole)) {
      throw new Refused(Status.BAD_REQUEST); // it is for clients to resolve them
    }
    return whole;
  }

  private static boolean isDots(byte[] name) {
    return (name.length == 1 && name[0] == '.')
        || (name.length == 2 && name[0] == '.' && name[1] == '.');
  }

  /** A path of exactly these bytes, whatever the JVM takes for the encoding of names. */
  private static Path path(byte[] name) {
    for (byte b : name) {
      if (b < 0) {
        return Path.of(URI.create("file:///" + encode(name))).getFileName();
      }
    }
    return Path.of(new String(name, StandardCharsets.US_ASCII));
  }

  /** The bytes of a name. */
  static byte[] bytes(Path name) {
    var text = name.toString();
    var bytes = text.getBytes(StandardCharsets.UTF_8);
    if (text.indexOf('\uFFFD') < 0 && path(bytes).equals(name)) {
      return bytes;
    }
    // Not UTF-8: only as a URI does the JDK tell its bytes.
    var uri = Path.of("/").resolve(name).toUri().getRawPath();
    var encoded = uri.substring(1, uri.endsWith("/") ? uri.length() - 1 : uri.length());
    try {
      var raw = Ascii.bytes(encoded);
      return decode(raw, 0, raw.length);
    } catch (Refused e) {
      throw new AssertionError("not a name: " + uri, e);
    }
  }

  /** A name as a part of a URI. */
  static String encode(byte[] name) {
    var encoded = new StringBuilder(name.length);
    for (byte b : name) {
      if ((b >= '0' && b <= '9')
          || (b >= 'a' && b <= 'z')
          || (b >= 'A' && b <= 'Z')
          || (b > 0 && PLAIN.indexOf(b) >= 0)) {
        encoded.append((char) b);
      } else {
        encoded.append('%').append(HEX[(b >> 4) & 15]).append(HEX[b & 15]);
      }
    }
    return encoded.toString();
  }

  /** The same place as a directory: made of the names, so that it leads to this host only. */
  String asDirectory() {
    var location = new StringBuilder("/");
    for (var name : names) {
      location.append(encode(bytes(name))).append('/');
    }
    return location.append(query).toString();
  }

  /** For people to read. */
  String display() {
    var text = new StringBuilder("/");
    for (var name : names) {
      text.append(new String(bytes(name), StandardCharsets.UTF_8)).append('/');
    }
    return text.toString();
  }
}
