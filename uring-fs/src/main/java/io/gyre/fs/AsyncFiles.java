package io.gyre.fs;

import io.gyre.EventLoop;
import io.gyre.IoRuntime;
import io.gyre.driver.Descriptor;
import io.gyre.driver.DirectoryEntry;
import io.gyre.driver.Futures;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.CompletionHandler;
import java.nio.channels.ShutdownChannelGroupException;
import java.nio.file.CopyOption;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/**
 * The file system by plain paths: {@link java.nio.file.Files} in the three styles of {@link PathOperations}, under the
 * names that it has there. Relative paths are relative to the working directory.
 *
 * <p>What takes several operations is not atomic, but for {@link #replace(Path, ByteBuffer, ReplaceOption...)}; cancelling
 * its future ends it after the operation that is under way.
 */
public final class AsyncFiles extends PathOperations {
  private AsyncFiles(EventLoop loop) {
    super(loop);
  }

  /**
   * The file system, on one of a runtime's loops. Holds nothing, and so need not be kept or closed.
   *
   * @param runtime on whose {@link IoRuntime#loop()} operations will run
   * @return a new object
   */
  public static AsyncFiles of(IoRuntime runtime) {
    return new AsyncFiles(runtime.loop());
  }

  /**
   * The file system, on a chosen loop.
   *
   * @param loop on which operations will run
   * @return a new object
   */
  public static AsyncFiles of(EventLoop loop) {
    return new AsyncFiles(loop);
  }

  @Override
  Descriptor base() {
    return null;
  }

  @Override
  Path resolve(Path path) {
    return path;
  }

  // ---- names

  /**
   * Creates a directory, and those that it is in, as far as there are none.
   *
   * @param path the directory
   * @param attachment given to the handler
   * @param handler called on the loop's thread with null
   * @param attributes of what is created: {@code posix:permissions}, less the process's umask
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void createDirectories(
      Path path,
      A attachment,
      CompletionHandler<Void, ? super A> handler,
      FileAttribute<?>... attributes) {
    CompositeFuture.tell(
        loop(), () -> createDirectoriesAsync(path, attributes), attachment, handler);
  }

  /**
   * Creates a directory, and those that it is in, as far as there are none.
   *
   * @param path the directory
   * @param attributes of what is created: {@code posix:permissions}, less the process's umask
   * @return completes when it is done
   */
  public CompletableFuture<Void> createDirectoriesAsync(Path path, FileAttribute<?>... attributes) {
    check(path);
    Opening.permissions(attributes); // refuses what can't be set
    return CompositeFuture.start(
        loop(), owner -> new PathSequences(owner, this).createDirectories(path, attributes));
  }

  /**
   * Creates a directory, and those that it is in, as far as there are none, and waits.
   *
   * @param path the directory
   * @param attributes of what is created: {@code posix:permissions}, less the process's umask
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public void createDirectories(Path path, FileAttribute<?>... attributes) throws IOException {
    Futures.requireMayWait();
    Futures.await(createDirectoriesAsync(path, attributes));
  }

  /**
   * Removes a file, a symbolic link, or an empty directory, if there is one.
   *
   * @param path what to remove
   * @param attachment given to the handler
   * @param handler called on the loop's thread with whether there was one
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void deleteIfExists(
      Path path, A attachment, CompletionHandler<Boolean, ? super A> handler) {
    CompositeFuture.tell(loop(), () -> deleteIfExistsAsync(path), attachment, handler);
  }

  /**
   * Removes a file, a symbolic link, or an empty directory, if there is one.
   *
   * @param path what to remove
   * @return completes with whether there was one
   */
  public CompletableFuture<Boolean> deleteIfExistsAsync(Path path) {
    check(path);
    return CompositeFuture.start(
        loop(), owner -> new PathSequences(owner, this).deleteIfExists(path));
  }

