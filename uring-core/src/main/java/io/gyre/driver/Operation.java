package io.gyre.driver;

import io.gyre.Buffer;
import io.gyre.IoHandler;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;

/**
 * One operation in flight: a slot of the {@link OperationTable}, made once and used again and again, so that an
 * operation allocates nothing. Confined to the loop's thread; a driver that works on other threads hands them what they
 * need and brings the result back to the loop.
 *
 * <p>{@link #token()} is what travels through the kernel as {@code user_data}: the generation in the upper half, the
 * slot's index in the lower. The generation changes when the slot is given back, so that a late outcome finds nothing.
 */
public final class Operation {
  /**
   * The completion of operations whose result is the user's: tells the {@link IoHandler} how it went.
   */
  public static final Completion NOTIFY = new NotifyHandler();

  static final long ONE_GENERATION = 1L << 32;

  private static final BufferAccess BUFFERS = BufferAccess.get();

  /** Generation and index. */
  long token;

  // What is asked for.
  OpCode code;
  Descriptor descriptor;
  Object argument;
  int flags;
  long offset;
  ByteBuffer memory;
  int memoryPosition;
  int memoryLength;
  Buffer lease;
  int leaseGeneration;

  // What few codes have. Whether there is any of it is one question, which the others pay for.
  boolean further;
  Descriptor other;
  boolean vectored;
  private BufferVector vector; // kept with the slot, so that it is made once
  private long length;
  private long otherOffset;

  // Whom to tell.
  Completion completion;
  Object handler;
  Object attachment;

  // The outcome.
  boolean more;
  long longResult;
  Descriptor newDescriptor;
  Buffer received;
  Object value;
  Throwable failure;
  boolean deferred;

  /** Not in use. Of meaning to {@link OperationTable#forEachLive} only, which sets it. */
  boolean resting;

  /** What it was started in, or null. */
  OperationScope scope;

  /** Whether its descriptor may be closed before it has ended: see {@link OperationDispatcher#leaveDescriptor}. */
  boolean hasLeft;

  /** Whether it waits for something that no driver knows: see {@link OperationDispatcher#park}. */
  boolean parked;

  /** Whether anything was set but what every operation has: what none was set of needs no looking after. */
  boolean touched;

  // The driver's own: nobody else reads these.
  private Operation next;
  private Operation behind;
  private boolean cancelRequested;
  private Object driverState;
  private int transferred;
  private int notifications;
  private int result;
  private long address;
  private boolean registered;

  Operation(int index) {
    this.token = index;
  }

  /**
   * Identifies this use of the slot.
   *
   * @return generation and index
   */
  public long token() {
    return token;
  }

  /**
   * What is asked for.
   *
   * @return the code
   */
  public OpCode code() {
    return code;
  }

  /**
   * What it is asked of.
   *
   * @return the descriptor, or null for operations that need none
   */
  public Descriptor descriptor() {
    return descriptor;
  }

  /**
   * What else the code needs.
   *
   * @return the argument that {@link OpCode} describes, or null
   */
  public Object argument() {
    return argument;
  }

  /**
   * Flags of the code.
   *
   * @return as {@link OpCode} describes them, or 0
   */
  public int flags() {
    return flags;
  }

  /**
   * Where in the file.
   *
   * @return the offset in bytes
   */
  public long offset() {
    return offset;
  }

  /**
   * The memory to transfer to or from. Its position and limit are the user's: use {@link #memoryPosition()} and {@link
   * #memoryLength()}, taken when the operation was submitted.
   *
   * @return the buffer, or null for operations without memory
   */
  public ByteBuffer memory() {
    return memory;
  }

  /**
   * Where in {@link #memory()} the transfer begins.
   *
   * @return an index
   */
  public int memoryPosition() {
    return memoryPosition;
  }

  /**
   * How much to transfer.
   *
   * @return bytes
   */
  public int memoryLength() {
    return memoryLength;
  }

  /**
   * The pooled buffer whose view {@link #memory()} is.
   *
   * @return the buffer, or null where the memory is not pooled
   */
  public Buffer lease() {
    return lease;
  }

  /**
   * The memory of a vectored operation.
   *
   * @return the buffers, or null for operations without
   */
  public BufferVector vector() {
    return vectored ? vector : null;
  }

  /**
   * What else it works on: where to copy or rename to.
   *
   * @return the descriptor, or null
   */
  public Descriptor otherDescriptor() {
    return other;
  }

