package io.gyre.uring;

import java.net.NetworkInterface;

/** What the driver knows of a datagram socket beyond its descriptor. */
final class DatagramState {
  final boolean isV6;
  final int bufferCount;
  final int bufferBytes;

  /** Buffers of its own, from the first receive on that needs them. */
  BufferRing buffers;

  /** The name of its buffers in the kernel; 0 where the kernel does not know them. */
  int group;

  /** Whether {@link DatagramReceives} looks after its buffers at each turn. */
  boolean isBusy;

  /** Once the kernel has refused to cut a send into segments on the way that it takes. */
  boolean cutsNoSegments;

  /** What IP_MULTICAST_IF was set to: the kernel tells an address, which interfaces may share. */
  NetworkInterface multicastInterface;

  DatagramState(boolean isV6, int bufferCount, int bufferBytes) {
    this.isV6 = isV6;
    this.bufferCount = bufferCount;
    this.bufferBytes = bufferBytes;
  }
}
