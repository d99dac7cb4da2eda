package io.gyre.benchmarks.http;

/** The header fields that mean something to this server. */
@SuppressWarnings("ImmutableEnumChecker") // an array that nobody writes
enum Field {
  HOST("host", false),
  CONNECTION("connection", true),
  CONTENT_LENGTH("content-length", false),
  TRANSFER_ENCODING("transfer-encoding", false),
  EXPECT("expect", true),
  RANGE("range", false),
  IF_RANGE("if-range", false),
  IF_MATCH("if-match", true),
  IF_NONE_MATCH("if-none-match", true),
  IF_MODIFIED_SINCE("if-modified-since", false),
  IF_UNMODIFIED_SINCE("if-unmodified-since", false);

  private static final Field[] ALL = values();
  static final int COUNT = ALL.length;

  private final byte[] lowerCaseName;

  /** Whether it may come several times, which means the same as one list of all. */
  final boolean isList;

  Field(String lowerCaseName, boolean isList) {
    this.lowerCaseName = Ascii.bytes(lowerCaseName);
    this.isList = isList;
  }

  /** The field of a name, or null for one that means nothing here. */
  static Field of(byte[] in, int from, int to) {
    for (var field : ALL) {
      if (Ascii.matches(field.lowerCaseName, in, from, to)) {
        return field;
      }
    }
    return null;
  }
}
