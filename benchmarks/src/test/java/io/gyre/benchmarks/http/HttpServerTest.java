package io.gyre.benchmarks.http;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.IoRuntime;
import io.gyre.Scheduler;
import io.gyre.testing.DriverTest;
import io.gyre.testing.Seeds;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** The server on every driver, asked by the JDK's client and by bytes on a socket. */
final class HttpServerTest {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Duration SHORT = Duration.ofMillis(150);
  private static final ServeOptions PATIENT =
      ServeOptions.DEFAULT.withTimeouts(LONG, LONG, LONG).withBlocks(8192, 3);

  @TempDir Path folder;
  private Path site;

  @BeforeEach
  void makeSite() throws IOException {
    site = Files.createDirectory(folder.resolve("site"));
    Files.writeString(folder.resolve("secret.txt"), "secret");
    Files.writeString(site.resolve("hello.txt"), "hello, world\n");
    Files.writeString(site.resolve(".hidden"), "hidden");
    Files.createFile(site.resolve("empty.json"));
    var sub = Files.createDirectories(site.resolve("sub/deeper"));
    Files.writeString(sub.resolve("page.html"), "<p>deep</p>");
    Files.writeString(
        Files.createDirectory(site.resolve("home")).resolve("index.html"), "<p>home</p>");
    for (var name : List.of("hello.txt", "empty.json")) {
      Files.setLastModifiedTime(site.resolve(name), FileTime.fromMillis(784_111_777_000L));
    }
  }

  private byte[] random(String name, int bytes) throws IOException {
    var content = new byte[bytes];
    new SplittableRandom(bytes).nextBytes(content);
    Files.write(site.resolve(name), content);
    Files.setLastModifiedTime(site.resolve(name), FileTime.fromMillis(784_111_777_000L));
    return content;
  }

  private static InetSocketAddress anyPort() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  private HttpServer start(IoRuntime runtime, ServeOptions options) throws IOException {
    return HttpServer.start(runtime, site, anyPort(), options, null);
  }

  private static void drain(HttpServer server) throws InterruptedException {
    assertTrue(server.drain(Waits.PATIENCE), "everything was answered");
    assertEquals(0, server.totals().errors());
  }

  /** The JDK's client: ended with the test, so that its connections are no leftovers. */
  private static HttpClient client() {
    return HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  }

  private static HttpResponse<byte[]> get(
      HttpClient client, HttpServer server, String target, String... headers) throws Exception {
    var request =
        HttpRequest.newBuilder(
            URI.create("http://127.0.0.1:" + server.address().getPort() + target));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(request.timeout(Waits.PATIENCE).build(), BodyHandlers.ofByteArray());
  }

  private static String text(HttpResponse<byte[]> response) {
    return new String(response.body(), StandardCharsets.UTF_8);
  }

  @DriverTest
  void filesAreServedWholeAndInParts(TestRuntime tests) throws Exception {
    var content = random("large.bin", 300_007);
    var server = start(tests.start(), PATIENT);
    try (var client = client()) {
      var hello = get(client, server, "/hello.txt");
      assertEquals(200, hello.statusCode());
      assertEquals("hello, world\n", text(hello));
      assertEquals(
          "text/plain; charset=utf-8", hello.headers().firstValue("Content-Type").orElseThrow());
      assertEquals(
          "Sun, 06 Nov 1994 08:49:37 GMT",
          hello.headers().firstValue("Last-Modified").orElseThrow());
      assertEquals("bytes", hello.headers().firstValue("Accept-Ranges").orElseThrow());
      assertTrue(hello.headers().firstValue("Date").isPresent());

      assertEquals(0, get(client, server, "/empty.json").body().length);
      assertArrayEquals(content, get(client, server, "/large.bin").body());
      var random = new SplittableRandom(11);
      for (int i = 0; i < 20; i++) {
        int first = random.nextInt(content.length);
        int last = random.nextInt(first, content.length);
        var part = get(client, server, "/large.bin", "Range", "bytes=" + first + "-" + last);
        assertEquals(206, part.statusCode());
        assertEquals(
            "bytes " + first + "-" + last + "/" + content.length,
            part.headers().firstValue("Content-Range").orElseThrow());
        assertEquals(
            checksum(content, first, last + 1), checksum(part.body(), 0, last + 1 - first));
        assertEquals(last + 1 - first, part.body().length);
      }
      var tail = get(client, server, "/large.bin", "Range", "bytes=-9");
      assertArrayEquals(
          Arrays.copyOfRange(content, content.length - 9, content.length), tail.body());
      var beyond = get(client, server, "/large.bin", "Range", "bytes=300007-");
      assertEquals(416, beyond.statusCode());
      assertEquals("bytes */300007", beyond.headers().firstValue("Content-Range").orElseThrow());
      assertEquals(200, get(client, server, "/large.bin", "Range", "bytes=0-1,3-4").statusCode());
    }
    drain(server);
  }

