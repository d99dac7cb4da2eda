package io.gyre.faults;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.nio.file.StandardOpenOption.READ;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.fs.AsyncFile;
import io.gyre.net.TcpListener;
import io.gyre.net.TcpStream;
import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.io.TempDir;

/** A child process that is started while rings live. */
class InheritanceTest {
  @TempDir Path dir;

  /**
   * By way of system(3), which closes nothing in the child. Java's own ProcessBuilder closes every
   * descriptor there, and so would hide one that is not close-on-exec. The JDK's are not, which is
   * why this is not for NIO.
   */
  @DriverTest(drivers = "uring")
  void aChildInheritsNothingAndTheRingGoesOn(TestRuntime driver) throws Exception {
    var before = descriptors();
    var runtime = driver.start();
    var path = Files.write(dir.resolve("file"), new byte[10]);
    var file = AsyncFile.open(runtime, path, READ);
    var anyPort = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    var listener = TcpListener.bind(runtime, anyPort);
    var accepted = listener.acceptAsync();
    var stream = TcpStream.connect(runtime, listener.localAddress());
    var other = Waits.get(accepted, "a connection");
    var ours = descriptors();
    ours.removeAll(before);
    assertTrue(ours.size() >= 5, () -> "ring, wake-up, file, listener, streams: " + ours);

    var list = dir.resolve("list");
    assertEquals(0, system("ls /proc/self/fd > '" + list + "'"));

    var inherited = new TreeSet<>(Files.readAllLines(list));
    inherited.retainAll(ours);
    // ls itself opens the folder that it lists, with the lowest number that is free in the child.
    var flags = inherited.stream().filter(fd -> !isCloseOnExec(fd)).collect(Collectors.toSet());
    assertEquals(Set.of(), flags);
    CheckedWork.run(runtime.loop());
    stream.close();
    other.close();
    listener.close();
    file.close();
  }

  private static Set<String> descriptors() {
    return new TreeSet<>(List.of(new File("/proc/self/fd").list()));
  }

  private static boolean isCloseOnExec(String fd) {
    try {
      for (var line : Files.readAllLines(Path.of("/proc/self/fdinfo", fd))) {
        if (line.startsWith("flags:")) {
          int flags = Integer.parseInt(line.substring("flags:".length()).strip(), 8);
          return (flags & 02000000) != 0; // O_CLOEXEC
        }
      }
      throw new AssertionError("no flags of " + fd);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @SuppressWarnings("restricted") // what the JDK offers closes descriptors
  private static int system(String command) throws Exception {
    var linker = Linker.nativeLinker();
    var call =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("system"), FunctionDescriptor.of(JAVA_INT, ADDRESS));
    try (var arena = Arena.ofConfined()) {
      return (int) call.invokeExact(arena.allocateFrom(command));
    } catch (Throwable t) {
      throw new AssertionError("system(3)", t);
    }
  }
}
