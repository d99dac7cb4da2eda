package io.gyre.benchmarks.http;

/**
 * How large a request may be.
 *
 * @param requestLineBytes the first line; beyond it is 414
 * @param headerBytes all header lines together; beyond it is 431
 * @param headers how many header lines; beyond it is 431
 * @param contentBytes what a request may bring along, which is read and dropped; beyond it is 413
 */
public record RequestLimits(int requestLineBytes, int headerBytes, int headers, int contentBytes) {
  /** What suits most. */
  public static final RequestLimits DEFAULT = new RequestLimits(8192, 32_768, 100, 65_536);

  /** Checks the ranges. */
  public RequestLimits {
    if (requestLineBytes < 16 || requestLineBytes > 1 << 16) {
      throw new IllegalArgumentException(
          "requestLineBytes must be from 16 to 65536: " + requestLineBytes);
    }
    if (headerBytes < 16 || headerBytes > 1 << 20) {
      throw new IllegalArgumentException("headerBytes must be from 16 to 1048576: " + headerBytes);
    }
    if (headers < 1) {
      throw new IllegalArgumentException("headers must be at least 1: " + headers);
    }
    if (contentBytes < 0) {
      throw new IllegalArgumentException("contentBytes must not be negative: " + contentBytes);
    }
  }
}
