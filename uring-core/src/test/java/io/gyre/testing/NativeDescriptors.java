package io.gyre.testing;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** Descriptors that are not the runtime's: what a program that uses native libraries brings along. */
@SuppressWarnings("restricted") // calling into libc is what this is for
public final class NativeDescriptors {
  private static final MethodHandle PIPE =
      link("pipe", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
  private static final MethodHandle EVENTFD =
      link(
          "eventfd",
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
  private static final MethodHandle CLOSE =
      link("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
  private static final MethodHandle OPEN =
      link(
          "open",
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
  private static final MethodHandle WRITE = link("write", transfer());
  private static final MethodHandle READ = link("read", transfer());

  private NativeDescriptors() {}

  private static FunctionDescriptor transfer() {
    return FunctionDescriptor.of(
        ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG);
  }

  private static MethodHandle link(String name, FunctionDescriptor descriptor) {
    var linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
  }

  private static long call(MethodHandle function, Object... arguments) {
    try {
      var result = ((Number) function.invokeWithArguments(arguments)).longValue();
      if (result < 0) {
        throw new AssertionError("a system call failed");
      }
      return result;
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  /** A pipe. */
  public record Pipe(int readEnd, int writeEnd) {}

  /** Opens a pipe. */
  public static Pipe pipe() {
    try (var arena = Arena.ofConfined()) {
      var ends = arena.allocate(ValueLayout.JAVA_INT, 2);
      call(PIPE, ends);
      return new Pipe(
          ends.getAtIndex(ValueLayout.JAVA_INT, 0), ends.getAtIndex(ValueLayout.JAVA_INT, 1));
    }
  }

  /** Opens an eventfd of 0. */
  public static int eventfd() {
    return (int) call(EVENTFD, 0, 0);
  }

  /** Opens a file for reading. */
  public static int open(String path) {
    try (var arena = Arena.ofConfined()) {
      return (int) call(OPEN, arena.allocateFrom(path), 0);
    }
  }

  /** Closes a descriptor. */
  public static void close(int fd) {
    call(CLOSE, fd);
  }

  /** Writes bytes. */
  public static void write(int fd, byte... bytes) {
    try (var arena = Arena.ofConfined()) {
      var memory = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
      if (call(WRITE, fd, memory, (long) bytes.length) != bytes.length) {
        throw new AssertionError("a short write");
      }
    }
  }

  /** Adds 1 to an eventfd. */
  public static void signal(int eventfd) {
    try (var arena = Arena.ofConfined()) {
      call(WRITE, eventfd, arena.allocateFrom(ValueLayout.JAVA_LONG, 1), 8L);
    }
  }

  /** Reads bytes, as many as are there. */
  public static byte[] read(int fd, int atMost) {
    try (var arena = Arena.ofConfined()) {
      var memory = arena.allocate(atMost);
      long count = call(READ, fd, memory, (long) atMost);
      return memory.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE);
    }
  }
}
