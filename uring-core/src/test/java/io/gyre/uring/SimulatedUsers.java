package io.gyre.uring;

import static io.gyre.uring.SimulatedKernel.require;

import io.gyre.Buffer;
import io.gyre.BufferPool;
import io.gyre.WaitStrategy;
import io.gyre.bindings.Libc;
import io.gyre.bindings.Liburing;
import io.gyre.driver.Completion;
import io.gyre.driver.Descriptor;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.Errno;
import io.gyre.driver.OpCode;
import io.gyre.driver.OpenRequest;
import io.gyre.driver.Operation;
import io.gyre.driver.OperationDispatcher;
import io.gyre.uring.SimulatedFile.Listener;
import io.gyre.uring.SimulatedFile.Socket;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;

/**
 * Users without sense: they start whatever there is to start on the production driver, over a {@link SimulatedKernel},
 * cancel and close at random, throw from handlers, and keep buffers for longer than they should. And the oracle, which
 * knows what each of them may be told. All of it follows from one seed.
 */
final class SimulatedUsers {
  private static final int REGION_BYTES = 256;
  private static final int REGIONS = 8;
  private static final int LISTENING_PORT = 1000;
  private static final int ELSEWHERE_PORT = 2000;
  private static final byte CANARY = 0x5A;
  private static final int MOST_LIVE = 60;
  private static final int TURNS_WITHOUT_END = 20_000;
  private static final int MOST_MULTISHOT_POLLS = 2;
  private static final long MOST_WAIT = 10_000_000;