  /**
   * Removes a file, a symbolic link, or an empty directory, if there is one, and waits.
   *
   * @param path what to remove
   * @return whether there was one
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public boolean deleteIfExists(Path path) throws IOException {
    Futures.requireMayWait();
    return Futures.await(deleteIfExistsAsync(path));
  }

  /**
   * Asks whether there is something; false also where that can't be told.
   *
   * @param path the file
   * @param attachment given to the handler
   * @param handler called on the loop's thread with whether there is
   * @param options NOFOLLOW_LINKS to count a symbolic link that leads nowhere
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void exists(
      Path path,
      A attachment,
      CompletionHandler<Boolean, ? super A> handler,
      LinkOption... options) {
    CompositeFuture.tell(loop(), () -> existsAsync(path, options), attachment, handler);
  }

  /**
   * Asks whether there is something; false also where that can't be told.
   *
   * @param path the file
   * @param options NOFOLLOW_LINKS to count a symbolic link that leads nowhere
   * @return completes with whether there is
   */
  public CompletableFuture<Boolean> existsAsync(Path path, LinkOption... options) {
    check(path);
    Objects.requireNonNull(options, "options");
    return CompositeFuture.start(
        loop(), owner -> new PathSequences(owner, this).exists(path, options));
  }

  /**
   * Asks whether there is something; false also where that can't be told, and waits.
   *
   * @param path the file
   * @param options NOFOLLOW_LINKS to count a symbolic link that leads nowhere
   * @return whether there is
   * @throws IOException never, but for an interrupt
   * @throws IllegalStateException on a loop's thread
   */
  public boolean exists(Path path, LinkOption... options) throws IOException {
    Futures.requireMayWait();
    return Futures.await(existsAsync(path, options));
  }

  /**
   * Asks for a file's size.
   *
   * @param path the file
   * @param attachment given to the handler
   * @param handler called on the loop's thread with its size in bytes
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void size(Path path, A attachment, CompletionHandler<Long, ? super A> handler) {
    CompositeFuture.tell(loop(), () -> sizeAsync(path), attachment, handler);
  }

  /**
   * Asks for a file's size.
   *
   * @param path the file
   * @return completes with its size in bytes
   */
  public CompletableFuture<Long> sizeAsync(Path path) {
    check(path);
    return CompositeFuture.start(
        loop(), owner -> owner.step(() -> statusAsync(path)).thenApply(status -> status.size()));
  }

  /**
   * Asks for a file's size, and waits.
   *
   * @param path the file
   * @return its size in bytes
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public long size(Path path) throws IOException {
    Futures.requireMayWait();
    return Futures.await(sizeAsync(path));
  }

  /**
   * Reads all entries of a directory.
   *
   * <p>{@link AsyncDirectory#nextEntriesAsync()} gives them in parts.
   *
   * @param path the directory
   * @param attachment given to the handler
   * @param handler called on the loop's thread with the entries, without {@code .} and {@code ..}
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void list(
      Path path, A attachment, CompletionHandler<List<DirectoryEntry>, ? super A> handler) {
    CompositeFuture.tell(loop(), () -> listAsync(path), attachment, handler);
  }

  /**
   * Reads all entries of a directory.
   *
   * @param path the directory
   * @return completes with the entries, without {@code .} and {@code ..}
   */
  public CompletableFuture<List<DirectoryEntry>> listAsync(Path path) {
    check(path);
    return CompositeFuture.start(loop(), owner -> new PathSequences(owner, this).list(path));
  }

  /**
   * Reads all entries of a directory, and waits.
   *
   * @param path the directory
   * @return the entries, without {@code .} and {@code ..}
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public List<DirectoryEntry> list(Path path) throws IOException {
    Futures.requireMayWait();
    return Futures.await(listAsync(path));
  }

  /**
   * Creates an empty file of a name that is new.
   *
   * @param directory where; null for the directory of temporary files, {@code java.io.tmpdir}
   * @param prefix what the name begins with, or null
   * @param suffix what it ends with, or null for {@code .tmp}
   * @param attachment given to the handler
   * @param handler called on the loop's thread with its path
   * @param attributes {@code posix:permissions}; by default only the owner may read and write it
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void createTempFile(
      Path directory,
      String prefix,
      String suffix,
      A attachment,
      CompletionHandler<Path, ? super A> handler,
      FileAttribute<?>... attributes) {
    CompositeFuture.tell(
        loop(),
        () -> createTempFileAsync(directory, prefix, suffix, attributes),
        attachment,
        handler);
  }

  /**
   * Creates an empty file of a name that is new.
   *
   * @param directory where; null for the directory of temporary files, {@code java.io.tmpdir}
   * @param prefix what the name begins with, or null
   * @param suffix what it ends with, or null for {@code .tmp}
   * @param attributes {@code posix:permissions}; by default only the owner may read and write it
   * @return completes with its path
   */
  public CompletableFuture<Path> createTempFileAsync(
      Path directory, String prefix, String suffix, FileAttribute<?>... attributes) {
    TemporaryNames.check(directory, prefix, suffix, attributes);
    return CompositeFuture.start(
        loop(),
        owner -> new TemporaryNames(owner, this).createFile(directory, prefix, suffix, attributes));
  }

