package io.gyre.uring;

import static io.gyre.uring.SimulatedKernel.require;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.gyre.bindings.Libc;
import io.gyre.bindings.Liburing;
import io.gyre.bindings.pollfd;
import io.gyre.bindings.sockaddr_storage;
import io.gyre.bindings.statx;
import io.gyre.driver.Errno;
import io.gyre.uring.SimulatedFile.Content;
import io.gyre.uring.SimulatedFile.Listener;
import io.gyre.uring.SimulatedFile.Regular;
import io.gyre.uring.SimulatedFile.Socket;
import io.gyre.uring.SimulatedFile.WakeUpCounter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What the operations of a {@link SimulatedKernel} do to its files and sockets, and what may go wrong with each. */
final class SimulatedOperations {
  /** Beyond any number that the process can have: a call that goes past the simulation hits nothing. */
  static final int FIRST_FD = 1 << 30;

  private static final long WAKE = UringDriver.WAKE;

  /** Told what the kernel reads from memory, when it does. */
  @FunctionalInterface
  interface Observer {
    /**
     * Bytes were taken.
     *
     * @param token whose
     * @param done how many of the same operation were taken before
     */
    void taken(long token, int done, MemorySegment bytes);
  }

  private final SimulatedKernel kernel;
  private final SimulatedPolls polls;

  // By number less the first; the lowest free number is used next, as POSIX has it: a number that
  // is
  // used too long is soon somebody else's.
  private final List<SimulatedFile> files = new ArrayList<>();
  private SimulatedFile[] fixed = new SimulatedFile[0];
  private final Map<String, Content> paths = new HashMap<>();
  private final Map<Integer, Listener> listeners = new HashMap<>();
  private final List<Socket> remotes = new ArrayList<>();
  private SimulatedBufferRing provided;
  private long registeredFrom;
  private long registeredTo;
  private boolean multishotReceive = true;
  private boolean bundles = true;
  private long bundlesOfSeveral;
  private final Deque<Errno> acceptFailures = new ArrayDeque<>();
  private Observer observer = (token, done, bytes) -> {};

  // For the one descriptor that is the process's own.
  private WakeUpCounter wakeUp;
  private final MemorySegment poll = Arena.ofAuto().allocate(pollfd.layout());

  SimulatedOperations(SimulatedKernel kernel) {
    this.kernel = kernel;
    this.polls = new SimulatedPolls(kernel);
  }

  // ---- what tests ask for

  void observe(Observer value) {
    observer = value;
  }

  SimulatedPolls polls() {
    return polls;
  }

  /** A kernel that has the flags of Linux 6.0, but not what came with it. */
  void refuseMultishotReceive() {
    multishotReceive = false;
  }

  /** A kernel before Linux 6.10. */
  void withoutBundles() {
    bundles = false;
  }

  boolean hasBundles() {
    return bundles;
  }

  /** How many completions told of more than one buffer. */
  long bundlesOfSeveral() {
    return bundlesOfSeveral;
  }

  /** Has the next attempt to take a connection that waits fail, and for each repetition the one after it. */
  void failAccept(Errno errno) {
    acceptFailures.add(errno);
  }

  /** How many of those failures are still to come. */
  int acceptFailuresLeft() {
    return acceptFailures.size();
  }

  /** Puts a file under the lowest number that is free. */
  int open(SimulatedFile file) {
    int free = files.indexOf(null);
    if (free < 0) {
      free = files.size();
      files.add(null);
    }
    files.set(free, file);
    return FIRST_FD + free;
  }

  int listen(int port) {
    var listener = new Listener();
    listeners.put(port, listener);
    return open(listener);
  }

  SimulatedFile file(int fd) {
    int index = fd - FIRST_FD;
    return index < 0 || index >= files.size() ? null : files.get(index);
  }

  Content content(String path) {
    return paths.computeIfAbsent(path, p -> new Content());
  }

  /** The other ends of the connections that the driver made to addresses where nobody simulated listens. */
  List<Socket> remotes() {
    return remotes;
  }

  SimulatedBufferRing provided() {
    return provided;
  }

