package io.gyre.benchmarks.http;

/**
 * The part of a file that a request asks for, RFC 9110, section 14. One range at most: several are answered with the
 * whole, which the client must be ready for.
 */
final class ByteRange {
  private static final byte[] UNIT = Ascii.bytes("bytes=");

  /** What a Range field comes to. */
  enum Kind {
    WHOLE,
    PART,
    UNSATISFIABLE
  }

  Kind kind = Kind.WHOLE;
  long first;
  long length;

  void whole(long size) {
    kind = Kind.WHOLE;
    first = 0;
    length = size;
  }

  /** Reads a field's value for a file of a size. What makes no sense is passed over: the whole is the answer. */
  void parse(byte[] in, int from, int to, long size) {
    whole(size);
    int begin = from + UNIT.length;
    if (begin > to || !Ascii.matches(UNIT, in, from, begin)) {
      return;
    }
    int dash = -1;
    for (int i = begin; i < to; i++) {
      if (in[i] == '-' && dash < 0) {
        dash = i;
      } else if (!Ascii.isDigit(in[i])) {
        return; // several ranges, too
      }
    }
    if (dash < 0) {
      return;
    }
    if (dash == begin) {
      suffix(Ascii.number(in, dash + 1, to), size);
    } else {
      long start = Ascii.number(in, begin, dash);
      boolean isOpen = dash + 1 == to;
      long last = isOpen ? Long.MAX_VALUE : Ascii.number(in, dash + 1, to);
      if (start >= 0 && last >= start) {
        part(start, last, size);
      }
    }
  }

  private void suffix(long count, long size) {
    if (count < 0) {
      return;
    }
    if (count == 0) {
      kind = Kind.UNSATISFIABLE;
    } else {
      part(Math.max(0, size - count), Long.MAX_VALUE, size);
    }
  }

  private void part(long start, long last, long size) {
    if (start >= size) {
      kind = Kind.UNSATISFIABLE;
      return;
    }
    kind = Kind.PART;
    first = start;
    length = Math.min(last, size - 1) - start + 1;
  }
}
