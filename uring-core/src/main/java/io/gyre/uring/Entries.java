package io.gyre.uring;

import io.gyre.PollSource;
import io.gyre.bindings.Libc;
import io.gyre.bindings.Liburing;
import io.gyre.driver.FileStatus;
import io.gyre.driver.OpCode;
import io.gyre.driver.OpenRequest;
import io.gyre.driver.Operation;
import io.gyre.driver.PathRequest;
import java.lang.foreign.MemorySegment;

/** What the submission queue entry of each operation says. Raw operations have {@link RawEntries}. */
final class Entries {
  private Entries() {}

  /** A read or write at an offset. */
  static void transfer(long sqe, Operation operation, int opcode) {
    var file = (UringDescriptor) operation.descriptor();
    Sqe.write(
        sqe,
        opcode,
        file.sqeFlags,
        file.sqeFd,
        operation.offset(),
        operation.address(),
        operation.memoryLength(),
        operation.flags(),
        operation.token());
  }

  /** A read or write at an offset, of several buffers. */
  private static void vectored(long sqe, Operation operation, int opcode) {
    var file = (UringDescriptor) operation.descriptor();
    Sqe.write(
        sqe,
        opcode,
        file.sqeFlags,
        file.sqeFd,
        operation.offset(),
        operation.address(),
        operation.vector().count(),
        operation.flags(),
        operation.token());
  }

  /** What is left of a send. */
  static void send(long sqe, Operation operation) {
    if (operation.memory() == null || operation.flags() != 0) {
      sendOtherwise(sqe, operation);
      return;
    }
    var socket = (UringDescriptor) operation.descriptor();
    int done = operation.transferred();
    Sqe.write(
        sqe,
        Liburing.IORING_OP_SEND(),
        socket.sqeFlags,
        socket.sqeFd,
        0,
        operation.address() + done,
        operation.memoryLength() - done,
        Libc.MSG_NOSIGNAL() | Libc.MSG_WAITALL(),
        operation.token());
  }

  private static void sendOtherwise(long sqe, Operation operation) {
    if (operation.memory() == null) {
      sendMessage(sqe, operation);
    } else {
      sendFromMemory(sqe, operation);
    }
  }

  /** What is left of a zero-copy send; or of one that began as such, and goes on with copies. */
  private static void sendFromMemory(long sqe, Operation operation) {
    var socket = (UringDescriptor) operation.descriptor();
    int done = operation.transferred();
    boolean copies = (operation.flags() & UringDriver.COPY_AFTER_ALL) != 0;
    Sqe.write(
        sqe,
        copies ? Liburing.IORING_OP_SEND() : Liburing.IORING_OP_SEND_ZC(),
        socket.sqeFlags,
        socket.sqeFd,
        0,
        operation.address() + done,
        operation.memoryLength() - done,
        Libc.MSG_NOSIGNAL() | Libc.MSG_WAITALL(),
        operation.token());
    if (!copies && operation.isRegistered()) {
      Sqe.ioprio(sqe, Liburing.IORING_RECVSEND_FIXED_BUF()); // else its pages are pinned each time
    }
  }

  /** What is left of a send of several buffers, as {@link Vectors} says. */
  private static void sendMessage(long sqe, Operation operation) {
    var socket = (UringDescriptor) operation.descriptor();
    Sqe.write(
        sqe,
        Liburing.IORING_OP_SENDMSG(),
        socket.sqeFlags,
        socket.sqeFd,
        0,
        operation.address(),
        1,
        Libc.MSG_NOSIGNAL() | Libc.MSG_WAITALL(),
        operation.token());
  }

  /**
   * A receive into buffers of the ring's choice.
   *
   * @param bytes how many at most; of a bundle, if it is one; 0 for multishots without
   * @param flags those that receives and sends have of their own, in {@code ioprio}
   */
  static void receive(long sqe, Operation operation, int bytes, int flags) {
    var socket = (UringDescriptor) operation.descriptor();
    Sqe.write(
        sqe,
        Liburing.IORING_OP_RECV(),
        socket.sqeFlags | Liburing.IOSQE_BUFFER_SELECT(),
        socket.sqeFd,
        0,
        0,
        bytes,
        0,
        operation.token());
    if (flags != 0) {
      Sqe.ioprio(sqe, flags);
    }
  }

  /** Waits until there is something to receive, without a buffer: where the ring can't choose one. */
  static void awaitInput(long sqe, Operation operation) {
    var socket = (UringDescriptor) operation.descriptor();
    Sqe.write(
        sqe,
        Liburing.IORING_OP_POLL_ADD(),
        socket.sqeFlags,
        socket.sqeFd,
        0,
        0,
        0,
        Libc.POLLIN() | Libc.POLLRDHUP(),
        operation.token());
  }

