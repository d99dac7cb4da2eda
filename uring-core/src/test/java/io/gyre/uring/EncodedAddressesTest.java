package io.gyre.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gyre.bindings.sockaddr_in6;
import java.lang.foreign.Arena;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import org.junit.jupiter.api.Test;

class EncodedAddressesTest {
  @Test
  void theSameAddressOfAnotherInterfaceIsAnother() throws Exception {
    var linkLocal = new byte[16];
    linkLocal[0] = (byte) 0xfe;
    linkLocal[1] = (byte) 0x80;
    linkLocal[15] = 1;
    var addresses = new EncodedAddresses();
    try (var arena = Arena.ofConfined()) {
      var memory = arena.allocate(Messages.NAME_BYTES, Long.BYTES);
      for (int scope : new int[] {1, 2, 2, 1}) {
        var address = new InetSocketAddress(Inet6Address.getByAddress(null, linkLocal, scope), 53);
        assertEquals(28, addresses.write(address, true, memory.address()));
        assertEquals(scope, sockaddr_in6.sin6_scope_id(memory));
      }
    }
  }
}
