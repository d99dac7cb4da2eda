package io.gyre.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.channels.FileChannel;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * What a process holds that a test might leave behind: open descriptors by what they are open on,
 * and memory mapped from rings. What the JVM itself opens when it pleases, such as jars, does not
 * count.
 */
final class Leftovers {
  static {
    warmUp();
  }

  private Leftovers() {}

  /** What is held now, one line for each, with repeats. */
  static List<String> now() {
    var found = new ArrayList<String>();
    try (var fds = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (var fd : fds) {
        try {
          var target = Files.readSymbolicLink(fd).toString();
          if (!belongsToTheJvm(target)) {
            found.add(target);
          }
        } catch (NoSuchFileException e) {
          // closed meanwhile
        }
      }
      try (var maps = Files.lines(Path.of("/proc/self/maps"))) {
        maps.filter(line -> line.contains("io_uring")).forEach(line -> found.add("mapped " + line));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return found;
  }

  /** What is held now beyond what was held before. */
  static List<String> since(List<String> before) {
    var found = now();
    for (var known : before) {
      found.remove(known);
    }
    return found;
  }

  private static boolean belongsToTheJvm(String target) {
    return target.endsWith(".jar")
        || target.endsWith("/lib/modules")
        || target.endsWith(".class")
        || target.contains("/target/surefire")
        || target.startsWith("/dev/")
        || (target.startsWith("/proc/") && target.endsWith("/fd"));
  }

  /**
   * The JDK keeps a few descriptors for ever from their first use on: use them before anything is
   * counted.
   */
  private static void warmUp() {
    var loopback = InetAddress.getLoopbackAddress();
    try (var server = new ServerSocket(0, 1, loopback);
        var client = new Socket(loopback, server.getLocalPort());
        var accepted = server.accept();
        var selector = Selector.open();
        var listener = ServerSocketChannel.open().bind(new InetSocketAddress(loopback, 0));
        var channel = SocketChannel.open(listener.getLocalAddress());
        var file = FileChannel.open(Path.of("/proc/self/cmdline"), StandardOpenOption.READ)) {
      client.getOutputStream().write(1);
      accepted.getInputStream().read();
      selector.selectNow();
      listener.accept().close();
      channel.shutdownOutput();
      file.size();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
