package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.EventLoop;
import io.gyre.IoHandler;
import io.gyre.IoRuntime;
import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Flow;
import org.reactivestreams.tck.TestEnvironment;
import org.reactivestreams.tck.flow.FlowPublisherVerification;
import org.reactivestreams.tck.flow.FlowSubscriberBlackboxVerification;
import org.testng.ITestListener;
import org.testng.ITestResult;
import org.testng.TestNG;

/** The rules of reactive streams, as their own test kit checks them. It is made for TestNG, and brings that along. */
class StreamTckTest {
  /** What the tests find, whose objects TestNG makes itself. */
  private static final class Setting {
    static TestRuntime driver;
    static IoRuntime runtime;

    private Setting() {}

    /** What should come may take its time on a busy machine; what should not is looked for briefly. */
    static TestEnvironment environment() {
      return new TestEnvironment(3_000, 20);
    }
  }

  /**
   * A stream that receives so many pieces, one in each task of its loop while it is not paused: how many pieces the bytes
   * of a socket come in is up to the system.
   */
  private static final class Pieces implements ByteStream {
    private final EventLoop loop = Setting.runtime.loop();
    private long left;
    private boolean paused;
    private boolean scheduled;
    private Runnable next;

    Pieces(long count) {
      this.left = count;
    }

    @Override
    public EventLoop loop() {
      return loop;
    }

    @Override
    public <A> void receiveEach(A attachment, ReceiveHandler<? super A> handler) {
      next =
          () -> {
            scheduled = false;
            if (left == 0) {
              next = null;
              handler.ended(attachment);
            } else if (!paused) {
              left--;
              handler.received(loop.buffers().acquire(1), attachment);
              schedule();
            }
          };
      schedule();
    }

    private void schedule() {
      if (!scheduled && next != null) {
        scheduled = true;
        loop.execute(() -> next.run());
      }
    }

    @Override
    public void pauseReceiving() {
      paused = true;
    }

    @Override
    public void resumeReceiving() {
      paused = false;
      schedule();
    }

    // What a publisher has no use for.

    @Override
    public <A> void read(ByteBuffer dst, A attachment, IoHandler<? super A> handler) {
      throw new AssertionError();
    }

    @Override
    public <A> void write(ByteBuffer src, A attachment, IoHandler<? super A> handler) {
      throw new AssertionError();
    }

    @Override
    public <A> void write(Buffer src, A attachment, IoHandler<? super A> handler) {
      throw new AssertionError();
    }

    @Override
    public long queuedBytes() {
      throw new AssertionError();
    }

    @Override
    public boolean isWritable() {
      throw new AssertionError();
    }

    @Override
    public WriteBufferWaterMark writeBufferWaterMark() {
      throw new AssertionError();
    }

    @Override
    public void setWriteBufferWaterMark(WriteBufferWaterMark mark) {
      throw new AssertionError();
    }

    @Override
    public <A> void writable(A attachment, IoHandler<? super A> handler) {
      throw new AssertionError();
    }

    @Override
    public <A> void shutdownOutput(A attachment, IoHandler<? super A> handler) {
      throw new AssertionError();
    }

    @Override
    public void cancelAll() {
      throw new AssertionError();
    }

    @Override
    public <A> void close(A attachment, IoHandler<? super A> handler) {
      throw new AssertionError();
    }
  }

  /** Publishes a number for each buffer: the kit's subscribers release nothing. */
  private record Released(Flow.Publisher<Buffer> buffers) implements Flow.Publisher<Integer> {
    @Override
    public void subscribe(Flow.Subscriber<? super Integer> subscriber) {
      buffers.subscribe(subscriber == null ? null : new Releasing(subscriber));
    }
  }

  /** Passes everything on as it comes. */
  private record Releasing(Flow.Subscriber<? super Integer> target)
      implements Flow.Subscriber<Buffer> {
    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      target.onSubscribe(subscription);
    }

