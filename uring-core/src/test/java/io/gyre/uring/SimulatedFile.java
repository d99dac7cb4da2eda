package io.gyre.uring;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/** What a descriptor of the {@link SimulatedKernel} is open on. */
abstract sealed class SimulatedFile {
  /** A file's content, shared by all who have it open. */
  static final class Content {
    private byte[] bytes = new byte[0];

    byte[] bytes() {
      return bytes;
    }

    void ensure(int size) {
      if (size > bytes.length) {
        bytes = Arrays.copyOf(bytes, size);
      }
    }

    void truncate() {
      bytes = new byte[0];
    }
  }

  /** An open regular file. */
  static final class Regular extends SimulatedFile {
    final Content content;

    Regular(Content content) {
      this.content = content;
    }
  }

  /** The eventfd that wakes the loop: the only descriptor that is the process's own. */
  static final class WakeUpCounter extends SimulatedFile {
    final int fd;

    WakeUpCounter(int fd) {
      this.fd = fd;
    }
  }

  /** A listening socket. */
  static final class Listener extends SimulatedFile {
    final Deque<Socket> backlog = new ArrayDeque<>();
  }

  /** One end of a connection, or a socket that may become one. */
  static final class Socket extends SimulatedFile {
    private static final int CAPACITY = 300;

    Socket peer;
    boolean reset;
    boolean inputEnded; // by the peer: what is in the queue comes first
    boolean inputShut;
    boolean outputShut;

    /** What the peer sent and nobody received yet. */
    final ByteQueue inbound = new ByteQueue();

    /** What the kernel has put into the driver's memory: what users are told must be this. */
    final ByteQueue delivered = new ByteQueue();

    static Socket connected() {
      var one = new Socket();
      one.connectTo(new Socket());
      return one;
    }

    void connectTo(Socket other) {
      peer = other;
      other.peer = this;
    }

    int room() {
      return CAPACITY - inbound.size();
    }

    /** Whether a receive would end at once. */
    boolean readable() {
      return reset || inputEnded || inputShut || inbound.size() > 0;
    }

    void shutOutput() {
      outputShut = true;
      if (peer != null) {
        peer.inputEnded = true;
      }
    }

    /** Breaks the connection. The peer can still receive what it has, and then finds the reset. */
    void breakOff() {
      reset = true;
      inbound.clear();
      if (peer != null) {
        peer.reset = true;
      }
    }

    /** What close(2) does: the peer finds the end, or a reset when there was something unread. */
    void close() {
      if (inbound.size() > 0) {
        breakOff();
      } else {
        shutOutput();
        inputShut = true;
      }
    }
  }

  /** Bytes in order. */
  static final class ByteQueue {
    private byte[] bytes = new byte[64];
    private int head;
    private int size;

    int size() {
      return size;
    }

    void clear() {
      size = 0;
    }

    void add(byte value) {
      if (size == bytes.length) {
        var larger = new byte[size * 2];
        for (int i = 0; i < size; i++) {
          larger[i] = bytes[head + i & bytes.length - 1];
        }
        bytes = larger;
        head = 0;
      }
      bytes[head + size++ & bytes.length - 1] = value;
    }

    byte remove() {
      if (size == 0) {
        throw new IllegalStateException("the queue is empty");
      }
      byte value = bytes[head];
      head = head + 1 & bytes.length - 1;
      size--;
      return value;
    }
  }
}
