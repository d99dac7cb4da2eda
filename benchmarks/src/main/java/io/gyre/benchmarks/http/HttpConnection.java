package io.gyre.benchmarks.http;

import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.driver.TimerWheel;
import io.gyre.net.ByteStream;
import io.gyre.net.ReceiveHandler;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * One connection: reads a request, has it answered, reads the next. Confined to its loop's thread.
 *
 * <pre>
 *   HEAD ---> CONTENT ---> ANSWER ---> HEAD ...
 *                            |
 *                            +---> LINGER ---> CLOSED
 * </pre>
 *
 * <p>What comes in while a request is answered is copied, and receiving pauses when it is much: the loop's receive buffers
 * are few, and nobody who reads slowly may keep them from others. In each state there is a deadline. LINGER: all is said, and what the peer still sends is dropped for a moment, as
 * a socket that is closed with data unread is reset, and with it the answer may be lost.
 */
final class HttpConnection implements ReceiveHandler<Void> {
  private static final int PAUSE_BYTES = 16 << 10;
  private static final int MAX_WAITING_BYTES = 8 << 20; // far beyond what comes in after a pause
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);
  private static final int MAX_LINGER_BYTES = 1 << 20;
  private static final long LINGER_NANOS = TimeUnit.SECONDS.toNanos(2);
  private static final IoHandler<HttpConnection> OUTPUT_SHUT = new OutputShut();
  private static final IoHandler<HttpConnection> STREAM_CLOSED = new StreamClosed();

  private enum State {
    HEAD,
    CONTENT,
    ANSWER,
    LINGER,
    CLOSED
  }

  private final HttpLoop owner;
  private final ByteStream stream;
  private final String peer;
  private final BufferShares.Peer share;
  private final ServeOptions options;
  private final RequestParser parser;
  private final Exchange exchange;
  private final ResponseSender sender;
  private final Deadline deadline = new Deadline();

  private State state = State.HEAD;
  private ByteBuffer waiting = NOTHING; // of further requests, only while one is answered
  private boolean mustEnd;
  private boolean paused;
  private boolean peerEnded;
  private boolean outputShut;
  private long contentLeft;
  private long lingered;
  private long sentBytes; // of the answer, its head included
  private int progressLook; // how often StuckReaders had looked when something went out last
  private boolean listing;

  HttpConnection(HttpLoop owner, ByteStream stream, String peer, BufferShares.Peer share) {
    this.owner = owner;
    this.stream = stream;
    this.peer = peer;
    this.share = share;
    this.options = owner.options();
    this.parser = new RequestParser(options.limits());
    this.sender = new ResponseSender(this, stream, share, options);
    this.exchange = new Exchange(this, sender, owner.root(), options);
  }

  void begin() {
    arm(options.idleTimeout());
    stream.receiveEach(null, this);
  }

  // ---- what comes in

  @Override
  public void received(Buffer buffer, Void attachment) {
    try (buffer) {
      take(buffer.byteBuffer());
    }
  }

  private void take(ByteBuffer data) {
    if (state == State.LINGER || state == State.CLOSED) {
      lingered += data.remaining();
      if (lingered > MAX_LINGER_BYTES) {
        close();
      }
      return;
    }
    process(data);
    if (state == State.ANSWER && data.hasRemaining()) {
      keep(data);
    }
  }

  private void keep(ByteBuffer data) {
    int bytes = waiting.remaining() + data.remaining();
    if (bytes > MAX_WAITING_BYTES) {
      close();
      return;
    }
    if (bytes <= waiting.capacity()) {
      waiting.compact().put(data).flip();
    } else {
      int room = Math.min(MAX_WAITING_BYTES, Math.max(bytes, 2 * waiting.capacity()));
      waiting = ByteBuffer.allocate(room).put(waiting).put(data).flip();
    }
    if (!paused && bytes >= PAUSE_BYTES) {
      paused = true;
      stream.pauseReceiving();
    }
  }

  @Override
  public void ended(Void attachment) {
    peerEnded = true;
    switch (state) {
      case HEAD, CONTENT -> close(); // all that came is read, and no answer is owed
      case LINGER -> closeIfBothEnded();
      case ANSWER, CLOSED -> {}
    }
  }

  @Override
  public void failed(Throwable cause, Void attachment) {
    lost(cause);
  }

  private void process(ByteBuffer data) {
    while (data.hasRemaining() && (state == State.HEAD || state == State.CONTENT)) {
      if (state == State.HEAD) {
        readHead(data);
      } else {
        dropContent(data);
      }
    }
  }

  /** Goes on with what came in while the last request was answered, and then with what comes. */
  private void readOn() {
    process(waiting);
    if (!waiting.hasRemaining()) {
      waiting = NOTHING;
    }
    if (state == State.HEAD || state == State.CONTENT) {
      resume();
      if (peerEnded) {
        close();
      }
    }
  }

  private void resume() {
    if (paused) {
      paused = false;
      stream.resumeReceiving();
    }
  }

  private void readHead(ByteBuffer data) {
    boolean wasUnderWay = parser.isUnderWay();
    if (parser.parse(data)) {
      headComplete();
    } else if (!wasUnderWay && parser.isUnderWay()) {
      arm(options.headTimeout());
    }
  }

  private void headComplete() {
    var request = parser.request();
    if (request.refused != null) {
      refuse(request.refused);
      return;
    }
    contentLeft = request.contentLength;
    if (contentLeft > 0 && request.has(Field.EXPECT)) {
      // Nothing here needs the content, so the client is not told to go on. Whether it sends it all
      // the same can't be known: no request can follow.
      mustEnd = true;
      answer();
    } else if (contentLeft > 0) {
      state = State.CONTENT;
      arm(options.headTimeout());
    } else {
      answer();
    }
  }

  private void dropContent(ByteBuffer data) {
    int count = (int) Math.min(contentLeft, data.remaining());
    data.position(data.position() + count);
    contentLeft -= count;
    if (contentLeft == 0) {
      answer();
    }
  }

  // ---- what goes out

  private void answer() {
    beginAnswer();
    exchange.answer(parser.request());
  }

  /** Answers what can't be read any further. */
  private void refuse(Status status) {
    mustEnd = true;
    beginAnswer();
    exchange.refuse(parser.request(), status);
  }

  private void beginAnswer() {
    state = State.ANSWER;
    sentBytes = 0;
    exchange.response().status = null;
    progressLook = owner.looks();
    arm(options.sendTimeout());
  }

  /** Whether a request may follow the one that is answered. */
  boolean keepsAlive() {
    mustEnd |= owner.isDraining() || !parser.request().keepsAlive();
    return !mustEnd;
  }

  boolean isClosed() {
    return state == State.CLOSED;
  }

  byte[] date() {
    return owner.date();
  }

  /** A part of the answer has gone out. */
  void progressed(int bytes) {
    sentBytes += bytes;
    owner.sent(bytes);
    progressLook = owner.looks();
    arm(options.sendTimeout());
  }

  /** Whether it holds what others wait for, and nothing has gone out since so many looks were taken. */
  boolean isStuckSince(int looks) {
    return state == State.ANSWER
        && progressLook - looks < 0
        && ((sender.isHolding() && share.isShort()) || (listing && share.isListingWanted()));
  }

  /** Has others go on with what is held here. */
  void giveUp() {
    owner.gaveUp(peer);
    close();
  }

  /** Whether one more directory may be listed now; the permission ends with the answer. */
  boolean beginListing() {
    listing = share.tryList();
    return listing;
  }

  private void endListing() {
    if (listing) {
      listing = false;
      share.listed();
    }
  }

  /** Runs what takes long where it holds up nobody; the future completes on the loop's thread, while there is a loop. */
  <T> CompletableFuture<T> blocking(Callable<? extends T> task) {
    return owner.loop().runtime().blocking(task);
  }

  /** All of the answer has gone out. */
  void sent() {
    endListing();
    logAnswer();
    if (mustEnd || owner.isDraining()) {
      linger();
      return;
    }
    parser.reset();
    state = State.HEAD;
    arm(options.idleTimeout());
    readOn();
  }

  private void logAnswer() {
    var status = exchange.response().status;
    if (status != null) {
      owner.answered(peer, parser.request(), status, sentBytes);
    }
  }

  // ---- the end

  /** Lets what is under way be answered, and then ends. */
  void drain() {
    if (state == State.HEAD && !parser.isUnderWay()) {
      linger();
    }
  }

  private void linger() {
    state = State.LINGER;
    waiting = NOTHING;
    resume();
    deadline.in(LINGER_NANOS);
    stream.shutdownOutput(this, OUTPUT_SHUT);
  }

  private void closeIfBothEnded() {
    if (outputShut && peerEnded) {
      close();
    }
  }

  void lost(Throwable cause) {
    if (state != State.CLOSED) {
      owner.lost(cause);
      close();
    }
  }

  void report(Throwable cause) {
    owner.lost(cause);
  }

  void close() {
    if (state == State.CLOSED) {
      return;
    }
    boolean answering = state == State.ANSWER;
    state = State.CLOSED;
    owner.loop().timers().cancel(deadline);
    waiting = NOTHING;
    sender.abort();
    endListing();
    share.leave();
    if (answering) {
      logAnswer();
    }
    owner.closed(this, share.asker());
    stream.close(this, STREAM_CLOSED);
  }

  // ---- time

  private void arm(Duration timeout) {
    deadline.in(timeout.toNanos());
  }

  /** Until when something has to happen, whatever the state waits for. */
  private final class Deadline extends TimerWheel.Entry {
    void in(long nanos) {
      owner.loop().timers().schedule(this, nanos);
    }

    @Override
    protected void expired() {
      switch (state) {
        case HEAD -> {
          if (parser.isUnderWay()) {
            refuse(Status.REQUEST_TIMEOUT);
          } else {
            linger(); // nothing was asked: nothing is answered
          }
        }
        case CONTENT -> refuse(Status.REQUEST_TIMEOUT);
        case ANSWER, LINGER -> close();
        case CLOSED -> {}
      }
    }
  }

  private static final class OutputShut implements IoHandler<HttpConnection> {
    @Override
    public void completed(int result, HttpConnection connection) {
      connection.outputShut = true;
      connection.closeIfBothEnded();
    }

    @Override
    public void failed(Throwable cause, HttpConnection connection) {
      connection.close(); // there is no connection any more
    }
  }

  private static final class StreamClosed implements IoHandler<HttpConnection> {
    @Override
    public void completed(int result, HttpConnection connection) {}

    @Override
    public void failed(Throwable cause, HttpConnection connection) {
      connection.owner.lost(cause);
    }
  }
}
