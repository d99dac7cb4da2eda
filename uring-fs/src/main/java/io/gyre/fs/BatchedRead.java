package io.gyre.fs;

import io.gyre.Buffer;
import io.gyre.driver.BufferAccess;
import io.gyre.driver.Completion;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import java.nio.ByteBuffer;

/** One read of a {@link ReadBatch}, and the completion of its operation. */
final class BatchedRead implements Completion {
  private static final BufferAccess BUFFERS = BufferAccess.get();

  private final BatchRun run;
  private final int index;

  private ByteBuffer memory;
  private Buffer lease;
  private int leaseGeneration;
  private long position;
  private long token;
  private boolean ended;
  private int result;
  private Throwable failure;

  BatchedRead(BatchRun run, int index) {
    this.run = run;
    this.index = index;
  }

  void set(ByteBuffer buffer, Buffer pooled, long offset) {
    memory = buffer;
    lease = pooled;
    position = offset;
    forgetOutcome();
  }

  void clear() {
    memory = null;
    lease = null;
    forgetOutcome();
  }

  void forgetOutcome() {
    ended = false;
    result = 0;
    failure = null;
  }

  int remaining() {
    return memory.remaining();
  }

  /** Refuses a buffer that was released, and keeps others from going home. Any thread. */
  void pin() {
    if (lease != null) {
      leaseGeneration = BUFFERS.pin(lease);
    }
  }

  void unpin() {
    if (lease != null) {
      BUFFERS.unpin(lease, leaseGeneration);
    }
  }

  void start(OpenFile file) {
    var dispatcher = file.loop.dispatcher();
    var operation =
        dispatcher.acquire(OpCode.READ, file.descriptor, this, null, null).offset(position);
    if (lease != null) {
      operation.memory(lease);
    } else {
      operation.memory(memory);
    }
    token = operation.token();
    dispatcher.submit(operation);
  }

  /** Harmless when it has ended: the token is nobody's then. */
  void cancel(OpenFile file) {
    file.loop.dispatcher().cancel(token);
  }

  @Override
  public void complete(Operation operation, int count) {
    ended = true;
    if (count < 0) {
      failure = operation.failure(count);
    } else {
      result = count == 0 && operation.memoryLength() > 0 ? -1 : count;
    }
    run.ended(index, result, failure);
  }

  int result() {
    requireEnded();
    if (failure != null) {
      throw new IllegalStateException("read " + index + " of the batch has failed", failure);
    }
    return result;
  }

  Throwable failure() {
    requireEnded();
    return failure;
  }

  private void requireEnded() {
    if (!ended) {
      throw new IllegalStateException("read " + index + " of the batch has not ended");
    }
  }
}