  /** Receives what there is into a buffer of ours; EAGAIN when there is nothing. */
  static void receiveInto(long sqe, Operation operation, long address, int bytes) {
    var socket = (UringDescriptor) operation.descriptor();
    Sqe.write(
        sqe,
        Liburing.IORING_OP_RECV(),
        socket.sqeFlags,
        socket.sqeFd,
        0,
        address,
        bytes,
        Libc.MSG_DONTWAIT(),
        operation.token());
  }

  /**
   * What is not done a million times a second.
   *
   * @param multishot whether an accept or poll of many is one for the kernel too
   */
  static void rare(long sqe, Operation operation, boolean multishot) {
    var descriptor = (UringDescriptor) operation.descriptor();
    long token = operation.token();
    switch (operation.code()) {
      case OPEN -> open(sqe, operation, directory(descriptor));
      case READV ->
          vectored(
              sqe,
              operation,
              operation.isRegistered()
                  ? Liburing.IORING_OP_READV_FIXED()
                  : Liburing.IORING_OP_READV());
      case WRITEV ->
          vectored(
              sqe,
              operation,
              operation.isRegistered()
                  ? Liburing.IORING_OP_WRITEV_FIXED()
                  : Liburing.IORING_OP_WRITEV());
      case TRUNCATE, ALLOCATE, ADVISE, SYNC_RANGE -> range(sqe, operation, descriptor);
      case ATTRIBUTES, MAKE_DIRECTORY, REMOVE, RENAME, SYMBOLIC_LINK, LINK ->
          path(sqe, operation, directory(descriptor));
      case RECEIVE ->
          Sqe.write(
              sqe,
              Liburing.IORING_OP_RECV(),
              descriptor.sqeFlags,
              descriptor.sqeFd,
              0,
              operation.address(),
              operation.memoryLength(),
              0,
              token);
      case FSYNC -> {
        int flags = operation.flags() == 1 ? Liburing.IORING_FSYNC_DATASYNC() : 0;
        Sqe.write(
            sqe,
            Liburing.IORING_OP_FSYNC(),
            descriptor.sqeFlags,
            descriptor.sqeFd,
            0,
            0,
            0,
            flags,
            token);
      }
      case SIZE -> {
        // By the descriptor itself: statx does not know the ring's table. An empty path needs no
        // bytes but the zero that any fresh memory begins with, such as the result's.
        long result = ((MemorySegment) operation.driverState()).address();
        Sqe.write(
            sqe,
            Liburing.IORING_OP_STATX(),
            0,
            descriptor.fd,
            result,
            result,
            Libc.STATX_SIZE(),
            Libc.AT_EMPTY_PATH(),
            token);
      }
      case CLOSE -> Sqe.write(sqe, Liburing.IORING_OP_CLOSE(), 0, descriptor.fd, 0, 0, 0, 0, token);
      case ACCEPT, ACCEPT_MULTISHOT -> {
        int flags = Libc.SOCK_CLOEXEC();
        Sqe.write(
            sqe,
            Liburing.IORING_OP_ACCEPT(),
            descriptor.sqeFlags,
            descriptor.sqeFd,
            0,
            0,
            0,
            flags,
            token);
        if (multishot && operation.code() == OpCode.ACCEPT_MULTISHOT) {
          Sqe.ioprio(sqe, Liburing.IORING_ACCEPT_MULTISHOT());
        }
      }
      case CONNECT -> {
        var address = (MemorySegment) operation.driverState();
        Sqe.write(
            sqe,
            Liburing.IORING_OP_CONNECT(),
            descriptor.sqeFlags,
            descriptor.sqeFd,
            address.byteSize(),
            address.address(),
            0,
            0,
            token);
      }
      case SHUTDOWN ->
          Sqe.write(
              sqe,
              Liburing.IORING_OP_SHUTDOWN(),
              descriptor.sqeFlags,
              descriptor.sqeFd,
              0,
              0,
              operation.flags(),
              0,
              token);
      case POLL, POLL_MULTISHOT -> {
        boolean more = multishot && operation.code() == OpCode.POLL_MULTISHOT;
        boolean ours = descriptor != null;
        Sqe.write(
            sqe,
            Liburing.IORING_OP_POLL_ADD(),
            ours ? descriptor.sqeFlags : 0,
            ours ? descriptor.sqeFd : ((PollSource) operation.argument()).fd(),
            0,
            0,
            more ? Liburing.IORING_POLL_ADD_MULTI() : 0,
            operation.flags(),
            token);
      }
      case NOP, READ, WRITE, RECEIVE_MULTISHOT, SEND, RAW, SPLICE ->
          throw new AssertionError(operation);
      case AWAIT_WRITABLE, SEND_FILE -> throw new AssertionError(operation); // no driver sees them
      case SET_ATTRIBUTES, LOCK, UNLOCK, COPY_RANGE, SEEK, READ_LINK, LIST ->
          throw new AssertionError(operation); // on threads
    }
  }

