package io.gyre.nio;

import io.gyre.Buffer;
import io.gyre.driver.DatagramSockets.Membership;
import io.gyre.driver.DatagramSockets.Request;
import io.gyre.driver.MessageHeader;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.MembershipKey;
import java.nio.channels.SelectionKey;
import java.util.HashMap;
import java.util.Map;

/** A socket of datagrams: sends and receives, a step of the one and a step of the other. */
final class NioDatagramSocket extends NioSelectable {
  /** A membership in a multicast group; the source is null for all. */
  private record Group(InetAddress group, NetworkInterface networkInterface, InetAddress source) {}

  private final DatagramChannel channel;
  private final Request request;
  private final NioDatagrams driver;
  private final Views views;
  private final Outcomes outcomes;
  private final OperationQueue receiving = new OperationQueue();
  private final OperationQueue sending = new OperationQueue();
  private final Map<Group, MembershipKey> memberships = new HashMap<>();
  private DatagramBuffers buffers; // from the first receive on that needs them

  // False once the socket was found empty, or full, until the selector reports it.
  private boolean mayRead;
  private boolean mayWrite = true;
  private boolean starved; // waits for a buffer; the selector's reports are not asked for meanwhile
  private boolean sendsNext;

  NioDatagramSocket(
      String subject,
      DatagramChannel channel,
      Request request,
      NioDatagrams driver,
      DriverParts parts) {
    super(subject, channel, parts);
    this.channel = channel;
    this.request = request;
    this.driver = driver;
    this.views = parts.views();
    this.outcomes = parts.outcomes();
  }

  DatagramChannel datagrams() {
    return channel;
  }

  @Override
  void submit(Operation operation) {
    switch (operation.code()) {
      case RECEIVE_MESSAGE, RECEIVE_MESSAGE_MULTISHOT -> {
        receiving.add(operation);
        if (mayRead) {
          schedule();
        } else {
          want(SelectionKey.OP_READ);
        }
      }
      case SEND_MESSAGE -> {
        sending.add(operation);
        schedule();
      }
      default ->
          outcomes.queueFailure(
              operation, Failures.misdirected(operation.code(), "a datagram socket"));
    }
  }

  @Override
  void ready(int ops) {
    if ((ops & SelectionKey.OP_READ) != 0) {
      mayRead = true;
      if (receiving.isEmpty() || starved) {
        unwant(SelectionKey.OP_READ);
      }
    }
    if ((ops & SelectionKey.OP_WRITE) != 0) {
      mayWrite = true;
      unwant(SelectionKey.OP_WRITE);
    }
    schedule();
  }

  private boolean canReceive() {
    return mayRead && !starved && !receiving.isEmpty();
  }

  private boolean canSend() {
    return mayWrite && !sending.isEmpty();
  }

  @Override
  boolean canProceed() {
    return canReceive() || canSend();
  }

  @Override
  boolean proceed() {
    boolean receives = canReceive();
    boolean sends = canSend();
    if (!receives && !sends) {
      return false; // cancelled since it was scheduled
    }
    sendsNext = (receives && sends) ? !sendsNext : sends;
    if (sendsNext) {
      return send(sending.peek());
    }
    var operation = receiving.peek();
    return operation.code() == OpCode.RECEIVE_MESSAGE
        ? receiveIntoMemory(operation)
        : receiveIntoLease(operation);
  }

  // ---- receiving

  private boolean receiveIntoMemory(Operation operation) {
    var scratch = driver.scratch();
    InetSocketAddress sender;
    int count;
    try {
      sender = (InetSocketAddress) channel.receive(scratch);
      if (sender == null) {
        exhausted();
        return false;
      }
      count = Math.min(scratch.position(), operation.memoryLength());
      boolean truncated = scratch.position() > count;
      views.remaining(operation).put(scratch.flip().limit(count));
      ((MessageHeader) operation.argument()).set(sender, truncated, 0);
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      receiving.poll();
      outcomes.resolveFailure(operation, e);
      return true;
    }
    receiving.poll();
    outcomes.resolve(operation, count);
    return true;
  }

