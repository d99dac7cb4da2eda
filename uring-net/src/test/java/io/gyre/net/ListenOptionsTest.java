package io.gyre.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.net.BindException;
import java.net.SocketException;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ListenOptionsTest {
  private static final ListenOptions DEFAULT = ListenOptions.DEFAULT;

  /** An option that nobody knows. */
  private record Unknown() implements SocketOption<Integer> {
    @Override
    public String name() {
      return "UNKNOWN";
    }

    @Override
    public Class<Integer> type() {
      return Integer.class;
    }

    @Override
    public String toString() {
      return name(); // as the options of the JDK
    }
  }

  @Test
  void whatIsOutOfRangeIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> DEFAULT.withBacklog(0));
    assertThrows(IllegalArgumentException.class, () -> DEFAULT.withMaxConnections(0));
    assertThrows(
        NullPointerException.class,
        () -> DEFAULT.withOption(StandardSocketOptions.SO_RCVBUF, null));
    var failure =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                new ListenOptions(
                    1, true, false, 1, Map.of(), Map.of(StandardSocketOptions.TCP_NODELAY, 1)));
    assertEquals("TCP_NODELAY takes a Boolean, not a Integer", failure.getMessage());
  }

  @Test
  void eachChoiceChangesThatOnly() {
    var options =
        DEFAULT
            .withBacklog(7)
            .withReuseAddress(false)
            .withReusePort(true)
            .withMaxConnections(9)
            .withOption(StandardSocketOptions.SO_RCVBUF, 4096)
            .withStreamOption(StandardSocketOptions.TCP_NODELAY, true);
    assertEquals(
        new ListenOptions(
            7,
            false,
            true,
            9,
            Map.of(StandardSocketOptions.SO_RCVBUF, 4096),
            Map.of(StandardSocketOptions.TCP_NODELAY, true)),
        options);
    assertEquals(Map.of(), DEFAULT.options());
  }

  @DriverTest
  void anOptionOfTheListenerIsSetBeforeItListens(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    long usual = taken(driver, TcpListener.bind(runtime, Peers.anyPort()));
    var small = DEFAULT.withOption(StandardSocketOptions.SO_RCVBUF, 4096);
    long less = taken(driver, TcpListener.bind(runtime, Peers.anyPort(), small));
    assertTrue(less * 2 < usual, () -> less + " bytes with a small buffer, " + usual + " without");
  }

  /** How many bytes a connection takes that nobody accepts: the window is the listener's doing. */
  private static long taken(TestRuntime driver, TcpListener listener) throws Exception {
    try (listener) {
      var peer = driver.own(SocketChannel.open());
      peer.setOption(StandardSocketOptions.SO_SNDBUF, 4096);
      peer.connect(listener.localAddress());
      peer.configureBlocking(false);
      var bytes = ByteBuffer.allocate(256);
      long taken = 0;
      int inVain = 0;
      while (inVain < 50) { // loopback takes what the window allows within the call
        int n = peer.write(bytes.clear());
        taken += n;
        inVain = n == 0 ? inVain + 1 : 0;
        if (n == 0) {
          Thread.onSpinWait();
        }
      }
      return taken;
    }
  }

  @DriverTest
  void anOptionOfStreamsIsSetOnEachThatIsAccepted(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    var options = DEFAULT.withStreamOption(StandardSocketOptions.SO_LINGER, 0);
    try (var listener = TcpListener.bind(runtime, Peers.anyPort(), options)) {
      var accepted = new Peers.Accepted();
      listener.acceptEach(null, accepted);
      for (int i = 0; i < 3; i++) {
        try (var peer = Peers.connect(listener.localAddress())) {
          accepted.next().close();
          assertThrows(SocketException.class, () -> peer.getInputStream().read(), "a reset");
        }
      }
    }
  }

  @DriverTest
  void anOptionThatTheDriverDoesNotKnowIsRefusedByBind(TestRuntime driver) throws Exception {
    var runtime = driver.start();
    for (var options :
        new ListenOptions[] {
          DEFAULT.withOption(new Unknown(), 1), DEFAULT.withStreamOption(new Unknown(), 1)
        }) {
      var failure =
          assertThrows(
              UnsupportedOperationException.class,
              () -> TcpListener.bind(runtime, Peers.anyPort(), options));
      assertTrue(failure.getMessage().contains("UNKNOWN"), failure::getMessage);
    }
  }

  @DriverTest
  void withoutReuseOfTheAddressAPortIsNotHadWhileConnectionsThereAreEnding(TestRuntime driver)
      throws Exception {
    var runtime = driver.start();
    var listener = TcpListener.bind(runtime, Peers.anyPort());
    var address = listener.localAddress();
    var accept = listener.acceptAsync();
    try (var peer = Peers.connect(address)) {
      Waits.get(accept, "a connection").close(); // this end closes first, and so it waits
      assertEquals(-1, peer.getInputStream().read());
    }
    listener.close();
    var failure =
        assertThrows(
            BindException.class,
            () -> TcpListener.bind(runtime, address, DEFAULT.withReuseAddress(false)));
    assertTrue(failure.getMessage().contains("EADDRINUSE"), failure::getMessage);
    TcpListener.bind(runtime, address).close();
  }
}
