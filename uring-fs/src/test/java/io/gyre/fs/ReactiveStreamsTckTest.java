package io.gyre.fs;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.Buffer;
import io.gyre.IoRuntime;
import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Flow;
import org.junit.jupiter.api.io.TempDir;
import org.reactivestreams.tck.TestEnvironment;
import org.reactivestreams.tck.flow.FlowPublisherVerification;
import org.reactivestreams.tck.flow.FlowSubscriberBlackboxVerification;
import org.testng.ITestListener;
import org.testng.ITestResult;
import org.testng.TestNG;

/** The rules of reactive streams, as their own test kit checks them. It is made for TestNG, and brings that along. */
class ReactiveStreamsTckTest {
  @TempDir Path dir;

  /** What the tests find, whose objects TestNG makes itself. */
  private static final class Setting {
    static TestRuntime driver;
    static IoRuntime runtime;
    static Path dir;

    private Setting() {}

    /** What should come may take its time on a busy machine; what should not is looked for briefly. */
    static TestEnvironment environment() {
      return new TestEnvironment(3_000, 20);
    }

    static AsyncFile open(Path path, OpenOption... options) {
      try {
        return driver.own(new Owned(AsyncFile.open(runtime, path, options))).file;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    record Owned(AsyncFile file) implements java.io.Closeable {
      @Override
      public void close() throws IOException {
        file.close();
      }
    }
  }

  /** Publishes the first byte of each block: the kit's subscribers release nothing. */
  record FirstBytes(Flow.Publisher<Buffer> blocks) implements Flow.Publisher<Byte> {
    @Override
    public void subscribe(Flow.Subscriber<? super Byte> subscriber) {
      blocks.subscribe(subscriber == null ? null : new Releasing(subscriber));
    }
  }

  /** Passes everything on as it comes. */
  record Releasing(Flow.Subscriber<? super Byte> target) implements Flow.Subscriber<Buffer> {
    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      target.onSubscribe(subscription);
    }

    @Override
    public void onNext(Buffer block) {
      byte first = block.byteBuffer().get(0);
      block.release();
      target.onNext(first);
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
  public static final class PublisherRules extends FlowPublisherVerification<Byte> {
    private static final int MOST = 1000;

    /** Made by TestNG. */
    public PublisherRules() {
      super(Setting.environment(), 500);
    }

    @Override
    public Flow.Publisher<Byte> createFlowPublisher(long elements) {
      try {
        var path = Files.write(Setting.dir.resolve("of-" + elements), new byte[(int) elements]);
        var how = ReadAhead.DEFAULT.blockBytes(1);
        return new FirstBytes(Setting.open(path, READ).publisher(how));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public Flow.Publisher<Byte> createFailedFlowPublisher() {
      return new FirstBytes(Setting.open(Setting.dir, READ).publisher(ReadAhead.DEFAULT));
    }

    @Override
    public long maxElementsFromPublisher() {
      return MOST; // a file is no endless source, of which a few optional tests ask for more
    }
  }

  /** The kit's tests of subscribers, run by TestNG. */
  public static final class SubscriberRules extends FlowSubscriberBlackboxVerification<Buffer> {
    /** Made by TestNG. */
    public SubscriberRules() {
      super(Setting.environment());
    }

    @Override
    public Flow.Subscriber<Buffer> createFlowSubscriber() {
      var path = Setting.dir.resolve("written");
      return Setting.open(path, WRITE, CREATE).subscriber(WriteBehind.DEFAULT);
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

    @Override
    public void onTestSuccess(ITestResult result) {
      passed.add(result.getName());
    }

    @Override
    public void onTestFailure(ITestResult result) {
      failed.add(result);
    }
  }

  private Results run(TestRuntime driver, Class<?> rules) throws IOException {
    Setting.driver = driver;
    Setting.runtime = driver.start();
    Setting.dir = dir;
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
    assertEquals(30, results.passed.size(), () -> "run were only " + results.passed);
  }

  @DriverTest
  void theSubscriberKeepsTheRules(TestRuntime driver) throws Exception {
    var results = run(driver, SubscriberRules.class);
    assertEquals(11, results.passed.size(), () -> "run were only " + results.passed);
  }
}