  void checkClosed() {
    for (int i = 0; i < files.size(); i++) {
      require(files.get(i) == null, "never closed: " + (FIRST_FD + i) + ", " + files.get(i));
    }
    for (var file : fixed) {
      require(file == null, "registered still: " + file);
    }
  }

  // ---- registration

  void registerFiles(int count) {
    fixed = new SimulatedFile[count];
  }

  int updateFile(int index, int fd) {
    require(index >= 0 && index < fixed.length, "a place outside of the file table: " + index);
    if (fd == -1) {
      require(fixed[index] != null, "an empty place is emptied: " + index);
      fixed[index] = null;
      return 1;
    }
    require(fixed[index] == null, "a place that is taken: " + index);
    var file = file(fd);
    require(file != null, "registers a number that is closed: " + fd);
    if (kernel.chance(kernel.faults().error())) {
      return -Errno.ENOMEM.number();
    }
    fixed[index] = file;
    return 1;
  }

  void provide(SimulatedBufferRing ring) {
    provided = ring;
  }

  void registerMemory(long address, long bytes) {
    registeredFrom = address;
    registeredTo = address + bytes;
  }

  void scribble() {
    if (provided != null) {
      provided.scribble(kernel.random());
    }
  }

  // ---- entries

  /** Checks an entry, and finds what it works on. */
  void check(SimulatedRequest r) {
    int known =
        r.raw
            ? Liburing.IOSQE_IO_LINK() | Liburing.IOSQE_ASYNC()
            : Liburing.IOSQE_FIXED_FILE() | Liburing.IOSQE_BUFFER_SELECT();
    require((r.flags & ~known) == 0, "flags of " + r);
    if (r.is(Liburing.IORING_OP_NOP()) || r.is(Liburing.IORING_OP_OPENAT())) {
      require((r.raw || r.flags == 0) && r.ioprio == 0, "flags of " + r);
      return;
    }
    if (r.is(Liburing.IORING_OP_ASYNC_CANCEL())) {
      return;
    }
    if (r.is(Liburing.IORING_OP_READ()) && r.userData == WAKE) {
      require(r.fd < FIRST_FD && r.length == Long.BYTES, "the wake-up's read: " + r);
      if (wakeUp == null) {
        wakeUp = new WakeUpCounter(r.fd);
      }
      r.file = wakeUp;
      return;
    }
    if ((r.flags & Liburing.IOSQE_FIXED_FILE()) == 0) {
      r.file = file(r.fd);
    } else {
      require(r.fd >= 0 && r.fd < fixed.length, "a place outside of the file table: " + r);
      r.file = fixed[r.fd];
    }
    require(r.file != null, "an operation on a descriptor that is closed: " + r);
    require(r.length >= 0, "a length of " + r);
    if (r.is(Liburing.IORING_OP_POLL_ADD())) {
      SimulatedPolls.check(r);
      return;
    }
    boolean receives = r.is(Liburing.IORING_OP_RECV());
    require(receives || !r.selectsBuffer(), "selects a buffer: " + r);
    if (r.is(Liburing.IORING_OP_READ_FIXED()) || r.is(Liburing.IORING_OP_WRITE_FIXED())) {
      require(
          r.address >= registeredFrom && r.address + r.length <= registeredTo,
          "memory that is not registered: " + r);
    }
    if (r.is(Liburing.IORING_OP_SEND())) {
      require(
          r.opFlags == (Libc.MSG_NOSIGNAL() | Libc.MSG_WAITALL()) && r.ioprio == 0,
          "flags of a send");
      for (var other : kernel.inFlight()) {
        require(
            !other.is(Liburing.IORING_OP_SEND()) || other.file != r.file,
            "two sends at once on one socket: " + r + " and " + other);
      }
    }
    if (r.is(Liburing.IORING_OP_CLOSE())) {
      require(r.flags == 0, "flags of " + r);
      for (var other : kernel.inFlight()) {
        require(other.file != r.file, "a close with something in flight: " + other);
      }
      require(!kernel.links().name(r.fd), "a close with links to come: " + kernel.links());
      for (var file : fixed) {
        require(file != r.file, "a close of what is registered: " + r);
      }
    }
    boolean multishot = receives || r.is(Liburing.IORING_OP_ACCEPT());
    require(r.ioprio == 0 || multishot, "ioprio of " + r);
    require(
        !r.isBundle() || (bundles && r.selectsBuffer()),
        "a bundle of one buffer, or on a kernel without: " + r);
  }