  /**
   * Where in {@link #otherDescriptor()}.
   *
   * @return the offset in bytes; meaningless for codes that have none
   */
  public long otherOffset() {
    return otherOffset;
  }

  /**
   * How much of the file.
   *
   * @return bytes; meaningless for codes whose length is that of their memory
   */
  public long length() {
    return length;
  }

  /**
   * Whom the completion tells.
   *
   * @return the user's handler
   */
  public Object handler() {
    return handler;
  }

  /**
   * What the user gave along.
   *
   * @return the attachment, or null
   */
  public Object attachment() {
    return attachment;
  }

  /**
   * Whether more outcomes of this operation follow the present one.
   *
   * @return true for a multishot that goes on
   */
  public boolean hasMore() {
    return more;
  }

  /**
   * An outcome that does not fit an {@code int}.
   *
   * @return for instance a file's size
   */
  public long longResult() {
    return longResult;
  }

  /**
   * An outcome that is no number.
   *
   * @return what {@link OpCode} says, or null
   */
  public Object value() {
    return value;
  }

  /**
   * The descriptor that was opened or accepted.
   *
   * @return the new descriptor; the completion is its owner from here on
   */
  public Descriptor newDescriptor() {
    return newDescriptor;
  }

  /**
   * The buffer that was received into, from its position to its limit.
   *
   * @return the buffer, leased; the completion is to release it
   */
  public Buffer received() {
    return received;
  }

  /**
   * Sets the offset.
   *
   * @param value in bytes
   * @return this
   */
  public Operation offset(long value) {
    this.offset = value;
    return this;
  }

  /**
   * Sets the flags.
   *
   * @param value as {@link OpCode} describes them
   * @return this
   */
  public Operation flags(int value) {
    this.touched = true;
    this.flags = value;
    return this;
  }

  /**
   * Sets the argument.
   *
   * @param value as {@link OpCode} describes it
   * @return this
   */
  public Operation argument(Object value) {
    this.touched = true;
    this.argument = value;
    return this;
  }

  /**
   * Sets the memory to what remains in a user's buffer.
   *
   * @param buffer direct or heap
   * @return this
   */
  public Operation memory(ByteBuffer buffer) {
    this.touched = true;
    this.memory = buffer;
    this.memoryPosition = buffer.position();
    this.memoryLength = buffer.remaining();
    return this;
  }

  /**
   * Sets the memory to what remains in a pooled buffer, which is pinned from submission to the last outcome.
   *
   * @param buffer a leased buffer
   * @return this
   */
  public Operation memory(Buffer buffer) {
    this.lease = buffer;
    return memory(BUFFERS.view(buffer)); // one that was released is refused when this is submitted
  }

  /**
   * Sets the memory to what remains in each of a user's buffers.
   *
   * @param buffers direct or heap; the array is not looked at again
   * @return this
   */
  public Operation vector(ByteBuffer[] buffers) {
    newVector().set(buffers, BufferVector.MAX_COUNT);
    return this;
  }

  /**
   * Sets the memory to what remains in each of several pooled buffers, which are pinned from submission to the last
   * outcome.
   *
   * @param buffers leased; the array is not looked at again
   * @return this
   */
  public Operation vector(Buffer[] buffers) {
    newVector().set(buffers, BufferVector.MAX_COUNT);
    return this;
  }

  /**
   * Sets the memory of a send to what remains in each of a user's buffers, one after the other and all of them, however
   * many.
   *
   * @param buffers direct or heap; the array is not looked at again
   * @return this, whose {@link #memoryLength()} is that of all of them
   * @throws IllegalArgumentException when that is more than an {@code int} can tell
   */
  public Operation gather(ByteBuffer[] buffers) {
    newVector().set(buffers, buffers.length);
    return withLengthOfAll();
  }

  /**
   * Sets the memory of a send to what remains in each of several pooled buffers, which are pinned from submission to the
   * last outcome.
   *
   * @param buffers leased; the array is not looked at again
   * @return as {@link #gather(ByteBuffer[])}
   */
  public Operation gather(Buffer[] buffers) {
    newVector().set(buffers, buffers.length);
    return withLengthOfAll();
  }

