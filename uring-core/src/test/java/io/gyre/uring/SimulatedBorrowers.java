package io.gyre.uring;

import static io.gyre.uring.SimulatedKernel.require;

import io.gyre.Buffer;
import io.gyre.BufferPool;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Users who borrow pooled memory, write something to it and look now and then whether it is there
 * still. They take what others give back at once: whatever the kernel, or a driver that copies,
 * writes to memory that is not its own any more shows up here.
 */
final class SimulatedBorrowers {
  private static final int MOST = 12;
  private static final int MOST_BYTES = 512;

  private final RandomGenerator random;
  private final BufferPool pool;
  private final List<Loan> loans = new ArrayList<>();

  private record Loan(Buffer buffer, int generation, int length, byte first) {
    void fill() {
      for (int i = 0; i < length; i++) {
        buffer.byteBuffer().put(i, (byte) (first + i));
      }
    }

    void check() {
      require(buffer.generation() == generation, buffer + " was lent again while lent");
      for (int i = 0; i < length; i++) {
        require(
            buffer.byteBuffer().get(i) == (byte) (first + i),
            buffer + " changed at " + i + " while lent to somebody who did not write");
      }
    }
  }

  SimulatedBorrowers(BufferPool pool, RandomGenerator random) {
    this.pool = pool;
    this.random = random;
  }

  void act() {
    if (loans.size() < MOST && random.nextBoolean()) {
      borrow();
    } else if (!loans.isEmpty()) {
      var loan = loans.get(random.nextInt(loans.size()));
      loan.check();
      if (random.nextInt(4) == 0) {
        loans.remove(loan);
        giveBack(loan);
      }
    }
  }

  private void borrow() {
    int bytes = 1 + random.nextInt(MOST_BYTES);
    var buffer = pool.tryAcquire(bytes);
    if (buffer == null) {
      return;
    }
    for (var other : loans) {
      long from = other.buffer.address();
      boolean apart = buffer.address() >= from + other.length || buffer.address() + bytes <= from;
      require(apart, buffer + " is a part of " + other.buffer + ", which is lent");
    }
    var loan = new Loan(buffer, buffer.generation(), bytes, (byte) random.nextInt());
    loan.fill();
    loans.add(loan);
  }

  private void giveBack(Loan loan) {
    if (random.nextBoolean()) {
      loan.buffer.release(loan.generation);
    } else {
      loan.buffer.release();
    }
    // One who gives it back again must not take it from whoever has it by then.
    try {
      loan.buffer.release(loan.generation);
      throw new AssertionError(loan.buffer + " was given back twice");
    } catch (IllegalStateException expected) {
      // as it should be
    }
  }

  void end() {
    loans.forEach(Loan::check);
    loans.forEach(this::giveBack);
    loans.clear();
  }
}
