package io.gyre.uring;

import static io.gyre.uring.SimulatedKernel.require;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.gyre.Buffer;
import io.gyre.bindings.Liburing;
import io.gyre.driver.Completion;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.Operation;
import io.gyre.driver.RawOperation;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.random.RandomGenerator;

/**
 * Users of raw operations: chains of reads, writes, syncs and nothing, on files of their own, that
 * are cancelled in part and whose files are closed under them. And the oracle: a link takes effect
 * only if all before it succeeded in full, is cancelled otherwise, and each is told once.
 */
final class SimulatedChains {
  /** What only the NOPs here set in fields that are always zero elsewhere. */
  static final int ODD_FILE_INDEX = 0x7A7A;

  static final long ODD_ADDR3 = 0x7A7A_7A7A_7A7AL;

  private static final int FILES = 2;
  private static final int REGIONS = 16;
  private static final int REGION_BYTES = 64;
  private static final int MOST_LIVE = 24;
  private static final int LONGEST = 6;

  private final RandomGenerator random;
  private final SimulatedLoop loop;
  private final int longestPossible;
  private final BiConsumer<OpCode, Integer> told;
  private final Completion completion = (o, result) -> ((Link) o.handler()).told(o, result);

  private final Map<Long, Link> byToken = new HashMap<>();
  private final List<Link> live = new ArrayList<>();
  private final List<File> files = new ArrayList<>();
  private boolean stopping;
  private boolean submitting;
  private long cancelledLinks;

  /**
   * Makes users.
   *
   * @param longestPossible the chain that just fits the submission queue
   * @param told of each outcome
   */
  SimulatedChains(
      SimulatedLoop loop,
      int longestPossible,
      RandomGenerator random,
      BiConsumer<OpCode, Integer> told) {
    this.loop = loop;
    this.longestPossible = longestPossible;
    this.random = random;
    this.told = told;
    for (int i = 0; i < FILES; i++) {
      files.add(new File("/chained/" + i));
    }
    loop.kernel.raw(byToken::containsKey);
    loop.kernel.whenEnded(this::ended);
  }

  /** A file, and what should be in it. */
  private final class File {
    final String path;
    final byte[] bytes = new byte[REGIONS * REGION_BYTES];
    final boolean[] busy = new boolean[REGIONS];
    UringDescriptor descriptor;

    File(String path) {
      this.path = path;
      this.descriptor = loop.file(path);
    }

    void check() {
      var content = loop.kernel.operations().content(path).bytes();
      for (int i = 0; i < bytes.length; i++) {
        byte there = i < content.length ? content[i] : 0;
        require(there == bytes[i], path + " differs at " + i);
      }
    }
  }

  /** One operation of a chain. */
  private final class Link {
    final int opcode;
    final Link preceding;
    final int seed = random.nextInt();
    File file;
    UringDescriptor descriptor;
    int region;
    int length;
    Buffer lease;
    boolean leaseReleased;
    MemorySegment memory;
    Operation operation;
    long token;

    boolean cancelAsked;
    boolean refused; // the whole chain is
    boolean tooLong; // the whole chain is
    boolean ended;
    boolean endedInKernel;
    int kernelResult;
    int taken;
    byte[] toRead; // what was there when it ended

    Link(int opcode, Link preceding) {
      this.opcode = opcode;
      this.preceding = preceding;
    }

    boolean transfers() {
      return opcode == Liburing.IORING_OP_READ() || opcode == Liburing.IORING_OP_WRITE();
    }

    /** Whether the next may begin. */
    boolean succeeded() {
      return endedInKernel && kernelResult >= 0 && (!transfers() || kernelResult == length);
    }

    boolean mayBegin() {
      return preceding == null || preceding.succeeded();
    }

    /** Whether somebody wanted it not to begin, or to end. */
    boolean isToEnd() {
      return cancelAsked
          || (descriptor != null && descriptor.isClosing())
          || (preceding != null && preceding.isToEnd());
    }

    RawOperation entry() {
      var builder = RawOperation.of(opcode);
      if (opcode == Liburing.IORING_OP_NOP()) {
        return random.nextBoolean()
            ? builder.build()
            : builder.length(1).fileIndex(ODD_FILE_INDEX).addr3(ODD_ADDR3).build();
      }
      file = files.get(random.nextInt(FILES));
      descriptor = file.descriptor;
      builder.on(descriptor);
      if (!transfers()) {
        return builder.build();
      }
      length = 1 + random.nextInt(REGION_BYTES);
      lease = random.nextBoolean() ? loop.pool.tryAcquire(length) : null;
      memory =
          lease == null
              ? Arena.ofAuto().allocate(length)
              : MemorySegment.ofBuffer(lease.byteBuffer());
      for (int i = 0; i < length; i++) {
        memory.set(JAVA_BYTE, i, contentAt(i));
      }
      file.busy[region] = true;
      if (lease == null) {
        builder.addr(memory).length(length);
      } else {
        builder.addr(lease);
      }
      return (random.nextInt(4) == 0 ? builder.async() : builder).offset(offset()).build();
    }

    byte contentAt(int index) {
      return (byte) (((seed + index) * 0x9E3779B1) >>> 24);
    }

    long offset() {
      return (long) region * REGION_BYTES;
    }

