package io.gyre.uring;

import io.gyre.bindings.Libc;
import io.gyre.bindings.Liburing;
import io.gyre.bindings.cmsghdr;
import io.gyre.bindings.iovec;
import io.gyre.bindings.msghdr;
import io.gyre.driver.Errno;
import io.gyre.driver.MessageHeader;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

/**
 * Datagrams that are sent or received once: the {@code struct msghdr} of each with what it points to, in memory that is
 * used again and again. A message is the kernel's from its entry to its last completion, and the driver state of its
 * operation meanwhile: written by plain stores, published with the entry by the submission queue's tail, read by plain
 * loads behind the acquire of the completion queue's. Confined to the loop's thread.
 *
 * <pre>
 *     0             64      80         112                  192
 *     +-------------+-------+----------+--------------------+
 *     | msghdr      | iovec | sockaddr | control messages   |
 *     +-------------+-------+----------+--------------------+
 * </pre>
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/recvmsg.2.html">recvmsg(2)</a>
 * @see <a href="https://man7.org/linux/man-pages/man7/udp.7.html">udp(7): UDP_SEGMENT</a>
 */
final class Messages {
  static final int NAME_BYTES = 32;
  static final int CONTROL_BYTES = 80;

  private static final long VECTOR = 64;
  private static final long NAME = 80;
  private static final long CONTROL = 112;
  private static final long BYTES = 192;
  private static final int IN_BLOCK = 64;

  private static final long MSG_NAME = msghdr.msg_name$offset();
  private static final long MSG_NAMELEN = msghdr.msg_namelen$offset();
  private static final long MSG_IOV = msghdr.msg_iov$offset();
  private static final long MSG_IOVLEN = msghdr.msg_iovlen$offset();
  private static final long MSG_CONTROL = msghdr.msg_control$offset();
  private static final long MSG_CONTROLLEN = msghdr.msg_controllen$offset();
  private static final long MSG_FLAGS = msghdr.msg_flags$offset();
  private static final long IOV_BASE = iovec.iov_base$offset();
  private static final long IOV_LEN = iovec.iov_len$offset();
  private static final long CMSG_LEN = cmsghdr.cmsg_len$offset();
  private static final long CMSG_LEVEL = cmsghdr.cmsg_level$offset();
  private static final long CMSG_TYPE = cmsghdr.cmsg_type$offset();
  private static final long CMSG_DATA = cmsghdr.sizeof();

  /** How many segments the kernel cuts a send into at most (UDP_MAX_SEGMENTS before Linux 6.10). */
  private static final int MOST_SEGMENTS = 64;

  /** How long it may be then: as long as one datagram over IPv4. */
  private static final int MOST_BYTES = 65_507;

  /** One of them. */
  static final class Message {
    final long address;

    /** What {@link OperationMemory} has made the operation's driver state, to be that again when this is released. */
    Object memory;

    private Message nextFree;

    private Message(long address) {
      this.address = address;
    }

    private void noControl() {
      Memory.putLong(address + MSG_CONTROL, 0);
      Memory.putLong(address + MSG_CONTROLLEN, 0);
    }

    private void memory(long base, long length) {
      Memory.putLong(address + VECTOR + IOV_BASE, base);
      Memory.putLong(address + VECTOR + IOV_LEN, length);
      Memory.putLong(address + MSG_IOV, address + VECTOR);
      Memory.putLong(address + MSG_IOVLEN, 1);
      Memory.putInt(address + MSG_FLAGS, 0);
    }

    /** To where the socket is connected. */
    void toSend(long base, long length) {
      memory(base, length);
      Memory.putLong(address + MSG_NAME, 0);
      Memory.putInt(address + MSG_NAMELEN, 0);
      noControl();
    }

