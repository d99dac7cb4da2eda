package io.gyre.uring;

import static io.gyre.uring.KernelFeature.BUFFER_RING;
import static io.gyre.uring.KernelFeature.MULTISHOT_RECEIVE_MESSAGE;

import io.gyre.Buffer;
import io.gyre.LeaseTracker;
import io.gyre.bindings.Liburing;
import io.gyre.bindings.io_uring_recvmsg_out;
import io.gyre.driver.Descriptor;
import io.gyre.driver.DriverCounters;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.Errno;
import io.gyre.driver.MessageHeader;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import io.gyre.uring.Messages.Message;
import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.Consumer;

/**
 * Receives datagram after datagram into buffers of the socket's own, so that a flood of them takes none that streams
 * wait for, and no other socket's.
 *
 * <p>A multishot fills buffers of the kernel's choice: in front of each datagram it writes how it came, in a headroom that
 * the user of the buffer does not see.
 *
 * <pre>
 *     -128               -112              -80                    0
 *     +------------------+-----------------+----------------------+--------- ...
 *     | recvmsg_out      | sockaddr        | control messages     | datagram
 *     +------------------+-----------------+----------------------+--------- ...
 * </pre>
 *
 * <p>The kernel writes all that before the completion that names the buffer; we read it by plain loads, behind the
 * acquire of the completion queue's tail and before the buffer is lent.
 *
 * <p>Where there are no multishots each receive is armed with one buffer, and again after each datagram.
 *
 * @see <a href="https://man7.org/linux/man-pages/man3/io_uring_prep_recvmsg_multishot.3.html">
 *     io_uring_prep_recvmsg_multishot(3)</a>
 */
final class DatagramReceives {
  private static final long NAMELEN = io_uring_recvmsg_out.namelen$offset();
  private static final long CONTROLLEN = io_uring_recvmsg_out.controllen$offset();
  private static final long FLAGS = io_uring_recvmsg_out.flags$offset();
  private static final int OUT_BYTES = (int) io_uring_recvmsg_out.sizeof();
  static final int HEADROOM = OUT_BYTES + Messages.NAME_BYTES + Messages.CONTROL_BYTES;
  private static final int MOST_GROUPS = 65_535;

  private final OperationDispatcher dispatcher;
  private final DriverCounters counters;
  private final Ring ring;
  private final WakeUp wakeUp;
  private final Messages messages;
  private final OperationList waiting;
  private final Consumer<Operation> goOn;
  private final boolean multishot;
  private final BitSet groups = new BitSet();

  private LeaseTracker tracker = LeaseTracker.OFF;

  /** Receives that found no buffer. Of each socket there is one at most. */
  private final OperationList starved = new OperationList();

  /** Sockets whose buffers are not all with the kernel. */
  private final List<DatagramState> busy = new ArrayList<>();

  /**
   * Makes the receives of a driver.
   *
   * @param waiting takes receives that are to be written
   * @param goOn takes receives that ended without having to: they start again, unless somebody wants them to end
   */
  DatagramReceives(
      OperationDispatcher dispatcher,
      Ring ring,
      WakeUp wakeUp,
      Messages messages,
      OperationList waiting,
      Consumer<Operation> goOn,
      CapabilityReport report) {
    this.dispatcher = dispatcher;
    this.counters = dispatcher.telemetry().counters();
    this.ring = ring;
    this.wakeUp = wakeUp;
    this.messages = messages;
    this.waiting = waiting;
    this.goOn = goOn;
    this.multishot = usesMultishot(report);
    groups.set(0); // that of streams
  }

  private static boolean usesMultishot(CapabilityReport report) {
    if (!report.allows(MULTISHOT_RECEIVE_MESSAGE)) {
      return false;
    }
    if (!report.allows(BUFFER_RING)) {
      report.absent(MULTISHOT_RECEIVE_MESSAGE, "it needs " + BUFFER_RING.configurationName());
      return false;
    }
    report.used(MULTISHOT_RECEIVE_MESSAGE);
    return true;
  }

  /** Says who watches leases; before that nobody does. */
  void track(LeaseTracker value) {
    tracker = value;
  }

  private static DatagramState socket(Operation operation) {
    return ((UringDescriptor) operation.descriptor()).datagrams;
  }

  // ---- starting

  void prepare(Operation operation) {
    operation.setDriverState(UringDriver.MORE_TO_DO);
    var socket = socket(operation);
    if (socket.buffers == null) {
      open(socket);
    }
    var message = messages.acquire();
    operation.setDriverState(message);
    message.toReceive(0, 0); // what a multishot reads of it: how long names and controls may be
  }

