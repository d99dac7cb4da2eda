package io.gyre.uring;

import io.gyre.bindings.Libc;
import io.gyre.driver.PoolMemory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Memory of huge pages: fewer entries in the TLB, and for the kernel fewer pages to pin. First those that the
 * administrator reserved ({@code vm.nr_hugepages}), then transparent ones, then usual pages.
 *
 * <p>Every page is brought in by MADV_POPULATE_WRITE (Linux 5.14), which answers with an error where a first touch would
 * kill the process: with cgroups a reservation can be granted and its pages refused.
 */
final class HugePages {
  private static final Logger LOG = LoggerFactory.getLogger(HugePages.class);
  private static final Path MEMINFO = Path.of("/proc/meminfo");
  private static final Path TRANSPARENT = Path.of("/sys/kernel/mm/transparent_hugepage/enabled");
  private static final Path TRANSPARENT_BYTES =
      Path.of("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size");

  private HugePages() {}

  /** Memory for a pool, of the largest pages that are to be had. */
  static PoolMemory allocate(long bytes) {
    var memory = reserved(bytes);
    if (memory == null) {
      memory = transparent(bytes);
    }
    if (memory == null) {
      LOG.info("no huge pages to be had: the pool of {} bytes has usual pages", bytes);
      memory = PoolMemory.plain(bytes);
    }
    return memory;
  }

  private static PoolMemory reserved(long bytes) {
    var pageBytes = reservedPageBytes();
    if (pageBytes.isEmpty()) {
      return null;
    }
    long mapped = roundUp(bytes, pageBytes.getAsLong());
    if (mapped / 2 > bytes) {
      return null; // pages of 512 MiB or 1 GiB: most of one would lie idle
    }
    long address = map(mapped, Libc.MAP_HUGETLB());
    if (address == 0) {
      return null;
    }
    if (!populate(address, mapped)) {
      unmap(address, mapped);
      return null;
    }
    return new PoolMemory(
        own(address, bytes, address, mapped),
        "huge pages of " + (pageBytes.getAsLong() >> 10) + " KiB");
  }

  private static PoolMemory transparent(long bytes) {
    var pageBytes = transparentPageBytes();
    if (pageBytes.isEmpty()) {
      return null;
    }
    // A mapping begins where the kernel likes: as much more as is needed to begin at a huge page.
    long mapped = roundUp(bytes, pageBytes.getAsLong()) + pageBytes.getAsLong();
    long mapping = map(mapped, 0);
    if (mapping == 0) {
      return null;
    }
    long address = roundUp(mapping, pageBytes.getAsLong());
    long length = roundUp(bytes, pageBytes.getAsLong());
    if (advise(address, length, Libc.MADV_HUGEPAGE()) != 0 || !populate(address, length)) {
      unmap(mapping, mapped);
      return null;
    }
    return new PoolMemory(
        own(address, bytes, mapping, mapped),
        "transparent huge pages of " + (pageBytes.getAsLong() >> 10) + " KiB where there were any");
  }

  /** A segment that unmaps its mapping when nothing leads to it any more. */
  @SuppressWarnings("restricted") // the bounds are those of the mapping
  private static MemorySegment own(long address, long bytes, long mapping, long mapped) {
    return MemorySegment.ofAddress(address)
        .reinterpret(bytes, Arena.ofAuto(), ignored -> unmap(mapping, mapped));
  }

  /** Returns 0 when there is none. */
  private static long map(long bytes, int flags) {
    long address =
        Libc.mmap(
                MemorySegment.NULL,
                bytes,
                Libc.PROT_READ() | Libc.PROT_WRITE(),
                Libc.MAP_PRIVATE() | Libc.MAP_ANONYMOUS() | flags,
                -1,
                0)
            .address();
    return address == -1 ? 0 : address;
  }

  private static boolean populate(long address, long bytes) {
    return advise(address, bytes, Libc.MADV_POPULATE_WRITE()) == 0;
  }

  private static int advise(long address, long bytes, int advice) {
    return Libc.madvise(MemorySegment.ofAddress(address), bytes, advice);
  }

  private static void unmap(long address, long bytes) {
    Libc.munmap(MemorySegment.ofAddress(address), bytes);
  }

  private static long roundUp(long value, long unit) {
    return (value + unit - 1) / unit * unit;
  }

  private static OptionalLong reservedPageBytes() {
    try (var lines = Files.lines(MEMINFO)) {
      return lines
          .filter(line -> line.startsWith("Hugepagesize:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
          .filter(bytes -> bytes > 0)
          .findFirst();
    } catch (IOException | RuntimeException e) {
      return OptionalLong.empty(); // a kernel without them, or a /proc that is not shown
    }
  }

  private static OptionalLong transparentPageBytes() {
    try {
      if (Files.readString(TRANSPARENT).contains("[never]")) {
        return OptionalLong.empty();
      }
      return OptionalLong.of(Long.parseLong(Files.readString(TRANSPARENT_BYTES).strip()));
    } catch (IOException | RuntimeException e) {
      return OptionalLong.empty();
    }
  }
}
