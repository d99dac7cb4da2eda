package io.gyre.benchmarks.http;

import io.gyre.Buffer;
import io.gyre.IoHandler;
import io.gyre.fs.AsyncFile;
import io.gyre.net.ByteStream;
import java.nio.ByteBuffer;

/**
 * Sends a response: the head and as much of the content as a pooled buffer holds in one write, and then block by block.
 *
 * <p>Blocks are read ahead of what went out, a few at a time, and written in order out of the buffers that they were read
 * into. A reader that is slow so holds a few blocks, and only one when its neighbours need the others: {@link BufferShares}
 * says how many, and who waits.
 *
 * <pre>
 *   blocks by number:   done  <=  submitted  <=  started  <=  done + blocks.length
 *                         |           |             |
 *                   written and    being         being read, or read
 *                   given back    written
 * </pre>
 *
 * <p>The length has been told by then: a file that turns out to be shorter ends the connection, so that nobody takes a part
 * for the whole.
 */
final class ResponseSender {
  private final HttpConnection connection;
  private final ByteStream stream;
  private final BufferShares.Peer share;
  private final int blockBytes;
  private final Block[] blocks;
  private final Filled filledHandler = new Filled();
  private final Written writtenHandler = new Written();

  private Response response; // while its head is not written
  private AsyncFile file;
  private byte[] content;
  private long offset;
  private long unread;
  private int started;
  private int submitted;
  private int done;
  private boolean ended;

  /** A buffer on its way. */
  private static final class Block {
    Buffer buffer;
    int bytes;
    boolean filled;
  }

  private void giveBack(Block block) {
    var buffer = block.buffer;
    block.buffer = null;
    block.filled = false;
    giveBack(buffer);
  }

  private void giveBack(Buffer buffer) {
    int size = buffer.capacity();
    buffer.release();
    share.gaveBack(size);
  }

  ResponseSender(
      HttpConnection connection, ByteStream stream, BufferShares.Peer share, ServeOptions options) {
    this.connection = connection;
    this.stream = stream;
    this.share = share;
    this.blockBytes = options.blockBytes();
    this.blocks = new Block[options.blocks()];
    for (int i = 0; i < blocks.length; i++) {
      blocks[i] = new Block();
    }
  }

  /** Sends a head alone, or with content out of memory. */
  void send(Response head, byte[] body) {
    content = body;
    begin(head, 0, body == null ? 0 : body.length);
  }

  /** Sends a head and a part of a file, which is closed then. */
  void send(Response head, AsyncFile opened, long from, long length) {
    file = opened;
    begin(head, from, length);
  }

  private void begin(Response head, long from, long length) {
    response = head;
    offset = from;
    unread = length;
    started = 0;
    submitted = 0;
    done = 0;
    pump();
  }

  private boolean hasMore() {
    return response != null || unread > 0;
  }

  private void pump() {
    while (!ended && hasMore() && started - done < blocks.length) {
      boolean holdsNone = started == done;
      var buffer = holdsNone ? share.tryFirst(nextBytes()) : share.tryAhead(nextBytes());
      if (buffer == null) {
        if (holdsNone) {
          share.await(this);
        }
        return;
      }
      fill(buffer);
    }
  }

  /** How much the next block takes. */
  int nextBytes() {
    if (response == null) {
      return (int) Math.min(unread, blockBytes);
    }
    int head = response.maxBytes();
    return (int) Math.min(head + Math.min(unread, blockBytes), Math.max(head, blockBytes));
  }

  boolean isEnded() {
    return ended;
  }

  /** Whether buffers are held up here. */
  boolean isHolding() {
    return started > done;
  }

  /** The buffer that was waited for. */
  void acquired(Buffer buffer) {
    if (ended) {
      giveBack(buffer);
    } else {
      fill(buffer);
      pump();
    }
  }

  /** There will be no buffer: the loop ends. */
  void noBuffer(Throwable cause) {
    connection.lost(cause);
  }

  private void fill(Buffer buffer) {
    var block = blocks[started++ % blocks.length];
    block.buffer = buffer;
    var bytes = buffer.byteBuffer();
    if (response != null) {
      response.write(bytes, connection.date());
      response = null;
    }
    int part = (int) Math.min(unread, bytes.remaining());
    block.bytes = bytes.position() + part;
    bytes.limit(block.bytes);
    long from = offset;
    offset += part;
    unread -= part;
    if (content != null || part == 0) {
      if (part > 0) {
        bytes.put(content, (int) from, part);
      }
      filled(block);
    } else {
      file.readFully(buffer, from, block, filledHandler);
    }
  }

  private void filled(Block block) {
    block.filled = true;
    ByteBuffer bytes = block.buffer.byteBuffer();
    bytes.position(0).limit(block.bytes);
    while (submitted < started && blocks[submitted % blocks.length].filled) {
      var next = blocks[submitted++ % blocks.length];
      next.filled = false;
      stream.write(next.buffer, next, writtenHandler);
    }
  }

  private void written(Block block, int bytes) {
    giveBack(block);
    done++;
    if (ended) {
      return;
    }
    connection.progressed(bytes);
    if (hasMore()) {
      pump();
    } else if (done == started) {
      closeFile();
      content = null;
      connection.sent();
    }
  }

  /** Gives up what is left. What the kernel holds comes back with its outcome. */
  void abort() {
    if (ended) {
      return;
    }
    ended = true;
    for (int i = submitted; i < started; i++) {
      var block = blocks[i % blocks.length];
      if (block.filled) {
        giveBack(block);
      }
    }
    closeFile();
  }

  private void closeFile() {
    if (file != null) {
      file.close(null, Lookup.CLOSED);
      file = null;
    }
  }

  private final class Filled implements IoHandler<Block> {
    @Override
    public void completed(int result, Block block) {
      if (ended) {
        giveBack(block);
      } else {
        filled(block);
      }
    }

    @Override
    public void failed(Throwable cause, Block block) {
      giveBack(block);
      connection.lost(cause);
    }
  }

  private final class Written implements IoHandler<Block> {
    @Override
    public void completed(int result, Block block) {
      written(block, result);
    }

    @Override
    public void failed(Throwable cause, Block block) {
      giveBack(block);
      connection.lost(cause);
    }
  }
}
