package io.gyre.benchmarks.http;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.Writer;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Locale;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A line for each answer, in the common log format, written by a thread of its own. A loop never waits for it: when lines
 * come quicker than they can be written some are lost, and a line says how many.
 */
public final class AccessLog implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(AccessLog.class);
  private static final int MAX_WAITING = 16_384;
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ENGLISH)
          .withZone(ZoneId.systemDefault());
  private static final HexFormat HEX = HexFormat.of();
  private static final int MAX_REQUEST_CHARS = 1024;
  private static final Line END = new Line("", 0, "", 0, 0);

  private final ArrayBlockingQueue<Line> waiting = new ArrayBlockingQueue<>(MAX_WAITING);
  private final AtomicLong lost = new AtomicLong();
  private final Writer out;
  private final Thread thread;

  private record Line(String peer, long millis, String request, int status, long bytes) {}

  /**
   * Begins to write.
   *
   * @param out where to; closed at the end
   */
  public AccessLog(Writer out) {
    this.out = new BufferedWriter(out);
    this.thread = Thread.ofPlatform().daemon().name("gyre-access-log").start(this::write);
  }

  /** Adds a line. Any thread; never waits. */
  void add(String peer, String request, int status, long bytes) {
    var shown =
        request.length() > MAX_REQUEST_CHARS ? request.substring(0, MAX_REQUEST_CHARS) : request;
    if (!waiting.offer(new Line(peer, System.currentTimeMillis(), shown, status, bytes))) {
      lost.incrementAndGet();
    }
  }

  private void write() {
    var batch = new ArrayList<Line>();
    try (out) {
      boolean ended = false;
      while (!ended) {
        batch.add(waiting.take());
        waiting.drainTo(batch);
        for (var line : batch) {
          if (line.equals(END)) {
            ended = true;
          } else {
            out.append(format(line)).append('\n');
          }
        }
        batch.clear();
        long missing = lost.getAndSet(0);
        if (missing > 0) {
          out.append("# ").append(Long.toString(missing)).append(" lines were lost\n");
        }
        out.flush();
      }
    } catch (IOException e) {
      LOG.error("the access log can't be written, and ends: {}", e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static String format(Line line) {
    return line.peer
        + " - - ["
        + TIME.format(Instant.ofEpochMilli(line.millis))
        + "] \""
        + escape(line.request)
        + "\" "
        + line.status
        + ' '
        + line.bytes;
  }

  /** So that a line stays one line, and its quotes are its own. */
  private static String escape(String text) {
    var escaped = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < ' ' || c > '~' || c == '"' || c == '\\') {
        // One byte: the line was read as Latin-1.
        escaped.append("\\x").append(HEX.toHexDigits((byte) c));
      } else {
        escaped.append(c);
      }
    }
    return escaped.toString();
  }

  /** Writes what waits, and ends. */
  @Override
  public void close() {
    try {
      while (thread.isAlive() && !waiting.offer(END, 100, TimeUnit.MILLISECONDS)) {}
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