    void told(Operation o, int result) {
      require(!submitting, "resolved inside of the call that submits: " + this);
      require(!ended && !o.hasMore(), "told twice: " + this);
      ended = true;
      live.remove(this);
      byToken.remove(token);
      told.accept(OpCode.RAW, result);
      if (tooLong) {
        require(o.failure(result) instanceof IllegalArgumentException, "not refused: " + this);
      }
      if (endedInKernel) {
        require(result == kernelResult, "the kernel said " + kernelResult + ", not " + result);
        require(!tooLong && !refused, "did begin: " + this);
      } else {
        require(
            result == -Errno.ECANCELED.number(), "a result of its own: " + result + ", " + this);
        boolean excused = tooLong || refused || stopping || isToEnd() || !mayBegin();
        require(excused, "nobody cancelled " + this);
      }
      if (result >= 0) {
        require(mayBegin(), "did begin, though the one before did not succeed: " + this);
      } else if (result == -Errno.ECANCELED.number()) {
        cancelledLinks++;
        require(
            tooLong || refused || stopping || isToEnd() || !mayBegin(), "nobody cancelled " + this);
      }
      if (transfers()) {
        transferred(result);
      }
    }

    private void transferred(int result) {
      file.busy[region] = false;
      if (opcode == Liburing.IORING_OP_WRITE()) {
        require(taken == Math.max(0, result), "wrote " + taken + ", said " + result);
      } else if (!leaseReleased) {
        for (int i = 0; i < result; i++) {
          require(memory.get(JAVA_BYTE, i) == toRead[i], "read something else: " + this);
        }
      }
      releaseLease();
    }

    /** Others on the same region, of this very chain, may be told in another order than they ended in. */
    void endedInKernel(int result) {
      endedInKernel = true;
      kernelResult = result;
      if (!transfers()) {
        return;
      }
      int from = (int) offset();
      for (int i = 0; i < taken; i++) {
        file.bytes[from + i] = contentAt(i);
      }
      toRead = Arrays.copyOfRange(file.bytes, from, from + length);
    }

    void releaseLease() {
      if (lease != null && !leaseReleased) {
        leaseReleased = true;
        lease.release();
      }
    }

    @Override
    public String toString() {
      return "raw opcode "
          + opcode
          + (descriptor == null ? "" : " on " + descriptor)
          + (cancelAsked ? ", cancelled" : "")
          + (preceding == null ? "" : " behind " + preceding);
    }
  }

  void act() {
    if (live.size() > MOST_LIVE || random.nextInt(4) == 0) {
      cancelOne();
    } else if (random.nextInt(64) == 0) {
      reopen(files.get(random.nextInt(FILES)));
    } else {
      start();
    }
  }

  private void start() {
    var chain = new ArrayList<Link>();
    int length = random.nextInt(3) == 0 ? 1 : 1 + random.nextInt(LONGEST);
    for (int i = 0; i < length; i++) {
      chain.add(newLink(chain.isEmpty() ? null : chain.getLast()));
    }
    var operations = chain.stream().map(l -> acquire(l, l.entry())).toList();
    for (int i = 1; i < length; i++) {
      operations.get(i - 1).setBehind(operations.get(i));
    }
    boolean refused =
        chain.stream().anyMatch(l -> l.descriptor != null && l.descriptor.isClosing());
    for (var link : chain) {
      link.tooLong = length > longestPossible && !refused;
      link.refused = refused;
    }
    live.addAll(chain);
    submitting = true;
    loop.dispatcher.submitChain(operations.getFirst());
    submitting = false;
    chain.stream().filter(l -> random.nextInt(4) == 0).forEach(Link::releaseLease);
  }

  private Link newLink(Link preceding) {
    int opcode =
        switch (random.nextInt(4)) {
          case 0 -> Liburing.IORING_OP_NOP();
          case 1 -> Liburing.IORING_OP_FSYNC();
          case 2 -> Liburing.IORING_OP_READ();
          default -> Liburing.IORING_OP_WRITE();
        };
    int region = random.nextInt(REGIONS);
    boolean transfers = opcode == Liburing.IORING_OP_READ() || opcode == Liburing.IORING_OP_WRITE();
    if (transfers && files.stream().anyMatch(f -> f.busy[region])) {
      opcode = Liburing.IORING_OP_NOP();
    }
    var link = new Link(opcode, preceding);
    link.region = region;
    return link;
  }

  private Operation acquire(Link link, RawOperation raw) {
    link.operation =
        loop.dispatcher
            .acquire(OpCode.RAW, raw.descriptor(), completion, link, null)
            .argument(raw)
            .lease(raw.buffer());
    link.token = link.operation.token();
    byToken.put(link.token, link);
    return link.operation;
  }

  private void cancelOne() {
    if (!live.isEmpty()) {
      var link = live.get(random.nextInt(live.size()));
      link.cancelAsked |= loop.dispatcher.cancel(link.token);
    }
  }

  /** Closes a file under those who use it; others go on with another descriptor. */
  private void reopen(File file) {
    loop.dispatcher.close(file.descriptor, true, (o, result) -> {}, null, null);
    file.descriptor = loop.file(file.path);
  }

  boolean own(long token) {
    return byToken.containsKey(token);
  }

  /** The kernel reads what somebody wants to be written. */
  void taken(long token, MemorySegment bytes) {
    var link = byToken.get(token);
    require(link.mayBegin(), "writes, though the one before it did not succeed: " + link);
    for (int i = 0; i < bytes.byteSize(); i++) {
      require(bytes.get(JAVA_BYTE, i) == link.contentAt(i), "writes something else: " + link);
    }
    link.taken += (int) bytes.byteSize();
  }

  private void ended(long token, int result) {
    var link = byToken.get(token);
    if (link != null) {
      link.endedInKernel(result);
    }
  }

  int live() {
    return live.size();
  }

  long cancelledLinks() {
    return cancelledLinks;
  }

  void stop() {
    stopping = true;
  }

  void end() throws IOException {
    require(live.isEmpty() && byToken.isEmpty(), "never told: " + live);
    files.forEach(File::check);
  }

  @Override
  public String toString() {
    return live.toString();
  }
}
