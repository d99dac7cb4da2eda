/**
 * The runtime: what users hold ({@link io.gyre}), what drivers implement ({@link io.gyre.driver}), and the io_uring
 * driver.
 */
@SuppressWarnings("requires-automatic") // JCTools has an automatic module name and no descriptor
module io.gyre {
  requires io.gyre.bindings;
  requires jdk.jfr; // looked for before use: on the class path a cut-down JVM may be without
  requires jdk.net; // ExtendedSocketOptions; as with jdk.jfr
  requires jdk.unsupported; // com.sun.nio.file.ExtendedOpenOption.DIRECT, the JDK's name for
  // O_DIRECT
  requires org.jctools.core;
  requires org.slf4j;

  exports io.gyre;
  exports io.gyre.driver;

  uses io.gyre.driver.DriverProvider;

  provides io.gyre.driver.DriverProvider with
      io.gyre.uring.UringDriverProvider;
}
