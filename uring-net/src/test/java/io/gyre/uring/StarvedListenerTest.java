package io.gyre.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.IoRuntime;
import io.gyre.Runtimes;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Driver;
import io.gyre.driver.DriverConfig;
import io.gyre.driver.DriverCounters.Counter;
import io.gyre.driver.DriverProvider;
import io.gyre.driver.Errno;
import io.gyre.driver.ListenRequest;
import io.gyre.driver.OperationDispatcher;
import io.gyre.net.ListenOptions;
import io.gyre.net.TcpListener;
import io.gyre.net.TcpStream;
import io.gyre.testing.DriverUnderTest;
import io.gyre.testing.Seeds;
import io.gyre.testing.Waits;
import io.gyre.uring.SimulatedFile.Listener;
import io.gyre.uring.SimulatedFile.Socket;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.CompletionHandler;
import java.util.ArrayList;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A listener of the production code on a simulated kernel that has connections for it and no
 * descriptors: of the machine, too, which a test must not take from the real one.
 */
class StarvedListenerTest {
  private static final InetSocketAddress ADDRESS =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);
  private static final int FAILURES = 4;
  private static final int CONNECTIONS = 3;
  private static final int MOST_ENTERS = 200; // one that spins makes thousands

  /** The io_uring driver on a kernel of its own, where a listener has connections from the start. */
  private static final class Simulated implements DriverProvider {
    private final Errno errno;
    SimulatedKernel kernel;

    Simulated(Errno errno) {
      this.errno = errno;
    }

    @Override
    public String name() {
      return "simulated";
    }

    @Override
    public int priority() {
      return 0;
    }

    @Override
    public Availability probe() {
      throw new UnsupportedOperationException();
    }

    @Override
    public Driver open(DriverConfig config, OperationDispatcher dispatcher) throws IOException {
      kernel =
          new SimulatedKernel(new SplittableRandom(Seeds.SEED), SimulatedFaults.NONE)
              .waitingForReal();
      var driver = UringDriver.open(kernel, config, dispatcher);
      return new DriverUnderTest(driver) {
        @Override
        public Descriptor listen(ListenRequest request) {
          int fd = kernel.operations().listen(request.address().getPort());
          for (int i = 0; i < CONNECTIONS; i++) {
            ((Listener) kernel.operations().file(fd)).backlog.add(Socket.connected());
          }
          for (int i = 0; i < FAILURES; i++) {
            kernel.operations().failAccept(errno);
          }
          return driver.newDescriptor("a listener", fd);
        }

        @Override
        public InetSocketAddress localAddress(Descriptor socket) {
          return ADDRESS;
        }

        @Override
        public InetSocketAddress remoteAddress(Descriptor socket) {
          return ADDRESS;
        }
      };
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Errno.class,
      names = {"EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"})
  void acceptingBacksOffWithoutSpinningAndLosesNoConnection(Errno errno) throws Exception {
    var provider = new Simulated(errno);
    var accepted = new ConcurrentLinkedQueue<TcpStream>();
    var failure = new CompletableFuture<Throwable>();
    try (var runtime = Runtimes.start(IoRuntime.builder().bufferPoolBytes(1 << 20), provider)) {
      var loop = runtime.loop();
      var listener = TcpListener.bind(loop, ADDRESS, ListenOptions.DEFAULT);
      listener.acceptEach(
          null,
          new CompletionHandler<TcpStream, Object>() {
            @Override
            public void completed(TcpStream stream, Object attachment) {
              accepted.add(stream);
            }

            @Override
            public void failed(Throwable cause, Object attachment) {
              failure.complete(cause);
            }
          });

      Waits.until(
          () -> CONNECTIONS + " connections, got " + accepted,
          () -> accepted.size() == CONNECTIONS);

      assertFalse(failure.isDone(), "want of descriptors is no end of accepting");
      long enters = loop.counters().get(Counter.ENTERS);
      assertTrue(enters < MOST_ENTERS, () -> enters + " enters");
      assertEquals(0, provider.kernel.operations().acceptFailuresLeft());
      for (var stream : new ArrayList<>(accepted)) {
        stream.close();
      }
      listener.close();
      assertTrue(failure.isDone(), "the close ends accepting");
    }
    provider.kernel.checkClosed();
  }
}
