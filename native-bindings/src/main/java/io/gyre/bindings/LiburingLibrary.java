package io.gyre.bindings;

import io.gyre.bindings.Platform.Cpu;
import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds liburing's shared object and loads it, once.
 *
 * <p>{@code -Dgyre.liburing=PATH} names the file; without it {@code liburing.so.2} is looked for
 * where distributions put it, after the folders of {@code LD_LIBRARY_PATH}. The file stays loaded
 * for the life of this class's loader.
 *
 * <p>Version 2.3 is the oldest that will do: it is the first to export {@code io_uring_enter2}.
 * What is newer in the kernel is reached through the plain system calls that it exports.
 */
public final class LiburingLibrary {
  /** The system property that names the shared object to load: {@value}. */
  public static final String PATH_PROPERTY = "gyre.liburing";

  private static final String SONAME = "liburing.so.2";
  private static final String NEEDED_SYMBOL = "io_uring_enter2";
  private static final String REMEDY =
      "install it (apt-get install liburing2) or name the file with -D" + PATH_PROPERTY + "=PATH";
  private static final Pattern VERSION_IN_NAME = Pattern.compile("liburing\\.so\\.(\\d+\\.\\d+).*");

  private static Loaded loaded;
  private static String failure;

  private LiburingLibrary() {}

  /**
   * What was loaded.
   *
   * @param path the shared object, symbolic links resolved
   * @param version such as "2.9": the library's own word from 2.4 on, its file's name before that,
   *     or "unknown"
   */
  public record Loaded(Path path, String version) {}

  /** Where to look and what for; the JVM's own situation, or a test's. */
  record Search(String osName, Cpu cpu, String override, String ldLibraryPath) {
    static Search ofThisJvm() {
      return new Search(
          System.getProperty("os.name"),
          Platform.cpu(),
          System.getProperty(PATH_PROPERTY),
          System.getenv("LD_LIBRARY_PATH"));
    }
  }

  /**
   * Loads liburing if that has not been done, so that the functions of {@code Liburing} can be
   * called.
   *
   * @return what is loaded; the same at every call
   * @throws UnsatisfiedLinkError if it cannot be had. The message is one sentence that says what
   *     was looked for, where, and what to do. Every later call fails in the same way: nothing is
   *     looked for twice.
   */
  public static synchronized Loaded load() {
    if (loaded == null && failure == null) {
      try {
        loaded = load(Search.ofThisJvm());
      } catch (UnsatisfiedLinkError e) {
        failure = e.getMessage();
      }
    }
    if (failure != null) {
      throw new UnsatisfiedLinkError(failure);
    }
    return loaded;
  }

  static Loaded load(Search search) {
    // Before anything native: this is how other systems learn that io_uring is not for them.
    if (!search.osName().equals("Linux")) {
      throw new UnsatisfiedLinkError(
          "liburing was not looked for: io_uring is Linux's, and this is " + search.osName());
    }
    if (search.cpu() == Cpu.OTHER) {
      throw new UnsatisfiedLinkError(
          "liburing was not looked for: the bindings are for x86_64 and aarch64, and this CPU is "
              + System.getProperty("os.arch"));
    }
    try {
      return search.override() == null ? loadFirstUsable(search) : loadOverride(search.override());
    } catch (IllegalCallerException e) {
      // --illegal-native-access=deny, without the permission
      Module module = LiburingLibrary.class.getModule();
      throw new UnsatisfiedLinkError(
          "liburing was not loaded because Java denies native access: start it with"
              + " --enable-native-access="
              + (module.isNamed() ? module.getName() : "ALL-UNNAMED"));
    }
  }

  private static Loaded loadOverride(String override) {
    Path path;
    try {
      path = Path.of(override).toAbsolutePath();
    } catch (InvalidPathException e) {
      throw overrideError(override, "which is not a path: " + e.getReason());
    }
    if (!Files.isRegularFile(path)) {
      throw overrideError(override, "which is not a file");
    }
    String reason = tryLoad(path);
    if (reason != null) {
      throw overrideError(override, "which " + reason);
    }
    return describe(path);
  }

  private static UnsatisfiedLinkError overrideError(String override, String what) {
    return new UnsatisfiedLinkError(
        "liburing was not loaded: -D%s names %s, %s; name another file or leave the property out"
            .formatted(PATH_PROPERTY, override, what));
  }

  private static Loaded loadFirstUsable(Search search) {
    Set<Path> folders = folders(search);
    List<String> unusable = new ArrayList<>();
    for (Path folder : folders) {
      Path path = folder.resolve(SONAME);
      if (Files.isRegularFile(path)) {
        String reason = tryLoad(path);
        if (reason == null) {
          return describe(path);
        }
        unusable.add(path + " " + reason);
      }
    }
    String found = unusable.isEmpty() ? "" : " (" + String.join("; ", unusable) + ")";
    throw new UnsatisfiedLinkError(
        "no usable %s was found in %s%s: %s"
            .formatted(
                SONAME,
                String.join(", ", folders.stream().map(Path::toString).toList()),
                found,
                REMEDY));
  }

  /**
   * In the order of the dynamic linker: its variable, what the administrator built, what the
   * distribution has.
   */
  static Set<Path> folders(Search search) {
    Set<Path> folders = new LinkedHashSet<>();
    if (search.ldLibraryPath() != null) {
      for (String entry : search.ldLibraryPath().split(File.pathSeparator, -1)) {
        // An empty entry means the working directory to the linker: no place to trust with code.
        if (!entry.isEmpty()) {
          folders.add(Path.of(entry).toAbsolutePath());
        }
      }
    }
    String multiarch = search.cpu() == Cpu.AARCH64 ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
    for (String root : List.of("/usr/local/lib", "/usr/lib", "/lib")) {
      folders.add(Path.of(root, multiarch)); // Debian, Ubuntu
      folders.add(Path.of(root + "64")); // Fedora, SUSE
      folders.add(Path.of(root)); // Alpine, Arch
    }
    return folders;
  }

  /**
   * Loads {@code path} into this class's loader, where the generated code looks its symbols up.
   *
   * @return null, or why it is not usable, as the rest of a sentence
   */
  private static String tryLoad(Path path) {
    // Looked at before System.load, which cannot be undone: a library that is too old must not
    // shadow a good one.
    try (Arena arena = Arena.ofConfined()) {
      if (SymbolLookup.libraryLookup(path, arena).find(NEEDED_SYMBOL).isEmpty()) {
        return "does not export %s, which liburing has since 2.3".formatted(NEEDED_SYMBOL);
      }
    } catch (IllegalArgumentException e) {
      // Not a library for this process. The reason is not in e, but it is in what System.load
      // throws.
    }
    try {
      System.load(path.toString());
      return null;
    } catch (UnsatisfiedLinkError e) {
      return "cannot be loaded: " + e.getMessage();
    }
  }

  private static Loaded describe(Path path) {
    Path real;
    try {
      real = path.toRealPath();
    } catch (IOException e) {
      real = path; // it was just loaded: whatever became of the file since, this is its name
    }
    return new Loaded(real, version(real));
  }

  private static String version(Path real) {
    SymbolLookup symbols = SymbolLookup.loaderLookup();
    if (symbols.find("io_uring_major_version").isPresent()
        && symbols.find("io_uring_minor_version").isPresent()) {
      return Liburing.io_uring_major_version() + "." + Liburing.io_uring_minor_version();
    }
    Matcher name = VERSION_IN_NAME.matcher(real.getFileName().toString());
    return name.matches() ? name.group(1) : "unknown";
  }
}
