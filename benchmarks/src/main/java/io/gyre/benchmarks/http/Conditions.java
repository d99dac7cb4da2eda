package io.gyre.benchmarks.http;

/** What a request makes its answer depend on, in the order of RFC 9110, section 13.2.2. */
final class Conditions {
  private Conditions() {}

  /** The status that the conditions of a request come to; OK when they hold, or there are none. */
  static Status evaluate(Request request, Version version) {
    if (request.has(Field.IF_MATCH)) {
      if (!version.isNamedBy(request.value(Field.IF_MATCH), false)) {
        return Status.PRECONDITION_FAILED;
      }
    } else if (request.has(Field.IF_UNMODIFIED_SINCE)) {
      long date = HttpDates.parse(request.value(Field.IF_UNMODIFIED_SINCE));
      if (date != Long.MIN_VALUE && version.modifiedSecond() > date) {
        return Status.PRECONDITION_FAILED;
      }
    }
    if (request.has(Field.IF_NONE_MATCH)) {
      if (version.isNamedBy(request.value(Field.IF_NONE_MATCH), true)) {
        return Status.NOT_MODIFIED;
      }
    } else if (request.has(Field.IF_MODIFIED_SINCE)) {
      long date = HttpDates.parse(request.value(Field.IF_MODIFIED_SINCE));
      if (date != Long.MIN_VALUE && version.modifiedSecond() <= date) {
        return Status.NOT_MODIFIED;
      }
    }
    return Status.OK;
  }

  /**
   * Whether the part that is asked for may be given: If-Range names this version, or is not there. A date is enough only if
   * the file has rested since for a second, as a strong tag says.
   */
  static boolean allowRange(Request request, Version version) {
    if (!request.has(Field.IF_RANGE)) {
      return true;
    }
    var value = request.value(Field.IF_RANGE);
    if (value.endsWith("\"")) {
      return !version.isWeak() && value.equals(version.tag());
    }
    return !version.isWeak() && HttpDates.parse(value) == version.modifiedSecond();
  }
}