    /** Asks who sends, and for control messages. */
    void toReceive(long base, long length) {
      memory(base, length);
      Memory.putLong(address + MSG_NAME, address + NAME);
      Memory.putInt(address + MSG_NAMELEN, NAME_BYTES);
      Memory.putLong(address + MSG_CONTROL, address + CONTROL);
      Memory.putLong(address + MSG_CONTROLLEN, CONTROL_BYTES);
    }

    /** Says how what was received came. */
    void tell(MessageHeader header) {
      boolean named = Memory.getInt(address + MSG_NAMELEN) != 0;
      Messages.tell(
          header,
          named ? address + NAME : 0,
          address + CONTROL,
          Memory.getLong(address + MSG_CONTROLLEN),
          Memory.getInt(address + MSG_FLAGS));
    }
  }

  private final EncodedAddresses addresses = new EncodedAddresses();
  private Message free;

  @SuppressWarnings("MismatchedQueryAndUpdateOfCollection") // keeps the kernel's memory reachable
  private final List<MemorySegment> blocks = new ArrayList<>();

  private final boolean cutsSegments;

  /**
   * Makes the messages of a driver.
   *
   * @param cutsSegments whether the kernel can cut a send into segments
   */
  Messages(boolean cutsSegments) {
    this.cutsSegments = cutsSegments;
  }

  /** Whether operations are datagrams that are sent or received once. */
  static boolean areOf(OpCode code) {
    return code == OpCode.SEND_MESSAGE || code == OpCode.RECEIVE_MESSAGE;
  }

  Message acquire() {
    if (free == null) {
      var block = Arena.ofAuto().allocate(IN_BLOCK * BYTES, Long.BYTES);
      blocks.add(block);
      for (int i = 0; i < IN_BLOCK; i++) {
        putBack(new Message(block.address() + i * BYTES));
      }
    }
    var message = free;
    free = message.nextFree;
    return message;
  }

  void putBack(Message message) {
    message.memory = null;
    message.nextFree = free;
    free = message;
  }

  /** Puts a message in front of the operation's memory, which is prepared. */
  void prepare(Operation operation) {
    var message = acquire();
    message.memory = operation.driverState();
    operation.setDriverState(message);
    if (operation.code() == OpCode.SEND_MESSAGE) {
      long name = message.address + NAME;
      int length = 0;
      if (operation.argument() instanceof InetSocketAddress remote) {
        boolean isV6 = ((UringDescriptor) operation.descriptor()).datagrams.isV6;
        length = addresses.write(remote, isV6, name);
      }
      Memory.putLong(message.address + MSG_NAME, length == 0 ? 0 : name);
      Memory.putInt(message.address + MSG_NAMELEN, length);
    }
  }

  /** Puts the operation's memory in the place of its message again. */
  void release(Operation operation) {
    if (operation.driverState() instanceof Message message) {
      operation.setDriverState(message.memory);
      putBack(message);
    }
  }

  void write(long sqe, Operation operation) {
    var message = (Message) operation.driverState();
    if (operation.code() == OpCode.RECEIVE_MESSAGE) {
      message.toReceive(operation.address(), operation.memoryLength());
      Entries.message(sqe, Liburing.IORING_OP_RECVMSG(), operation, message.address, 0);
      return;
    }
    int done = operation.transferred();
    int part = part(operation);
    message.memory(operation.address() + done, part);
    if (operation.length() != 0 && part > operation.length()) {
      segments(message.address, (int) operation.length());
    } else {
      message.noControl();
    }
    int flags = Libc.MSG_NOSIGNAL();
    Entries.message(sqe, Liburing.IORING_OP_SENDMSG(), operation, message.address, flags);
  }

  /** How much of a send goes out with its next entry: all, or as many segments as the kernel cuts. */
  private int part(Operation send) {
    int left = send.memoryLength() - send.transferred();
    int segment = (int) send.length();
    if (segment == 0) {
      return left;
    }
    var socket = ((UringDescriptor) send.descriptor()).datagrams;
    int count = 1;
    if (cutsSegments && !socket.cutsNoSegments) {
      count = Math.clamp(MOST_BYTES / segment, 1, MOST_SEGMENTS);
    }
    return (int) Math.min(left, (long) count * segment);
  }