  private static long checksum(byte[] bytes, int from, int to) {
    var crc = new CRC32C();
    crc.update(bytes, from, to - from);
    return crc.getValue();
  }

  @DriverTest
  void conditionsSaveTheContent(TestRuntime tests) throws Exception {
    var server = start(tests.start(), PATIENT);
    try (var client = client()) {
      var first = get(client, server, "/hello.txt");
      var tag = first.headers().firstValue("ETag").orElseThrow();
      assertFalse(tag.startsWith("W/"));
      var again = get(client, server, "/hello.txt", "If-None-Match", tag);
      assertEquals(304, again.statusCode());
      assertEquals(tag, again.headers().firstValue("ETag").orElseThrow());
      assertEquals(0, again.body().length);
      assertEquals(
          304,
          get(client, server, "/hello.txt", "If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")
              .statusCode());
      assertEquals(412, get(client, server, "/hello.txt", "If-Match", "\"other\"").statusCode());
      assertEquals(
          206,
          get(client, server, "/hello.txt", "Range", "bytes=0-1", "If-Range", tag).statusCode());

      Files.writeString(site.resolve("hello.txt"), "changed");
      assertEquals(200, get(client, server, "/hello.txt", "If-None-Match", tag).statusCode());
      var fresh = get(client, server, "/hello.txt", "Range", "bytes=0-1", "If-Range", tag);
      assertEquals(200, fresh.statusCode());
      assertEquals("changed", text(fresh));
      Files.setLastModifiedTime(
          site.resolve("hello.txt"), FileTime.from(Instant.now().plusSeconds(3600)));
      assertTrue(
          get(client, server, "/hello.txt")
              .headers()
              .firstValue("ETag")
              .orElseThrow()
              .startsWith("W/"),
          "a file of this very moment may change once more without a sign");
    }
    drain(server);
  }

  @DriverTest
  void directoriesAreListedOrHaveAnIndex(TestRuntime tests) throws Exception {
    Files.writeString(site.resolve("a&b<c>\"'.txt"), "x");
    Files.createSymbolicLink(site.resolve("link"), Path.of("hello.txt"));
    var server = start(tests.start(), PATIENT);
    try (var client = client()) {
      var root = text(get(client, server, "/"));
      assertTrue(root.contains("<a href=\"./sub/\">sub/</a>"), root);
      assertTrue(
          root.contains(
              "<a href=\"./a&amp;b%3Cc%3E%22&#39;.txt\">a&amp;b&lt;c&gt;&quot;&#39;.txt</a>"),
          root);
      assertFalse(root.contains("hidden") || root.contains("link") || root.contains("../"), root);
      assertTrue(text(get(client, server, "/sub/")).contains("<a href=\"../\">../</a>"));
      assertEquals("<p>home</p>", text(get(client, server, "/home/")));
      var redirect = get(client, server, "/sub/deeper?q");
      assertEquals(301, redirect.statusCode());
      assertEquals("/sub/deeper/?q", redirect.headers().firstValue("Location").orElseThrow());
      assertEquals(root, text(get(client, server, "/")), "the root is listed from its beginning");
      assertEquals(404, get(client, server, "/hello.txt/").statusCode());
      assertEquals(404, get(client, server, "/nothing/").statusCode());
    }
    drain(server);
  }

  @DriverTest
  void listingsAndHiddenFilesAreOptions(TestRuntime tests) throws Exception {
    Files.createSymbolicLink(site.resolve("out"), folder);
    var runtime = tests.start();
    var closed = start(runtime, PATIENT.withShown(false, false, false));
    var open = start(runtime, PATIENT.withShown(true, true, true));
    try (var client = client()) {
      assertEquals(404, get(client, closed, "/").statusCode());
      assertEquals(404, get(client, closed, "/.hidden").statusCode());
      assertEquals("hidden", text(get(client, open, "/.hidden")));
      assertEquals("secret", text(get(client, open, "/out/secret.txt")));
      assertTrue(text(get(client, open, "/")).contains("./out"));
    }
    drain(closed);
    drain(open);
  }