  /** Whether the kernel does it while it takes the entry, always. */
  static boolean isInline(SimulatedRequest r) {
    return r.is(Liburing.IORING_OP_ASYNC_CANCEL())
        || (r.is(Liburing.IORING_OP_CLOSE()) && !(r.file instanceof Regular));
  }

  // ---- what they do

  /** Goes on with a request as far as it can. Returns whether that was anything at all. */
  boolean attempt(SimulatedRequest r) {
    if (r.ended) {
      return false;
    }
    if (r.cancelled) {
      kernel.complete(r, r.done > 0 ? r.done : -Errno.ECANCELED.number(), 0);
      return true;
    }
    int code = r.opcode;
    if (code == Liburing.IORING_OP_NOP()) {
      kernel.complete(r, 0, 0);
      return true;
    }
    if (code == Liburing.IORING_OP_ASYNC_CANCEL()) {
      return cancel(r);
    }
    if (code == Liburing.IORING_OP_POLL_ADD()) {
      return polls.attempt(r);
    }
    if (code == Liburing.IORING_OP_OPENAT()) {
      return openAt(r);
    }
    if (code == Liburing.IORING_OP_CLOSE()) {
      return close(r);
    }
    return switch (r.file) {
      case WakeUpCounter counter -> false;
      case Regular regular -> transfer(r, regular.content);
      case Listener listener -> accept(r, listener);
      case Socket socket -> communicate(r, socket);
    };
  }

  private boolean end(SimulatedRequest r, int result) {
    kernel.complete(r, result, 0);
    return true;
  }

  private boolean fail(SimulatedRequest r, Errno... possible) {
    return end(r, -possible[kernel.random().nextInt(possible.length)].number());
  }

  private boolean error() {
    return kernel.chance(kernel.faults().error());
  }

  /** How much of what could be transferred is. */
  private int some(int possible) {
    return possible > 1 && kernel.chance(kernel.faults().shortCount())
        ? 1 + kernel.random().nextInt(possible)
        : possible;
  }

  /** Looks whether somebody woke the loop. Only when it would sleep: it is a call to the real kernel. */
  boolean attemptWakeUp() {
    return awaitWakeUp(0);
  }

  /** Waits until somebody wakes the loop; false after so long. */
  boolean awaitWakeUp(long nanos) {
    int millis = (int) Math.min(Integer.MAX_VALUE, nanos / 1_000_000 + (nanos > 0 ? 1 : 0));
    for (var r : kernel.inFlight()) {
      if (r.file instanceof WakeUpCounter counter && readCounter(r, counter, millis)) {
        return true;
      }
    }
    return false;
  }

  private boolean readCounter(SimulatedRequest r, WakeUpCounter counter, int millis) {
    pollfd.fd(poll, counter.fd);
    pollfd.events(poll, (short) Libc.POLLIN());
    if (Libc.poll(poll, 1, millis) != 1) {
      return false;
    }
    var value = Memory.ALL.asSlice(r.address, r.length);
    return end(r, (int) Libc.read(counter.fd, value, Long.BYTES));
  }

  private boolean openAt(SimulatedRequest r) {
    if (error()) {
      return fail(r, Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM, Errno.EACCES, Errno.EINTR);
    }
    var path = Memory.ALL.getString(r.address, StandardCharsets.UTF_8);
    boolean exists = paths.containsKey(path);
    if (!exists && (r.opFlags & Libc.O_CREAT()) == 0) {
      return fail(r, Errno.ENOENT);
    }
    if (exists && (r.opFlags & Libc.O_EXCL()) != 0) {
      return fail(r, Errno.EEXIST);
    }
    if ((r.opFlags & Libc.O_TRUNC()) != 0) {
      content(path).truncate();
    }
    return end(r, open(new Regular(content(path))));
  }

