package io.gyre.benchmarks.http;

import io.gyre.testing.Waits;
import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Sends bytes as they are, and reads answers. */
final class RawClient implements Closeable {
  private final Socket socket;
  private final InputStream in;

  /** An answer. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Answer(int status, Map<String, String> headers, byte[] content) {
    String text() {
      return new String(content, StandardCharsets.UTF_8);
    }
  }

  /** There was no whole answer. */
  static final class Broken extends UncheckedIOException {
    private static final long serialVersionUID = 1L;

    Broken(IOException cause) {
      super(cause);
    }
  }

  RawClient(HttpServer server) throws IOException {
    this(server, new Socket());
  }

  private RawClient(HttpServer server, Socket socket) throws IOException {
    this.socket = socket;
    socket.connect(server.address());
    socket.setSoTimeout((int) Waits.PATIENCE.toMillis());
    socket.setTcpNoDelay(true);
    in = new BufferedInputStream(socket.getInputStream());
  }

  /** From an address of this machine's, with little room for what is not read. */
  static RawClient narrow(HttpServer server, String local, int receiveBufferBytes)
      throws IOException {
    var socket = new Socket();
    socket.setReceiveBufferSize(receiveBufferBytes); // before it connects: it bounds the window
    socket.bind(new InetSocketAddress(local, 0));
    return new RawClient(server, socket);
  }

  /** One request and its answer, on a connection of its own. */
  static Answer ask(HttpServer server, String request) throws IOException {
    try (var raw = new RawClient(server)) {
      raw.send(request);
      return raw.read(false);
    }
  }

  static Answer get(HttpServer server, String target) throws IOException {
    return ask(server, "GET " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  }

  void send(String text) {
    try {
      socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
    } catch (IOException e) {
      throw new Broken(e);
    }
  }

  void shutdownOutput() throws IOException {
    socket.shutdownOutput();
  }

  /** Has the peer see a reset. */
  void resetOnClose() throws IOException {
    socket.setSoLinger(true, 0);
  }

  /** Reads some bytes, if there are any before the end. */
  void skip(int bytes) {
    try {
      socket.setSoTimeout(1); // whatever has come
      in.readNBytes(bytes);
    } catch (SocketTimeoutException e) {
      // no more for now
    } catch (IOException e) {
      throw new Broken(e);
    }
  }

  /** Reads an answer, which to a HEAD has no content. */
  Answer read(boolean toHead) {
    try {
      int status = Integer.parseInt(line().substring("HTTP/1.1 ".length()).substring(0, 3));
      var headers = new TreeMap<String, String>();
      for (var line = line(); !line.isEmpty(); line = line()) {
        int colon = line.indexOf(':');
        headers.put(
            line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
      }
      int length = toHead || status == 304 ? 0 : Integer.parseInt(headers.get("content-length"));
      var content = in.readNBytes(length);
      if (content.length < length) {
        throw new EOFException(content.length + " bytes of " + length);
      }
      return new Answer(status, headers, content);
    } catch (IOException e) {
      throw new Broken(e);
    }
  }

  private String line() throws IOException {
    var line = new StringBuilder();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        throw new EOFException("the end, behind: " + line);
      }
      line.append((char) b);
    }
    if (line.isEmpty() || line.charAt(line.length() - 1) != '\r') {
      throw new IOException("a line that does not end with CR: " + line);
    }
    return line.substring(0, line.length() - 1);
  }

  /** Waits for the end, and whether it comes next. */
  boolean isAtEnd() throws IOException {
    return in.read() < 0;
  }

  /** Reads all; fails when an answer that tells its length has less. */
  void readToTheEnd() throws IOException {
    try {
      read(false);
    } catch (Broken e) {
      throw e.getCause();
    }
  }

  /** Closes before the test's end. */
  void hangUp() throws IOException {
    socket.close();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
