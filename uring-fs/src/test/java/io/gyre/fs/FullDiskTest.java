package io.gyre.fs;

import io.gyre.testing.ChildJvm;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A disk that is full in the middle of a write: a small one of our own, in a namespace that ends with the child. */
class FullDiskTest {
  @TempDir Path dir;

  @ParameterizedTest
  @ValueSource(strings = {"uring", "nio"})
  void theDurablePrefixIsReportedExactly(String driver) throws Exception {
    ChildJvm.of(FullDiskWork.class, driver, dir.toString())
        .under("unshare", "--user", "--map-root-user", "--mount")
        .under("sh", "-c", "mount -t tmpfs -o size=256k none " + dir + " && exec \"$@\"", "sh")
        .run()
        .checkSucceeded()
        .checkSaid("driver=" + driver)
        .checkSaid("checked");
  }
}
