/** The benchmarks, the peers they are held against, and the command line. */
@SuppressWarnings("requires-automatic")
module io.gyre.benchmarks {
  requires com.fasterxml.jackson.databind;
  requires info.picocli;
  requires io.gyre;
  requires io.gyre.bindings;
  requires io.gyre.fs;
  requires io.gyre.net;
  requires io.netty.buffer;
  requires io.netty.common;
  requires io.netty.transport;
  requires io.netty.transport.classes.epoll;
  requires io.netty.transport.classes.io_uring;
  requires java.management;
  requires jdk.jfr;
  requires jdk.management; // processor time and allocated bytes
  requires jmh.core;
  requires HdrHistogram;
  requires org.slf4j;

  opens io.gyre.benchmarks.cli to
      info.picocli;
}