  /** Asks the kernel to cut what it sends. */
  static void segments(long message, int segmentSize) {
    long control = message + CONTROL;
    Memory.putLong(control + CMSG_LEN, CMSG_DATA + Short.BYTES);
    Memory.putInt(control + CMSG_LEVEL, Libc.SOL_UDP());
    Memory.putInt(control + CMSG_TYPE, Libc.UDP_SEGMENT());
    Memory.putLong(control + CMSG_DATA, segmentSize); // and zeros behind its two bytes
    Memory.putLong(message + MSG_CONTROL, control);
    Memory.putLong(message + MSG_CONTROLLEN, CMSG_DATA + Long.BYTES);
  }

  /**
   * Takes the outcome of a send's entry.
   *
   * @return whether there is more to send, or the same again in another way
   */
  boolean sentInPart(Operation send, int result) {
    if (result < 0) {
      var socket = ((UringDescriptor) send.descriptor()).datagrams;
      boolean wasCut = !socket.cutsNoSegments && send.length() != 0 && part(send) > send.length();
      if (wasCut && isNoWayForSegments(result)) {
        socket.cutsNoSegments = true;
        return true;
      }
      return false;
    }
    send.setTransferred(send.transferred() + result);
    return send.transferred() < send.memoryLength();
  }

  /** Devices that compute no checksums, and segments beyond the path's MTU, which are to be sent in fragments. */
  private static boolean isNoWayForSegments(int result) {
    return switch (Errno.of(-result)) {
      case EIO, EINVAL, EMSGSIZE, EOPNOTSUPP -> true;
      case null, default -> false;
    };
  }

  /** Takes the outcome of a receive. */
  void received(Operation receive, int result) {
    if (result >= 0 && receive.driverState() instanceof Message message) {
      message.tell((MessageHeader) receive.argument());
    }
    release(receive);
  }

  /** Says how a datagram came. The memory is the driver's, not the kernel's any more. */
  static void tell(MessageHeader header, long name, long control, long controlBytes, int flags) {
    boolean truncated = (flags & Libc.MSG_TRUNC()) != 0;
    int segmentSize = segmentSize(control, controlBytes);
    int family = name == 0 ? Libc.AF_UNSPEC() : Memory.getShort(name);
    if (family == Libc.AF_INET()) {
      long address = Integer.reverseBytes(Memory.getInt(name + 4)) & 0xFFFF_FFFFL;
      header.setRaw(false, 0, address, 0, port(name), truncated, segmentSize);
    } else if (family == Libc.AF_INET6()) {
      header.setRaw(
          true,
          Long.reverseBytes(Memory.getLong(name + 8)),
          Long.reverseBytes(Memory.getLong(name + 16)),
          Memory.getInt(name + 24),
          port(name),
          truncated,
          segmentSize);
    } else {
      header.set(null, truncated, segmentSize);
    }
  }

  private static int port(long name) {
    return Short.reverseBytes((short) Memory.getShort(name + 2)) & 0xFFFF;
  }

  /** What UDP_GRO says of datagrams that came as one; 0 for one. */
  private static int segmentSize(long control, long bytes) {
    long at = control;
    long end = control + bytes;
    while (at + CMSG_DATA + Integer.BYTES <= end) {
      long length = Memory.getLong(at + CMSG_LEN);
      if (Memory.getInt(at + CMSG_LEVEL) == Libc.SOL_UDP()
          && Memory.getInt(at + CMSG_TYPE) == Libc.UDP_GRO()) {
        return Memory.getInt(at + CMSG_DATA);
      }
      if (length < CMSG_DATA) {
        return 0;
      }
      at += (length + Long.BYTES - 1) & -Long.BYTES;
    }
    return 0;
  }
}