  private Operation withLengthOfAll() {
    long bytes = vector.bytes();
    if (bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "the buffers' " + bytes + " bytes are more than " + Integer.MAX_VALUE + ": write parts");
    }
    memoryLength = (int) bytes;
    return this;
  }

  private BufferVector newVector() {
    this.touched = true;
    this.further = true;
    this.vectored = true;
    if (vector == null) {
      vector = new BufferVector();
    }
    return vector;
  }

  /**
   * Sets what else it works on, which is not closed before this has ended.
   *
   * @param value a descriptor of the same loop, or null
   * @param offset where in it, in bytes
   * @return this
   */
  public Operation other(Descriptor value, long offset) {
    this.touched = true;
    this.further = true;
    this.other = value;
    this.otherOffset = offset;
    return this;
  }

  /**
   * Sets how much of the file.
   *
   * @param value bytes
   * @return this
   */
  public Operation length(long value) {
    this.length = value;
    return this;
  }

  /**
   * Sets a pooled buffer that is pinned from submission to the last outcome, but is not {@link #memory()}.
   *
   * @param buffer a leased buffer, or null
   * @return this
   */
  public Operation lease(Buffer buffer) {
    this.touched = true;
    this.lease = buffer;
    return this;
  }

  /**
   * For drivers: sets the outcome's long.
   *
   * @param value for instance a file's size
   */
  public void setLongResult(long value) {
    this.touched = true;
    this.longResult = value;
  }

  /**
   * For drivers: sets the outcome's object.
   *
   * @param object what {@link OpCode} says
   */
  public void setValue(Object object) {
    this.touched = true;
    this.value = object;
  }

  /**
   * For drivers: sets the descriptor that the outcome brings.
   *
   * @param value an open descriptor
   */
  public void setNewDescriptor(Descriptor value) {
    this.touched = true;
    this.newDescriptor = value;
  }

  /**
   * For drivers: sets the buffer that the outcome brings.
   *
   * @param value a leased buffer
   */
  public void setReceived(Buffer value) {
    this.touched = true;
    this.received = value;
  }

  /**
   * For drivers whose failures are exceptions: sets what {@link #failure(int)} will give.
   *
   * @param value the exception, already named as {@link Errors} would
   */
  public void setFailure(Throwable value) {
    this.touched = true;
    this.failure = value;
  }

  /**
   * For drivers: links operations into a queue without allocating.
   *
   * @return the next in the driver's queue
   */
  public Operation next() {
    return next;
  }

  /**
   * For drivers: see {@link #next()}.
   *
   * @param value the next in the driver's queue
   */
  public void setNext(Operation value) {
    this.next = value;
  }

  /**
   * For drivers: a second link, for operations that take turns: sends of one socket, and those of {@link
   * OperationDispatcher#submitChain}.
   *
   * @return the operation whose turn comes after this one's
   */
  public Operation behind() {
    return behind;
  }

  /**
   * For drivers: see {@link #behind()}.
   *
   * @param value the operation whose turn comes after this one's
   */
  public void setBehind(Operation value) {
    this.behind = value;
  }

  /**
   * For drivers: whether this operation is to be cancelled, so that it is not gone on with.
   *
   * @return true after {@link #requestCancel()}
   */
  public boolean isCancelRequested() {
    return cancelRequested;
  }

  /** For drivers: see {@link #isCancelRequested()}. */
  public void requestCancel() {
    this.touched = true;
    this.cancelRequested = true;
  }

  /**
   * For drivers: what has to stay reachable until the last outcome, or whatever else the driver needs to remember.
   *
   * @return what {@link #setDriverState} set, or null
   */
  public Object driverState() {
    return driverState;
  }

  /**
   * For drivers: see {@link #driverState()}.
   *
   * @param value what to remember
   */
  public void setDriverState(Object value) {
    this.touched = true;
    this.driverState = value;
  }

  /**
   * For drivers: how much of {@link OpCode#SEND} is done.
   *
   * @return bytes
   */
  public int transferred() {
    return transferred;
  }

  /**
   * For drivers: how many notifications that the memory of a zero-copy send is free are still to come.
   *
   * @return from 0
   */
  public int notifications() {
    return notifications;
  }

  /**
   * For drivers: see {@link #notifications()}.
   *
   * @param value from 0, and 0 again before the operation is resolved
   */
  public void setNotifications(int value) {
    this.notifications = value;
  }

  /**
   * For drivers: whether {@link OperationDispatcher#leaveDescriptor} was called.
   *
   * @return true if so: there is nothing left to cancel
   */
  public boolean hasLeftDescriptor() {
    return hasLeft;
  }

  /**
   * For drivers: where the memory begins for the kernel, which is not {@link #memory()} itself when it had to be copied.
   *
   * @return what {@link #setAddress} set
   */
  public long address() {
    return address;
  }

  /**
   * For drivers: whether {@link #address()} lies in memory that is registered.
   *
   * @return what {@link #setAddress} set
   */
  public boolean isRegistered() {
    return registered;
  }

  /**
   * For drivers: see {@link #address()}.
   *
   * @param value an address
   * @param inRegisteredMemory whether it is registered
   */
  public void setAddress(long value, boolean inRegisteredMemory) {
    this.address = value;
    this.registered = inRegisteredMemory;
  }

  /**
   * For drivers: the result of an operation that has ended and waits to be resolved.
   *
   * @return what {@link #setResult} set
   */
  public int result() {
    return result;
  }

  /**
   * For drivers: see {@link #result()}.
   *
   * @param value the result
   */
  public void setResult(int value) {
    this.result = value;
  }

  /**
   * For drivers: see {@link #transferred()}.
   *
   * @param value bytes
   */
  public void setTransferred(int value) {
    this.touched = true;
    this.transferred = value;
  }

  /**
   * Whether a result is that of a cancellation.
   *
   * @param result what the completion is called with
   * @return true for ECANCELED, and for what a call on a thread of the kernel's says that a cancellation has interrupted
   */
  public boolean endedEarly(int result) {
    return result == -Errno.ECANCELED.number()
        || (result == -Errno.EINTR.number() && cancelRequested);
  }

  /**
   * The exception for a negative result. Made here, on failure only.
   *
   * @param result what the completion was called with
   * @return the exception that the JDK would use, naming the operation, the subject and the errno
   */
  public Throwable failure(int result) {
    if (failure != null) {
      return failure;
    }
    int errno = endedEarly(result) ? Errno.ECANCELED.number() : -result;
    if (errno == Errno.EINVAL.number() && descriptor != null && (memory != null || vectored)) {
      var alignment = descriptor.directAlignment();
      if (alignment != null) {
        return Errors.misaligned(code, subject(), alignment);
      }
    }
    return Errors.of(code, errno, subject(), isClosing());
  }

  /**
   * What error messages name.
   *
   * @return the path or the address; empty for operations without either
   */
  public String subject() {
    if (argument instanceof PathArgument request && request.path() != null) {
      var path = request.path();
      return descriptor == null || path.isAbsolute()
          ? path.toString()
          : descriptor.subject() + "/" + path;
    }
    if (code == OpCode.SEND_MESSAGE && argument instanceof InetSocketAddress remote) {
      return Errors.format(remote);
    }
    if (descriptor != null && code != OpCode.RAW) {
      return descriptor.subject();
    }
    return argument == null ? "" : argument.toString();
  }

  /**
   * What the operation was started in.
   *
   * @return the scope, or null
   */
  public OperationScope scope() {
    return scope;
  }

  void setScope(OperationScope value) {
    this.touched = true;
    this.scope = value;
  }

  /**
   * Whether what it works on is being closed, which is what a cancellation then means.
   *
   * @return true from the moment that close was called
   */
  public boolean isClosing() {
    return (descriptor != null && descriptor.isClosing()) || (other != null && other.isClosing());
  }

  void setDescriptor(Descriptor value) {
    this.touched = true;
    this.descriptor = value;
  }

  /**
   * Forgets what the user gave, so that a slot that rests keeps none of it alive, and what the next user may not set.
   * What every user sets stays.
   */
  void clear() {
    handler = null;
    attachment = null;
    if (touched) {
      clearRest();
    }
  }

  private void clearRest() {
    touched = false;
    descriptor = null;
    memory = null;
    lease = null;
    argument = null;
    driverState = null;
    newDescriptor = null;
    received = null;
    failure = null;
    scope = null;
    more = false;
    cancelRequested = false;
    flags = 0;
    transferred = 0;
    notifications = 0;
    hasLeft = false;
    value = null;
    if (further) {
      further = false;
      other = null;
      if (vectored) {
        vectored = false;
        vector.clear();
      }
    }
  }

  @Override
  public String toString() {
    return code + " " + subject() + " slot " + (int) token + " generation " + (int) (token >>> 32);
  }

  /** A class and not a method reference: one frame less between a completion and the handler. */
  private static final class NotifyHandler implements Completion {
    @Override
    @SuppressWarnings("unchecked") // the handler was set together with an attachment of its type
    public void complete(Operation operation, int result) {
      var handler = (IoHandler<Object>) operation.handler;
      if (result >= 0) {
        handler.completed(result, operation.attachment);
      } else {
        handler.failed(operation.failure(result), operation.attachment);
      }
    }
  }
}
