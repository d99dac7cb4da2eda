package io.gyre.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SequenceLayout;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Holds every generated struct and constant, and the hand-written ones, against what a C compiler
 * says of the same headers.
 *
 * <p>What Java claims is collected by reflection as C expressions with their values. A C program
 * made of the same expressions then prints its own values.
 */
class LayoutTest {
  private static final String GENERATED = "src/main/generated/io/gyre/bindings";
  private static final String LIBURING_HEADER = "liburing_gyre.h";
  private static final String LIBC_HEADER = "libc_gyre.h";

  @TempDir private Path work;

  @Test
  void structsOfLiburingAreLaidOutAsInC() throws Exception {
    Map<String, Long> claims = structClaims(LIBURING_HEADER);
    assertTrue(claims.containsKey("offsetof(struct io_uring_sqe, user_data)"), claims::toString);
    compare(LIBURING_HEADER, claims);
  }

  @Test
  void structsOfLibcAreLaidOutAsInC() throws Exception {
    Map<String, Long> claims = structClaims(LIBC_HEADER);
    assertTrue(
        claims.containsKey("offsetof(struct in6_addr, __in6_u.__u6_addr8)"), claims::toString);
    compare(LIBC_HEADER, claims);
  }

  @Test
  void constantsOfLiburingHaveTheirValuesInC() throws Exception {
    Map<String, Long> claims = constantClaims(Liburing.class);
    assertTrue(claims.containsKey("IORING_OP_NOP"), claims::toString);
    compare(LIBURING_HEADER, claims);
  }

  @Test
  void constantsOfLibcHaveTheirValuesInC() throws Exception {
    Map<String, Long> claims = constantClaims(Libc.class);
    assertTrue(claims.containsKey("ECANCELED"), claims::toString);
    compare(LIBC_HEADER, claims);
  }

  @Test
  void flagsThatDependOnTheCpuHaveTheirValuesInC() throws Exception {
    compare(
        LIBC_HEADER,
        Map.of(
            "O_DIRECT", (long) Platform.O_DIRECT(),
            "O_DIRECTORY", (long) Platform.O_DIRECTORY(),
            "O_NOFOLLOW", (long) Platform.O_NOFOLLOW(),
            "O_TMPFILE", (long) Platform.O_TMPFILE()));
  }

  /**
   * Every constant: a method without parameters, named in capitals as macros and enumerators are.
   */
  private static Map<String, Long> constantClaims(Class<?> header) throws Exception {
    Map<String, Long> claims = new TreeMap<>();
    for (Method method : header.getDeclaredMethods()) {
      if (Modifier.isPublic(method.getModifiers())
          && method.getParameterCount() == 0
          && method.getName().matches("[A-Z][A-Z0-9_]*")) {
        claims.put(method.getName(), valueOf(method.invoke(null)));
      }
    }
    return claims;
  }

  private static long valueOf(Object constant) {
    return switch (constant) {
      case Integer i -> i;
      case Long l -> l;
      case MemorySegment address -> address.address();
      default -> throw new AssertionError("a constant of type " + constant.getClass());
    };
  }

  /** Sizes and offsets of the structs that belong to {@code header}. */
  private static Map<String, Long> structClaims(String header) throws Exception {
    Map<String, Long> claims = new TreeMap<>();
    for (Class<?> struct : structs()) {
      String name = struct.getSimpleName();
      boolean ofLiburing = name.startsWith("io_") || name.equals("__kernel_timespec");
      if (ofLiburing == header.equals(LIBURING_HEADER)) {
        String type = "struct " + name;
        claims.put("sizeof(" + type + ")", layoutOf(struct).byteSize());
        claims.put("_Alignof(" + type + ")", layoutOf(struct).byteAlignment());
        addFields(claims, type, "", 0, struct);
      }
    }
    assertFalse(claims.isEmpty(), header);
    return claims;
  }

  private static void addFields(
      Map<String, Long> claims, String type, String prefix, long base, Class<?> struct)
      throws Exception {
    for (Method method : struct.getDeclaredMethods()) {
      if (method.getParameterCount() == 0 && method.getName().endsWith("$offset")) {
        String field = method.getName().substring(0, method.getName().indexOf('$'));
        String path = prefix + field;
        long offset = base + (long) method.invoke(null);
        MemoryLayout layout =
            (MemoryLayout) struct.getDeclaredMethod(field + "$layout").invoke(null);
        claims.put("offsetof(%s, %s)".formatted(type, path), offset);
        // C has no size for a flexible array member.
        if (!(layout instanceof SequenceLayout sequence && sequence.elementCount() == 0)) {
          claims.put("sizeof(((%s *) 0)->%s)".formatted(type, path), layout.byteSize());
        }
        for (Class<?> nested : struct.getDeclaredClasses()) {
          if (nested.getSimpleName().equals(field)) {
            addFields(claims, type, path + ".", offset, nested);
          }
        }
      }
    }
  }

  private static List<Class<?>> structs() throws Exception {
    List<Class<?>> structs = new ArrayList<>();
    try (Stream<Path> files = Files.list(NativeTools.MODULE.resolve(GENERATED))) {
      for (Path file : files.sorted().toList()) {
        String name = file.getFileName().toString().replace(".java", "");
        if (!name.startsWith("Libc") && !name.startsWith("Liburing")) {
          structs.add(Class.forName("io.gyre.bindings." + name));
        }
      }
    }
    return structs;
  }

  private static MemoryLayout layoutOf(Class<?> struct) throws Exception {
    Method layout = struct.getDeclaredMethod("layout");
    return (MemoryLayout) layout.invoke(null);
  }

  private void compare(String header, Map<String, Long> claims) throws IOException {
    StringBuilder program = new StringBuilder();
    program
        .append("#include \"")
        .append(header)
        .append("\"\n#include <stddef.h>\n#include <stdio.h>\n");
    program.append("int main(void) {\n");
    for (String expression : claims.keySet()) {
      // Printed in 64 bits; an int of Java's is compared after the same sign extension, see below.
      program.append("  printf(\"%s\\t%lld\\n\", \"").append(expression);
      program.append("\", (long long) (").append(expression).append("));\n");
    }
    program.append("  return 0;\n}\n");
    Path source = Files.writeString(work.resolve("claims.c"), program);
    Path binary = work.resolve("claims");
    NativeTools.compile(source, binary);

    Map<String, Long> truth = new TreeMap<>();
    for (String line : NativeTools.runOrFail(List.of(binary.toString())).lines().toList()) {
      int tab = line.indexOf('\t');
      truth.put(line.substring(0, tab), Long.parseLong(line.substring(tab + 1)));
    }
    assertEquals(claims.keySet(), truth.keySet());
    List<String> wrong =
        claims.keySet().stream()
            .filter(expression -> !same(claims.get(expression), truth.get(expression)))
            .map(e -> e + " is " + truth.get(e) + " in C and " + claims.get(e) + " in Java")
            .toList();
    assertTrue(wrong.isEmpty(), () -> String.join("\n", wrong));
  }

  /** 1U << 31 is positive in C's 64 bits and negative in Java's int: the same 32 bits. */
  private static boolean same(long java, long c) {
    return java == c || (java < 0 && java == (int) c && c >>> 32 == 0);
  }
}