    @Override
    public void onNext(Buffer buffer) {
      int id = buffer.id();
      buffer.release();
      target.onNext(id);
    }

    @Override
    public void onError(Throwable failure) {
      target.onError(failure);
    }

    @Override
    public void onComplete() {
      target.onComplete();
    }
  }

  /** The kit's tests of publishers, run by TestNG. */
  public static final class PublisherRules extends FlowPublisherVerification<Integer> {
    private static final int MOST = 1000;

    /** Made by TestNG. */
    public PublisherRules() {
      super(Setting.environment(), 500);
    }

    @Override
    public Flow.Publisher<Integer> createFlowPublisher(long elements) {
      return new Released(new Pieces(elements).publisher());
    }

    @Override
    public Flow.Publisher<Integer> createFailedFlowPublisher() {
      var publisher = new Pieces(0).publisher();
      publisher.subscribe(new Nobody());
      return new Released(publisher); // which takes no second subscriber
    }

    @Override
    public long maxElementsFromPublisher() {
      return MOST;
    }
  }

  /** Asks for nothing. */
  private static final class Nobody implements Flow.Subscriber<Buffer> {
    @Override
    public void onSubscribe(Flow.Subscription subscription) {}

    @Override
    public void onNext(Buffer buffer) {
      throw new AssertionError("not requested");
    }

    @Override
    public void onError(Throwable failure) {
      throw new AssertionError(failure);
    }

    @Override
    public void onComplete() {}
  }

  /** The kit's tests of subscribers, run by TestNG. */
  public static final class SubscriberRules extends FlowSubscriberBlackboxVerification<Buffer> {
    /** Made by TestNG. */
    public SubscriberRules() {
      super(Setting.environment());
    }

    @Override
    public Flow.Subscriber<Buffer> createFlowSubscriber() {
      try {
        return Setting.driver.own(StreamPair.open(Setting.runtime)).stream().subscriber();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public Buffer createElement(int element) {
      return Setting.runtime.loop().buffers().acquire(10);
    }
  }

  /** Keeps what became of each test. */
  private static final class Results implements ITestListener {
    final List<ITestResult> failed = new ArrayList<>();
    final List<String> passed = new ArrayList<>();
    final List<String> skipped = new ArrayList<>();

    @Override
    public void onTestSuccess(ITestResult result) {
      passed.add(result.getName());
    }

    @Override
    public void onTestFailure(ITestResult result) {
      failed.add(result);
    }

    @Override
    public void onTestSkipped(ITestResult result) {
      skipped.add(result.getName());
    }
  }

  private Results run(TestRuntime driver, Class<?> rules) throws IOException {
    Setting.driver = driver;
    Setting.runtime = driver.start();
    var results = new Results();
    var testNg = new TestNG(false);
    testNg.setVerbose(0);
    testNg.setTestClasses(new Class<?>[] {rules});
    testNg.addListener(results);
    testNg.run();
    for (var failure : results.failed) {
      throw new AssertionError(
          failure.getName() + ": " + failure.getThrowable(), failure.getThrowable());
    }
    return results;
  }

  @DriverTest
  void thePublisherKeepsTheRules(TestRuntime driver) throws Exception {
    var results = run(driver, PublisherRules.class);
    assertTrue(
        results.passed.contains("required_spec303_mustNotAllowUnboundedRecursion"),
        () -> "run were only " + results.passed);
    assertEquals(25, results.passed.size(), () -> "run were only " + results.passed);
    // All that is about several subscribers at a time.
    for (var test : List.of("spec111_maySupport", "spec111_multicast", "spec111_registered")) {
      assertTrue(
          results.skipped.stream().anyMatch(name -> name.contains(test)),
          () -> "skipped were " + results.skipped);
    }
  }

  @DriverTest
  void theSubscriberKeepsTheRules(TestRuntime driver) throws Exception {
    var results = run(driver, SubscriberRules.class);
    assertEquals(11, results.passed.size(), () -> "run were only " + results.passed);
  }
}
