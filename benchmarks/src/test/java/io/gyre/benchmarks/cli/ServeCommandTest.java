package io.gyre.benchmarks.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.testing.Waits;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The program as a process of its own, asked by curl, and ended by a signal. */
@Timeout(180)
final class ServeCommandTest {
  private static final int LARGE_BYTES = 24 << 20; // more than the sockets' buffers hold

  @TempDir Path folder;
  private Path site;
  private byte[] large;

  @BeforeEach
  void makeSite() throws IOException {
    site = Files.createDirectory(folder.resolve("site"));
    Files.writeString(folder.resolve("secret"), "secret");
    Files.writeString(site.resolve("small.txt"), "small");
    Files.createDirectory(site.resolve("sub"));
    large = new byte[LARGE_BYTES];
    new SplittableRandom(5).nextBytes(large);
    Files.write(site.resolve("large.bin"), large);
    for (var name : List.of("small.txt", "large.bin")) {
      Files.setLastModifiedTime(site.resolve(name), FileTime.fromMillis(784_111_777_000L));
    }
  }

  /** A server that runs. */
  private static final class Server implements AutoCloseable {
    final Process process;
    final BufferedReader out;
    final String greeting;
    final int port;

    Server(String... args) throws IOException {
      var command = new ArrayList<String>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(
          List.of(
              "--enable-native-access=ALL-UNNAMED",
              "-XX:TieredStopAtLevel=1",
              "-XX:+UseSerialGC",
              "-cp",
              System.getProperty("java.class.path"),
              Main.class.getName(),
              "serve"));
      command.addAll(List.of(args));
      process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      out = process.inputReader(StandardCharsets.UTF_8);
      greeting = out.readLine();
      assertTrue(greeting != null, "the server ended at once");
      port =
          Integer.parseInt(greeting.replaceFirst(".* at http://127\\.0\\.0\\.1:(\\d+)/ .*", "$1"));
    }

    String url(String target) {
      return "http://127.0.0.1:" + port + target;
    }

    /** SIGTERM, without an end to what is read here, as {@link Process#destroy} has it. */
    void signal() {
      assertTrue(process.toHandle().destroy());
    }

    /** Waits for the end that a signal has asked for, and gives what was printed last. */
    String ended() throws Exception {
      String last = null;
      for (var line = out.readLine(); line != null; line = out.readLine()) {
        last = line;
      }
      assertTrue(process.waitFor(Waits.PATIENCE.toSeconds(), TimeUnit.SECONDS));
      assertEquals(0, process.exitValue());
      return last;
    }

    @Override
    public void close() {
      process.destroyForcibly();
    }
  }

  private byte[] curl(String... args) throws Exception {
    var command = new ArrayList<>(List.of("curl", "-sS", "--max-time", "60"));
    command.addAll(List.of(args));
    var errors = folder.resolve("curl-errors");
    var process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
    var output = process.getInputStream().readAllBytes();
    assertEquals(0, process.waitFor(), () -> command + ": " + read(errors));
    return output;
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return e.toString();
    }
  }

  private String curlText(String... args) throws Exception {
    return new String(curl(args), StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @ValueSource(strings = {"uring", "nio"})
  void curlGetsWhatItAsksFor(String driver) throws Exception {
    Drivers.assumeAvailable(driver);
    var log = folder.resolve("access.log");
    try (var server =
        new Server(
            site.toString(),
            "--port",
            "0",
            "--driver",
            driver,
            "--loops",
            "2",
            "--access-log",
            log.toString())) {
      assertTrue(server.greeting.endsWith(" driver=" + driver + " loops=2"), server.greeting);
      assertArrayEquals(large, curl(server.url("/large.bin")));
      assertArrayEquals(
          Arrays.copyOfRange(large, 1_000_000, 9_000_001),
          curl("--range", "1000000-9000000", server.url("/large.bin")));

      // A download that is taken up again.
      var part = folder.resolve("part");
      Files.write(part, Arrays.copyOf(large, 5_000_003));
      curl("-C", "-", "-o", part.toString(), server.url("/large.bin"));
      assertArrayEquals(large, Files.readAllBytes(part));

      assertEquals(
          "small|1|small|0|",
          curlText("-w", "|%{num_connects}|", server.url("/small.txt"), server.url("/small.txt")));
      assertEquals(
          "304",
          curlText(
              "-z",
              "Sun, 06 Nov 1994 08:49:37 GMT",
              "-w",
              "%{http_code}",
              server.url("/small.txt")));
      var head = curlText("-I", server.url("/small.txt"));
      assertTrue(head.contains("Content-Length: 5\r\n"), head);
      assertEquals("small", curlText("--http1.0", server.url("/small.txt")));
      assertTrue(curlText("-L", server.url("/sub")).contains("<a href=\"../\">"));
      assertEquals("400", status(server, "--path-as-is", server.url("/../secret")));
      assertEquals("400", status(server, "--path-as-is", server.url("/sub/..%2f..%2fsecret")));
      assertEquals("405", status(server, "-d", "x=y", server.url("/small.txt")));
      assertEquals(
          "411", status(server, "-H", "Transfer-Encoding: chunked", "-d", "x", server.url("/")));
      assertEquals("413", status(server, "-T", part.toString(), server.url("/upload")));

      server.signal();
      assertTrue(
          server
              .ended()
              .matches("requests=1[45] bytes=\\d+ connections=\\d+ errors=0 drained=true"));
    }
    var lines = Files.readAllLines(log);
    assertTrue(lines.getFirst().contains("\"GET /large.bin HTTP/1.1\" 200 "), lines.getFirst());
  }

  private String status(Server server, String... args) throws Exception {
    var all = new ArrayList<>(List.of("-o", folder.resolve("content").toString()));
    all.addAll(List.of("-w", "%{http_code}"));
    all.addAll(List.of(args));
    assertTrue(server.process.isAlive());
    return curlText(all.toArray(String[]::new));
  }

  @ParameterizedTest
  @ValueSource(strings = {"uring", "nio"})
  void sigtermSendsWhatIsBeingSentAndNothingElse(String driver) throws Exception {
    Drivers.assumeAvailable(driver);
    try (var server =
            new Server(site.toString(), "--port", "0", "--driver", driver, "--drain", "60");
        var idle = connect(server);
        var busy = connect(server)) {
      ask(idle, "/small.txt");
      assertEquals(
          "HTTP/1.1 200",
          new String(idle.getInputStream().readNBytes(12), StandardCharsets.US_ASCII));
      ask(busy, "/large.bin");
      var in = busy.getInputStream();
      assertEquals('H', in.read());
      server.signal(); // with most of the file unsent
      idle.getInputStream().readAllBytes(); // to its end
      idle.shutdownOutput();
      assertArrayEquals(large, contentOf(in));
      assertEquals(-1, in.read());
      busy.shutdownOutput();
      assertTrue(server.ended().matches("requests=2 .* errors=0 drained=true"));
    }
  }

  private static Socket connect(Server server) throws IOException {
    var socket = new Socket(InetAddress.getLoopbackAddress(), server.port);
    socket.setSoTimeout((int) Waits.PATIENCE.toMillis());
    return socket;
  }

  private static void ask(Socket socket, String target) throws IOException {
    var request = "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
    socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
  }

  private static byte[] contentOf(InputStream in) throws IOException {
    var head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int b = in.read();
      assertTrue(b >= 0, "the end, in the head: " + head);
      head.append((char) b);
    }
    assertTrue(head.indexOf("Content-Length: " + LARGE_BYTES + "\r\n") > 0, head.toString());
    return in.readNBytes(LARGE_BYTES);
  }
}
