package io.gyre.nio;

import io.gyre.driver.AttributeRequest;
import io.gyre.driver.Errno;
import io.gyre.driver.FileStatus;
import io.gyre.driver.OpenRequest;
import io.gyre.driver.Operation;
import io.gyre.driver.PathArgument;
import io.gyre.driver.PathRequest;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.Set;

/**
 * An operation on paths. Relative to a directory means relative to the path by which that was opened: java.nio has no
 * means to follow a directory that is renamed meanwhile.
 */
final class PathTask extends NioTask {
  private static final LinkOption[] FOLLOW = {};
  private static final LinkOption[] NO_FOLLOW = {LinkOption.NOFOLLOW_LINKS};

  private static final int NO_REPLACE = 1;
  private static final int EXCHANGE = 2;

  private final Object argument;
  private final NioFile other;
  private final String subject;

  PathTask(Operation operation) {
    super(operation);
    this.argument = operation.argument();
    this.other = (NioFile) operation.otherDescriptor();
    this.subject = operation.subject();
  }

  @Override
  protected void perform() throws IOException {
    switch (code) {
      case OPEN -> open((OpenRequest) argument);
      case ATTRIBUTES -> setValue(Attributes.read(path(), links()));
      case SET_ATTRIBUTES -> Attributes.change(path(), (AttributeRequest) argument, links());
      case MAKE_DIRECTORY -> Files.createDirectory(path(), attributes(request().permissions()));
      case REMOVE -> remove();
      case RENAME -> rename();
      case SYMBOLIC_LINK -> Files.createSymbolicLink(path(), request().second());
      case LINK -> Files.createLink(resolve(other, request().second()), path());
      case READ_LINK -> setValue(Files.readSymbolicLink(path()));
      case LIST -> setValue(file.list(flags == 1));
      default -> throw Failures.misdirected(code, "a path");
    }
  }

  private PathRequest request() {
    return (PathRequest) argument;
  }

  /** The path that it is about: the descriptor's own if none was named. */
  private Path path() {
    var path = argument instanceof PathArgument named ? named.path() : null;
    if (path != null) {
      return resolve(file, path);
    }
    if (!file.isWhatPathNames()) {
      throw unsupported(
          "reach a file whose name was removed or given to another, since java.nio goes by names");
    }
    return file.path();
  }

  private static Path resolve(NioFile directory, Path path) {
    return directory == null ? path : directory.path().resolve(path);
  }

  private LinkOption[] links() {
    return flags == 1 ? NO_FOLLOW : FOLLOW;
  }

  private static FileAttribute<?>[] attributes(Set<PosixFilePermission> permissions) {
    return permissions == null
        ? new FileAttribute<?>[0]
        : new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(permissions)};
  }

  private void open(OpenRequest request) throws IOException {
    var path = path();
    var channel =
        switch (request.kind()) {
          case FILE -> FileChannel.open(path, request.options(), attributes(request.permissions()));
          case DIRECTORY -> openDirectory(path, request);
          case UNNAMED -> openUnnamed(path, request);
        };
    setOpened(new NioFile(subject, path, channel, request, status(request, path)));
  }

  /** What is open; for what has no name any more, nothing can be told. */
  private static FileStatus status(OpenRequest request, Path path) {
    if (request.kind() == OpenRequest.Kind.UNNAMED || request.isDeleteOnClose()) {
      return null;
    }
    try {
      return Attributes.read(path);
    } catch (IOException e) {
      return null; // removed meanwhile
    }
  }

  private static FileChannel openDirectory(Path path, OpenRequest request) throws IOException {
    var links = request.isNoFollow() ? NO_FOLLOW : FOLLOW;
    if (!Attributes.read(path, links).isDirectory()) {
      throw new NotDirectoryException(path.toString());
    }
    return FileChannel.open(path, StandardOpenOption.READ);
  }

  /** A file that loses its name as soon as it is open. */
  private static FileChannel openUnnamed(Path directory, OpenRequest request) throws IOException {
    if (!Attributes.read(directory).isDirectory()) {
      throw new NotDirectoryException(directory.toString());
    }
    Set<OpenOption> options = new HashSet<>(request.options());
    options.remove(StandardOpenOption.CREATE);
    options.remove(StandardOpenOption.TRUNCATE_EXISTING);
    options.add(StandardOpenOption.CREATE_NEW);
    options.add(StandardOpenOption.DELETE_ON_CLOSE); // which java.nio does at once on Unix
    var name = ".gyre-" + java.util.UUID.randomUUID();
    return FileChannel.open(directory.resolve(name), options, attributes(request.permissions()));
  }

  private void remove() throws IOException {
    var path = path();
    boolean directory = NioFile.isDirectoryItself(path);
    if (directory != (flags == 1)) {
      setResult(-(directory ? Errno.EISDIR : Errno.ENOTDIR).number());
      return;
    }
    Files.delete(path);
  }

  private void rename() throws IOException {
    var target = resolve(other, request().second());
    if (flags == EXCHANGE) {
      throw unsupported("exchange two names in one step");
    }
    if (flags == NO_REPLACE && Files.exists(target, NO_FOLLOW)) {
      setResult(-Errno.EEXIST.number());
      return;
    }
    Files.move(path(), target, StandardCopyOption.ATOMIC_MOVE); // rename(2), which replaces
  }
}
