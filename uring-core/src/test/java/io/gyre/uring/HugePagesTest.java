package io.gyre.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.testing.DriverTest;
import io.gyre.testing.TestRuntime;
import io.gyre.testing.Waits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class HugePagesTest {
  private static final long MIB = 1 << 20;

  /** Reachable through JUnit, whatever the compiler finds out about local variables. */
  private ByteBuffer view;

  @Test
  void theMemoryIsThereWholeZeroedAndOfThePagesThatItSays() throws IOException {
    var memory = HugePages.allocate(5 * MIB); // not a multiple of a huge page
    var segment = memory.segment();
    assertEquals(5 * MIB, segment.byteSize());
    assertEquals(0, segment.address() % 4096);
    var lines = mapping(segment.address());
    assertTrue(kib(lines, "Rss:") + kib(lines, "Private_Hugetlb:") >= 5 * 1024, lines::toString);
    if (memory.pages().startsWith("transparent")) {
      assertTrue(lines.stream().anyMatch(l -> l.startsWith("VmFlags:") && l.contains(" hg")));
    } else if (memory.pages().startsWith("huge")) {
      assertTrue(kib(lines, "KernelPageSize:") > 4, lines::toString);
    } else {
      assertEquals("usual pages", memory.pages());
    }
    for (long i = 0; i < segment.byteSize(); i += 4096) {
      assertEquals(0, segment.get(ValueLayout.JAVA_LONG, i));
      segment.set(ValueLayout.JAVA_LONG, i, i);
    }
  }

  @Test
  void theMemoryIsUnmappedWhenTheLastViewIsGoneAndNotBefore() {
    var memory = HugePages.allocate(4 * MIB);
    assertFalse(memory.pages().equals("usual pages"), "none here: nothing to see");
    long address = memory.segment().address();
    view = memory.segment().asSlice(MIB, 64).asByteBuffer().slice(8, 8);
    memory = null;
    for (int i = 0; i < 5; i++) {
      System.gc();
    }
    assertFalse(mapping(address).isEmpty());
    MemorySegment.ofBuffer(view).fill((byte) 1);
    view = null;
    Waits.until(
        "the memory is unmapped",
        () -> {
          System.gc();
          return mapping(address).isEmpty();
        });
  }

  @DriverTest
  void aPoolOfHugePagesWorksAndIsRegistered(TestRuntime driver) throws Exception {
    var pool = driver.start(b -> b.hugePages(true)).loop().buffers();
    try (var buffer = pool.acquire(1 << 20)) {
      buffer.byteBuffer().put(0, (byte) 1);
      assertFalse(mapping(buffer.address()).isEmpty());
      assertTrue(pool.toString().contains(pool.pages()), pool::toString);
    }
  }

  /** What smaps says of the mapping that an address lies in; nothing if none. */
  private static List<String> mapping(long address) {
    try {
      var lines = Files.readAllLines(Path.of("/proc/self/smaps"));
      for (int i = 0; i < lines.size(); i++) {
        var range = lines.get(i).split("[- ]", 3);
        if (range.length == 3 && range[0].matches("[0-9a-f]+") && range[1].matches("[0-9a-f]+")) {
          if (Long.parseUnsignedLong(range[0], 16) <= address
              && address < Long.parseUnsignedLong(range[1], 16)) {
            return lines.subList(i, Math.min(i + 30, lines.size()));
          }
        }
      }
      return List.of();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static long kib(List<String> lines, String field) {
    return lines.stream()
        .filter(line -> line.startsWith(field))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElse(0);
  }
}
