package io.gyre.driver;

import io.gyre.Buffer;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * For experts: an entry of io_uring's submission queue, for what Gyre has no method for. Immutable; may be submitted any
 * number of times.
 *
 * <p>The fields are those of {@code struct io_uring_sqe}, and the opcode's documentation says what each means. Rules of
 * the house hold here too:
 *
 * <ul>
 *   <li>Where the opcode takes an address it is given memory, never a number: a pooled {@link Buffer}, or a segment that
 *       lives while it is referenced ({@link java.lang.foreign.Arena#ofAuto()}, {@code global}, a direct {@link
 *       java.nio.ByteBuffer}). The operation holds it until the kernel's last completion. Memory of an arena that can be
 *       closed, and memory on the heap, is refused; so is memory smaller than what the entry lets the kernel write.
 *   <li>Structures with addresses inside (iovec, msghdr, futex_waitv) cannot be looked into: what they point to must be
 *       passed to {@link Builder#holding}, and the caller vouches for sizes.
 *   <li>A descriptor that is a result (OPENAT, SOCKET, ACCEPT, PIPE) is the caller's to close.
 * </ul>
 *
 * <p>Refused, since they would break the runtime's own bookkeeping: what names other operations by their user data
 * (ASYNC_CANCEL, POLL_REMOVE, TIMEOUT_REMOVE), what changes the table of registered files (FILES_UPDATE,
 * FIXED_FD_INSTALL, a file index of those that open or close), what changes or takes from buffer groups
 * (PROVIDE_BUFFERS, REMOVE_BUFFERS, READ_MULTISHOT, any buffer selection), what reaches other rings (MSG_RING), what
 * holds the queue up (IOSQE_IO_DRAIN) or hides an end (IOSQE_CQE_SKIP_SUCCESS), and what can't be checked (URING_CMD,
 * MADVISE, RECV_ZC, 128-byte opcodes, opcodes not known here).
 *
 * @see <a href="https://man7.org/linux/man-pages/man2/io_uring_enter.2.html">io_uring_enter(2)</a>
 */
public final class RawOperation {
  /** AT_FDCWD: relative paths begin at the working directory. */
  public static final int WORKING_DIRECTORY = -100;

  private static final int NO_FD = -1;
  private static final int SPLICE_FD_IN_FIXED = 1 << 31;

  private final RawOpcode opcode;
  private final Descriptor descriptor;
  private final int fd;
  private final boolean async;
  private final int ioprio;
  private final long[] addresses;
  private final int length;
  private final int opFlags;
  private final int fileIndex;
  private final Buffer buffer;

  // Not read, only reachable: what the kernel may work on.
  @SuppressWarnings({"unused", "FieldCanBeLocal"})
  private final List<Object> held;

  private RawOperation(Builder from) {
    this.opcode = from.opcode;
    this.descriptor = from.descriptor;
    this.fd = from.fd;
    this.async = from.async;
    this.ioprio = from.ioprio;
    this.addresses = from.values.clone();
    this.length = from.length;
    this.opFlags = from.opFlags;
    this.fileIndex = from.fileIndex;
    this.buffer = from.buffer;
    this.held = List.copyOf(from.held);
  }

  /**
   * Begins an entry.
   *
   * @param opcode a number of {@code enum io_uring_op}
   * @return a builder with no descriptor and zeros
   * @throws IllegalArgumentException for an opcode that is refused or not known, with the reason
   */
  public static Builder of(int opcode) {
    return new Builder(RawOpcode.of(opcode));
  }

  /** Fills in an entry. Not thread-safe. */
  public static final class Builder {
    private final RawOpcode opcode;
    private Descriptor descriptor;
    private int fd = NO_FD;
    private boolean async;
    private int ioprio;
    private final long[] values = new long[3];
    private final MemorySegment[] memory = new MemorySegment[3];
    private int length;
    private int opFlags;
    private int fileIndex;
    private Buffer buffer;
    private final ArrayList<Object> held = new ArrayList<>();

    private Builder(RawOpcode opcode) {
      this.opcode = opcode;
    }

    /**
     * Works on a file or socket of Gyre, of the same loop; a close of that waits for the operation.
     *
     * @param value for instance {@code file.descriptor()}
     * @return this
     */
    public Builder on(Descriptor value) {
      this.descriptor = Objects.requireNonNull(value, "descriptor");
      return this;
    }