  private boolean receiveIntoLease(Operation operation) {
    if (buffers == null) {
      int count = request.bufferCount();
      try {
        buffers = driver.newBuffers(count, request.bufferBytes(), this::bufferCame);
      } catch (OutOfMemoryError e) {
        receiving.poll();
        outcomes.resolveFailure(operation, e);
        return true;
      }
    }
    var buffer = buffers.take();
    if (buffer == null) {
      starved = true;
      unwant(SelectionKey.OP_READ);
      buffers.starving(true);
      driver.starves(this);
      return false;
    }
    return receiveInto(operation, buffer, buffers.roomier(buffer));
  }

  private boolean receiveInto(Operation operation, Buffer buffer, ByteBuffer roomier) {
    InetSocketAddress sender;
    try {
      sender = (InetSocketAddress) channel.receive(roomier);
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      buffers.giveBack(buffer);
      receiving.poll();
      outcomes.resolveFailure(operation, e);
      return true;
    }
    if (sender == null) {
      buffers.giveBack(buffer);
      exhausted();
      return false;
    }
    int count = Math.min(roomier.position(), buffers.bufferBytes());
    ((MessageHeader) operation.argument()).set(sender, roomier.position() > count, 0);
    operation.setReceived(buffers.lend(buffer, count, operation));
    outcomes.resolveMore(operation, count); // may cancel it: nothing of it is touched after this
    return true;
  }

  private void exhausted() {
    mayRead = false;
    want(SelectionKey.OP_READ);
  }

  /** A buffer came back, perhaps one that was waited for. */
  private void bufferCame() {
    if (starved) {
      stopWaitingForBuffer();
      schedule();
    }
  }

  /** Whether buffers that this waits for came back from other threads. */
  boolean hasReturned() {
    return starved && buffers.hasReturned();
  }

  /** Takes over what other threads gave back; returns whether this waits for a buffer still. */
  boolean staysStarved() {
    if (starved && buffers.collectReturned()) {
      bufferCame();
    }
    return starved;
  }

  private void stopWaitingForBuffer() {
    if (starved) {
      starved = false;
      buffers.starving(false);
    }
  }

  // ---- sending

  /** One datagram; returns whether that was the outcome. */
  private boolean send(Operation operation) {
    try {
      if (!sendOne(operation)) {
        mayWrite = false;
        want(SelectionKey.OP_WRITE);
        return false;
      }
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      sending.poll();
      outcomes.resolveFailure(operation, e);
      return true;
    }
    if (operation.transferred() < operation.memoryLength()) {
      return false; // segments are left
    }
    sending.poll();
    outcomes.resolve(operation, operation.transferred());
    return true;
  }

  private boolean sendOne(Operation operation) throws IOException {
    var view = views.remaining(operation);
    int segment = (int) operation.length();
    if (segment != 0 && segment < view.remaining()) {
      view.limit(view.position() + segment);
    }
    int asked = view.remaining();
    int sent =
        operation.argument() instanceof InetSocketAddress remote
            ? channel.send(view, remote)
            : channel.write(view);
    if (sent < asked) {
      return false; // of an empty datagram it can't be told, and is taken for sent
    }
    operation.setTransferred(operation.transferred() + sent);
    return true;
  }

  // ---- cancelling

  @Override
  void cancel(Operation operation) {
    if (receiving.remove(operation)) {
      outcomes.queueCancelled(operation);
      stopWaitingForBuffer();
    } else if (sending.remove(operation)) {
      outcomes.queueCancelled(operation);
    }
    schedule(); // another may have come to the front
  }

  @Override
  void cancelAll() {
    outcomes.queueCancelled(receiving);
    outcomes.queueCancelled(sending);
    stopWaitingForBuffer();
  }

  // ---- multicast

  void change(Membership change, InetAddress group, NetworkInterface by, InetAddress source)
      throws IOException {
    switch (change) {
      case JOIN ->
          memberships.put(
              new Group(group, by, source),
              source == null ? channel.join(group, by) : channel.join(group, by, source));
      case DROP -> {
        var key = memberships.remove(new Group(group, by, source));
        if (key != null) {
          key.drop();
        }
      }
      case BLOCK -> memberships.get(new Group(group, by, null)).block(source);
      case UNBLOCK -> memberships.get(new Group(group, by, null)).unblock(source);
    }
  }
}
