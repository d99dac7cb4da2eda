package io.gyre.benchmarks.http;

import io.gyre.driver.DirectoryEntry;
import io.gyre.driver.FileType;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** A directory as a page: what can be asked for, directories first. */
final class Listing {
  /** How many entries are shown at most, so that a directory of millions does no harm. */
  static final int MAX_ENTRIES = 10_000;

  /** How many are looked at: most may be hidden. */
  private static final int MAX_SEEN = 100 * MAX_ENTRIES;

  private static final int SMALL = 100;

  private final List<Line> lines = new ArrayList<>();
  private int seen;
  private boolean isCut;

  /** What is shown of an entry. */
  private record Line(boolean isDirectory, String text, String reference) {}

  private static final Comparator<Line> ORDER =
      Comparator.comparing((Line line) -> !line.isDirectory).thenComparing(Line::text);

  /** Takes further entries; whether there is room for more. */
  boolean add(List<DirectoryEntry> entries, ServeOptions options) {
    seen += entries.size();
    if (seen > MAX_SEEN) {
      isCut = true;
      return false;
    }
    for (var entry : entries) {
      if (isShown(entry, options)) {
        if (lines.size() == MAX_ENTRIES) {
          isCut = true;
          return false;
        }
        var name = RequestPath.bytes(entry.name());
        var slash = entry.type() == FileType.DIRECTORY ? "/" : "";
        lines.add(
            new Line(
                !slash.isEmpty(),
                new String(name, StandardCharsets.UTF_8) + slash,
                "./" + RequestPath.encode(name) + slash));
      }
    }
    return true;
  }

  private static boolean isShown(DirectoryEntry entry, ServeOptions options) {
    if (!options.hiddenFiles() && entry.name().toString().startsWith(".")) {
      return false;
    }
    return switch (entry.type()) {
      case REGULAR, DIRECTORY, UNKNOWN -> true;
      case SYMBOLIC_LINK -> options.followLinks();
      default -> false;
    };
  }

  /** Whether the page is made in less time than it takes to have it made elsewhere. */
  boolean isSmall() {
    return lines.size() <= SMALL;
  }

  /** The page. */
  byte[] page(String title, boolean isRoot) {
    lines.sort(ORDER);
    var heading = escape(title);
    var page = new StringBuilder(256 + 96 * lines.size());
    page.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>")
        .append(heading)
        .append("</title>\n</head>\n<body>\n<h1>")
        .append(heading)
        .append("</h1>\n<ul>\n");
    if (!isRoot) {
      page.append("<li><a href=\"../\">../</a></li>\n");
    }
    for (var line : lines) {
      page.append("<li><a href=\"")
          .append(escape(line.reference))
          .append("\">")
          .append(escape(line.text))
          .append("</a></li>\n");
    }
    page.append("</ul>\n");
    if (isCut) {
      page.append("<p>The first ").append(MAX_ENTRIES).append(" entries only.</p>\n");
    }
    return page.append("</body>\n</html>\n").toString().getBytes(StandardCharsets.UTF_8);
  }

  /** For text, and for what stands between double quotes. */
  static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;")
        .replace("'", "&#39;");
  }
}