  private boolean close(SimulatedRequest r) {
    files.set(r.fd - FIRST_FD, null);
    if (r.file instanceof Socket socket) {
      socket.close();
    } else if (r.file instanceof Listener listener) {
      listener.backlog.forEach(Socket::breakOff);
      listeners.values().remove(listener);
    }
    return error() ? fail(r, Errno.EIO, Errno.EINTR) : end(r, 0); // closed in either case
  }

  private boolean transfer(SimulatedRequest r, Content content) {
    int code = r.opcode;
    if (code == Liburing.IORING_OP_STATX()) {
      if (error()) {
        return fail(r, Errno.EIO, Errno.ENOMEM);
      }
      require(
          r.opFlags == Libc.AT_EMPTY_PATH() && Memory.ALL.get(JAVA_BYTE, r.address) == 0,
          "statx by a path");
      statx.stx_size(Memory.ALL.asSlice(r.offset, statx.sizeof()), content.bytes().length);
      return end(r, 0);
    }
    if (code == Liburing.IORING_OP_FSYNC()) {
      return error() ? fail(r, Errno.EIO, Errno.ENOSPC) : end(r, 0);
    }
    require(r.offset >= 0, "an offset of " + r);
    if (code == Liburing.IORING_OP_READ() || code == Liburing.IORING_OP_READ_FIXED()) {
      if (error()) {
        return fail(r, Errno.EIO, Errno.EAGAIN, Errno.EINTR, Errno.ENOMEM);
      }
      int there = Math.clamp(content.bytes().length - r.offset, 0, r.length);
      int count = some(there);
      if (count > 0) {
        MemorySegment.copy(
            content.bytes(), (int) r.offset, Memory.ALL, JAVA_BYTE, r.address, count);
      }
      return end(r, count);
    }
    require(
        code == Liburing.IORING_OP_WRITE() || code == Liburing.IORING_OP_WRITE_FIXED(),
        "no operation of a file: " + r);
    if (error()) {
      return fail(r, Errno.ENOSPC, Errno.EDQUOT, Errno.EIO, Errno.EINTR, Errno.EAGAIN);
    }
    int count = some(r.length);
    if (count > 0) {
      observer.taken(r.userData, 0, Memory.ALL.asSlice(r.address, count));
      content.ensure((int) r.offset + count);
      MemorySegment.copy(Memory.ALL, JAVA_BYTE, r.address, content.bytes(), (int) r.offset, count);
    }
    return end(r, count);
  }

  private boolean accept(SimulatedRequest r, Listener listener) {
    require(r.is(Liburing.IORING_OP_ACCEPT()), "no operation of a listener: " + r);
    require(r.opFlags == Libc.SOCK_CLOEXEC(), "flags of an accept");
    if (listener.backlog.isEmpty()) {
      return false;
    }
    if (!acceptFailures.isEmpty()) {
      return fail(r, acceptFailures.remove());
    }
    if (error()) {
      return fail(r, Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM, Errno.ECONNABORTED);
    }
    int fd = open(listener.backlog.remove());
    kernel.complete(r, fd, more(r));
    return true;
  }

  private int more(SimulatedRequest r) {
    return r.isMultishot() && !kernel.chance(kernel.faults().endMultishot())
        ? Liburing.IORING_CQE_F_MORE()
        : 0;
  }

  private boolean communicate(SimulatedRequest r, Socket socket) {
    int code = r.opcode;
    if (code == Liburing.IORING_OP_CONNECT()) {
      return connect(r, socket);
    }
    if (code == Liburing.IORING_OP_SHUTDOWN()) {
      if (socket.peer == null || socket.reset) {
        return fail(r, Errno.ENOTCONN);
      }
      if (r.length != 1) { // input, or both
        socket.inputShut = true;
        socket.inbound.clear();
      }
      if (r.length != 0) {
        socket.shutOutput();
      }
      return end(r, 0);
    }
    if (code == Liburing.IORING_OP_SEND()) {
      return send(r, socket);
    }
    if (code == Liburing.IORING_OP_POLL_ADD()) {
      return poll(r, socket);
    }
    require(code == Liburing.IORING_OP_RECV(), "no operation of a socket: " + r);
    return receive(r, socket);
  }

