package io.gyre.fs;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Reads and writes files as a whole. */
final class WholeFile {
  private static final int MAX_BYTES = Integer.MAX_VALUE - 8; // what a JVM makes arrays of
  private static final int LEAST_BYTES = 8 << 10; // for files that have content but no size

  private final CompositeFuture<?> owner;
  private final PathOperations where;

  WholeFile(CompositeFuture<?> owner, PathOperations where) {
    this.owner = owner;
    this.where = where;
  }

  CompletableFuture<byte[]> read(Path path) {
    return owner
        .step(() -> where.openFileAsync(path))
        .thenCompose(
            file ->
                CompositeFuture.andFinally(
                    owner.step(file::sizeAsync).thenCompose(size -> read(file, size)),
                    file::closeAsync));
  }

  /** What is read into, larger than what was there at first, and what has been read. */
  private static final class Content {
    private byte[] bytes;
    private int length;

    Content(int capacity) {
      bytes = new byte[capacity];
    }
  }

  private CompletableFuture<byte[]> read(AsyncFile file, long size) {
    if (size > MAX_BYTES - 1) {
      return CompletableFuture.failedFuture(tooLarge(file, size));
    }
    var content = new Content((int) Math.max(size + 1, size == 0 ? LEAST_BYTES : 0));
    return CompositeFuture.repeat(() -> readOn(file, content))
        .thenApply(nothing -> Arrays.copyOf(content.bytes, content.length));
  }

  private static FileSystemException tooLarge(AsyncFile file, long size) {
    return new FileSystemException(
        file.toString(), null, "read all: " + size + " bytes are too many for an array");
  }

  private CompletableFuture<Boolean> readOn(AsyncFile file, Content content) {
    if (content.length == content.bytes.length) { // it has grown meanwhile
      if (content.length > MAX_BYTES / 2) {
        return CompletableFuture.failedFuture(tooLarge(file, content.length));
      }
      content.bytes = Arrays.copyOf(content.bytes, 2 * content.length);
    }
    var rest =
        ByteBuffer.wrap(content.bytes, content.length, content.bytes.length - content.length);
    return owner
        .step(() -> file.readAsync(rest, content.length))
        .thenApply(
            bytes -> {
              content.length += Math.max(bytes, 0);
              return bytes > 0;
            });
  }

  static Set<OpenOption> writeOptions(OpenOption... options) {
    if (options.length == 0) {
      return Set.of(
          StandardOpenOption.CREATE,
          StandardOpenOption.TRUNCATE_EXISTING,
          StandardOpenOption.WRITE);
    }
    Set<OpenOption> set = new HashSet<>(List.of(options));
    if (set.contains(StandardOpenOption.READ)) {
      throw new IllegalArgumentException("READ is not for writing");
    }
    set.add(StandardOpenOption.WRITE);
    Opening.checkOptions(set);
    return set;
  }

  CompletableFuture<Void> write(Path path, ByteBuffer content, Set<OpenOption> options) {
    return owner
        .step(() -> where.openFileAsync(path, options))
        .thenCompose(
            file ->
                CompositeFuture.andFinally(
                    owner.step(() -> file.writeFullyAsync(content, 0)), file::closeAsync));
  }

  static String decode(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new CompletionException(e);
    }
  }

  static ByteBuffer encode(CharSequence content) {
    try {
      return StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(content));
    } catch (CharacterCodingException e) {
      throw new CompletionException(e);
    }
  }
}