  /**
   * Creates an empty file of a name that is new, and waits.
   *
   * @param directory where; null for the directory of temporary files, {@code java.io.tmpdir}
   * @param prefix what the name begins with, or null
   * @param suffix what it ends with, or null for {@code .tmp}
   * @param attributes {@code posix:permissions}; by default only the owner may read and write it
   * @return its path
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public Path createTempFile(
      Path directory, String prefix, String suffix, FileAttribute<?>... attributes)
      throws IOException {
    Futures.requireMayWait();
    return Futures.await(createTempFileAsync(directory, prefix, suffix, attributes));
  }

  /**
   * Creates a directory of a name that is new.
   *
   * @param directory where; null for the directory of temporary files, {@code java.io.tmpdir}
   * @param prefix what the name begins with, or null
   * @param attachment given to the handler
   * @param handler called on the loop's thread with its path
   * @param attributes {@code posix:permissions}; by default only the owner may use it
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void createTempDirectory(
      Path directory,
      String prefix,
      A attachment,
      CompletionHandler<Path, ? super A> handler,
      FileAttribute<?>... attributes) {
    CompositeFuture.tell(
        loop(), () -> createTempDirectoryAsync(directory, prefix, attributes), attachment, handler);
  }

  /**
   * Creates a directory of a name that is new.
   *
   * @param directory where; null for the directory of temporary files, {@code java.io.tmpdir}
   * @param prefix what the name begins with, or null
   * @param attributes {@code posix:permissions}; by default only the owner may use it
   * @return completes with its path
   */
  public CompletableFuture<Path> createTempDirectoryAsync(
      Path directory, String prefix, FileAttribute<?>... attributes) {
    TemporaryNames.check(directory, prefix, null, attributes);
    return CompositeFuture.start(
        loop(),
        owner -> new TemporaryNames(owner, this).createDirectory(directory, prefix, attributes));
  }

  /**
   * Creates a directory of a name that is new, and waits.
   *
   * @param directory where; null for the directory of temporary files, {@code java.io.tmpdir}
   * @param prefix what the name begins with, or null
   * @param attributes {@code posix:permissions}; by default only the owner may use it
   * @return its path
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public Path createTempDirectory(Path directory, String prefix, FileAttribute<?>... attributes)
      throws IOException {
    Futures.requireMayWait();
    return Futures.await(createTempDirectoryAsync(directory, prefix, attributes));
  }

  // ---- copies and moves

  /**
   * Copies a file, or makes a directory like another, without what is in it.
   *
   * <p>Otherwise as {@link FileTree#copy(Path, Path, TreeOptions, TreeProgress, CopyOption...)}, which copies what is in
   * directories as well.
   *
   * @param source what to copy; a symbolic link is followed unless NOFOLLOW_LINKS is given
   * @param target what shall be the copy
   * @param attachment given to the handler
   * @param handler called on the loop's thread with null
   * @param options REPLACE_EXISTING, COPY_ATTRIBUTES, NOFOLLOW_LINKS, or none
   * @param <A> the attachment's type
   * @throws UnsupportedOperationException for another option
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void copy(
      Path source,
      Path target,
      A attachment,
      CompletionHandler<Void, ? super A> handler,
      CopyOption... options) {
    CompositeFuture.tell(loop(), () -> copyAsync(source, target, options), attachment, handler);
  }

  /**
   * Copies a file, or makes a directory like another, without what is in it.
   *
   * @param source what to copy; a symbolic link is followed unless NOFOLLOW_LINKS is given
   * @param target what shall be the copy
   * @param options REPLACE_EXISTING, COPY_ATTRIBUTES, NOFOLLOW_LINKS, or none
   * @return completes when it is done
   * @throws UnsupportedOperationException for another option
   */
  public CompletableFuture<Void> copyAsync(Path source, Path target, CopyOption... options) {
    check(source);
    check(target);
    boolean links = List.of(options).contains(LinkOption.NOFOLLOW_LINKS);
    var how = TreeOptions.DEFAULT.withParallelism(1).withMaxDepth(0);
    return FileTree.on(loop())
        .copyEntry(source, target, links ? how : how.followingLinks(), options);
  }