    /**
     * Works on a descriptor of the caller's own, who keeps it open.
     *
     * @param value a number, {@link #WORKING_DIRECTORY}, or what else the opcode has in this field
     * @return this
     */
    public Builder fd(int value) {
      this.fd = value;
      return this;
    }

    /**
     * Has a thread of the kernel do it from the beginning: IOSQE_ASYNC.
     *
     * @return this
     */
    public Builder async() {
      this.async = true;
      return this;
    }

    /**
     * Sets {@code ioprio}, which for many opcodes holds flags.
     *
     * @param value 16 bits
     * @return this
     */
    public Builder ioprio(int value) {
      this.ioprio = value;
      return this;
    }

    /**
     * Sets {@code off}, which is also {@code addr2}, where the opcode takes a number there.
     *
     * @param value a number
     * @return this
     */
    public Builder offset(long value) {
      return number(1, value);
    }

    /**
     * Sets {@code addr} where the opcode takes a number there, such as FALLOCATE's length.
     *
     * @param value a number
     * @return this
     */
    public Builder addr(long value) {
      return number(0, value);
    }

    /**
     * Sets {@code addr} to memory.
     *
     * @param value native memory that lives while it is referenced
     * @return this
     * @throws IllegalArgumentException for memory on the heap, or of an arena that can be closed
     */
    public Builder addr(MemorySegment value) {
      return memory(0, value);
    }

    /**
     * Sets {@code addr} to what remains in a pooled buffer now, and {@code len} to how much that is. The buffer is pinned
     * until the last outcome; its position stays.
     *
     * @param value a leased buffer
     * @return this
     */
    public Builder addr(Buffer value) {
      var content = MemorySegment.ofBuffer(value.byteBuffer());
      values[0] = content.address();
      memory[0] = content;
      buffer = value;
      return length((int) content.byteSize());
    }

    /**
     * Sets {@code addr2} to memory.
     *
     * @param value native memory that lives while it is referenced
     * @return this
     * @throws IllegalArgumentException for memory on the heap, or of an arena that can be closed
     */
    public Builder addr2(MemorySegment value) {
      return memory(1, value);
    }

    /**
     * Sets {@code addr3} to memory.
     *
     * @param value native memory that lives while it is referenced
     * @return this
     * @throws IllegalArgumentException for memory on the heap, or of an arena that can be closed
     */
    public Builder addr3(MemorySegment value) {
      return memory(2, value);
    }

    /**
     * Sets {@code addr3} where the opcode takes a number there.
     *
     * @param value a number
     * @return this
     */
    public Builder addr3(long value) {
      return number(2, value);
    }

    /**
     * Sets {@code len}.
     *
     * @param value not negative, as a number of bytes; else what the opcode has in this field
     * @return this
     */
    public Builder length(int value) {
      this.length = value;
      return this;
    }

    /**
     * Sets the flags of the opcode: {@code rw_flags} and its union.
     *
     * @param value flags
     * @return this
     */
    public Builder opFlags(int value) {
      this.opFlags = value;
      return this;
    }

    /**
     * Sets {@code file_index} and its union, such as {@code splice_fd_in}.
     *
     * @param value what the opcode has in this field
     * @return this
     */
    public Builder fileIndex(int value) {
      this.fileIndex = value;
      return this;
    }

    /**
     * Holds memory that structures point to, until the last outcome.
     *
     * @param value native memory that lives while it is referenced
     * @return this
     * @throws IllegalArgumentException for memory on the heap, or of an arena that can be closed
     */
    public Builder holding(MemorySegment value) {
      requireHoldable(value);
      held.add(value);
      return this;
    }

    private Builder number(int field, long value) {
      values[field] = value;
      memory[field] = null;
      buffer = field == 0 ? null : buffer;
      return this;
    }

    private Builder memory(int field, MemorySegment value) {
      requireHoldable(value);
      values[field] = value.address();
      memory[field] = value;
      buffer = field == 0 ? null : buffer;
      return this;
    }

