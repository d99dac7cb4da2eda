package io.gyre.benchmarks.http;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** What a file's name says of its content. */
final class MediaTypes {
  static final String DEFAULT = "application/octet-stream";
  static final String HTML = "text/html; charset=utf-8";
  static final String PLAIN = "text/plain; charset=utf-8";

  private static final Map<String, String> BY_EXTENSION = new HashMap<>();

  static {
    text("text/html", "html", "htm");
    text("text/css", "css");
    text("text/javascript", "js", "mjs");
    text("text/csv", "csv");
    text("text/markdown", "md");
    text("text/calendar", "ics");
    text("text/xml", "xml");
    text("text/plain", "txt", "log", "text", "c", "h", "java", "py", "sh", "toml", "yaml", "yml");
    as("application/json", "json", "map");
    as("application/ld+json", "jsonld");
    as("application/manifest+json", "webmanifest");
    as("application/xhtml+xml", "xhtml");
    as("application/atom+xml", "atom");
    as("application/rss+xml", "rss");
    as("application/pdf", "pdf");
    as("application/wasm", "wasm");
    as("application/zip", "zip");
    as("application/gzip", "gz", "tgz");
    as("application/zstd", "zst");
    as("application/x-bzip2", "bz2");
    as("application/x-xz", "xz");
    as("application/x-tar", "tar");
    as("application/x-7z-compressed", "7z");
    as("application/java-archive", "jar");
    as("application/rtf", "rtf");
    as("application/epub+zip", "epub");
    as("application/vnd.oasis.opendocument.text", "odt");
    as("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx");
    as("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx");
    as("image/png", "png");
    as("image/jpeg", "jpg", "jpeg");
    as("image/gif", "gif");
    as("image/webp", "webp");
    as("image/avif", "avif");
    as("image/svg+xml", "svg");
    as("image/bmp", "bmp");
    as("image/tiff", "tif", "tiff");
    as("image/x-icon", "ico");
    as("font/woff", "woff");
    as("font/woff2", "woff2");
    as("font/ttf", "ttf");
    as("font/otf", "otf");
    as("audio/mpeg", "mp3");
    as("audio/ogg", "ogg", "oga", "opus");
    as("audio/wav", "wav");
    as("audio/flac", "flac");
    as("audio/aac", "aac");
    as("audio/mp4", "m4a");
    as("video/mp4", "mp4", "m4v");
    as("video/webm", "webm");
    as("video/ogg", "ogv");
    as("video/quicktime", "mov");
    as("video/x-matroska", "mkv");
  }

  private MediaTypes() {}

  private static void text(String type, String... extensions) {
    as(type + "; charset=utf-8", extensions);
  }

  private static void as(String type, String... extensions) {
    for (var extension : extensions) {
      BY_EXTENSION.put(extension, type);
    }
  }

  static String of(Path name) {
    var text = name.toString();
    int dot = text.lastIndexOf('.');
    return dot <= 0
        ? DEFAULT
        : BY_EXTENSION.getOrDefault(text.substring(dot + 1).toLowerCase(Locale.ROOT), DEFAULT);
  }
}