  /**
   * Copies a file, or makes a directory like another, without what is in it, and waits.
   *
   * @param source what to copy; a symbolic link is followed unless NOFOLLOW_LINKS is given
   * @param target what shall be the copy
   * @param options REPLACE_EXISTING, COPY_ATTRIBUTES, NOFOLLOW_LINKS, or none
   * @throws UnsupportedOperationException for another option
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public void copy(Path source, Path target, CopyOption... options) throws IOException {
    Futures.requireMayWait();
    Futures.await(copyAsync(source, target, options));
  }

  /**
   * Moves or renames a file or directory.
   *
   * <p>To another file system it is copied, with its attributes and all that is in it, and removed once the copy is durable,
   * in steps of which any may fail; with ATOMIC_MOVE it is an {@link java.nio.file.AtomicMoveNotSupportedException} instead. What takes
   * the place of something must be of the same kind: a directory that of an empty directory, anything else that of a
   * file.
   *
   * @param source the present name; a symbolic link is not followed
   * @param target the new name
   * @param attachment given to the handler
   * @param handler called on the loop's thread with null
   * @param options REPLACE_EXISTING, ATOMIC_MOVE, which replaces as well, or none
   * @param <A> the attachment's type
   * @throws UnsupportedOperationException for another option
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void move(
      Path source,
      Path target,
      A attachment,
      CompletionHandler<Void, ? super A> handler,
      CopyOption... options) {
    CompositeFuture.tell(loop(), () -> moveAsync(source, target, options), attachment, handler);
  }

  /**
   * Moves or renames a file or directory.
   *
   * @param source the present name; a symbolic link is not followed
   * @param target the new name
   * @param options REPLACE_EXISTING, ATOMIC_MOVE, which replaces as well, or none
   * @return completes when it is done
   * @throws UnsupportedOperationException for another option
   */
  public CompletableFuture<Void> moveAsync(Path source, Path target, CopyOption... options) {
    check(source);
    check(target);
    PathMove.checkOptions(options);
    return CompositeFuture.start(
        loop(), owner -> new PathMove(owner, this, source, target, options).start());
  }

  /**
   * Moves or renames a file or directory, and waits.
   *
   * @param source the present name; a symbolic link is not followed
   * @param target the new name
   * @param options REPLACE_EXISTING, ATOMIC_MOVE, which replaces as well, or none
   * @throws UnsupportedOperationException for another option
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public void move(Path source, Path target, CopyOption... options) throws IOException {
    Futures.requireMayWait();
    Futures.await(moveAsync(source, target, options));
  }

  // ---- whole files

  /**
   * Reads a whole file.
   *
   * <p>One that is too large for an array is a {@link java.nio.file.FileSystemException}.
   *
   * @param path the file
   * @param attachment given to the handler
   * @param handler called on the loop's thread with its content
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void readAllBytes(
      Path path, A attachment, CompletionHandler<byte[], ? super A> handler) {
    CompositeFuture.tell(loop(), () -> readAllBytesAsync(path), attachment, handler);
  }

  /**
   * Reads a whole file.
   *
   * @param path the file
   * @return completes with its content
   */
  public CompletableFuture<byte[]> readAllBytesAsync(Path path) {
    check(path);
    return CompositeFuture.start(loop(), owner -> new WholeFile(owner, this).read(path));
  }

  /**
   * Reads a whole file, and waits.
   *
   * @param path the file
   * @return its content
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public byte[] readAllBytes(Path path) throws IOException {
    Futures.requireMayWait();
    return Futures.await(readAllBytesAsync(path));
  }

  /**
   * Reads a whole file of UTF-8.
   *
   * <p>What is no UTF-8 is a {@link java.nio.charset.CharacterCodingException}.
   *
   * @param path the file
   * @param attachment given to the handler
   * @param handler called on the loop's thread with its content
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void readString(
      Path path, A attachment, CompletionHandler<String, ? super A> handler) {
    CompositeFuture.tell(loop(), () -> readStringAsync(path), attachment, handler);
  }

  /**
   * Reads a whole file of UTF-8.
   *
   * @param path the file
   * @return completes with its content
   */
  public CompletableFuture<String> readStringAsync(Path path) {
    check(path);
    return CompositeFuture.start(
        loop(), owner -> new WholeFile(owner, this).read(path).thenApply(WholeFile::decode));
  }

