package io.gyre.uring;

import io.gyre.bindings.io_uring_sqe;
import java.nio.ByteOrder;

/**
 * A submission queue entry, by address. The kernel reads what the last user of the place left there,
 * so all that any operation here sets is written each time. What none sets stays the zero that the
 * kernel's memory begins with: buffer index and group (there is one of each, number 0), personality,
 * file index, {@code addr3} and the padding behind it.
 *
 * <pre>
 *   0        1       2        4       8       16      24      28
 *   +--------+-------+--------+-------+-------+-------+-------+---------+
 *   | opcode | flags | ioprio |  fd   |  off  | addr  |  len  | op flags|
 *   +--------+-------+--------+-------+-------+-------+-------+---------+
 *   32          40          42            44           48
 *   +-----------+-----------+-------------+------------+----------------+
 *   | user_data | buf index | personality | file index | addr3, padding |
 *   +-----------+-----------+-------------+------------+----------------+
 * </pre>
 */
final class Sqe {
  static final long BYTES = io_uring_sqe.sizeof();

  // Fields that lie side by side are written with one store: the entry is eight words, and twelve
  // narrow stores are what a submission costs most. Both CPUs of the bindings are little-endian.
  private static final long OPCODE_FLAGS_IOPRIO_FD = io_uring_sqe.opcode$offset();
  private static final int FLAGS_SHIFT = shift(io_uring_sqe.flags$offset(), OPCODE_FLAGS_IOPRIO_FD);
  private static final int FD_SHIFT = shift(io_uring_sqe.fd$offset(), OPCODE_FLAGS_IOPRIO_FD);
  private static final long IOPRIO = io_uring_sqe.ioprio$offset();
  private static final long OFF = io_uring_sqe.off$offset();
  private static final long ADDR = io_uring_sqe.addr$offset();
  private static final long LEN_OP_FLAGS = io_uring_sqe.len$offset();
  private static final int OP_FLAGS_SHIFT = shift(io_uring_sqe.rw_flags$offset(), LEN_OP_FLAGS);
  private static final long USER_DATA = io_uring_sqe.user_data$offset();

  static {
    if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      throw new ExceptionInInitializerError("entries are written as little-endian words");
    }
  }

  private Sqe() {}

  private static int shift(long offset, long word) {
    return (int) (offset - word) * Byte.SIZE;
  }

  static void write(
      long sqe,
      int opcode,
      int flags,
      int fd,
      long off,
      long addr,
      int len,
      int opFlags,
      long userData) {
    long first = opcode | ((long) flags << FLAGS_SHIFT) | ((long) fd << FD_SHIFT);
    long lengthAndFlags = (len & 0xFFFF_FFFFL) | ((long) opFlags << OP_FLAGS_SHIFT);
    Memory.LONG.set(Memory.ALL, sqe + OPCODE_FLAGS_IOPRIO_FD, first);
    Memory.LONG.set(Memory.ALL, sqe + OFF, off);
    Memory.LONG.set(Memory.ALL, sqe + ADDR, addr);
    Memory.LONG.set(Memory.ALL, sqe + LEN_OP_FLAGS, lengthAndFlags);
    Memory.LONG.set(Memory.ALL, sqe + USER_DATA, userData);
  }

  /** For operations that have neither a descriptor nor memory: the kernel does not look at the two words left out. */
  static void write(long sqe, int opcode, long userData) {
    Memory.LONG.set(Memory.ALL, sqe + OPCODE_FLAGS_IOPRIO_FD, opcode | (-1L << FD_SHIFT));
    Memory.LONG.set(Memory.ALL, sqe + LEN_OP_FLAGS, 0L);
    Memory.LONG.set(Memory.ALL, sqe + USER_DATA, userData);
  }

  /** Operations keep flags of their own in this field, such as that they are multishot. */
  static void ioprio(long sqe, int value) {
    Memory.putShort(sqe + IOPRIO, value);
  }
}
