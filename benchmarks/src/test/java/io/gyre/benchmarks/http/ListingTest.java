package io.gyre.benchmarks.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.driver.DirectoryEntry;
import io.gyre.driver.FileType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Pages that list directories, and the types of files. */
final class ListingTest {
  private static DirectoryEntry entry(String name, FileType type) {
    return new DirectoryEntry(Path.of(name), type, 1);
  }

  private static String page(Listing listing) {
    return new String(listing.page("/", true), StandardCharsets.UTF_8);
  }

  @Test
  void directoriesComeFirstAndOnlyWhatCanBeAskedForIsShown() {
    var listing = new Listing();
    assertTrue(
        listing.add(
            List.of(
                entry("b", FileType.REGULAR),
                entry("z", FileType.DIRECTORY),
                entry("a", FileType.UNKNOWN),
                entry("link", FileType.SYMBOLIC_LINK),
                entry("pipe", FileType.FIFO),
                entry(".hidden", FileType.REGULAR)),
            ServeOptions.DEFAULT));
    var page = page(listing);
    assertTrue(page.indexOf(">z/<") < page.indexOf(">a<"), page);
    assertTrue(page.indexOf(">a<") < page.indexOf(">b<"), page);
    assertFalse(page.matches("(?s).*(link|pipe|hidden).*"), page);
  }

  @Test
  void aDirectoryOfManyIsCut() {
    var listing = new Listing();
    var entries =
        IntStream.range(0, Listing.MAX_ENTRIES + 1)
            .mapToObj(i -> entry("f" + i, FileType.REGULAR))
            .toList();
    assertTrue(listing.add(entries.subList(0, Listing.MAX_ENTRIES), ServeOptions.DEFAULT));
    assertFalse(page(listing).contains("entries only"));
    assertFalse(
        listing.add(entries.subList(Listing.MAX_ENTRIES, entries.size()), ServeOptions.DEFAULT));
    assertTrue(page(listing).contains("The first 10000 entries only"));
  }

  @Test
  void aDirectoryOfManyThatAreHiddenIsNotReadToItsEnd() {
    var listing = new Listing();
    var hidden = Collections.nCopies(100_000, entry(".f", FileType.REGULAR));
    for (int i = 0; i < 10; i++) {
      assertTrue(listing.add(hidden, ServeOptions.DEFAULT));
    }
    assertFalse(listing.add(hidden, ServeOptions.DEFAULT));
  }

  @ParameterizedTest
  @CsvSource({
    "a.html,text/html; charset=utf-8",
    "a.b.CSS,text/css; charset=utf-8",
    "a.json,application/json",
    "a.png,image/png",
    "a,application/octet-stream",
    ".html,application/octet-stream",
    "a.,application/octet-stream",
    "a.unheard-of,application/octet-stream"
  })
  void typesGoByTheExtension(String name, String type) {
    assertEquals(type, MediaTypes.of(Path.of(name)));
  }
}
