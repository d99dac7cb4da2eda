package io.gyre.net;

import io.gyre.driver.DatagramSockets.Membership;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.util.concurrent.CompletableFuture;

/**
 * That a {@link UdpSocket} receives what is sent to a multicast group, as {@link java.nio.channels.MembershipKey} is for
 * channels. Ends when it is dropped, or the socket is closed. Any thread may call.
 */
public final class MulticastMembership {
  private final UdpSocket socket;
  private final InetAddress group;
  private final NetworkInterface networkInterface;
  private final InetAddress sourceAddress;

  /** Written by the loop's thread. */
  volatile boolean dropped;

  MulticastMembership(
      UdpSocket socket, InetAddress group, NetworkInterface networkInterface, InetAddress source) {
    this.socket = socket;
    this.group = group;
    this.networkInterface = networkInterface;
    this.sourceAddress = source;
  }

  /**
   * The socket that is a member.
   *
   * @return the socket
   */
  public UdpSocket socket() {
    return socket;
  }

  /**
   * The group.
   *
   * @return a multicast address
   */
  public InetAddress group() {
    return group;
  }

  /**
   * Where it is a member.
   *
   * @return the interface
   */
  public NetworkInterface networkInterface() {
    return networkInterface;
  }

  /**
   * Whose datagrams it receives.
   *
   * @return the only source, or null for all
   */
  public InetAddress sourceAddress() {
    return sourceAddress;
  }

  /**
   * Whether it lasts.
   *
   * @return false once it was dropped or the socket closed
   */
  public boolean isValid() {
    return !dropped && !socket.descriptor().isClosing();
  }

  /**
   * Ends it. A second time does nothing.
   *
   * @return completes when it has ended
   */
  public CompletableFuture<Void> dropAsync() {
    return socket.drop(this);
  }

  /**
   * Receives no longer what one source sends to the group.
   *
   * @param source a unicast address of the group's kind
   * @return completes when that is so; fails with IllegalStateException for a membership that has ended or is of one
   *     source
   */
  public CompletableFuture<Void> blockAsync(InetAddress source) {
    return socket.filter(this, Membership.BLOCK, source);
  }

  /**
   * Receives again what a source sends that was {@linkplain #blockAsync blocked}.
   *
   * @param source a unicast address of the group's kind
   * @return completes when that is so; fails as {@link #blockAsync} does
   */
  public CompletableFuture<Void> unblockAsync(InetAddress source) {
    return socket.filter(this, Membership.UNBLOCK, source);
  }

  @Override
  public String toString() {
    return "membership of "
        + group.getHostAddress()
        + " on "
        + networkInterface.getName()
        + (sourceAddress == null ? "" : " of " + sourceAddress.getHostAddress());
  }
}
