package io.gyre.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The compiler and the headers that the bindings are held against. Without them a test fails: it
 * never skips.
 */
final class NativeTools {
  static final Path MODULE = Path.of(System.getProperty("basedir", "")).toAbsolutePath();
  static final Path JEXTRACT = MODULE.resolve("jextract");

  private static final Path DEFAULT_HEADERS = MODULE.resolve("target/liburing-headers");
  private static final String TRIPLET =
      Platform.cpu() == Platform.Cpu.AARCH64 ? "aarch64-linux-gnu" : "x86_64-linux-gnu";

  private NativeTools() {}

  /** The folder that fetch-headers.sh fills, which this makes sure of. */
  static Path headers() {
    String given = System.getenv("GYRE_HEADERS");
    Path headers = given == null ? DEFAULT_HEADERS : Path.of(given).toAbsolutePath();
    runOrFail(List.of(JEXTRACT.resolve("fetch-headers.sh").toString(), headers.toString()));
    return headers;
  }

  static Path liburingOfTheHeaders() {
    return headers().resolve("usr/lib").resolve(TRIPLET).resolve("liburing.so.2");
  }

  /** gcc with the headers that the bindings were generated from, in the same order. */
  static void compile(Path source, Path out, String... options) {
    Path headers = headers();
    List<String> command =
        new ArrayList<>(List.of("gcc", "-std=gnu17", "-w", "-I", JEXTRACT.toString()));
    for (String include : List.of("usr/include", "libc/usr/include")) {
      command.addAll(List.of("-I", headers.resolve(include).toString()));
      command.addAll(List.of("-I", headers.resolve(include).resolve(TRIPLET).toString()));
    }
    command.addAll(List.of(options));
    command.addAll(List.of("-o", out.toString(), source.toString()));
    runOrFail(command);
  }

  /** Standard output and error of a command that is to succeed. */
  static String runOrFail(List<String> command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(1, TimeUnit.MINUTES)) {
        process.destroyForcibly();
        fail(command.get(0) + " closed its output but did not end");
      }
      assertEquals(0, process.exitValue(), () -> String.join(" ", command) + "\n" + output);
      return output;
    } catch (IOException e) {
      return fail(command.get(0) + " cannot be run, and this test needs it: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return fail(e);
    }
  }
}