  /**
   * Reads a whole file of UTF-8, and waits.
   *
   * @param path the file
   * @return its content
   * @throws IOException when the system refuses
   * @throws IllegalStateException on a loop's thread
   */
  public String readString(Path path) throws IOException {
    Futures.requireMayWait();
    return Futures.await(readStringAsync(path));
  }

  /**
   * Writes a whole file.
   *
   * @param path the file
   * @param content what remains in it is written; the kernel's until the outcome
   * @param attachment given to the handler
   * @param handler called on the loop's thread with null
   * @param options as for opening; none means CREATE, TRUNCATE_EXISTING and WRITE
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void write(
      Path path,
      ByteBuffer content,
      A attachment,
      CompletionHandler<Void, ? super A> handler,
      OpenOption... options) {
    CompositeFuture.tell(loop(), () -> writeAsync(path, content, options), attachment, handler);
  }

  /**
   * Writes a whole file.
   *
   * @param path the file
   * @param content what remains in it is written; the kernel's until the outcome
   * @param options as for opening; none means CREATE, TRUNCATE_EXISTING and WRITE
   * @return completes when it is done
   */
  public CompletableFuture<Void> writeAsync(Path path, ByteBuffer content, OpenOption... options) {
    check(path);
    Objects.requireNonNull(content, "content");
    var set = WholeFile.writeOptions(options);
    return CompositeFuture.start(
        loop(), owner -> new WholeFile(owner, this).write(path, content, set));
  }

  /**
   * Writes a whole file, and waits.
   *
   * @param path the file
   * @param content what remains in it is written; the kernel's until the outcome
   * @param options as for opening; none means CREATE, TRUNCATE_EXISTING and WRITE
   * @throws IOException when the system refuses; the file may then have a part of the content
   * @throws IllegalStateException on a loop's thread
   */
  public void write(Path path, ByteBuffer content, OpenOption... options) throws IOException {
    Futures.requireMayWait();
    Futures.await(writeAsync(path, content, options));
  }

  /**
   * Writes a whole file in UTF-8.
   *
   * <p>What UTF-8 has no bytes for is a {@link java.nio.charset.CharacterCodingException}.
   *
   * @param path the file
   * @param content what to write
   * @param attachment given to the handler
   * @param handler called on the loop's thread with null
   * @param options as for opening; none means CREATE, TRUNCATE_EXISTING and WRITE
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void writeString(
      Path path,
      CharSequence content,
      A attachment,
      CompletionHandler<Void, ? super A> handler,
      OpenOption... options) {
    CompositeFuture.tell(
        loop(), () -> writeStringAsync(path, content, options), attachment, handler);
  }

  /**
   * Writes a whole file in UTF-8.
   *
   * @param path the file
   * @param content what to write
   * @param options as for opening; none means CREATE, TRUNCATE_EXISTING and WRITE
   * @return completes when it is done
   */
  public CompletableFuture<Void> writeStringAsync(
      Path path, CharSequence content, OpenOption... options) {
    check(path);
    Objects.requireNonNull(content, "content");
    var set = WholeFile.writeOptions(options);
    return CompositeFuture.start(
        loop(), owner -> new WholeFile(owner, this).write(path, WholeFile.encode(content), set));
  }

  /**
   * Writes a whole file in UTF-8, and waits.
   *
   * @param path the file
   * @param content what to write
   * @param options as for opening; none means CREATE, TRUNCATE_EXISTING and WRITE
   * @throws IOException when the system refuses; the file may then have a part of the content
   * @throws IllegalStateException on a loop's thread
   */
  public void writeString(Path path, CharSequence content, OpenOption... options)
      throws IOException {
    Futures.requireMayWait();
    Futures.await(writeStringAsync(path, content, options));
  }

