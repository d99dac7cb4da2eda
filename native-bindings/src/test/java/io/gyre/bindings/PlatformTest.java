package io.gyre.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class PlatformTest {
  @Test
  void everyNameOfACpuIsKnown() {
    assertEquals(Platform.Cpu.X86_64, Platform.cpuOf("amd64"));
    assertEquals(Platform.Cpu.X86_64, Platform.cpuOf("x86_64"));
    assertEquals(Platform.Cpu.AARCH64, Platform.cpuOf("aarch64"));
    assertEquals(Platform.Cpu.AARCH64, Platform.cpuOf("ARM64"));
    assertEquals(Platform.Cpu.OTHER, Platform.cpuOf("riscv64"));
  }
}
