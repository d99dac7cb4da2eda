package io.gyre.driver;

import io.gyre.testing.ProviderUnderTest;
import io.gyre.testing.RefusingDriver;
import java.util.concurrent.atomic.AtomicInteger;

/** A real driver whose reads and writes of files move fewer bytes than they could: as many at most as a test says. */
public final class ShortTransfers extends ProviderUnderTest {
  private final AtomicInteger transfers = new AtomicInteger();
  private volatile int mostBytes = Integer.MAX_VALUE;
  private volatile boolean quickerThanCancels;
  private volatile Errno whenFull;
  private volatile long badByte = -1;
  private final AtomicInteger room = new AtomicInteger();

  /** Of a driver's name. */
  public ShortTransfers(String name) {
    super(name);
  }

  /** Sets how many bytes any transfer moves from now on. */
  public void mostBytes(int value) {
    mostBytes = value;
  }

  /** Has writes of one buffer move so many bytes altogether, and fail from then on. */
  public void room(int bytes, Errno errno) {
    room.set(bytes);
    whenFull = errno;
  }

  /** Has reads of one buffer fail that would read a certain byte of the file, with EIO. */
  public void badByte(long offset) {
    badByte = offset;
  }

  /** Has every operation be quicker than what would cancel it. */
  public void quickerThanCancels() {
    quickerThanCancels = true;
  }

  /** How many transfers there were. */
  public int count() {
    return transfers.get();
  }

  @Override
  protected Driver wrap(Driver opened, DriverConfig config, OperationDispatcher dispatcher) {
    return new Shortening(opened, dispatcher);
  }

  private void shorten(BufferVector vector) {
    int left = mostBytes;
    for (int i = 0; i < vector.count(); i++) {
      vector.lengths[i] = Math.min(vector.lengths[i], left);
      left -= vector.lengths[i];
    }
  }

  private final class Shortening extends RefusingDriver {
    Shortening(Driver actual, OperationDispatcher dispatcher) {
      super(actual, dispatcher);
    }

    private boolean readsBadByte(Operation read) {
      return badByte >= read.offset() && badByte < read.offset() + read.memoryLength();
    }

    /** Takes from what room there is; false when there is none. */
    private boolean fits(Operation write) {
      int left = room.get();
      if (left == 0) {
        refuse(write, whenFull);
        return false;
      }
      write.memoryLength = Math.min(write.memoryLength, left);
      room.set(left - write.memoryLength);
      return true;
    }

    @Override
    public void cancel(Operation operation) {
      if (!quickerThanCancels) {
        super.cancel(operation);
      }
    }

    @Override
    public void cancelAll(Descriptor descriptor) {
      if (!quickerThanCancels) {
        super.cancelAll(descriptor);
      }
    }

    @Override
    public void submit(Operation operation) {
      if (operation.code() == OpCode.READ || operation.code() == OpCode.WRITE) {
        transfers.incrementAndGet();
        operation.memoryLength = Math.min(operation.memoryLength, mostBytes);
        if (operation.code() == OpCode.READ && readsBadByte(operation)) {
          refuse(operation, Errno.EIO);
          return;
        }
        if (operation.code() == OpCode.WRITE && whenFull != null && !fits(operation)) {
          return;
        }
      } else if (operation.vector() != null) {
        transfers.incrementAndGet();
        shorten(operation.vector());
      }
      super.submit(operation);
    }
  }
}