  /** Paths are looked up by the number: the ring's table is not known there. */
  private static int directory(UringDescriptor descriptor) {
    return descriptor == null ? Libc.AT_FDCWD() : descriptor.fd;
  }

  /** An open, and then the removal of the name if it is to be gone with the file. */
  private static void open(long sqe, Operation operation, int directory) {
    var request = (OpenRequest) operation.argument();
    long path = ((MemorySegment) operation.driverState()).address();
    if (operation.newDescriptor() != null) {
      Sqe.write(sqe, Liburing.IORING_OP_UNLINKAT(), 0, directory, 0, path, 0, 0, operation.token());
      return;
    }
    Sqe.write(
        sqe,
        Liburing.IORING_OP_OPENAT(),
        operation.transferred() == UringDriver.MAY_BLOCK ? Liburing.IOSQE_ASYNC() : 0,
        directory,
        0,
        path,
        OpenFlags.mode(request),
        OpenFlags.of(request),
        operation.token());
  }

  /** What is done to a part of a file. */
  private static void range(long sqe, Operation operation, UringDescriptor file) {
    long length = operation.length();
    int narrow = length == (int) length ? (int) length : 0;
    int opcode = 0;
    long address = 0;
    int len = 0;
    int flags = 0;
    switch (operation.code()) {
      case TRUNCATE -> opcode = Liburing.IORING_OP_FTRUNCATE();
      case ALLOCATE -> {
        opcode = Liburing.IORING_OP_FALLOCATE();
        address = length;
        len = operation.flags(); // the mode
      }
      case ADVISE -> {
        opcode = Liburing.IORING_OP_FADVISE();
        // Kernels before 6.10 know 32 bits, and refuse anything in the place of the other 32.
        len = narrow;
        address = narrow == length ? 0 : length;
        flags = operation.flags();
      }
      default -> { // SYNC_RANGE; what does not fit is done to the end of the file, which is more
        opcode = Liburing.IORING_OP_SYNC_FILE_RANGE();
        len = narrow;
        flags = operation.flags();
      }
    }
    Sqe.write(
        sqe,
        opcode,
        file.sqeFlags,
        file.sqeFd,
        operation.offset(),
        address,
        len,
        flags,
        operation.token());
  }

  private static void path(long sqe, Operation operation, int directory) {
    var paths = (KernelPaths) operation.driverState();
    int other = directory((UringDescriptor) operation.otherDescriptor());
    long path = paths.path().address();
    long second = paths.second().address();
    int flags = operation.flags();
    long token = operation.token();
    switch (operation.code()) {
      case ATTRIBUTES -> {
        int atFlags = flags == 1 ? Libc.AT_SYMLINK_NOFOLLOW() : 0;
        if (operation.argument() == null) {
          atFlags = Libc.AT_EMPTY_PATH();
        }
        int mask = KernelPaths.statusMask();
        Sqe.write(
            sqe, Liburing.IORING_OP_STATX(), 0, directory, second, path, mask, atFlags, token);
      }
      case MAKE_DIRECTORY -> {
        var permissions = ((PathRequest) operation.argument()).permissions();
        int mode = permissions == null ? 0_777 : FileStatus.modeOf(permissions);
        Sqe.write(sqe, Liburing.IORING_OP_MKDIRAT(), 0, directory, 0, path, mode, 0, token);
      }
      case REMOVE -> {
        int atFlags = flags == 1 ? Libc.AT_REMOVEDIR() : 0;
        Sqe.write(sqe, Liburing.IORING_OP_UNLINKAT(), 0, directory, 0, path, 0, atFlags, token);
      }
      case RENAME ->
          Sqe.write(
              sqe, Liburing.IORING_OP_RENAMEAT(), 0, directory, second, path, other, flags, token);
      case LINK ->
          Sqe.write(sqe, Liburing.IORING_OP_LINKAT(), 0, directory, second, path, other, 0, token);
      default -> // SYMBOLIC_LINK, whose content comes first in the kernel's order
          Sqe.write(sqe, Liburing.IORING_OP_SYMLINKAT(), 0, directory, path, second, 0, 0, token);
    }
  }
}
