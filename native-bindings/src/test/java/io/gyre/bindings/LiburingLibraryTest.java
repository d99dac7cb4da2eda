package io.gyre.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.bindings.LiburingLibrary.Loaded;
import io.gyre.bindings.LiburingLibrary.Search;
import io.gyre.bindings.Platform.Cpu;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LiburingLibraryTest {
  @TempDir private Path folder;

  @Test
  void systemsLibraryIsLoadedOnceAndItsFunctionsCanBeCalled() {
    Loaded first = LiburingLibrary.load();

    assertTrue(Files.isRegularFile(first.path()), first::toString);
    assertTrue(first.version().matches("2\\.\\d+"), first::toString);
    assertSame(first, LiburingLibrary.load());

    // Asking for a ring of no entries is refused before anything is made, wherever io_uring is
    // available or not.
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment params = io_uring_params.allocate(arena);
      assertTrue(Liburing.io_uring_setup(0, params) < 0);
    }
  }

  @Test
  void propertyNamesTheLibraryAndTheLibraryNamesItsVersion() {
    // A JVM of its own: this one has, or will have, the system's library loaded.
    Path library = NativeTools.liburingOfTheHeaders();
    String output = child("-D" + LiburingLibrary.PATH_PROPERTY + "=" + library);

    String version = Liburing.IO_URING_VERSION_MAJOR() + "." + Liburing.IO_URING_VERSION_MINOR();
    assertTrue(output.contains("version=" + version + "]"), output);
    assertTrue(output.contains("path=" + library.getParent()), output);
  }

  @Test
  void laterCallsFailAsTheFirstDid() {
    String output = child("-D" + LiburingLibrary.PATH_PROPERTY + "=/nowhere/liburing.so.2");

    String sentence =
        "liburing was not loaded: -Dgyre.liburing names /nowhere/liburing.so.2, which is not a"
            + " file; name another file or leave the property out";
    assertEquals(List.of(sentence, sentence), output.lines().toList());
  }

  @Test
  void deniedNativeAccessIsSaidSo() {
    String output = child("--illegal-native-access=deny");
    assertTrue(output.contains("start it with --enable-native-access=ALL-UNNAMED"), output);
  }

  @Test
  void fileThatIsNoLibraryIsRefusedWithTheLinkersReason() throws IOException {
    Path file = Files.writeString(folder.resolve("liburing.so.2"), "not a library");
    String message = failureOf(new Search("Linux", Platform.cpu(), file.toString(), null));
    assertTrue(message.contains(file + ", which cannot be loaded: "), message);
  }

  @Test
  void libraryThatIsTooOldIsRefused() throws IOException {
    Path source =
        Files.writeString(folder.resolve("old.c"), "int io_uring_enter(void) { return 0; }");
    Path library = folder.resolve("liburing.so.2");
    NativeTools.compile(source, library, "-shared", "-fPIC");

    String message = failureOf(new Search("Linux", Platform.cpu(), library.toString(), null));
    assertTrue(
        message.contains(", which does not export io_uring_enter2, which liburing has since 2.3;"),
        message);
  }

  @Test
  void otherSystemsAndCpusAreToldSoBeforeAnythingIsLookedFor() {
    String onMac = failureOf(new Search("Mac OS X", Cpu.AARCH64, "/nowhere", null));
    assertEquals("liburing was not looked for: io_uring is Linux's, and this is Mac OS X", onMac);
    String onRiscv = failureOf(new Search("Linux", Cpu.OTHER, "/nowhere", null));
    assertTrue(
        onRiscv.startsWith("liburing was not looked for: the bindings are for x86_64"), onRiscv);
  }

  @Test
  void foldersAreThoseOfTheCpuAfterLdLibraryPath() {
    List<String> folders =
        LiburingLibrary.folders(new Search("Linux", Cpu.AARCH64, null, "/a::/b")).stream()
            .map(Path::toString)
            .toList();
    assertEquals(List.of("/a", "/b", "/usr/local/lib/aarch64-linux-gnu"), folders.subList(0, 3));
    assertTrue(
        folders.containsAll(List.of("/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib")));
    assertTrue(folders.stream().noneMatch(f -> f.contains("x86_64")), folders::toString);
  }

  private static String failureOf(Search search) {
    return assertThrows(UnsatisfiedLinkError.class, () -> LiburingLibrary.load(search))
        .getMessage();
  }

  private static String child(String option) {
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    String access =
        option.contains("native-access") ? "-Dnone" : "--enable-native-access=ALL-UNNAMED";
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return NativeTools.runOrFail(
        List.of(java.toString(), access, option, "-cp", classPath, Child.class.getName()));
  }

  /** Prints what two calls of {@code load()} come to. */
  static final class Child {
    private Child() {}

    public static void main(String[] args) {
      for (int i = 0; i < 2; i++) {
        try {
          System.out.println(LiburingLibrary.load());
        } catch (UnsatisfiedLinkError e) {
          System.out.println(e.getMessage());
        }
      }
    }
  }
}