  private void open(DatagramState socket) {
    int group = multishot ? groups.nextClearBit(0) : 0;
    if (group > MOST_GROUPS) {
      group = 0;
    }
    try {
      socket.buffers =
          BufferRing.openOwn(ring, group, socket.bufferCount, socket.bufferBytes, HEADROOM, wakeUp);
    } catch (IOException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
    socket.buffers.countIn(counters);
    socket.buffers.track(tracker);
    if (socket.buffers.isKernels()) {
      socket.group = group;
      groups.set(group);
    }
  }

  /** Whether there is a buffer for it; else it waits for one. */
  boolean mayStart(Operation operation) {
    if (socket(operation).buffers.available() == 0) {
      socket(operation).buffers.publish(); // what others gave back since the last receive
    }
    if (!takesBuffer(operation)) {
      starve(operation);
      return false;
    }
    return true;
  }

  /** Whether there is a buffer for a receive, which takes it if the kernel does not choose one. */
  private static boolean takesBuffer(Operation operation) {
    var buffers = socket(operation).buffers;
    if (buffers.isKernels()) {
      return buffers.available() > 0;
    }
    var picked = buffers.pick();
    ((Message) operation.driverState()).memory = picked;
    return picked != null;
  }

  void write(long sqe, Operation operation, RawEntries fields) {
    var message = (Message) operation.driverState();
    var socket = socket(operation);
    if (socket.buffers.isKernels()) {
      Entries.messages(sqe, operation, message.address);
      fields.bufferGroup(ring, sqe, socket.group);
      return;
    }
    var picked = (Buffer) message.memory;
    message.toReceive(picked.address(), socket.bufferBytes);
    Entries.message(sqe, Liburing.IORING_OP_RECVMSG(), operation, message.address, 0);
  }

  // ---- outcomes

  /** Takes any outcome. */
  void received(Operation operation, int result, int flags, boolean more) {
    var buffers = socket(operation).buffers;
    if (!buffers.isKernels()) {
      receivedOne(operation, result);
      return;
    }
    boolean hasBuffer = (flags & Liburing.IORING_CQE_F_BUFFER()) != 0;
    int id = flags >>> Liburing.IORING_CQE_BUFFER_SHIFT();
    if (hasBuffer && result >= HEADROOM) {
      tell((MessageHeader) operation.argument(), buffers.address(id) - HEADROOM);
      deliver(operation, id, result - HEADROOM);
      if (!more) {
        goOn.accept(operation); // an empty datagram ends a multishot, and so does a full queue
      }
      return;
    }
    if (hasBuffer) {
      buffers.putBack(id);
    }
    if (result == -Errno.ENOBUFS.number() && !UringDriver.isToEnd(operation)) {
      starve(operation);
    } else if (result == -Errno.ENOBUFS.number()) {
      end(operation, -Errno.ECANCELED.number());
    } else {
      end(operation, result);
    }
  }

  /** Reads what the kernel wrote in front of a datagram. */
  static void tell(MessageHeader header, long out) {
    long name = out + OUT_BYTES;
    Messages.tell(
        header,
        Memory.getInt(out + NAMELEN) == 0 ? 0 : name,
        name + Messages.NAME_BYTES,
        Memory.getInt(out + CONTROLLEN),
        Memory.getInt(out + FLAGS));
  }

  private void deliver(Operation operation, int id, int bytes) {
    var socket = socket(operation);
    if (!socket.isBusy) {
      socket.isBusy = true;
      busy.add(socket);
    }
    operation.setReceived(socket.buffers.take(id, bytes, operation));
    dispatcher.resolveMore(operation, bytes);
  }

  private void receivedOne(Operation operation, int result) {
    var message = (Message) operation.driverState();
    var picked = (Buffer) message.memory;
    if (result < 0) {
      end(operation, result);
      return;
    }
    message.memory = null; // lent from here on
    message.tell((MessageHeader) operation.argument());
    deliver(operation, picked.id(), result);
    if (UringDriver.isToEnd(operation)) {
      goOn.accept(operation);
    } else if (mayStart(operation)) {
      waiting.add(operation);
    }
  }

  private void end(Operation operation, int result) {
    release(operation);
    dispatcher.resolve(operation, result);
  }

  /** Gives back what a receive holds that has ended. */
  void release(Operation operation) {
    if (operation.driverState() instanceof Message message) {
      operation.setDriverState(UringDriver.MORE_TO_DO);
      var buffers = socket(operation).buffers;
      if (buffers != null) { // as when they could not be had
        buffers.starving(false); // of each socket there is one receive, which waits no more
      }
      if (message.memory instanceof Buffer picked) {
        buffers.putBack(picked.id());
      }
      messages.putBack(message);
    }
  }

  // ---- too few buffers

  private void starve(Operation operation) {
    counters.add(Counter.OUT_OF_BUFFERS, 1);
    starved.add(operation);
  }

  /** Lets the kernel see what came back, and starts receives again that had no buffer. */
  void turn() {
    for (int i = busy.size() - 1; i >= 0; i--) {
      var socket = busy.get(i);
      socket.buffers.publish();
      if (socket.buffers.isWhole()) {
        socket.isBusy = false;
        busy.set(i, busy.getLast());
        busy.removeLast();
      }
    }
    for (int i = starved.size(); i > 0; i--) {
      var operation = starved.removeFirst();
      var buffers = socket(operation).buffers;
      boolean has = takesBuffer(operation);
      buffers.starving(!has);
      if (has) {
        waiting.add(operation);
      } else {
        starved.add(operation);
      }
    }
  }

  /** Whether buffers came back from elsewhere that a receive waits for, so that the loop must not sleep. */
  boolean hasReturned() {
    return starved.any(o -> socket(o).buffers.hasReturned());
  }

  /** Whether a receive that had no buffer could have one now. */
  boolean canRearm() {
    return starved.any(o -> socket(o).buffers.available() > 0 || socket(o).buffers.hasReturned());
  }

  /** Takes a receive out of the line, if it is there. */
  boolean leavesLine(Operation operation) {
    return starved.remove(operation);
  }

  /** Takes receives out of the line: those of a socket, or with null all. */
  @SuppressWarnings("ReferenceEquality") // this very descriptor
  void leaveLine(Descriptor socket, Consumer<Operation> removed) {
    starved.removeIf(o -> socket == null || o.descriptor() == socket, removed);
  }

  // ---- the end

  /** A socket is about to be closed, on which nothing is in flight. Buffers that are lent stay valid. */
  void closing(UringDescriptor descriptor) {
    var socket = descriptor.datagrams;
    if (socket.isBusy) {
      socket.isBusy = false;
      busy.remove(socket);
    }
    if (socket.group != 0) {
      BufferRing.unregister(ring, socket.group);
      groups.clear(socket.group);
      socket.group = 0;
    }
  }
}
