package io.gyre.benchmarks.http;

import java.time.Duration;
import java.util.Objects;

/**
 * What a server allows, and for how long.
 *
 * @param limits of requests
 * @param headTimeout for how long a request's head may take to come in whole, and then its content
 * @param idleTimeout for how long a connection may rest before a request, the first one, too
 * @param sendTimeout for how long a block of a response may take to go out
 * @param busySendTimeout the same, roughly, for as long as others wait for the buffers that are held for it
 * @param maxConnections how many may be open at a time; those beyond are told 503
 * @param maxConnectionsPerAddress how many of those may come from one address of IPv4, or one network (/64) of IPv6
 * @param hiddenFiles whether names that begin with a dot are served
 * @param followLinks whether symbolic links are followed, wherever they lead
 * @param listings whether a directory without index.html is listed
 * @param blockBytes how much of a file is read at a time, a power of two from 4 KiB to 1 MiB
 * @param blocks how many blocks of a file are read ahead of what went out, at most
 */
public record ServeOptions(
    RequestLimits limits,
    Duration headTimeout,
    Duration idleTimeout,
    Duration sendTimeout,
    Duration busySendTimeout,
    int maxConnections,
    int maxConnectionsPerAddress,
    boolean hiddenFiles,
    boolean followLinks,
    boolean listings,
    int blockBytes,
    int blocks) {
  /** What suits most. */
  public static final ServeOptions DEFAULT =
      new ServeOptions(
          RequestLimits.DEFAULT,
          Duration.ofSeconds(10),
          Duration.ofSeconds(60),
          Duration.ofSeconds(30),
          Duration.ofSeconds(5),
          10_000,
          1_000,
          false,
          false,
          true,
          64 << 10,
          4);

  /** Checks the ranges. */
  public ServeOptions {
    Objects.requireNonNull(limits, "limits");
    requirePositive("headTimeout", headTimeout);
    requirePositive("idleTimeout", idleTimeout);
    requirePositive("sendTimeout", sendTimeout);
    requirePositive("busySendTimeout", busySendTimeout);
    requirePositive("maxConnections", maxConnections);
    requirePositive("maxConnectionsPerAddress", maxConnectionsPerAddress);
    if (Integer.bitCount(blockBytes) != 1 || blockBytes < 4096 || blockBytes > 1 << 20) {
      throw new IllegalArgumentException(
          "blockBytes must be a power of two from 4096 to 1048576: " + blockBytes);
    }
    if (blocks < 1 || blocks > 64) {
      throw new IllegalArgumentException("blocks must be from 1 to 64: " + blocks);
    }
  }

  private static void requirePositive(String name, Duration value) {
    if (!value.isPositive()) {
      throw new IllegalArgumentException(name + " must be more than nothing: " + value);
    }
  }

  private static void requirePositive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be at least 1: " + value);
    }
  }

  /**
   * With other limits of requests.
   *
   * @param value the limits
   * @return a copy
   */
  public ServeOptions withLimits(RequestLimits value) {
    return new ServeOptions(
        value,
        headTimeout,
        idleTimeout,
        sendTimeout,
        busySendTimeout,
        maxConnections,
        maxConnectionsPerAddress,
        hiddenFiles,
        followLinks,
        listings,
        blockBytes,
        blocks);
  }

  /**
   * With other time limits.
   *
   * @param head as {@link #headTimeout()}
   * @param idle as {@link #idleTimeout()}
   * @param send as {@link #sendTimeout()}
   * @return a copy
   */
  public ServeOptions withTimeouts(Duration head, Duration idle, Duration send) {
    return new ServeOptions(
        limits,
        head,
        idle,
        send,
        busySendTimeout,
        maxConnections,
        maxConnectionsPerAddress,
        hiddenFiles,
        followLinks,
        listings,
        blockBytes,
        blocks);
  }

  /**
   * With another bound on connections.
   *
   * @param value as {@link #maxConnections()}
   * @return a copy
   */
  public ServeOptions withMaxConnections(int value) {
    return new ServeOptions(
        limits,
        headTimeout,
        idleTimeout,
        sendTimeout,
        busySendTimeout,
        value,
        maxConnectionsPerAddress,
        hiddenFiles,
        followLinks,
        listings,
        blockBytes,
        blocks);
  }

  /**
   * With bounds on clients that ask for much and read little.
   *
   * @param busySend as {@link #busySendTimeout()}
   * @param connections as {@link #maxConnectionsPerAddress()}
   * @return a copy
   */
  public ServeOptions withShares(Duration busySend, int connections) {
    return new ServeOptions(
        limits,
        headTimeout,
        idleTimeout,
        sendTimeout,
        busySend,
        maxConnections,
        connections,
        hiddenFiles,
        followLinks,
        listings,
        blockBytes,
        blocks);
  }

  /**
   * With other things shown.
   *
   * @param hidden as {@link #hiddenFiles()}
   * @param links as {@link #followLinks()}
   * @param lists as {@link #listings()}
   * @return a copy
   */
  public ServeOptions withShown(boolean hidden, boolean links, boolean lists) {
    return new ServeOptions(
        limits,
        headTimeout,
        idleTimeout,
        sendTimeout,
        busySendTimeout,
        maxConnections,
        maxConnectionsPerAddress,
        hidden,
        links,
        lists,
        blockBytes,
        blocks);
  }

  /**
   * With blocks of another size and number.
   *
   * @param bytes as {@link #blockBytes()}
   * @param ahead as {@link #blocks()}
   * @return a copy
   */
  public ServeOptions withBlocks(int bytes, int ahead) {
    return new ServeOptions(
        limits,
        headTimeout,
        idleTimeout,
        sendTimeout,
        busySendTimeout,
        maxConnections,
        maxConnectionsPerAddress,
        hiddenFiles,
        followLinks,
        listings,
        bytes,
        ahead);
  }
}
