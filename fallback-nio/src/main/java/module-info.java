/** The NIO driver: for machines whose kernel has no io_uring, or does not allow it. */
@SuppressWarnings("requires-automatic") // JCTools has an automatic module name and no descriptor
module io.gyre.nio {
  requires io.gyre;
  requires org.jctools.core;

  provides io.gyre.driver.DriverProvider with
      io.gyre.nio.NioDriverProvider;
}
