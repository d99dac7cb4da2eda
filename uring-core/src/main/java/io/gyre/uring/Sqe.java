package io.gyre.uring;

import io.gyre.bindings.io_uring_sqe;

/**
 * A submission queue entry, by address. The entry is written whole, since the kernel reads what the last user of the
 * place left there; only {@code addr3} and the padding behind it stay zero for ever, as no operation here sets them.
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

  private static final long OPCODE = io_uring_sqe.opcode$offset();
  private static final long FLAGS = io_uring_sqe.flags$offset();
  private static final long IOPRIO = io_uring_sqe.ioprio$offset();
  private static final long FD = io_uring_sqe.fd$offset();
  private static final long OFF = io_uring_sqe.off$offset();
  private static final long ADDR = io_uring_sqe.addr$offset();
  private static final long LEN = io_uring_sqe.len$offset();
  private static final long OP_FLAGS = io_uring_sqe.rw_flags$offset();
  private static final long USER_DATA = io_uring_sqe.user_data$offset();
  private static final long BUF_INDEX = io_uring_sqe.buf_index$offset();
  private static final long PERSONALITY = io_uring_sqe.personality$offset();
  private static final long FILE_INDEX = io_uring_sqe.file_index$offset();

  private Sqe() {}

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
    Memory.putByte(sqe + OPCODE, opcode);
    Memory.putByte(sqe + FLAGS, flags);
    Memory.putShort(sqe + IOPRIO, 0);
    Memory.putInt(sqe + FD, fd);
    Memory.putLong(sqe + OFF, off);
    Memory.putLong(sqe + ADDR, addr);
    Memory.putInt(sqe + LEN, len);
    Memory.putInt(sqe + OP_FLAGS, opFlags);
    Memory.putLong(sqe + USER_DATA, userData);
    Memory.putShort(sqe + BUF_INDEX, 0);
    Memory.putShort(sqe + PERSONALITY, 0);
    Memory.putInt(sqe + FILE_INDEX, 0);
  }

  /** Operations keep flags of their own in this field, such as that they are multishot. */
  static void ioprio(long sqe, int value) {
    Memory.putShort(sqe + IOPRIO, value);
  }

  /** The group of a buffer ring, with {@code IOSQE_BUFFER_SELECT}. */
  static void bufferGroup(long sqe, int group) {
    Memory.putShort(sqe + BUF_INDEX, group);
  }
}
