package io.gyre.benchmarks.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PipedReader;
import java.io.PipedWriter;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The echo server, in this JVM: to interrupt it means the same as SIGTERM. */
final class EchoCommandTest {
  private static final int TIMEOUT_MILLIS = 10_000;

  /** A server that runs. */
  private static final class Server implements AutoCloseable {
    final FutureTask<Integer> task;
    final Thread thread;
    final BufferedReader out;
    final StringWriter err = new StringWriter();
    final String greeting;
    final int port;
    private boolean interrupted;

    Server(String... args) throws IOException {
      var pipe = new PipedWriter();
      out = new BufferedReader(new PipedReader(pipe, 1 << 16));
      task = new FutureTask<>(() -> Main.run(new PrintWriter(pipe), new PrintWriter(err), args));
      thread = Thread.ofPlatform().start(task);
      greeting = out.readLine();
      port = Integer.parseInt(greeting.replaceFirst("listening 127\\.0\\.0\\.1:(\\d+) .*", "$1"));
    }

    Socket connect() throws IOException {
      var socket = new Socket(InetAddress.getLoopbackAddress(), port);
      socket.setSoTimeout(TIMEOUT_MILLIS);
      return socket;
    }

    /** Tells it to end. */
    void interrupt() {
      if (!interrupted) {
        interrupted = true;
        thread.interrupt();
      }
    }

    /** Ends it, and gives the totals that it printed. */
    String end() throws Exception {
      interrupt();
      assertEquals(0, task.get(TIMEOUT_MILLIS, TimeUnit.MILLISECONDS), err.toString());
      return out.readLine();
    }

    @Override
    public void close() {
      interrupt();
    }
  }

  @ParameterizedTest
  @CsvSource({"uring, 1", "uring, 2", "nio, 1", "nio, 2"})
  void echoesUntilTheEndOfTheStream(String driver, String loops) throws Exception {
    Drivers.assumeAvailable(driver);
    try (var server = new Server("echo", "--port", "0", "--driver", driver, "--loops", loops)) {
      assertEquals(
          "listening 127.0.0.1:" + server.port + " driver=" + driver + " loops=" + loops,
          server.greeting);
      for (int i = 0; i < 4; i++) {
        try (var socket = server.connect()) {
          socket
              .getOutputStream()
              .write("hello".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
          assertEquals(
              "hello",
              new String(
                  socket.getInputStream().readNBytes(5),
                  java.nio.charset.StandardCharsets.US_ASCII));
          socket.shutdownOutput();
          assertEquals(-1, socket.getInputStream().read());
        }
      }
      assertTrue(
          server
              .end()
              .matches(
                  "requests=4 bytes=20 connections=4 cpu_us/request=\\S+ enters/request=\\S+"
                      + " alloc_bytes/request=\\S+ errors=0"));
    }
  }

  @ParameterizedTest
  @CsvSource({"uring, reuseport", "uring, robin", "uring, least", "nio, robin"})
  void connectionsBeyondTheBoundAreServedOnceOthersHaveEnded(String driver, String how)
      throws Exception {
    Drivers.assumeAvailable(driver);
    try (var server =
        new Server(
            "echo",
            "--port",
            "0",
            "--driver",
            driver,
            "--loops",
            "2",
            "--distribute",
            how,
            "--max-connections",
            "2")) {
      var sockets = new ArrayList<Socket>();
      for (int i = 0; i < 6; i++) {
        sockets.add(server.connect());
        sockets.get(i).getOutputStream().write(i);
      }
      var served = new ArrayList<Thread>();
      for (int i = 0; i < 6; i++) {
        int n = i;
        served.add(
            Thread.ofPlatform()
                .start(
                    () -> {
                      try (var socket = sockets.get(n)) {
                        assertEquals(n, socket.getInputStream().read());
                      } catch (IOException e) {
                        throw new java.io.UncheckedIOException(e);
                      }
                    }));
      }
      for (var thread : served) {
        thread.join();
      }
      assertTrue(server.end().startsWith("requests=6 bytes=6 connections=6 "));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"uring", "nio"})
  void aReaderThatIsSlowGetsEveryByte(String driver) throws Exception {
    Drivers.assumeAvailable(driver);
    var sent = new byte[8_000_000]; // more than all buffers on the way hold
    new SplittableRandom(1).nextBytes(sent);
    try (var server = new Server("echo", "--port", "0", "--driver", driver);
        var socket = server.connect()) {
      var writer =
          CompletableFuture.runAsync(
              () -> {
                try {
                  socket.getOutputStream().write(sent);
                  socket.shutdownOutput();
                } catch (IOException e) {
                  throw new java.io.UncheckedIOException(e);
                }
              });
      Thread.sleep(200); // all is full now
      assertArrayEquals(sent, socket.getInputStream().readAllBytes());
      writer.get(TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
      assertTrue(server.end().contains(" bytes=8000000 "));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"uring", "nio"})
  void whatWasReceivedIsWrittenBeforeTheEnd(String driver) throws Exception {
    Drivers.assumeAvailable(driver);
    var sent = new byte[200_000];
    new SplittableRandom(2).nextBytes(sent);
    try (var server = new Server("echo", "--port", "0", "--driver", driver);
        var idle = server.connect();
        var socket = server.connect()) {
      // Once a reply has come it is accepted, not just on its way.
      socket.getOutputStream().write(1);
      assertEquals(1, socket.getInputStream().read());
      socket.getOutputStream().write(sent);
      server.interrupt();
      assertArrayEquals(sent, socket.getInputStream().readAllBytes());
      socket.shutdownOutput();
      assertEquals(-1, idle.getInputStream().read());
      idle.shutdownOutput();
      assertTrue(server.end().contains(" connections=2 "));
    }
  }
}
