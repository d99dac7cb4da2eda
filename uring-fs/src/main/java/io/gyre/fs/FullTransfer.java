package io.gyre.fs;

import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.driver.BufferAccess;
import io.gyre.driver.Completion;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationScope;
import io.gyre.driver.PinnedBuffers;
import java.io.EOFException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;

/**
 * A read or write that goes on until all is transferred, operation after operation: the completion of each is this
 * object, which starts the next. It belongs to its file's {@link FullTransfers}, and is used again and again, so that
 * with a pooled buffer nothing is allocated. Confined to the loop's thread.
 *
 * <p>Between two operations nobody else pins the buffer, so this does, from the first to the last: a user who releases
 * it meanwhile must not have the rest read into somebody else's memory.
 */
final class FullTransfer implements Completion {
  private static final BufferAccess BUFFERS = BufferAccess.get();

  private final FullTransfers owner;
  private final OpenFile file;

  /** The next of those that rest. */
  FullTransfer following;

  private OpCode code;
  private long position;
  private int total;
  private int done;
  private boolean sequential; // from the file's position, which it moves

  // Where the bytes are: one of these. Of several buffers, an array that is nobody else's.
  private ByteBuffer memory;
  private Buffer lease;
  private int leaseGeneration;
  private ByteBuffer[] memories;
  private Buffer[] leases;
  private int[] generations;

  FullTransfer(FullTransfers owner, OpenFile file) {
    this.owner = owner;
    this.file = file;
  }

  /** With so many bytes before the buffer's position that somebody else has transferred already. */
  void start(
      OpCode opcode,
      ByteBuffer buffer,
      long offset,
      int before,
      boolean fromPosition,
      Object attachment,
      Object handler) {
    begin(opcode, offset, before, buffer.remaining());
    sequential = fromPosition;
    memory = buffer;
    submitFirst(handler, attachment);
  }

  void start(
      OpCode opcode,
      Buffer buffer,
      long offset,
      int before,
      boolean fromPosition,
      Object attachment,
      Object handler) {
    leaseGeneration = BUFFERS.pin(buffer);
    begin(opcode, offset, before, BUFFERS.view(buffer).remaining());
    sequential = fromPosition;
    lease = buffer;
    submitFirst(handler, attachment);
  }

  void start(OpCode opcode, ByteBuffer[] buffers, long offset, Object attachment, Object handler) {
    begin(opcode, offset, 0, BufferArrays.remaining(buffers));
    memories = buffers;
    submitFirst(handler, attachment);
  }

  void start(OpCode opcode, Buffer[] buffers, long offset, Object attachment, Object handler) {
    generations = PinnedBuffers.pin(buffers);
    begin(opcode, offset, 0, BufferArrays.remaining(buffers));
    leases = buffers;
    submitFirst(handler, attachment);
  }

  private void begin(OpCode opcode, long offset, int before, int bytes) {
    owner.began(this);
    code = opcode;
    position = offset;
    total = before + bytes;
    done = before;
  }

  private void submitFirst(Object handler, Object attachment) {
    var operation = file.transferring(code, this, handler, attachment);
    if (operation != null) {
      submitRest(operation, file.loop.dispatcher().scope());
    }
  }

  /** What is left is between the buffers' positions and limits: each outcome has moved the positions. */
  private void submitRest(Operation operation, OperationScope scope) {
    operation.offset(position + done);
    if (lease != null) {
      operation.memory(lease);
    } else if (memory != null) {
      operation.memory(memory);
    } else if (leases != null) {
      operation.vector(BufferArrays.unfinished(leases));
    } else {
      operation.vector(BufferArrays.unfinished(memories));
    }
    file.loop.dispatcher().submitIn(operation, scope);
  }

  @Override
  public void complete(Operation operation, int result) {
    if (result > 0) {
      done += result;
      if (done < total) {
        goOn(operation);
        return;
      }
    }
    if (result < 0) {
      fail(operation, result, failure(operation.failure(result)));
    } else if (done < total) {
      fail(operation, result, nothingMore());
    } else {
      succeed(operation);
    }
  }

  /** In the scope that it was started in, which is asked again whether it has ended. */
  private void goOn(Operation part) {
    if (part.isCancelRequested()) { // it was quicker; nothing is to follow it
      fail(part, -Errno.ECANCELED.number(), failure(OpenFile.cancellation(part)));
    } else {
      submitRest(file.operation(code, this, part.handler(), part.attachment()), part.scope());
    }
  }

  private void succeed(Operation last) {
    boolean write = isWrite();
    int bytes = total;
    end();
    if (write) {
      file.written(last, bytes);
    } else {
      handler(last).completed(bytes, last.attachment());
    }
  }

  private void fail(Operation last, int result, Throwable failure) {
    boolean write = isWrite();
    end();
    if (write) {
      file.writingFailed(last, result, failure);
    } else {
      handler(last).failed(failure, last.attachment());
    }
  }

  @SuppressWarnings("unchecked") // set together with its attachment
  private static IoHandler<Object> handler(Operation operation) {
    return (IoHandler<Object>) operation.handler();
  }

  /** Rests from here on. */
  private void end() {
    if (lease != null) {
      BUFFERS.unpin(lease, leaseGeneration);
    } else if (leases != null) {
      PinnedBuffers.unpin(leases, generations);
    }
    memory = null;
    lease = null;
    memories = null;
    leases = null;
    generations = null;
    if (sequential) {
      sequential = false;
      file.sequential.moved(code, done);
    }
    owner.ended(this);
  }

  private boolean isWrite() {
    return OpenFile.isWrite(code);
  }

  private Throwable nothingMore() {
    if (!isWrite()) {
      return endOfFile(file, position, done, total);
    }
    // No file system should, but it must not be asked for ever.
    var reason = "write: took no more bytes, and named no error" + soFar(position, done, total);
    return new PartialTransferException(file.path.toString(), reason, done, null);
  }

  static EOFException endOfFile(OpenFile file, long position, int done, int total) {
    return new EOFException(
        "read "
            + file.path
            + ": end of file at offset "
            + (position + done)
            + soFar(position, done, total));
  }

  private Throwable failure(Throwable cause) {
    if (cause instanceof FileSystemException e) {
      return new PartialTransferException(
          e.getFile(), e.getReason() + soFar(position, done, total), done, e);
    }
    if (cause instanceof InterruptedIOException e) {
      e.bytesTransferred = done;
    }
    return cause;
  }

  private static String soFar(long position, int done, int total) {
    return ", after " + done + " of " + total + " bytes from offset " + position;
  }
}