  private boolean connect(SimulatedRequest r, Socket socket) {
    if (socket.peer != null) {
      return fail(r, Errno.EISCONN);
    }
    if (error()) {
      return fail(r, Errno.ECONNREFUSED, Errno.ETIMEDOUT, Errno.EHOSTUNREACH, Errno.ENETUNREACH);
    }
    var storage = Memory.ALL.asSlice(r.address, r.offset);
    require(r.offset <= sockaddr_storage.sizeof(), "an address that is too long");
    var listener = listeners.get(SocketAddresses.decode(storage).getPort());
    var peer = new Socket();
    socket.connectTo(peer);
    if (listener == null) {
      remotes.add(peer);
    } else {
      listener.backlog.add(peer);
    }
    return end(r, 0);
  }

  private boolean send(SimulatedRequest r, Socket socket) {
    if (socket.peer == null || socket.reset || socket.outputShut || socket.peer.inputShut) {
      if (r.done > 0) {
        return end(r, r.done);
      }
      return socket.reset ? fail(r, Errno.ECONNRESET, Errno.EPIPE) : fail(r, Errno.EPIPE);
    }
    if (r.done == 0 && error()) {
      return fail(r, Errno.ENOBUFS, Errno.ENOMEM, Errno.EINTR, Errno.EAGAIN);
    }
    int left = r.length - r.done;
    int count = some(Math.min(left, socket.peer.room()));
    if (count == 0 && left > 0) {
      return false;
    }
    var bytes = Memory.ALL.asSlice(r.address + r.done, count);
    observer.taken(r.userData, r.done, bytes);
    for (int i = 0; i < count; i++) {
      socket.peer.inbound.add(bytes.get(JAVA_BYTE, i));
    }
    r.done += count;
    if (r.done == r.length || kernel.chance(kernel.faults().shortCount())) {
      return end(r, r.done);
    }
    return true;
  }

  /** For input; a socket that is not connected hangs up. */
  private boolean poll(SimulatedRequest r, Socket socket) {
    require(
        r.opFlags == (Libc.POLLIN() | Libc.POLLRDHUP()) && r.length == 0, "not for input: " + r);
    if (error()) {
      return fail(r, Errno.ENOMEM);
    }
    if (socket.peer == null) {
      return end(r, Libc.POLLHUP());
    }
    return socket.readable() && end(r, Libc.POLLIN());
  }

  private boolean receive(SimulatedRequest r, Socket socket) {
    boolean waits = r.opFlags != Libc.MSG_DONTWAIT();
    require(!waits || r.opFlags == 0, "flags of a receive");
    require(waits || !r.selectsBuffer(), "chooses a buffer, and does not wait: " + r);
    if (r.isMultishot() && !multishotReceive) {
      return fail(r, Errno.EINVAL);
    }
    if (r.selectsBuffer() && provided.isEmpty()) {
      return fail(r, Errno.ENOBUFS); // whether or not there is anything to receive
    }
    if (socket.peer == null) {
      return fail(r, Errno.ENOTCONN);
    }
    if (!socket.readable()) {
      return !waits && fail(r, Errno.EAGAIN);
    }
    if (r.missedReset) {
      return false;
    }
    if (error()) {
      return fail(r, Errno.ENOMEM, Errno.EINTR, Errno.EAGAIN, Errno.ECONNRESET);
    }
    if (socket.inbound.size() == 0) {
      return endOfStream(r, socket);
    }
    receiveBytes(r, socket);
    // It goes on when there is more, or the end of the stream; else it waits for an edge, and after
    // a reset there is none.
    boolean hasMore = socket.inbound.size() > 0 || socket.inputEnded || socket.inputShut;
    r.missedReset = socket.reset && !hasMore;
    return true;
  }

