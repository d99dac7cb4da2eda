package io.gyre.nio;

import io.gyre.driver.AttributeRequest;
import io.gyre.driver.FileStatus;
import io.gyre.driver.FileType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFileAttributeView;
import java.util.Map;

/** What java.nio tells of files and lets be changed, which goes by their paths. */
final class Attributes {
  private static final String UNIX =
      "unix:mode,ino,dev,nlink,uid,gid,size,lastAccessTime,lastModifiedTime,ctime,creationTime";

  private Attributes() {}

  static FileStatus read(Path path, LinkOption... options) throws IOException {
    Map<String, Object> a;
    try {
      a = Files.readAttributes(path, UNIX, options);
    } catch (UnsupportedOperationException | IllegalArgumentException e) {
      return basic(Files.readAttributes(path, BasicFileAttributes.class, options));
    }
    long block = blockSize(path);
    return new FileStatus(
        (long) a.get("size"),
        (int) a.get("mode"),
        (int) a.get("uid"),
        (int) a.get("gid"),
        (int) a.get("nlink"),
        (long) a.get("ino"),
        (long) a.get("dev"),
        (FileTime) a.get("lastAccessTime"),
        (FileTime) a.get("lastModifiedTime"),
        (FileTime) a.get("ctime"),
        (FileTime) a.get("creationTime"),
        (int) block,
        -1,
        (int) block,
        (int) block);
  }

  /** For systems that are not Unix: the type is what can be told of the mode. */
  private static FileStatus basic(BasicFileAttributes a) {
    int mode =
        a.isDirectory() ? 0x4000 : a.isSymbolicLink() ? 0xA000 : a.isRegularFile() ? 0x8000 : 0;
    return new FileStatus(
        a.size(),
        mode,
        -1,
        -1,
        1,
        a.fileKey() == null ? 0 : a.fileKey().hashCode(),
        0,
        a.lastAccessTime(),
        a.lastModifiedTime(),
        a.lastModifiedTime(),
        a.creationTime(),
        0,
        -1,
        0,
        0);
  }

  /** What O_DIRECT has to be aligned to, which java.nio equates with the file system's block; 0 if that is not told. */
  private static long blockSize(Path path) {
    try {
      return Files.getFileStore(path).getBlockSize();
    } catch (IOException | UnsupportedOperationException e) {
      return 0; // for instance a link that leads nowhere
    }
  }

  /** What a name stands for, not following a link. */
  static FileType typeOf(Path path) throws IOException {
    try {
      return FileType.ofMode(
          (int) Files.readAttributes(path, "unix:mode", LinkOption.NOFOLLOW_LINKS).get("mode"));
    } catch (UnsupportedOperationException | IllegalArgumentException e) {
      return basic(Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS))
          .type();
    }
  }

  static void change(Path path, AttributeRequest request, LinkOption... options)
      throws IOException {
    if (request.uid() != -1) {
      Files.setAttribute(path, "unix:uid", request.uid(), options);
    }
    if (request.gid() != -1) {
      Files.setAttribute(path, "unix:gid", request.gid(), options);
    }
    if (request.permissions() != null) {
      var view = Files.getFileAttributeView(path, PosixFileAttributeView.class, options);
      if (view == null) {
        throw new UnsupportedOperationException("set attributes " + path + ": no permissions here");
      }
      view.setPermissions(request.permissions());
    }
    if (request.lastAccess() != null || request.lastModified() != null) {
      Files.getFileAttributeView(path, BasicFileAttributeView.class, options)
          .setTimes(request.lastModified(), request.lastAccess(), null);
    }
  }
}