  @DriverTest
  void nothingLeadsOutOfTheDirectory(TestRuntime tests) throws Exception {
    Files.createSymbolicLink(site.resolve("file-link"), folder.resolve("secret.txt"));
    Files.createSymbolicLink(site.resolve("folder-link"), folder);
    Files.createSymbolicLink(site.resolve("sub/inner-link"), Path.of("deeper/page.html"));
    Files.createDirectory(site.resolve("linked"));
    Files.createSymbolicLink(site.resolve("linked/index.html"), folder.resolve("secret.txt"));
    var fifo = new ProcessBuilder("mkfifo", site.resolve("fifo").toString()).start();
    assertEquals(0, fifo.waitFor());
    var server = start(tests.start(), PATIENT);
    for (var target :
        List.of(
            "/../secret.txt",
            "/..%2fsecret.txt",
            "/%2e%2e/secret.txt",
            "/%2e%2e%2fsecret.txt",
            "/sub/../../secret.txt",
            "/sub/%2e%2e/%2e%2e/secret.txt",
            "/..%5csecret.txt",
            "/..\\secret.txt",
            "/%252e%252e/secret.txt",
            "/%c0%ae%c0%ae/secret.txt",
            "//secret.txt",
            "/" + folder.resolve("secret.txt"),
            folder.resolve("secret.txt").toString(),
            "/hello.txt%00.html",
            "/file-link",
            "/folder-link",
            "/folder-link/",
            "/folder-link/secret.txt",
            "/sub/inner-link",
            "/linked/",
            "/linked/index.html",
            "/fifo",
            "/hello.txt/secret.txt",
            "/.hidden",
            "/" + "a".repeat(256),
            "/" + "a/".repeat(3000),
            "file:///etc/passwd",
            "http://127.0.0.1/../secret.txt")) {
      var answer = RawClient.ask(server, "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
      int status = answer.status();
      assertTrue(status == 400 || status == 404, target + ": " + answer);
      assertFalse(answer.text().contains("secret\n") || answer.text().equals("secret"), target);
    }
    drain(server);
  }

  @DriverTest
  void namesOfAnyBytesAreFound(TestRuntime tests) throws Exception {
    var latin1 = Path.of(URI.create(site.toUri() + "caf%E9%FF.txt"));
    Files.writeString(latin1, "latin");
    var server = start(tests.start(), PATIENT);
    assertEquals("latin", RawClient.get(server, "/caf%e9%ff.txt").text());
    var listing = RawClient.get(server, "/").text();
    assertTrue(listing.contains("href=\"./caf%E9%FF.txt\""), listing);
    drain(server);
  }

  @DriverTest
  void pipelinedRequestsAreAnsweredInOrder(TestRuntime tests) throws Exception {
    var large = random("large.bin", 100_000);
    var server = start(tests.start(), PATIENT);
    var requests = new StringBuilder();
    var expected = new ArrayList<byte[]>();
    for (int i = 0; i < 60; i++) {
      if (i % 7 == 3) {
        requests.append("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
        expected.add(large);
      } else if (i % 7 == 5) {
        requests.append("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nGET / HTT");
        expected.add(Status.METHOD_NOT_ALLOWED.text);
      } else {
        requests
            .append("GET /hello.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=")
            .append(i % 13)
            .append("-\r\n\r\n");
        expected.add("hello, world\n".substring(i % 13).getBytes(StandardCharsets.US_ASCII));
      }
    }
    try (var raw = new RawClient(server)) {
      var writer = CompletableFuture.runAsync(() -> raw.send(requests.toString()));
      for (var content : expected) {
        assertArrayEquals(content, raw.read(false).content());
      }
      Waits.get(writer, "all requests sent");
    }
    drain(server);
    assertEquals(60, server.totals().requests());
  }

  @DriverTest
  void aRequestMayComeByteByByte(TestRuntime tests) throws Exception {
    var server = start(tests.start(), PATIENT);
    try (var raw = new RawClient(server)) {
      for (int round = 0; round < 2; round++) {
        for (char c : "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n".toCharArray()) {
          raw.send(String.valueOf(c));
        }
        assertEquals("hello, world\n", raw.read(false).text());
      }
    }
    drain(server);
  }

  @DriverTest
  void headTellsAndDoesNotSend(TestRuntime tests) throws Exception {
    random("large.bin", 50_000);
    var server = start(tests.start(), PATIENT);
    try (var raw = new RawClient(server)) {
      raw.send("HEAD /large.bin HTTP/1.1\r\nHost: a\r\n\r\nHEAD /none HTTP/1.1\r\nHost: a\r\n\r\n");
      raw.send("GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n");
      var large = raw.read(true);
      assertEquals(200, large.status());
      assertEquals("50000", large.headers().get("content-length"));
      assertEquals(404, raw.read(true).status());
      assertEquals("hello, world\n", raw.read(false).text());
    }
    drain(server);
  }

  @DriverTest
  void theConnectionEndsWhenItShould(TestRuntime tests) throws Exception {
    var server = start(tests.start(), PATIENT);
    for (var end :
        Map.of(
                "GET /hello.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                200,
                "GET /hello.txt HTTP/1.0\r\n\r\n",
                200,
                "GET /hello.txt HTTP/1.1\r\n\r\n",
                400,
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                411,
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n",
                413,
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\n",
                405,
                "GET /" + "a".repeat(9000) + " HTTP/1.1\r\nHost: a\r\n\r\n",
                414,
                "GET / HTTP/1.1\r\nX: " + "a".repeat(40_000) + "\r\nHost: a\r\n\r\n",
                431,
                "GET / HTTP/3.0\r\n\r\n",
                505)
            .entrySet()) {
      try (var raw = new RawClient(server)) {
        raw.send(end.getKey());
        var answer = raw.read(false);
        assertEquals(end.getValue(), answer.status(), end.getKey());
        assertEquals("close", answer.headers().get("connection"));
        assertTrue(raw.isAtEnd());
      }
    }
    try (var raw = new RawClient(server)) {
      raw.send("GET /hello.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
      assertEquals("keep-alive", raw.read(false).headers().get("connection"));
      raw.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\nBREW / HTTP/1.1\r\nHost: a\r\n\r\n");
      var options = raw.read(false);
      assertEquals(405, options.status());
      assertEquals("GET, HEAD", options.headers().get("allow"));
      assertEquals(501, raw.read(false).status());
      raw.shutdownOutput();
      assertTrue(raw.isAtEnd());
    }
    drain(server);
  }

  @DriverTest
  void aRequestThatDoesNotComeToItsEndIsNotWaitedFor(TestRuntime tests) throws Exception {
    var server = start(tests.start(), PATIENT.withTimeouts(SHORT, LONG, LONG));
    try (var slow = new RawClient(server);
        var half = new RawClient(server)) {
      slow.send("GET /hello.txt HT");
      half.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12");
      for (var raw : List.of(slow, half)) {
        assertEquals(408, raw.read(false).status());
        assertTrue(raw.isAtEnd());
      }
    }
    drain(server);
  }

  @DriverTest
  void aConnectionThatRestsIsEnded(TestRuntime tests) throws Exception {
    var server = start(tests.start(), PATIENT.withTimeouts(LONG, SHORT, LONG));
    try (var silent = new RawClient(server)) {
      assertTrue(silent.isAtEnd());
    }
    Waits.until(
        "a request that was quicker than the limit, and the end after it",
        () -> {
          try (var idle = new RawClient(server)) {
            idle.send("GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n");
            return idle.read(false).status() == 200 && idle.isAtEnd();
          } catch (IOException | RawClient.Broken e) {
            return false; // too late, on a machine that is busy
          }
        });
    drain(server);
  }

  @DriverTest
  void aClientThatDoesNotReadIsLeft(TestRuntime tests) throws Exception {
    random("large.bin", 24 << 20);
    var runtime = tests.start();
    var server = start(runtime, PATIENT.withTimeouts(LONG, LONG, Duration.ofSeconds(2)));
    try (var raw = new RawClient(server)) {
      raw.send("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
      // Nothing is read: its end is seen here once the server gives up.
      Waits.until("the buffers given back", () -> server.totals().bytes() > 0);
      Waits.until("the connection closed", () -> server.totals().requests() == 1);
      assertThrows(IOException.class, raw::readToTheEnd);
    }
    // Others are served as before.
    assertEquals("hello, world\n", RawClient.get(server, "/hello.txt").text());
    drain(server);
  }

  @DriverTest
  void aFloodBehindAnAnswerThatIsNotReadIsHeldBack(TestRuntime tests) throws Exception {
    random("large.bin", 24 << 20);
    var server = start(tests.start(), PATIENT);
    var request = "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n";
    try (var channel = SocketChannel.open(server.address());
        var selector = Selector.open()) {
      var first = "GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n";
      channel.write(ByteBuffer.wrap(first.getBytes(StandardCharsets.US_ASCII)));
      channel.configureBlocking(false);
      channel.register(selector, SelectionKey.OP_WRITE);
      var flood = ByteBuffer.wrap(request.repeat(4000).getBytes(StandardCharsets.US_ASCII));
      long accepted = 0;
      while (selector.select(500) > 0) { // until nothing is taken any more
        selector.selectedKeys().clear();
        accepted += channel.write(flood); // a reset would mean that it was not held back
        if (!flood.hasRemaining()) {
          flood.clear();
        }
        assertTrue(accepted < 48 << 20, "more than sockets hold was taken: " + accepted);
      }
    }
    drain(server);
  }

  @DriverTest
  void manySlowReadersHoldFewBuffersAndGetEveryByte(TestRuntime tests) throws Exception {
    var content = random("large.bin", 3 << 20);
    // 1 MiB of buffers for 24 readers that want blocks of 64 KiB
    var runtime = tests.start(b -> b.bufferPoolBytes(1 << 20));
    var server = start(runtime, PATIENT.withBlocks(64 << 10, 4));
    var readers = new ArrayList<RawClient>();
    for (int i = 0; i < 24; i++) {
      var raw = tests.own(new RawClient(server));
      raw.send("GET /large.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      readers.add(raw);
    }
    long expected = checksum(content, 0, content.length);
    var all =
        readers.reversed().stream()
            .map(
                raw ->
                    CompletableFuture.runAsync(
                        () -> {
                          try (raw) {
                            var got = raw.read(false).content();
                            assertEquals(expected, checksum(got, 0, got.length));
                          } catch (IOException e) {
                            throw new UncheckedIOException(e);
                          }
                        },
                        Thread.ofPlatform().daemon()::start))
            .toArray(CompletableFuture[]::new);
    Waits.get(CompletableFuture.allOf(all), "every reader");
    drain(server);
  }

  /** As many as would hold four times the memory there is. They read nothing. */
  private static List<RawClient> stuckClients(
      TestRuntime tests, HttpServer server, String... locals) throws IOException {
    var stuck = new ArrayList<RawClient>();
    for (int i = 0; i < 200; i++) {
      var raw = tests.own(RawClient.narrow(server, locals[i % locals.length], 4096));
      raw.send("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
      stuck.add(raw);
    }
    return stuck;
  }

  @DriverTest
  void clientsOfOneAddressThatReadNothingStarveNobodyElse(TestRuntime tests) throws Exception {
    var content = random("large.bin", 8 << 20);
    var runtime = tests.start();
    var never = Duration.ofHours(1);
    var server =
        start(
            runtime,
            PATIENT
                .withTimeouts(never, never, never)
                .withShares(never, 1000)
                .withBlocks(64 << 10, 4));
    var pool = runtime.loop().buffers();
    var stuck = stuckClients(tests, server, "127.0.0.2");
    Waits.until("they hold what they may", () -> pool.lentBytes() >= pool.capacityBytes() / 2);
    for (int i = 0; i < 5; i++) {
      assertArrayEquals(content, RawClient.get(server, "/large.bin").content());
    }
    assertEquals(200, server.totals().connections() - 5);
    Waits.until("no more than they may", () -> pool.lentBytes() == pool.capacityBytes() / 2);
    for (var raw : stuck) {
      raw.hangUp();
    }
    drain(server);
  }

  @DriverTest
  void clientsThatReadNothingAreLeftSoonWhileOthersWait(TestRuntime tests) throws Exception {
    var content = random("large.bin", 8 << 20);
    var runtime = tests.start();
    var never = Duration.ofHours(1);
    var server =
        start(
            runtime,
            PATIENT
                .withTimeouts(never, never, never)
                .withShares(Duration.ofMillis(400), 1000)
                .withBlocks(64 << 10, 4));
    var pool = runtime.loop().buffers();
    var stuck = stuckClients(tests, server, "127.0.0.2", "127.0.0.3");
    Waits.until("nothing is left", () -> pool.lentBytes() == pool.capacityBytes());
    assertArrayEquals(content, RawClient.get(server, "/large.bin").content());
    for (var raw : stuck) {
      raw.hangUp();
    }
    drain(server);
  }

  @DriverTest
  void connectionsOfOneAddressHaveABound(TestRuntime tests) throws Exception {
    var server = start(tests.start(), PATIENT.withShares(LONG, 2));
    try (var first = RawClient.narrow(server, "127.0.0.2", 4096);
        var second = RawClient.narrow(server, "127.0.0.2", 4096)) {
      for (var raw : List.of(first, second)) {
        raw.send("GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n");
        assertEquals(200, raw.read(false).status());
      }
      try (var third = RawClient.narrow(server, "127.0.0.2", 4096)) {
        assertEquals(503, third.read(false).status());
      }
      assertEquals("hello, world\n", RawClient.get(server, "/hello.txt").text());
    }
    drain(server);
  }

  private void makeManyFiles() throws IOException {
    var many = Files.createDirectory(site.resolve("many"));
    for (int i = 0; i < 150; i++) {
      Files.createFile(many.resolve("file-" + i));
    }
  }

  @DriverTest
  void aLongListingIsMadeElsewhereThanOnTheLoop(TestRuntime tests) throws Exception {
    makeManyFiles();
    var runtime = tests.start(b -> b.blocking(1, 0));
    var server = start(runtime, PATIENT);
    var begun = new CountDownLatch(1);
    var end = new CountDownLatch(1);
    var busy =
        runtime.blocking(
            () -> {
              begun.countDown();
              end.await();
              return null;
            });
    Waits.await(begun, "the only thread taken");
    assertEquals(200, RawClient.get(server, "/sub/").status(), "a short one needs no thread");
    assertEquals(503, RawClient.get(server, "/many/").status());
    end.countDown();
    Waits.get(busy, "the only thread given back");
    Waits.until(
        "a thread for the listing",
        () -> {
          try {
            var answer = RawClient.get(server, "/many/");
            return answer.status() == 200 && answer.text().contains(">file-149<");
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
    assertTrue(server.drain(Waits.PATIENCE));
  }

  @DriverTest
  void listingsAtATimeHaveABound(TestRuntime tests) throws Exception {
    makeManyFiles();
    var runtime = tests.start(b -> b.blocking(1, 100));
    var server = start(runtime, PATIENT);
    var end = new CountDownLatch(1);
    var busy =
        runtime.blocking(
            () -> {
              end.await();
              return null;
            });
    var asking = new ArrayList<RawClient>();
    for (int i = 0; i < BufferShares.MOST_LISTINGS / 2 + 1; i++) {
      var raw = tests.own(new RawClient(server));
      raw.send("GET /many/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      asking.add(raw);
    }
    Waits.until("the one too many refused", () -> server.totals().requests() == 1);
    end.countDown();
    Waits.get(busy, "the only thread given back");
    var statuses = new ArrayList<Integer>();
    for (var raw : asking) {
      statuses.add(raw.read(false).status());
      raw.hangUp();
    }
    assertEquals(1, Collections.frequency(statuses, 503), statuses::toString);
    assertEquals(statuses.size() - 1, Collections.frequency(statuses, 200), statuses::toString);
    assertEquals(200, RawClient.get(server, "/many/").status());
    drain(server);
  }

  @DriverTest
  void aFileThatIsCutShortEndsTheConnection(TestRuntime tests) throws Exception {
    random("large.bin", 24 << 20);
    var server = start(tests.start(), PATIENT);
    try (var raw = new RawClient(server)) {
      raw.send("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
      Waits.until("the first bytes sent", () -> server.totals().bytes() > 0);
      Files.write(site.resolve("large.bin"), new byte[1]);
      assertThrows(IOException.class, raw::readToTheEnd);
    }
    assertTrue(server.drain(Waits.PATIENCE));
    assertEquals(1, server.totals().errors());
  }

  @DriverTest
  void connectionsBeyondTheBoundAreTurnedAway(TestRuntime tests) throws Exception {
    var server = start(tests.start(), PATIENT.withMaxConnections(2));
    try (var first = new RawClient(server);
        var second = new RawClient(server)) {
      for (var raw : List.of(first, second)) {
        raw.send("GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n");
        assertEquals(200, raw.read(false).status());
      }
      try (var third = new RawClient(server)) {
        assertEquals(503, third.read(false).status());
        assertTrue(third.isAtEnd());
      }
      first.hangUp();
      Waits.until(
          "room for another",
          () -> {
            try {
              return RawClient.get(server, "/hello.txt").status() == 200;
            } catch (IOException | RawClient.Broken e) {
              return false; // turned away with the request unread
            }
          });
    }
    drain(server);
  }

  private List<String> openFiles(TestRuntime tests) {
    return tests.heldSinceStart().stream().filter(f -> f.startsWith(site.toString())).toList();
  }

  @DriverTest
  void clientsThatLeaveAtAnyMomentLeaveNothingBehind(TestRuntime tests) throws Exception {
    random("large.bin", 400_000);
    var random = Seeds.random(23);
    var runtime = tests.start();
    var server = start(runtime, PATIENT);
    var requests =
        List.of(
            "GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /sub/deeper/page.html HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /sub/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /none HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n123",
            "nonsense\r\n\r\n",
            "GET /lar");
    for (int i = 0; i < 200; i++) {
      try (var raw = new RawClient(server)) {
        for (int n = random.nextInt(4); n > 0; n--) {
          raw.send(requests.get(random.nextInt(requests.size())));
        }
        switch (random.nextInt(4)) {
          case 0 -> raw.resetOnClose();
          case 1 -> raw.shutdownOutput();
          case 2 -> raw.skip(random.nextInt(100_000));
          default -> {}
        }
      } catch (RawClient.Broken e) {
        // The server may have ended it before all was sent.
      }
    }
    assertEquals("hello, world\n", RawClient.get(server, "/hello.txt").text());
    drain(server);
    // While the runtime lives: its end would close whatever was forgotten.
    Waits.until(
        () -> "files closed; open are " + openFiles(tests), () -> openFiles(tests).isEmpty());
    Waits.until("buffers given back", () -> runtime.loop().buffers().lentBytes() == 0);
  }

  @DriverTest
  void drainingSendsWhatIsBeingSent(TestRuntime tests) throws Exception {
    var content = random("large.bin", 24 << 20);
    var server = start(tests.start(), PATIENT);
    try (var idle = new RawClient(server);
        var busy = new RawClient(server)) {
      idle.send("GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n");
      assertEquals(200, idle.read(false).status());
      busy.send("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
      Waits.until("the first bytes sent", () -> server.totals().bytes() > 1000);
      var drained =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return server.drain(Waits.PATIENCE);
                } catch (InterruptedException e) {
                  throw new AssertionError(e);
                }
              });
      assertTrue(idle.isAtEnd());
      idle.hangUp();
      assertArrayEquals(content, busy.read(false).content());
      assertTrue(busy.isAtEnd());
      busy.hangUp();
      assertTrue(Waits.get(drained, "the drain"));
      assertThrows(IOException.class, () -> new RawClient(server).close());
    }
  }

  @DriverTest
  void theAccessLogHasALineForEachAnswer(TestRuntime tests) throws Exception {
    var text = new StringWriter();
    var runtime = tests.start();
    try (var log = new AccessLog(text)) {
      var server = HttpServer.start(runtime, site, anyPort(), PATIENT, log);
      RawClient.get(server, "/hello.txt");
      RawClient.get(server, "/\"quoted\"");
      drain(server);
    }
    var lines = text.toString().lines().toList();
    assertEquals(2, lines.size());
    assertTrue(
        lines.get(0).matches("127\\.0\\.0\\.1 - - \\[.*\\] \"GET /hello.txt HTTP/1.1\" 200 \\d+"),
        lines.get(0));
    assertTrue(lines.get(1).contains("\"GET /\\x22quoted\\x22 HTTP/1.1\" 404 "), lines.get(1));
  }

  @DriverTest
  void requestsOnSeveralLoopsAreServed(TestRuntime tests) throws Exception {
    var runtime = tests.start(b -> b.scheduler(Scheduler.threadPerCore(2)));
    var server = start(runtime, PATIENT);
    for (int i = 0; i < 20; i++) {
      assertEquals("<p>deep</p>", RawClient.get(server, "/sub/deeper/page.html").text());
    }
    drain(server);
    assertEquals(20, server.totals().connections());
  }
}