  private void receiveBytes(SimulatedRequest r, Socket socket) {
    if (!r.selectsBuffer()) {
      int count = some(Math.min(r.length, socket.inbound.size()));
      deliver(socket, r.address, count);
      end(r, count);
      return;
    }
    require(
        r.length == 0 || !r.isMultishot() || r.isBundle(),
        "a multishot with a length that is no bundle: " + r);
    if (r.isBundle()) {
      receiveBundle(r, socket);
      return;
    }
    var buffer = provided.take();
    int limit = r.length == 0 ? buffer.length() : Math.min(r.length, buffer.length());
    int count = some(Math.min(limit, socket.inbound.size()));
    deliver(socket, buffer.address(), count);
    kernel.complete(r, count, named(buffer) | more(r));
  }

  /**
   * Fills buffers as long as each is full. Then there is none left perhaps, which ends a multishot. A kernel that knows
   * how much there is to come makes a buffer's entry shorter, and leaves it so even if nothing comes after all.
   */
  private void receiveBundle(SimulatedRequest r, Socket socket) {
    var random = kernel.random();
    SimulatedBufferRing.Taken first = null;
    int total = 0;
    int count;
    SimulatedBufferRing.Taken buffer;
    do {
      if (random.nextInt(16) == 0) {
        provided.shorten(random);
      }
      buffer = provided.take();
      if (first == null) {
        first = buffer;
      } else if (buffer.id() != first.id()) {
        bundlesOfSeveral++;
      }
      count = some(Math.min(buffer.length(), socket.inbound.size()));
      deliver(socket, buffer.address(), count);
      total += count;
    } while (count == buffer.length()
        && total < r.length
        && socket.inbound.size() > 0
        && !provided.isEmpty()
        && random.nextInt(4) > 0);
    if (random.nextInt(8) == 0) {
      provided.shorten(random);
    }
    kernel.complete(r, total, named(first) | (provided.isEmpty() ? 0 : more(r)));
  }

  /** The end of the stream, or of the connection. Some kernels hand a buffer back along with the end. */
  private boolean endOfStream(SimulatedRequest r, Socket socket) {
    int flags = 0;
    if (r.selectsBuffer() && kernel.random().nextInt(8) == 0) {
      flags = named(provided.take());
    }
    kernel.complete(r, socket.reset ? -Errno.ECONNRESET.number() : 0, flags);
    return true;
  }

  private static int named(SimulatedBufferRing.Taken buffer) {
    return Liburing.IORING_CQE_F_BUFFER() | buffer.id() << Liburing.IORING_CQE_BUFFER_SHIFT();
  }

  private static void deliver(Socket socket, long address, int count) {
    for (int i = 0; i < count; i++) {
      byte value = socket.inbound.remove();
      socket.delivered.add(value);
      Memory.ALL.set(JAVA_BYTE, address + i, value);
    }
  }

  // ---- cancelling

  private boolean cancel(SimulatedRequest r) {
    if (r.opFlags == 0) {
      for (var candidate : kernel.inFlight()) {
        if (candidate.userData == r.address && !candidate.ended) {
          return end(r, cancelOne(candidate) ? 0 : -Errno.EALREADY.number());
        }
      }
      return fail(r, Errno.ENOENT);
    }
    require((r.opFlags & Liburing.IORING_ASYNC_CANCEL_ALL()) != 0, "flags of " + r);
    SimulatedFile file = null;
    if ((r.opFlags & Liburing.IORING_ASYNC_CANCEL_FD()) != 0) {
      file = file(r.fd);
      if (file == null) {
        return fail(r, Errno.EBADF);
      }
    }
    int count = 0;
    for (var candidate : List.copyOf(kernel.inFlight())) {
      boolean matches = file == null ? candidate != r : candidate.holds(file);
      if (matches && !candidate.ended && cancelOne(candidate)) {
        count++;
      }
    }
    return end(r, count);
  }

  /** Cancels a request that has not ended; false when it runs and will end by itself. */
  private boolean cancelOne(SimulatedRequest r) {
    boolean onWorker = r.file == null || r.file instanceof Regular;
    if (r.running && onWorker) {
      return false;
    }
    // What a cancellation races with may win.
    if (kernel.chance(kernel.faults().lateCancel()) && attempt(r) && r.ended) {
      return false;
    }
    r.cancelled = true;
    if (!kernel.chance(kernel.faults().delay())) {
      r.readyAtNanos = 0;
    }
    return true;
  }
}
