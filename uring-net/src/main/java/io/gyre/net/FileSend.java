package io.gyre.net;

import io.gyre.Buffer;
import io.gyre.driver.Completion;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationScope;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.CompletionHandler;
import java.util.concurrent.CancellationException;

/**
 * A file on its way into a socket, block by block through one pooled buffer: read, then sent, then the next. The
 * completion of each part is this object, which starts the next one. Confined to the loop's thread.
 *
 * <p>Why not splice(2): io_uring carries it out on a worker thread always ({@code REQ_F_FORCE_ASYNC} in io_uring/splice.c),
 * and into a socket that is full that worker waits, since a socket that is to be used by the ring can't be O_NONBLOCK. A
 * few dozen peers that read nothing would hold all workers that there are, and with them every open and every write to
 * disk. A read of what is in the page cache and a send of a registered buffer are done inside of the loop's own call, and
 * a peer that reads nothing holds one buffer.
 *
 * <p>One part at a time: a send has ended when the socket has taken its bytes, so that the next block is read while
 * they are on the wire.
 */
final class FileSend implements Completion {
  private static final int BLOCK_BYTES = 128 << 10;

  private final SocketStream stream;
  private final Descriptor file;
  private final long position;
  private final long count;

  // What a part's operation is given along is taken for the user's by nobody but this.
  private final CompletionHandler<Long, Object> handler;
  private final Object attachment;

  private OperationScope scope;
  private Buffer pooled;
  private ByteBuffer block;
  private long sent;
  private boolean cancelled;

  @SuppressWarnings("unchecked") // the handler is called with the attachment given along
  FileSend(
      SocketStream stream,
      Descriptor file,
      long position,
      long count,
      Object attachment,
      CompletionHandler<Long, ?> handler) {
    this.stream = stream;
    this.file = file;
    this.position = position;
    this.count = count;
    this.attachment = attachment;
    this.handler = (CompletionHandler<Long, Object>) handler;
  }

  /** How much of it counts as queued. */
  long left() {
    return count - sent;
  }

  /** Before its turn; later what is under way of it is cancelled by itself. */
  void cancel() {
    cancelled = true;
  }

  boolean isCancelled() {
    return cancelled;
  }

  /** Its turn has come: everything before it is with the driver. */
  void begin(OperationScope startedIn) {
    scope = startedIn;
    if (count == 0) {
      finish(null);
      return;
    }
    int bytes = (int) Math.min(count, BLOCK_BYTES);
    pooled = stream.loop().buffers().tryAcquire(bytes);
    // With no pooled memory left it takes its own, for this transfer only.
    block = pooled == null ? ByteBuffer.allocateDirect(bytes) : pooled.byteBuffer();
    readBlock();
  }

  private void readBlock() {
    block.clear().limit((int) Math.min(block.capacity(), left()));
    // It is counted on the socket, too, which is therefore not closed under it, and cancelled with
    // what is under way there.
    submit(part(OpCode.READ, file).offset(position + sent).other(stream.descriptor, 0));
  }

  private Operation part(OpCode code, Descriptor descriptor) {
    return stream.dispatcher.acquire(code, descriptor, this, null, null);
  }

  private void submit(Operation part) {
    stream.dispatcher.submitIn(pooled == null ? part.memory(block) : part.memory(pooled), scope);
  }

  @Override
  public void complete(Operation part, int result) {
    if (part.code() == OpCode.READ) {
      blockRead(part, result);
    } else {
      blockSent(part, result);
    }
  }

  private void blockRead(Operation read, int result) {
    if (result < 0) {
      finish(ofFile(read.failure(result)));
    } else if (result == 0) {
      finish(ofFile(null));
    } else if (read.isCancelRequested()) { // it was quicker; nothing is to follow it
      finish(cancellation(read));
    } else {
      block.flip();
      var send = part(OpCode.SEND, stream.descriptor);
      boolean last = sent + result == count;
      submit(send);
      if (last) {
        stream.lastPartIsWithTheDriver(this);
      }
    }
  }

  private void blockSent(Operation send, int result) {
    int bytes = result >= 0 ? result : send.transferred();
    sent += bytes;
    stream.partSent(bytes);
    if (result < 0) {
      finish(send.failure(result));
    } else if (left() == 0) {
      finish(null);
    } else if (send.isCancelRequested()) {
      finish(cancellation(send));
    } else {
      readBlock();
    }
  }

  /** In the words of the scope that asked for it, if one did: its time may be over. */
  private Throwable cancellation(Operation part) {
    var refusal = scope == null ? null : scope.refusal(part);
    return refusal == null ? part.failure(-Errno.ECANCELED.number()) : refusal;
  }

  private Throwable ofFile(Throwable cause) {
    if (cause instanceof CancellationException
        || cause instanceof InterruptedIOException
        || (cause != null && stream.descriptor.isClosing())) {
      return cause; // it is not the file's failure
    }
    var what = cause == null ? "the file ends at offset " + (position + sent) : cause.getMessage();
    return new FileTransferException(
        file.subject(),
        "send file to "
            + stream.descriptor.subject()
            + ": "
            + what
            + ", after "
            + sent
            + " of "
            + count
            + " bytes from offset "
            + position,
        sent,
        cause);
  }

  /** It has ended before its turn came, or without one. */
  void fail(Throwable failure) {
    finish(failure);
  }

  private void finish(Throwable failure) {
    if (pooled != null) {
      pooled.release();
    }
    pooled = null;
    block = null;
    if (failure instanceof InterruptedIOException e) {
      e.bytesTransferred = (int) Math.min(sent, Integer.MAX_VALUE);
    }
    stream.fileSendEnded(this, failure);
    tell(failure);
  }

  void tell(Throwable failure) {
    if (failure == null) {
      handler.completed(count, attachment);
    } else {
      handler.failed(failure, attachment);
    }
  }
}