    private void requireHoldable(MemorySegment value) {
      if (!KernelMemory.livesWhileReferenced(value)) {
        throw new IllegalArgumentException(
            opcode.displayName()
                + ": the kernel can't be given memory on the heap, or of an arena that can be"
                + " closed while it works on it; use Arena.ofAuto() or a pooled buffer");
      }
    }

    /**
     * Checks the entry.
     *
     * @return the operation
     * @throws IllegalArgumentException when a field is not what the opcode takes
     */
    public RawOperation build() {
      for (int i = 0; i < values.length; i++) {
        checkField(i);
      }
      require(descriptor == null || fd == NO_FD, "one descriptor, not two");
      require(descriptor == null || opcode != RawOpcode.CLOSE, "close the file or socket itself");
      require(
          fileIndex == 0 || !opcode.hasFixedSlot(),
          "the table of registered files is the runtime's: no file index");
      boolean splices = opcode == RawOpcode.SPLICE || opcode == RawOpcode.TEE;
      require(
          !splices || (opFlags & SPLICE_FD_IN_FIXED) == 0,
          "the table of registered files is the runtime's: no SPLICE_F_FD_IN_FIXED");
      require(ioprio >>> Short.SIZE == 0, "ioprio has 16 bits: " + ioprio);
      for (var segment : memory) {
        if (segment != null) {
          held.add(segment);
        }
      }
      return new RawOperation(this);
    }

    private void checkField(int index) {
      var name = index == 0 ? "addr" : index == 1 ? "addr2 (offset)" : "addr3";
      var field = opcode.field(index);
      var given = memory[index];
      if (field.isNumber()) {
        require(given == null, name + " is a number, not memory");
      } else if (given == null) {
        require(values[index] == 0, name + " is an address: give it memory, not a number");
      } else {
        require(field.bytesPerLength() == 0 || length >= 0, "the length is negative: " + length);
        long required = field.requiredBytes(length);
        require(
            given.byteSize() >= required,
            name + " needs " + required + " bytes, not " + given.byteSize());
      }
    }

    private void require(boolean condition, String message) {
      if (!condition) {
        throw new IllegalArgumentException(opcode.displayName() + ": " + message);
      }
    }
  }

  /**
   * The opcode's number.
   *
   * @return a number of {@code enum io_uring_op}
   */
  @SuppressWarnings("EnumOrdinal") // the kernel's numbers begin at 0 and have no gaps
  public int opcode() {
    return opcode.ordinal();
  }

  /**
   * The file or socket of Gyre that it works on.
   *
   * @return a descriptor, or null
   */
  public Descriptor descriptor() {
    return descriptor;
  }

  /**
   * The number of the caller's own descriptor that it works on.
   *
   * @return as it was given, or -1
   */
  public int fd() {
    return fd;
  }

  /**
   * Whether a thread of the kernel does it from the beginning.
   *
   * @return true with IOSQE_ASYNC
   */
  public boolean isAsync() {
    return async;
  }

  /**
   * The field {@code ioprio}.
   *
   * @return 16 bits
   */
  public int ioprio() {
    return ioprio;
  }

  /**
   * The field {@code addr}.
   *
   * @return a number, or the address of memory that is held
   */
  public long addr() {
    return addresses[0];
  }

  /**
   * The field {@code off}, which is also {@code addr2}.
   *
   * @return a number, or the address of memory that is held
   */
  public long addr2() {
    return addresses[1];
  }

  /**
   * The field {@code addr3}.
   *
   * @return a number, or the address of memory that is held
   */
  public long addr3() {
    return addresses[2];
  }

  /**
   * The field {@code len}.
   *
   * @return the length
   */
  public int length() {
    return length;
  }

  /**
   * The flags of the opcode.
   *
   * @return the flags
   */
  public int opFlags() {
    return opFlags;
  }

  /**
   * The field {@code file_index}.
   *
   * @return the index
   */
  public int fileIndex() {
    return fileIndex;
  }

  /**
   * The pooled buffer that {@link #addr()} is in.
   *
   * @return the buffer, or null
   */
  public Buffer buffer() {
    return buffer;
  }

  @Override
  public String toString() {
    if (descriptor != null) {
      return opcode.displayName() + " on " + descriptor.subject();
    }
    return opcode.displayName() + (fd == NO_FD ? "" : " on descriptor " + fd);
  }
}