  /**
   * Gives a file new content in one step, whether there is one or not.
   *
   * <p>At each moment, also after a crash, the name leads to all of the old content or all of the new. It is written to a
   * file in the same directory whose name begins with {@code .gyre-}, made durable, and renamed over the old one; then
   * the directory is made durable. When a step fails before the rename, or it is cancelled, the old content is there
   * and the new file gone; when the last step fails, the new content is there, but a power failure may bring the old
   * one back. Only the sudden end of the process leaves the new file behind. A symbolic link is itself replaced. Who
   * has the old file open keeps the old content.
   *
   * @param path the file
   * @param content what remains in it is written; the kernel's until the outcome
   * @param attachment given to the handler
   * @param handler called on the loop's thread with null
   * @param options KEEP_PERMISSIONS, or none
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void replace(
      Path path,
      ByteBuffer content,
      A attachment,
      CompletionHandler<Void, ? super A> handler,
      ReplaceOption... options) {
    CompositeFuture.tell(loop(), () -> replaceAsync(path, content, options), attachment, handler);
  }

  /**
   * Gives a file new content in one step, whether there is one or not.
   *
   * @param path the file
   * @param content what remains in it is written; the kernel's until the outcome
   * @param options KEEP_PERMISSIONS, or none
   * @return completes when it is done
   */
  public CompletableFuture<Void> replaceAsync(
      Path path, ByteBuffer content, ReplaceOption... options) {
    FileReplacement.checkName(path);
    Objects.requireNonNull(content, "content");
    var set = ReplaceOption.set(options);
    return CompositeFuture.start(
        loop(),
        owner ->
            new FileReplacement(owner, this, path, file -> file.writeFullyAsync(content, 0), set)
                .start());
  }

  /**
   * Gives a file new content in one step, whether there is one or not, and waits.
   *
   * @param path the file
   * @param content what remains in it is written; the kernel's until the outcome
   * @param options KEEP_PERMISSIONS, or none
   * @throws IOException when a step fails
   * @throws IllegalStateException on a loop's thread
   */
  public void replace(Path path, ByteBuffer content, ReplaceOption... options) throws IOException {
    Futures.requireMayWait();
    Futures.await(replaceAsync(path, content, options));
  }

  /**
   * Gives a file new content in one step, as somebody writes it.
   *
   * <p>Otherwise as {@link #replace(Path, ByteBuffer, ReplaceOption...)}. When the writer fails, so does this, and the old
   * content stays; likewise when this is cancelled, its {@link io.gyre.CancelScope} ends, or the runtime does: a writer that
   * has not ended is not waited for then, and its file is closed and removed.
   *
   * @param path the file
   * @param writer called on the loop's thread with an empty file to write; has to complete when all is written,
   *     and must not close it
   * @param attachment given to the handler
   * @param handler called on the loop's thread with null
   * @param options KEEP_PERMISSIONS, or none
   * @param <A> the attachment's type
   * @throws ShutdownChannelGroupException when the runtime has ended
   */
  public <A> void replace(
      Path path,
      Function<? super AsyncFile, ? extends CompletionStage<?>> writer,
      A attachment,
      CompletionHandler<Void, ? super A> handler,
      ReplaceOption... options) {
    CompositeFuture.tell(loop(), () -> replaceAsync(path, writer, options), attachment, handler);
  }

  /**
   * Gives a file new content in one step, as somebody writes it.
   *
   * @param path the file
   * @param writer called on the loop's thread with an empty file to write; has to complete when all is written,
   *     and must not close it
   * @param options KEEP_PERMISSIONS, or none
   * @return completes when it is done
   */
  public CompletableFuture<Void> replaceAsync(
      Path path,
      Function<? super AsyncFile, ? extends CompletionStage<?>> writer,
      ReplaceOption... options) {
    FileReplacement.checkName(path);
    Objects.requireNonNull(writer, "writer");
    var set = ReplaceOption.set(options);
    return CompositeFuture.start(
        loop(), owner -> new FileReplacement(owner, this, path, writer, set).start());
  }

  /**
   * Gives a file new content in one step, as somebody writes it, and waits.
   *
   * @param path the file
   * @param writer called on the loop's thread with an empty file to write; has to complete when all is written,
   *     and must not close it
   * @param options KEEP_PERMISSIONS, or none
   * @throws IOException when a step fails
   * @throws IllegalStateException on a loop's thread
   */
  public void replace(
      Path path,
      Function<? super AsyncFile, ? extends CompletionStage<?>> writer,
      ReplaceOption... options)
      throws IOException {
    Futures.requireMayWait();
    Futures.await(replaceAsync(path, writer, options));
  }

  @Override
  public String toString() {
    return "the file system on " + loop();
  }
}