  /** What handlers throw here. */
  static final class Thrown extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Thrown() {
      super("a handler's own", null, false, false);
    }
  }

  private final RandomGenerator random;
  private final SimulatedLoop loop;
  private final SimulatedKernel kernel;
  private final OperationDispatcher dispatcher;
  private final UringDriver driver;
  private final BufferPool pool;
  private final Completion completion = (o, result) -> ((Asked) o.handler()).told(o, result);

  private final List<Asked> live = new ArrayList<>();
  private final Map<Long, Asked> byToken = new HashMap<>();
  private final List<OpenFile> files = new ArrayList<>();
  private final List<Link> links = new ArrayList<>();
  private final List<Listening> listenings = new ArrayList<>();
  private final List<FileModel> models = new ArrayList<>();
  private final List<Held> held = new ArrayList<>();

  private final SimulatedTimers timers;
  private final SimulatedChains chains;
  private final SimulatedBorrowers borrowers;
  private final List<SimulatedScope> scopes = new ArrayList<>();

  private boolean submitting;
  private boolean stopping;
  private boolean quiet;
  private Throwable failure;
  private int depth;
  private int asked;

  /**
   * What a run did.
   *
   * @param outOfBuffers times that a receive found no buffer
   * @param timers how many expired
   * @param cancelledLinks operations of chains that were cancelled
   * @param rare what never happened, for instance an operation that never succeeded, or never failed
   */
  record Totals(
      long operations,
      long turns,
      long steps,
      long overflows,
      long outOfBuffers,
      long timers,
      long cancelledLinks,
      Set<String> rare) {
    Totals plus(Totals other) {
      var both = new TreeSet<>(rare);
      both.retainAll(other.rare);
      return new Totals(
          operations + other.operations,
          turns + other.turns,
          steps + other.steps,
          overflows + other.overflows,
          outOfBuffers + other.outOfBuffers,
          timers + other.timers,
          cancelledLinks + other.cancelledLinks,
          both);
    }
  }

  private long turns;
  private long spins;
  private final Set<OpCode> succeeded = EnumSet.noneOf(OpCode.class);
  private final Set<OpCode> failed = EnumSet.noneOf(OpCode.class);
  private final Deque<ByteBuffer> spareMemory = new ArrayDeque<>();

  SimulatedUsers(long seed) throws IOException {
    var root = new SplittableRandom(seed);
    random = root.split();
    kernel = new SimulatedKernel(root.split(), SimulatedFaults.any(random));
    var config = anyKernel();
    loop = new SimulatedLoop(kernel, config, this::handlerThrew);
    dispatcher = loop.dispatcher;
    driver = loop.driver;
    pool = loop.pool;
    timers = new SimulatedTimers(kernel, root.split(), this::handlerThrew);
    chains = new SimulatedChains(loop, config.ringEntries(), root.split(), this::note);
    borrowers = new SimulatedBorrowers(pool, root.split());
    kernel.operations().observe(this::taken);
    kernel.operations().polls().observe(this::reported);
    for (int i = 0; i < 3; i++) {
      models.add(new FileModel(Path.of("/simulated/" + i)));
    }
  }

  /** Sometimes a kernel that lacks something; mostly a ring that is too small for comfort. */
  private DriverConfig anyKernel() {
    switch (random.nextInt(6)) {
      case 0 -> kernel.withoutSetupFlags(Liburing.IORING_SETUP_NO_SQARRAY());
      case 1 ->
          kernel.withoutSetupFlags(
              Liburing.IORING_SETUP_NO_SQARRAY() | Liburing.IORING_SETUP_DEFER_TASKRUN());
      case 2 ->
          kernel.withoutSetupFlags(
              Liburing.IORING_SETUP_NO_SQARRAY()
                  | Liburing.IORING_SETUP_DEFER_TASKRUN()
                  | Liburing.IORING_SETUP_SINGLE_ISSUER());
      default -> {}
    }
    if (random.nextInt(8) == 0) {
      kernel.operations().refuseMultishotReceive();
    }
    if (random.nextInt(4) == 0) {
      kernel.operations().withoutBundles();
    }
    for (int optional :
        new int[] {
          Liburing.IORING_REGISTER_RING_FDS(),
          Liburing.IORING_REGISTER_IOWQ_MAX_WORKERS(),
          Liburing.IORING_REGISTER_BUFFERS(),
          Liburing.IORING_REGISTER_FILES2(),
          Liburing.IORING_REGISTER_MEM_REGION()
        }) {
      if (random.nextInt(8) == 0) {
        kernel.refusing(optional, Errno.ENOMEM);
      }
    }
    if (random.nextInt(8) == 0) {
      kernel.refusing(Liburing.IORING_REGISTER_PBUF_RING(), Errno.EINVAL);
    }
    var disabled = new HashSet<String>();
    int masked = random.nextBoolean() ? 0 : random.nextInt(8);
    for (var feature : KernelFeature.values()) {
      if (random.nextInt(8) < masked) {
        disabled.add(feature.configurationName());
      }
    }
    int sq = 2 << random.nextInt(random.nextInt(3) == 0 ? 7 : 3);
    int cq = sq << random.nextInt(3);
    int buffers = 2 << random.nextInt(3);
    int fixedFiles = random.nextBoolean() ? 16 : 0;
    int bytes = 64 + random.nextInt(64);
    return new DriverConfig(0, sq, cq, buffers, bytes, fixedFiles, disabled, anyStrategy());
  }

  private WaitStrategy anyStrategy() {
    if (random.nextInt(4) == 0) {
      kernel.withoutFeatures(Liburing.IORING_FEAT_MIN_TIMEOUT());
    }
    if (random.nextInt(4) == 0) {
      kernel.withoutFeatures(Liburing.IORING_FEAT_NO_IOWAIT());
    }
    if (random.nextInt(4) == 0) {
      kernel.pageBytes(65_536);
    }
    var strategy = WaitStrategy.park();
    if (random.nextInt(3) == 0) {
      strategy =
          strategy.withMinWait(
              Duration.ofNanos(1000 + random.nextInt(2_000_000)), 2 + random.nextInt(6));
    }
    if (random.nextInt(3) == 0) {
      strategy = strategy.withSubmissionPolling(Duration.ofMillis(1));
      if (random.nextInt(8) == 0) {
        kernel.withoutSetupFlags(Liburing.IORING_SETUP_SQPOLL());
      }
    }
    return strategy;
  }

  /** Runs to the end: so many turns at most, then whatever it takes. */
  Totals run(int turnsToRun) throws IOException {
    int last = turnsToRun / 2 + random.nextInt(turnsToRun / 2);
    int activity = 1 + random.nextInt(6);
    for (int i = 0; i < last; i++) {
      for (int k = random.nextInt(activity); k > 0; k--) {
        act();
      }
      turn(random.nextInt(3) == 0 ? random.nextInt(2_000_000) : 0);
    }
    if (random.nextBoolean()) {
      settle();
    }
    drain();
    return totals();
  }

  Totals totals() {
    var rare = new TreeSet<String>();
    // All but those that the simulated kernel does not know.
    var known = EnumSet.complementOf(EnumSet.of(OpCode.READV, OpCode.WRITEV));
    known.removeAll(EnumSet.range(OpCode.TRUNCATE, OpCode.LIST));
    known.removeAll(EnumSet.range(OpCode.RECEIVE_MESSAGE, OpCode.SEND_MESSAGE));
    // Those that no driver sees.
    known.removeAll(EnumSet.of(OpCode.AWAIT_WRITABLE, OpCode.SEND_FILE));
    for (var code : known) {
      if (!succeeded.contains(code)) {
        rare.add(code + " that succeeds");
      }
      if (!failed.contains(code)) {
        rare.add(code + " that fails");
      }
    }
    rareWaits(rare);
    if (kernel.operations().bundlesOfSeveral() == 0) {
      rare.add("a bundle of several buffers");
    }
    long outOfBuffers = driver.counters().get(Counter.OUT_OF_BUFFERS);
    return new Totals(
        asked,
        turns,
        kernel.steps(),
        kernel.overflows(),
        outOfBuffers,
        timers.expired(),
        chains.cancelledLinks(),
        rare);
  }

  private void rareWaits(Set<String> rare) {
    var waits = kernel.waits();
    if (waits.copied == 0) {
      rare.add("a wait by a copied argument");
    }
    if (waits.registered == 0) {
      rare.add("a wait by registered memory");
    }
    if (waits.gathering == 0) {
      rare.add("a wait that gathers");
    }
    if (waits.notIo == 0) {
      rare.add("a wait that does not count as one for a disk");
    }
    if (waits.wakeUps == 0) {
      rare.add("a wake-up of the thread that polls");
    }
    if (waits.takenByPolling == 0) {
      rare.add("an entry taken by the thread that polls");
    }
    if (spins == 0) {
      rare.add("a spin with nothing to do");
    }
  }

  // ---- the loop

  private void turn(long timeoutNanos) throws IOException {
    turns++;
    if (random.nextInt(8) == 0) {
      spin();
    }
    long untilTimer = stopping ? -1 : timers.advance();
    // As the loop does: the wheel says for how long to wait. Sometimes something else ends the
    // wait.
    boolean wheelSays = untilTimer >= 0 && (untilTimer < timeoutNanos || random.nextInt(8) == 0);
    loop.turn(
        wheelSays ? Math.min(untilTimer, MOST_WAIT) : timeoutNanos,
        random.nextInt(4) == 0 ? 1 + random.nextInt(4) : 1024);
    if (random.nextInt(8) == 0) {
      kernel.step(300); // what the kernel does while the loop runs
    }
    if (failure != null) {
      throw new AssertionError(failure);
    }
  }

  /** A loop that spins trusts the driver when that has nothing to do; so it must have nothing. */
  private void spin() throws IOException {
    dispatcher.resolveDeferred();
    if (dispatcher.hasDeferred() || driver.turn(0, 1024) > 0 || driver.poll()) {
      return;
    }
    long enters = kernel.enters();
    require(driver.turn(0, 1024) == 0, "outcomes, though there was nothing to do");
    require(kernel.enters() == enters, "a call, though there was nothing to do");
    spins++;
  }

  /** Nothing new, no faults: what was asked to end must end, and then whatever needs nobody's help. */
  private void settle() throws IOException {
    quiet = true;
    kernel.faults(SimulatedFaults.NONE);
    releaseHeld();
    turnUntilNone("was cancelled", a -> a.cancelAsked && !a.isBehind());
    for (int i = 0; chains.live() > 0; i++) {
      require(i < 2000, "chains that never end: " + chains);
      turn(100_000);
    }
    for (var link : links) {
      if (link.socket.peer == null) {
        close(link.descriptor, true);
      }
    }
    turnUntilNone("needs nobody's help", a -> !a.waitsForPeer());
    quiet = false;
    kernel.faults(SimulatedFaults.any(random));
  }

  private void turnUntilNone(String which, Predicate<Asked> left) throws IOException {
    for (int i = 0; live.stream().anyMatch(left); i++) {
      require(
          i < 2000,
          "never resolved, though it " + which + ": " + live.stream().filter(left).toList());
      turn(100_000);
      if (which.startsWith("needs")) {
        releaseHeld(); // receives may wait for them
        links.forEach(Link::consumeAtPeer);
      }
    }
  }

  /** The end of a loop, as EventLoop has it. */
  private void drain() throws IOException {
    stopping = true;
    chains.stop();
    timers.end();
    dispatcher.stop();
    for (int i = 0; dispatcher.inFlight() > 0 || dispatcher.hasOpen(); i++) {
      require(i < TURNS_WITHOUT_END, "does not drain: " + live);
      if (dispatcher.inFlight() == 0) {
        dispatcher.stop();
      }
      turn(random.nextInt(10_000_000));
    }
    require(live.isEmpty(), "never resolved: " + live);
    for (var scope : scopes) {
      require(scope.isEmpty(), "a scope with something in it");
    }
    releaseHeld();
    borrowers.end();
    chains.end();
    loop.closeDrained();
    models.forEach(FileModel::check);
  }

  private void handlerThrew(Throwable t) {
    if (!(t instanceof Thrown) && failure == null) {
      failure = t;
    }
  }

  // ---- what users do

  private void act() {
    if (live.size() > MOST_LIVE) {
      cancelOne();
      return;
    }
    switch (random.nextInt(34)) {
      case 24, 25, 26 -> chains.act();
      case 27, 28 -> timers.act();
      case 29, 30, 31 -> borrowers.act();
      case 32 -> poll();
      case 0, 1 -> nop();
      case 2 -> open();
      case 3, 4, 5 -> read();
      case 6, 7, 8 -> write();
      case 9 -> fileOperation(random.nextBoolean() ? OpCode.SIZE : OpCode.FSYNC);
      case 10 -> listenOrAccept();
      case 11 -> connect();
      case 12, 13, 14 -> send();
      case 15, 16 -> receive();
      case 17 -> {
        if (random.nextInt(4) == 0) {
          shutdown();
        }
      }
      case 18, 19, 20 -> remote();
      case 21 -> cancelOne();
      case 22 -> closeOne();
      default -> releaseOne();
    }
  }

  private Asked ask(OpCode code, Descriptor descriptor) {
    var a = new Asked(code);
    a.descriptor = descriptor;
    a.operation = dispatcher.acquire(code, descriptor, completion, a, null);
    return a;
  }

  private void submit(Asked a) {
    boolean outer = submitting;
    a.token = a.operation.token();
    live.add(a);
    byToken.put(a.token, a);
    asked++;
    submitting = true;
    a.scope = random.nextInt(8) == 0 ? anyScope() : null;
    dispatcher.setScope(a.scope);
    try {
      dispatcher.submit(a.operation);
    } finally {
      dispatcher.setScope(null);
      submitting = outer;
    }
  }

  /** A scope that may be over, or will be soon. */
  private SimulatedScope anyScope() {
    if (scopes.isEmpty() || random.nextInt(4) == 0) {
      var scope = new SimulatedScope(dispatcher, token -> byToken.get(token).cancelAsked = true);
      timers.runAfter(random.nextLong(3_000_000), scope::end);
      scopes.add(scope);
      scopes.removeIf(s -> s.isOver() && s.isEmpty() && random.nextInt(4) == 0);
    }
    return scopes.get(random.nextInt(scopes.size()));
  }

  private void nop() {
    submit(ask(OpCode.NOP, null));
  }

  private void open() {
    if (files.size() > 5) {
      return;
    }
    var a = ask(OpCode.OPEN, null);
    a.model = any(models);
    var options =
        random.nextInt(4) == 0
            ? Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE)
            : Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
    a.operation.argument(new OpenRequest(a.model.path, Set.copyOf(options)));
    submit(a);
  }

  private void read() {
    if (files.isEmpty()) {
      return;
    }
    var file = any(files);
    var a = ask(OpCode.READ, file.descriptor);
    a.model = file.model;
    a.region = random.nextInt(REGIONS);
    a.giveMemory(random.nextInt(REGION_BYTES), false);
    a.atOffset();
    a.version = a.model.writers[a.region] == null ? a.model.versions[a.region] : -1;
    submit(a);
    a.maybeReleaseEarly();
  }

  private void write() {
    if (files.isEmpty()) {
      return;
    }
    var file = any(files);
    int region = random.nextInt(REGIONS);
    if (file.model.writers[region] != null) {
      return;
    }
    var a = ask(OpCode.WRITE, file.descriptor);
    a.model = file.model;
    a.region = region;
    a.giveMemory(random.nextInt(REGION_BYTES), true);
    a.atOffset();
    a.model.writers[region] = a;
    a.model.versions[region]++;
    submit(a);
    a.maybeReleaseEarly();
  }

  /** Polls anything. */
  private void poll() {
    var open = new ArrayList<Descriptor>();
    links.forEach(l -> open.add(l.descriptor));
    files.forEach(f -> open.add(f.descriptor));
    listenings.forEach(l -> open.add(l.descriptor));
    if (open.isEmpty()) {
      return;
    }
    // Some, but not many: each that ends at an overflow starts again, and so adds to it.
    long multishots = live.stream().filter(a -> a.code == OpCode.POLL_MULTISHOT).count();
    boolean once = multishots >= MOST_MULTISHOT_POLLS || random.nextBoolean();
    var a = ask(once ? OpCode.POLL : OpCode.POLL_MULTISHOT, any(open));
    a.polled = kernel.operations().file(((UringDescriptor) a.descriptor).fd);
    a.interest =
        switch (random.nextInt(3)) {
          case 0 -> Libc.POLLIN();
          case 1 -> Libc.POLLOUT();
          default -> Libc.POLLIN() | Libc.POLLRDHUP();
        };
    a.operation.flags(a.interest);
    submit(a);
  }

  private void fileOperation(OpCode code) {
    if (!files.isEmpty()) {
      var file = any(files);
      var a = ask(code, file.descriptor);
      a.model = file.model;
      a.sizeBefore = a.model.sizeNow();
      submit(a);
    }
  }

  private void listenOrAccept() {
    if (listenings.isEmpty()) {
      int fd = kernel.operations().listen(LISTENING_PORT);
      var listener = (Listener) kernel.operations().file(fd);
      listenings.add(new Listening(driver.newDescriptor("a listener", fd), listener));
      return;
    }
    var listening = listenings.getFirst();
    submit(
        ask(random.nextBoolean() ? OpCode.ACCEPT : OpCode.ACCEPT_MULTISHOT, listening.descriptor));
  }

  private void connect() {
    if (links.size() > 8) {
      closeOne();
      return;
    }
    int fd = kernel.operations().open(new Socket());
    var link = new Link(driver.newDescriptor("a socket", fd));
    links.add(link);
    var a = ask(OpCode.CONNECT, link.descriptor);
    int port = random.nextBoolean() ? LISTENING_PORT : ELSEWHERE_PORT;
    a.operation.argument(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    submit(a);
  }

  private void send() {
    if (links.isEmpty()) {
      return;
    }
    var link = any(links);
    for (int i = random.nextInt(3); i >= 0; i--) {
      var a = ask(OpCode.SEND, link.descriptor);
      a.link = link;
      a.giveMemory(random.nextInt(400), true);
      link.sends.add(a);
      submit(a);
      a.maybeReleaseEarly();
    }
  }

  private void receive() {
    if (links.isEmpty()) {
      return;
    }
    var link = any(links);
    if (link.receiving) {
      return;
    }
    link.receiving = true;
    boolean multishot = random.nextInt(3) > 0;
    var a = ask(multishot ? OpCode.RECEIVE_MULTISHOT : OpCode.RECEIVE, link.descriptor);
    a.link = link;
    if (!multishot) {
      a.giveMemory(random.nextInt(200), false);
    }
    submit(a);
    a.maybeReleaseEarly();
  }

  private void shutdown() {
    if (!links.isEmpty()) {
      var a = ask(OpCode.SHUTDOWN, any(links).descriptor);
      a.operation.flags(random.nextInt(3));
      submit(a);
    }
  }

  /** What happens at the other ends of connections. */
  private void remote() {
    if (!listenings.isEmpty() && random.nextInt(6) == 0) {
      var listener = listenings.getFirst().listener;
      if (listener.backlog.size() < 4) {
        var peer = Socket.connected();
        listener.backlog.add(peer);
        kernel.operations().remotes().add(peer.peer);
      }
    }
    var remotes = kernel.operations().remotes();
    if (remotes.isEmpty()) {
      return;
    }
    var remote = any(remotes);
    switch (random.nextInt(32)) {
      case 0 -> remote.shutOutput();
      case 1 -> remote.breakOff();
      case 2 -> remote.close();
      default -> {
        for (int i = random.nextInt(300); i > 0 && remote.inbound.size() > 0; i--) {
          remote.inbound.remove();
        }
        if (!remote.reset && !remote.outputShut && !remote.peer.inputShut) {
          for (int i = random.nextInt(1 + Math.max(0, remote.peer.room())); i > 0; i--) {
            remote.peer.inbound.add((byte) random.nextInt());
          }
        }
      }
    }
    if (remote.reset || (remote.outputShut && remote.inputEnded)) {
      remotes.remove(remote);
    }
  }

  private void cancelOne() {
    if (live.isEmpty()) {
      return;
    }
    var a = any(live);
    if (a.code != OpCode.CLOSE) {
      a.cancelAsked = true;
      driver.cancel(a.operation);
    }
  }

  private void closeOne() {
    switch (random.nextInt(8)) {
      case 0 -> {
        if (!listenings.isEmpty()) {
          close(any(listenings).descriptor, true);
        }
      }
      case 1, 2 -> {
        if (!files.isEmpty()) {
          close(any(files).descriptor, random.nextInt(4) == 0);
        }
      }
      default -> {
        if (!links.isEmpty()) {
          close(any(links).descriptor, true);
        }
      }
    }
  }

  private void close(Descriptor descriptor, boolean cancelInFlight) {
    var a = new Asked(OpCode.CLOSE);
    a.descriptor = descriptor;
    live.add(a);
    asked++;
    boolean outer = submitting;
    submitting = true;
    dispatcher.close(descriptor, cancelInFlight, completion, a, null);
    submitting = outer;
  }

  private void releaseOne() {
    if (!held.isEmpty()) {
      held.remove(random.nextInt(held.size())).release();
    }
  }

  private void releaseHeld() {
    held.forEach(Held::release);
    held.clear();
  }

  private <T> T any(List<T> list) {
    return list.get(random.nextInt(list.size()));
  }

  // ---- what they know

  /** The kernel reads what somebody wants to be written or sent. */
  private void taken(long token, int done, MemorySegment bytes) {
    if (chains.own(token)) {
      chains.taken(token, bytes);
      return;
    }
    var a = byToken.get(token);
    require(a != null, "takes bytes of an operation that has ended");
    if (a.code == OpCode.SEND) {
      require(!a.overtaken, "sends overtake each other: " + a);
      overtake(a);
    }
    for (int i = 0; i < bytes.byteSize(); i++) {
      byte value = bytes.get(ValueLayout.JAVA_BYTE, i);
      require(value == a.contentAt(a.taken + i), "byte " + (a.taken + i) + " is not that of " + a);
    }
    a.taken += (int) bytes.byteSize();
  }

  /** Those before a send that goes were refused or cancelled, and will be told so: they never go. */
  private void overtake(Asked send) {
    for (var before : send.link.sends) {
      if (before == send) {
        return;
      }
      require(before.taken == 0, send + " goes in the middle of " + before);
      before.overtaken = true;
    }
  }

  /** The kernel tells of what is ready. */
  private void reported(long token, int mask) {
    byToken.get(token).events.add(mask);
  }

  private void note(OpCode code, int result) {
    (result < 0 ? failed : succeeded).add(code);
  }

  /** A file that should be. */
  private final class FileModel {
    final Path path;
    final byte[] bytes = new byte[REGIONS * REGION_BYTES];
    final Asked[] writers = new Asked[REGIONS];
    final int[] versions = new int[REGIONS];

    FileModel(Path path) {
      this.path = path;
    }

    int sizeNow() {
      return kernel.operations().content(path.toString()).bytes().length;
    }

    void check() {
      var content = kernel.operations().content(path.toString()).bytes();
      for (int i = 0; i < bytes.length; i++) {
        byte there = i < content.length ? content[i] : 0;
        require(there == bytes[i], path + " differs at " + i);
      }
    }
  }

  private record OpenFile(Descriptor descriptor, FileModel model) {}

  private record Listening(Descriptor descriptor, Listener listener) {}

  /** A connection of ours. */
  private final class Link {
    final Descriptor descriptor;
    final Socket socket;
    final Deque<Asked> sends = new ArrayDeque<>();
    boolean receiving;

    Link(Descriptor descriptor) {
      this.descriptor = descriptor;
      this.socket = (Socket) kernel.operations().file(((UringDescriptor) descriptor).fd);
    }

    void consumeAtPeer() {
      if (socket.peer != null) {
        socket.peer.inbound.clear();
      }
    }
  }

  /** A received buffer that a user keeps, and what must stay in it. */
  private record Held(Buffer buffer, ByteBuffer content) {
    void release() {
      for (int i = 0; i < content.limit(); i++) {
        require(buffer.byteBuffer().get(i) == content.get(i), buffer + " changed while lent");
      }
      buffer.release();
    }
  }

  /** An operation, from the question to the answer. */
  private final class Asked {
    final OpCode code;
    final int seed = random.nextInt();
    Operation operation;
    long token;
    Descriptor descriptor;
    boolean ended;
    boolean cancelAsked;

    SimulatedScope scope;
    SimulatedFile polled;
    int interest;

    /** What the kernel reported and the handler was not told yet. */
    final Deque<Integer> events = new ArrayDeque<>();

    Link link;
    FileModel model;
    int region;
    int version;
    int sizeBefore;
    long offset;

    ByteBuffer memory;
    Buffer lease;
    boolean releasedEarly;
    int from;
    int length;
    int taken;
    boolean overtaken; // a later send on the same socket went: this one must never

    Asked(OpCode code) {
      this.code = code;
    }

    byte contentAt(int index) {
      return (byte) (((seed + index) * 0x9E3779B1) >>> 24);
    }

    /** Memory of any kind, with something of the user's before and behind. */
    void giveMemory(int bytes, boolean filled) {
      int before = random.nextInt(8);
      int kind = random.nextInt(3);
      lease = kind == 0 ? pool.tryAcquire(before + bytes + 8) : null;
      if (lease != null) {
        memory = lease.byteBuffer();
      } else {
        memory = kind == 1 ? ByteBuffer.allocate(before + bytes + 8) : directMemory();
        memory.limit(before + bytes + 8);
      }
      for (int i = 0; i < memory.limit(); i++) {
        memory.put(i, CANARY);
      }
      from = before;
      length = bytes;
      memory.position(from).limit(from + bytes);
      if (filled) {
        for (int i = 0; i < bytes; i++) {
          memory.put(from + i, contentAt(i));
        }
      }
      if (lease != null) {
        operation.memory(lease);
      } else {
        operation.memory(memory);
      }
    }

    /** Used again as soon as its operation has ended, as users do. */
    private ByteBuffer directMemory() {
      var spare = spareMemory.poll();
      return spare == null ? ByteBuffer.allocateDirect(512) : spare.clear();
    }

    void atOffset() {
      offset = (long) region * REGION_BYTES + random.nextInt(REGION_BYTES - length);
      operation.offset(offset);
    }

    /** A user who gives memory back while the kernel still works on it. */
    void maybeReleaseEarly() {
      if (lease != null && !ended && random.nextInt(4) == 0) {
        releasedEarly = true;
        lease.release();
      }
    }

    boolean isBehind() {
      return code == OpCode.SEND && link.sends.peek() != this;
    }

    boolean waitsForPeer() {
      return !descriptorIsClosing()
          && switch (code) {
            case ACCEPT, ACCEPT_MULTISHOT, RECEIVE -> true;
            case RECEIVE_MULTISHOT -> !link.socket.readable();
            case POLL -> SimulatedPolls.ready(polled, interest) == 0;
            case POLL_MULTISHOT -> !(polled instanceof SimulatedFile.Regular);
            default -> false;
          };
    }

    boolean descriptorIsClosing() {
      return descriptor != null && descriptor.isClosing();
    }

    void told(Operation o, int result) {
      require(!submitting, "resolved inside of the call that submits: " + this);
      require(!ended, "resolved twice: " + this);
      require(code == OpCode.CLOSE || o == operation, "another's operation: " + this);
      ended = !o.hasMore();
      if (ended) {
        live.remove(this);
        byToken.remove(token, this); // a close, whose token is not known, removes nobody
      }
      note(code, result);
      if (result < 0) {
        if (random.nextInt(8) == 0) { // exceptions are dear
          require(o.failure(result) != null, "no exception for " + result);
        }
        if (result == -Errno.ECANCELED.number()) {
          boolean excused = cancelAsked || stopping || descriptorIsClosing();
          require(excused || (scope != null && scope.isOver()), "nobody cancelled " + this);
        }
      }
      switch (code) {
        case OPEN -> opened(o, result);
        case READ -> readEnded(result);
        case WRITE -> writeEnded(result);
        case SIZE -> {
          if (result == 0) {
            long size = o.longResult();
            require(size >= sizeBefore && size <= model.sizeNow(), "a size of " + size);
          }
        }
        case ACCEPT, ACCEPT_MULTISHOT -> {
          if (o.newDescriptor() != null) {
            adopt(o.newDescriptor());
          }
        }
        case CONNECT -> {
          if (result < 0 && !stopping) {
            close(descriptor, true);
          }
        }
        case SEND -> sendEnded(result);
        case RECEIVE -> receiveEnded(result);
        case RECEIVE_MULTISHOT -> received(o, result);
        case POLL, POLL_MULTISHOT -> polled(result);
        case CLOSE -> closed();
        default -> require(result <= 0, "a result of " + result);
      }
      if (ended && lease != null && !releasedEarly) {
        lease.release();
      } else if (ended && memory != null && memory.isDirect() && lease == null) {
        spareMemory.push(memory);
      }
      react();
    }

    /** Handlers do what users do, and worse. */
    private void react() {
      if (stopping || quiet || depth > 0) {
        return;
      }
      depth++;
      try {
        for (int i = random.nextInt(4); i > 2; i--) {
          act();
        }
      } finally {
        depth--;
      }
      if (random.nextInt(20) == 0) {
        throw new Thrown();
      }
    }

    private void opened(Operation o, int result) {
      if (result < 0) {
        return;
      }
      var opened = o.newDescriptor();
      if (stopping || random.nextInt(10) == 0) {
        dispatcher.discard(opened);
      } else {
        files.add(new OpenFile(opened, model));
      }
    }

    private void adopt(Descriptor accepted) {
      if (stopping || links.size() > 8) {
        dispatcher.discard(accepted);
      } else {
        links.add(new Link(accepted));
      }
    }

    private void readEnded(int result) {
      checkTransfer(result);
      boolean stable = version == model.versions[region] && model.writers[region] == null;
      for (int i = 0; i < result && stable && !releasedEarly; i++) {
        require(
            memory.get(from + i) == model.bytes[(int) offset + i],
            "read something else at " + (offset + i) + ": " + this);
      }
    }

    private void writeEnded(int result) {
      checkTransfer(result);
      require(Math.max(0, result) == taken, "wrote " + taken + ", said " + result + ": " + this);
      model.writers[region] = null;
      model.versions[region]++;
      for (int i = 0; i < result; i++) {
        model.bytes[(int) offset + i] = contentAt(i);
      }
    }

    private void sendEnded(int result) {
      // What was refused never took a turn. It may be told so behind later ones: while it waits
      // to be told, they may go and end within the same turn.
      boolean neverWent = taken == 0 && result < 0;
      if (!neverWent) {
        require(!overtaken, "overtakes: " + this);
        overtake(this);
      }
      link.sends.remove(this);
      checkTransfer(result);
      require(result < 0 || (result == length && taken == length), "sent a part: " + this);
    }

    private void receiveEnded(int result) {
      link.receiving = false;
      checkTransfer(result);
      for (int i = 0; i < result; i++) {
        byte sent = link.socket.delivered.remove();
        require(releasedEarly || memory.get(from + i) == sent, "received something else: " + this);
      }
      require(link.socket.delivered.size() == 0, "received, but nobody was told: " + this);
    }

    private void received(Operation o, int result) {
      link.receiving = !ended;
      if (!o.hasMore()) {
        require(result <= 0 && o.received() == null, "the last outcome brings data: " + this);
        require(link.socket.delivered.size() == 0, "received, but nobody was told: " + this);
        return;
      }
      var content = new byte[result];
      require(o.received().byteBuffer().remaining() == result, "another count than received");
      o.received().byteBuffer().get(0, content);
      for (byte there : content) {
        require(there == link.socket.delivered.remove(), "received something else: " + this);
      }
      if (random.nextInt(3) == 0 && !stopping) {
        held.add(new Held(o.received(), ByteBuffer.wrap(content)));
      } else {
        o.received().release();
      }
    }

    private void polled(int result) {
      if (result < 0) {
        // An event may be in the kernel's hand when a cancellation ends the poll; and of what is
        // always ready it was the answer.
        require(events.size() <= 1 || cancelAsked, "events that nobody was told of: " + events);
        return;
      }
      require(!events.isEmpty(), "an event that was none: " + this);
      require(events.remove() == result, "another event than the kernel's: " + result);
      require((result & ~(interest | SimulatedPolls.ALWAYS)) == 0, "did not ask for " + result);
      require(!ended || events.isEmpty(), "events that nobody was told of: " + events);
      if (!ended && random.nextInt(16) == 0) {
        cancelAsked = true; // has seen enough
        driver.cancel(operation);
      }
    }

    private void closed() {
      files.removeIf(f -> f.descriptor.equals(descriptor));
      links.removeIf(l -> l.descriptor.equals(descriptor));
      listenings.removeIf(l -> l.descriptor.equals(descriptor));
    }

    private void checkTransfer(int result) {
      require(result <= length, "more than there was room for: " + this);
      if (releasedEarly) {
        return;
      }
      // A send that ended early tells so how much went out.
      int moved = result < 0 && code == OpCode.SEND ? taken : Math.max(0, result);
      require(memory.position() == from + moved, "the position of " + this);
      int limit = memory.limit();
      memory.limit(from + length + 8);
      for (int i = 0; i < 8; i++) {
        require(memory.get(from + length + i) == CANARY, "wrote behind the memory of " + this);
        require(i >= from || memory.get(i) == CANARY, "wrote before the memory of " + this);
      }
      memory.limit(limit);
    }

    @Override
    public String toString() {
      return code
          + (descriptor == null ? "" : " of " + descriptor)
          + (cancelAsked ? ", cancelled" : "")
          + ", "
          + taken
          + " of "
          + length
          + " bytes taken";
    }
  }
}
